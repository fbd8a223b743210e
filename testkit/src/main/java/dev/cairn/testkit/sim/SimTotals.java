package dev.cairn.testkit.sim;

import java.util.Locale;
import java.util.Map;
import java.util.StringJoiner;
import java.util.concurrent.TimeUnit;

/** What many runs came to, added up; any thread. */
final class SimTotals {
    private final FaultCounts counts = new FaultCounts();
    private final long startNs = System.nanoTime();
    private long seeds;
    private long events;
    private long virtualNs;
    private long operations;
    private long unknown;
    private long committed;
    private long crashes;
    private long faults;
    private long snapshots;
    private long installed;

    synchronized void add(SimReport report) {
        seeds++;
        events += report.events();
        virtualNs += report.virtualNs();
        operations += report.operations();
        unknown += report.unknown();
        committed += report.committed();
        crashes += report.crashes();
        faults += report.faults();
        snapshots += report.snapshots();
        installed += report.installed();
        counts.add(report.faultsByKind());
    }

    synchronized long seeds() {
        return seeds;
    }

    synchronized long operations() {
        return operations;
    }

    synchronized long committed() {
        return committed;
    }

    synchronized long faults() {
        return faults;
    }

    synchronized long installed() {
        return installed;
    }

    synchronized long count(SimFault fault) {
        return counts.byKind().getOrDefault(fault, 0L);
    }

    /** Two lines. */
    synchronized String describe() {
        long ms = Math.max(1, TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - startNs));
        StringJoiner kinds = new StringJoiner(" ");
        for (Map.Entry<SimFault, Long> kind : counts.byKind().entrySet()) {
            kinds.add(kind.getKey().name().toLowerCase(Locale.ROOT).replace('_', '-') + "=" + kind.getValue());
        }
        return "seeds=" + seeds + " ms=" + ms + " seedsPerMinute=" + seeds * 60_000 / ms + " simulatedHours="
                + String.format(Locale.ROOT, "%.2f", virtualNs / 3.6e12) + " events=" + events + " operations="
                + operations
                + " unknown=" + unknown + " committed=" + committed + " crashes=" + crashes + " faults=" + faults
                + " snapshots=" + snapshots + " installed=" + installed + "\nfaults: " + kinds;
    }
}
