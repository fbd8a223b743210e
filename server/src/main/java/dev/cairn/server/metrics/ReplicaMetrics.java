package dev.cairn.server.metrics;

import java.util.function.LongSupplier;

/** The numbers of a replica, by the thread that writes them. They outlive a replica that a snapshot replaces. */
public final class ReplicaMetrics {
    private final LongSupplier clock;
    private final LoopMetrics loop;
    private final DiskMetrics disk = new DiskMetrics();
    private final Histogram applyBatch = Histogram.ofSizes(0, 12);
    private final Counter sessions = new Counter();
    private final Counter storeBytes = new Counter();
    private final Histogram slowRead = Histogram.ofTimes();

    /**
     * Numbers of a node.
     *
     * @param clock monotonic nanoseconds, for threads that have no clock of their own
     * @param peers node ids of the other members
     */
    public ReplicaMetrics(final LongSupplier clock, final int... peers) {
        this.clock = clock;
        loop = new LoopMetrics(peers);
    }

    /** Numbers that nobody looks at, of a replica without a clock. */
    public static ReplicaMetrics unread() {
        return new ReplicaMetrics(() -> 0);
    }

    public long nowNs() {
        return clock.getAsLong();
    }

    /** Loop thread. */
    public LoopMetrics loop() {
        return loop;
    }

    /** Log-sync thread. */
    public DiskMetrics disk() {
        return disk;
    }

    /** Apply thread: entries per atomic write of the store. */
    public Histogram applyBatch() {
        return applyBatch;
    }

    /** Apply thread: open sessions. */
    public Counter sessions() {
        return sessions;
    }

    /** Housekeeping thread: bytes of the store's files. */
    public Counter storeBytes() {
        return storeBytes;
    }

    /** Reader thread: point reads that needed the disk. */
    public Histogram slowRead() {
        return slowRead;
    }
}
