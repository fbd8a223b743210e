package dev.cairn.testkit.sim;

/** What can happen to a simulated cluster, counted by kind. */
public enum SimFault {
    // Frames, one by one.
    LOST_FRAME(true),
    CUT_FRAME(true),
    DOUBLED_FRAME(true),
    LATE_FRAME(true),
    BROKEN_CONNECTION(true),

    // Links, for a while.
    LEADER_ALONE(false),
    HALVES(false),
    MUTE_LEADER(false),
    DEAF_LEADER(false),
    ONE_WAY_LINKS(false),
    RING(false),
    BRIDGE(false),
    CUT_PAIR(false),
    FLAPPING(false),
    SLOW_LINK(false),
    CUT_FROM_CLIENTS(false),

    /** A snapshot on its way to a peer: an answer did not come. */
    CUT_TRANSFER(false),

    // Operators.
    TRANSFER(false),
    STEP_DOWN(false),
    MEMBERSHIP_CHANGE(false),

    // Time.
    PAUSE(false),
    CLOCK_JUMP(false),
    CLOCK_RATE(false),
    /** Told to a client: the log's time has gone on without it for too long. */
    EXPIRED_SESSION(true),

    // Disks.
    SLOW_FORCE(true),
    SLOW_DISK(false),
    FULL_DISK(false),
    FAILED_FORCE(false),
    ROT(false),
    ROT_REFUSED(false),
    /** The log goes on without what was acknowledged, until peers have brought it back. */
    ROT_REPAIRED(false),
    /** The log goes on without what the store holds. */
    ROT_FORGOTTEN(false),
    COLD_READS(false),
    STORE_FLUSH(false),
    WRITE_BACK(false),

    // Ends of lives.
    PROCESS_CRASH(false),
    HOST_CRASH(false),
    CRASH_WITHIN_CHANGE(false),
    CRASH_WITHIN_START(false),
    CRASH_WITHIN_INSTALL(false),
    CRASH_WITHIN_REPAIR(false);

    private final boolean single;

    SimFault(boolean single) {
        this.single = single;
    }

    /** Whether it concerns one frame or force only: there are many of those. */
    boolean isSingle() {
        return single;
    }
}
