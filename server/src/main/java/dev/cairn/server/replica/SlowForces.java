package dev.cairn.server.replica;

import dev.cairn.server.metrics.DiskMetrics;
import dev.cairn.server.metrics.ReplicaMetrics;
import dev.cairn.wal.LogPosition;
import java.util.concurrent.TimeUnit;

/** Makes a slow disk visible: counts each force above a limit, and tells one of them once in a while. Log-sync thread. */
final class SlowForces {
    static final long PAUSE_NS = TimeUnit.SECONDS.toNanos(10);

    private final long limitNs;
    private final EventLog events;
    private final DiskMetrics metrics;
    private boolean toldBefore;
    private long toldNs;
    private long untold;

    SlowForces(final long limitNs, final EventLog events, final ReplicaMetrics metrics) {
        this.limitNs = limitNs;
        this.events = events;
        this.metrics = metrics.disk();
    }

    /**
     * A force is done.
     *
     * @param durablePosition of the log, behind it
     */
    void onForce(final String what, final long ns, final long bytes, final long durablePosition, final long nowNs) {
        if (ns <= limitNs) {
            return;
        }
        metrics.onSlowForce();
        if (toldBefore && nowNs - toldNs < PAUSE_NS) {
            untold++;
            return;
        }
        events.onSlowForce(
                what, TimeUnit.NANOSECONDS.toMillis(ns), bytes, LogPosition.toString(durablePosition), untold);
        toldBefore = true;
        toldNs = nowNs;
        untold = 0;
    }
}
