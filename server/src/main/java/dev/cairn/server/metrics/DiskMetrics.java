package dev.cairn.server.metrics;

/** What the log-sync thread counts: its methods that write are that thread's. */
public final class DiskMetrics {
    private final Histogram force = Histogram.ofTimes();
    private final Histogram forceBytes = Histogram.ofSizes(6, 24);
    private final Histogram hardStateWrite = Histogram.ofTimes();
    private final Counter slowForces = new Counter();

    /** One force of everything that was published. */
    public void onForce(final long ns, final long bytes) {
        force.record(ns, 1);
        forceBytes.record(bytes, 1);
    }

    public void onHardStateWrite(final long ns) {
        hardStateWrite.record(ns, 1);
    }

    /** A force, of the log or of the hard state, took longer than the limit. */
    public void onSlowForce() {
        slowForces.add(1);
    }

    Counter slowForces() {
        return slowForces;
    }

    Histogram force() {
        return force;
    }

    Histogram forceBytes() {
        return forceBytes;
    }

    Histogram hardStateWrite() {
        return hardStateWrite;
    }
}
