package dev.cairn.wal;

/**
 * How much room the disk under the log has. Segments are made only where a reserve stays free, for what else must be written
 * when a log has no room left: a store's memtables above all. Below the reserve, and when the log was refused a segment above
 * it, the log's owner should take no new work.
 *
 * <p>{@link #check} belongs to the housekeeping thread; what it found may be read by any.
 */
public final class DiskSpace {
    /** So often {@link #check} looks: a system call of a microsecond, and a fast disk writes 100 MB meanwhile. */
    public static final long CHECK_NS = 100_000_000;

    private final SegmentDirectory directory;
    private final long reserveBytes;
    private final long segmentBytes;
    private volatile long freeBytes;
    private volatile boolean low;
    private volatile boolean refused;
    private long nextCheckNs;
    private boolean checked;

    DiskSpace(SegmentDirectory directory, long reserveBytes, long segmentBytes) {
        this.directory = directory;
        this.reserveBytes = reserveBytes;
        this.segmentBytes = segmentBytes;
        look();
    }

    void check(long nowNs) {
        if (!checked || nowNs - nextCheckNs >= 0) {
            checked = true;
            nextCheckNs = nowNs + CHECK_NS;
            look();
        }
    }

    /** Low below the reserve, and again enough when a segment fits above it: else the two would alternate at the mark. */
    private void look() {
        long free = directory.freeBytes();
        freeBytes = free;
        boolean segmentFits = free - reserveBytes >= segmentBytes;
        low = free < reserveBytes || (low && !segmentFits);
        if (segmentFits) {
            refused = false;
        }
    }

    /** The log needed a segment and there was no room for it. Loop thread. */
    void onRefused() {
        refused = true;
    }

    /**
     * Any thread.
     *
     * @throws NoSpaceException when so many bytes more would leave less than the reserve
     */
    void require(long bytes) {
        long free = directory.freeBytes();
        if (free - bytes < reserveBytes) {
            throw new NoSpaceException(
                    "no room for a segment: bytes=" + bytes + " free=" + free + " reserve=" + reserveBytes, null);
        }
    }

    /** Whether less than the reserve is free, or too little above it for the segment that the log needs. Any thread. */
    public boolean isLow() {
        return low || refused;
    }

    /** As of the last look. Any thread. */
    public long freeBytes() {
        return freeBytes;
    }

    /** Any thread. */
    public long reserveBytes() {
        return reserveBytes;
    }
}
