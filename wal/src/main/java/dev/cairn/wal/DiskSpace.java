package dev.cairn.wal;

/**
 * How much room the disk under the log has. Segments are made only where a reserve stays free, for what else must be written
 * when a log has no room left: a store's memtables above all. Below the reserve the log's owner should take no new work.
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
        low = free < reserveBytes || (low && free - reserveBytes < segmentBytes);
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

    /** Whether less than the reserve is free. Any thread. */
    public boolean isLow() {
        return low;
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
