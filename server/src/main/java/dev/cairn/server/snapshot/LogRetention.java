package dev.cairn.server.snapshot;

import dev.cairn.wal.WalConfig;

/**
 * What loop and checkpoint thread tell each other about the log: single published numbers, each written by one of them.
 */
final class LogRetention {
    /** Entries behind a snapshot that make the next one due, whatever the configuration: the log's index is in memory. */
    static final long MOST_ENTRIES_BEHIND_SNAPSHOT = WalConfig.DEFAULT_MAX_ENTRIES / 4;

    /** Entries that a transfer may keep from going, however small they are. */
    static final long MOST_RETAINED_ENTRIES = WalConfig.DEFAULT_MAX_ENTRIES / 2;

    /** Beyond a cap writes are slowed down first; the pin is dropped at the cap and a quarter. */
    static final double GIVEN_UP = 1.25;

    // Written by the loop.
    private volatile long firstIndex = 1;
    private volatile long logBytes;
    private volatile long bytesBehindSnapshot;
    private volatile long snapshotIndex;

    // Written by the checkpoint thread.
    private volatile long droppableIndex;
    private volatile boolean slowed;

    void onLogSize(final long first, final long bytes, final long index, final long behindSnapshot) {
        firstIndex = first;
        logBytes = bytes;
        bytesBehindSnapshot = behindSnapshot;
        snapshotIndex = index;
    }

    long firstIndex() {
        return firstIndex;
    }

    long logBytes() {
        return logBytes;
    }

    /** Bytes of log behind the snapshot of this index; 0 until the loop has looked since it was taken. */
    long bytesBehindSnapshot(final long index) {
        return snapshotIndex == index ? bytesBehindSnapshot : 0;
    }

    /** How much of what a transfer may keep the log holds; above 1 it is more than that. */
    double filled(final long maxBytes, final long entries) {
        return Math.max((double) logBytes / maxBytes, (double) entries / MOST_RETAINED_ENTRIES);
    }

    long droppableIndex() {
        return droppableIndex;
    }

    void allowDropping(final long upToIndex) {
        droppableIndex = upToIndex;
    }

    boolean slowsWrites() {
        return slowed;
    }

    void slowWrites(final boolean slow) {
        slowed = slow;
    }
}
