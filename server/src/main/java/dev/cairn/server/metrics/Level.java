package dev.cairn.server.metrics;

/** Numbers of the levels that the loop publishes of itself once per tick. */
public final class Level {
    /** 1 follower, 2 pre-candidate, 3 candidate, 4 leader, as on the wire. */
    public static final int ROLE = 0;

    public static final int TERM = 1;
    public static final int LEADER_ID = 2;
    public static final int COMMIT_INDEX = 3;
    public static final int APPLIED_INDEX = 4;
    public static final int LAST_INDEX = 5;
    public static final int DURABLE_INDEX = 6;
    public static final int FIRST_INDEX = 7;
    public static final int LOG_BYTES = 8;
    public static final int OPEN_PROPOSALS = 9;
    public static final int OPEN_PROPOSAL_BYTES = 10;
    public static final int COMMIT_RING_BYTES = 11;
    public static final int RESULT_RING_BYTES = 12;
    public static final int CLIENT_INBOX_BYTES = 13;
    public static final int PENDING_READS = 14;
    public static final int APPLIED_WAITS = 15;
    public static final int CLIENT_CONNECTIONS = 16;
    public static final int LOG_SEGMENTS = 17;
    public static final int SPARES_READY = 18;
    public static final int SPARES_RECYCLED = 19;
    public static final int DISK_FREE_BYTES = 20;
    /** 0 or 1, as the next one. */
    public static final int DISK_LOW = 21;

    public static final int APPLY_STALLED = 22;

    public static final int REPAIRING = 23;

    static final int COUNT = 24;

    private Level() {}
}
