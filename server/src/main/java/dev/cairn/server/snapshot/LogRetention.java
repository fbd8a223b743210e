package dev.cairn.server.snapshot;

/**
 * What loop and checkpoint thread tell each other about the log: single published numbers, each written by one of them.
 */
final class LogRetention {
    /** Beyond the cap writes are slowed down first; the pin is dropped at the cap and a quarter. */
    private static final int SLOWED_SHARE = 4;

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

    boolean keepsTooMuch(final long maxBytes) {
        return logBytes > maxBytes + maxBytes / SLOWED_SHARE;
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
