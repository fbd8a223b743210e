package dev.cairn.testkit.sim;

import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;

/** The faults of one run, or of many. */
final class FaultCounts {
    /** All kinds, also those that did not happen. */
    private final Map<SimFault, Long> counts = new EnumMap<>(SimFault.class);

    FaultCounts() {
        for (SimFault fault : SimFault.values()) {
            counts.put(fault, 0L);
        }
    }

    void count(SimFault fault) {
        counts.merge(fault, 1L, Long::sum);
    }

    void add(Map<SimFault, Long> more) {
        more.forEach((fault, count) -> counts.merge(fault, count, Long::sum));
    }

    /** Those that last, and crashes: not single frames and forces. */
    int lasting() {
        long sum = 0;
        for (Map.Entry<SimFault, Long> entry : counts.entrySet()) {
            sum += entry.getKey().isSingle() ? 0 : entry.getValue();
        }
        return (int) sum;
    }

    Map<SimFault, Long> byKind() {
        return Collections.unmodifiableMap(new EnumMap<>(counts));
    }
}
