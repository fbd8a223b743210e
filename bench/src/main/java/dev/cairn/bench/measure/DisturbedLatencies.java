package dev.cairn.bench.measure;

import dev.cairn.bench.load.Measurement;
import dev.cairn.bench.machine.Disturbance;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.HdrHistogram.Histogram;

/**
 * Latencies of operations told apart by what was under way on any node between the moment in which they were due and their end: in
 * the histogram of every such kind, or, where there was nothing, among the quiet ones.
 */
final class DisturbedLatencies {
    private final Map<Disturbance.Kind, Covered> covered = new EnumMap<>(Disturbance.Kind.class);
    private final Map<Disturbance.Kind, Histogram> disturbed = new EnumMap<>(Disturbance.Kind.class);
    private final Histogram quiet = Measurement.newHistogram();

    /** @param disturbances by their begin */
    DisturbedLatencies(List<Disturbance> disturbances) {
        for (Disturbance.Kind kind : Disturbance.Kind.values()) {
            covered.put(
                    kind,
                    new Covered(disturbances.stream()
                            .filter(each -> each.kind() == kind)
                            .toList()));
            disturbed.put(kind, Measurement.newHistogram());
        }
    }

    /**
     * Adds an operation; microseconds as of the disturbances.
     *
     * @param latencyNs the same distance, as it was measured
     */
    void add(long dueUs, long endUs, long latencyNs) {
        long counted = Math.min(Math.max(latencyNs, 0), Measurement.MAX_LATENCY_NS);
        boolean inQuiet = true;
        for (Map.Entry<Disturbance.Kind, Covered> kind : covered.entrySet()) {
            if (kind.getValue().meets(dueUs, endUs)) {
                of(kind.getKey()).recordValue(counted);
                inQuiet = false;
            }
        }
        if (inQuiet) {
            quiet.recordValue(counted);
        }
    }

    Histogram of(Disturbance.Kind kind) {
        return Objects.requireNonNull(disturbed.get(kind));
    }

    Histogram quiet() {
        return quiet;
    }

    /** Seconds between two times in which something of the kind was under way on some node. */
    double seconds(Disturbance.Kind kind, long fromUs, long toUs) {
        return Objects.requireNonNull(covered.get(kind)).lengthUs(fromUs, toUs) / 1e6;
    }

    /** Times that are covered by some of many intervals, as intervals that neither meet nor overlap, ascending. */
    private static final class Covered {
        private final List<long[]> parts = new ArrayList<>();

        Covered(List<Disturbance> byBegin) {
            for (Disturbance each : byBegin) {
                long[] last = parts.isEmpty() ? null : parts.get(parts.size() - 1);
                if (last != null && each.beginUs() <= last[1]) {
                    last[1] = Math.max(last[1], each.endUs());
                } else {
                    parts.add(new long[] {each.beginUs(), each.endUs()});
                }
            }
        }

        /** Whether some part has a moment in common with the operation, whose own end counts. */
        boolean meets(long dueUs, long endUs) {
            int low = 0;
            int high = parts.size();
            while (low < high) {
                int middle = (low + high) >>> 1;
                if (parts.get(middle)[0] <= endUs) {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            return low > 0 && parts.get(low - 1)[1] > dueUs;
        }

        long lengthUs(long fromUs, long toUs) {
            return parts.stream()
                    .mapToLong(part -> Math.max(0, Math.min(part[1], toUs) - Math.max(part[0], fromUs)))
                    .sum();
        }
    }
}
