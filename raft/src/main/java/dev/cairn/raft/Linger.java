package dev.cairn.raft;

/**
 * Lets few entries wait on a leader while the group before them is on its way, as Nagle's algorithm does with small segments
 * (RFC 896). At some thousand puts per second each would otherwise be a message, a force and a handful of wake-ups by
 * itself, on every node, and the processors would be busy with those.
 *
 * <p>What waits leaves when the group ahead is committed, or in the first cycle behind a bound: no cycle is asked for, so without
 * any message or force that is the next tick. Where even the fastest groups take as long as the bound nothing waits at all: across a long way to the peers it would add to each put, and save processor time that such a
 * cluster does not lack.
 */
final class Linger {
    /** So many bytes go at once: a force writes whole blocks of 4 KiB, so fewer of them would be saved. */
    static final int FULL_BYTES = 4096;

    /** How slowly a rise of the times of groups is believed: one is often late for the processors' sake alone. */
    private static final int RISE = 16;

    private final long maxNs;
    private long releasedIndex;
    private long releasedNs;
    private long heldBytes;
    /** Last entry of the group that is timed, 0 = none. */
    private long timedIndex;

    private long timedSinceNs;
    private long fastestNs;

    /** @param maxNs in the first cycle behind it nothing waits any more; 0 = nothing waits */
    Linger(final long maxNs) {
        this.maxNs = maxNs;
    }

    /** What stands in the log goes out as the peers need it. */
    void becomeLeader(final long lastIndex) {
        releasedIndex = lastIndex;
        heldBytes = 0;
        timedIndex = 0;
        fastestNs = Long.MAX_VALUE;
    }

    void onAppend(final int entryBytes) {
        heldBytes += entryBytes;
    }

    /**
     * At the end of a cycle.
     *
     * @return the index of the last entry that may leave and be forced
     */
    long release(final long lastIndex, final long commitIndex, final long nowNs) {
        if (timedIndex != 0 && commitIndex >= timedIndex) {
            timedIndex = 0;
            final long tookNs = nowNs - timedSinceNs;
            fastestNs = Math.min(tookNs, fastestNs + (tookNs - fastestNs) / RISE);
        }
        if (lastIndex > releasedIndex && !mayWait(commitIndex, nowNs)) {
            releasedIndex = lastIndex;
            releasedNs = nowNs;
            heldBytes = 0;
            if (timedIndex == 0) {
                timedIndex = lastIndex;
                timedSinceNs = nowNs;
            }
        }
        return releasedIndex;
    }

    private boolean mayWait(final long commitIndex, final long nowNs) {
        return commitIndex < releasedIndex && heldBytes < FULL_BYTES && fastestNs < maxNs && nowNs - releasedNs < maxNs;
    }
}
