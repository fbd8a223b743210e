package dev.cairn.protocol;

/**
 * Block of MEMBERSHIP_REPLY, the members by rising id after it.
 *
 * <pre>
 *   0 i64 index of the configuration's entry, 0 = that of the settings    8 i64 commit index    16 i64 last log index
 *  24 i32 node id of the leader    28 u16 number of members    30 u16 bytes per member before its address, 20
 *   each:
 *   0 u16 node id    2 u8 flags    3 u8 0    4 i32 goal of a learner    8 i64 index that it is known to hold durably
 *  16 u16 0    18 u16 length of the address    20 address, host:peerPort:clientPort[:httpPort] in UTF-8
 * </pre>
 */
public final class MembershipReplyDescriptor {
    public static final int INDEX_OFFSET = 0;
    public static final int COMMIT_INDEX_OFFSET = 8;
    public static final int LAST_INDEX_OFFSET = 16;
    public static final int LEADER_ID_OFFSET = 24;
    public static final int COUNT_OFFSET = 28;
    public static final int MEMBER_LENGTH_OFFSET = 30;
    public static final int BLOCK_LENGTH = 32;

    public static final int NODE_ID_OFFSET = 0;
    public static final int FLAGS_OFFSET = 2;
    public static final int GOAL_OFFSET = 4;
    public static final int MATCH_INDEX_OFFSET = 8;
    public static final int ADDRESS_LENGTH_OFFSET = 18;
    public static final int MEMBER_LENGTH = 20;

    public static final int FLAG_VOTER = 1;
    /** A voter of the configuration that goes; while there is one, two configurations hold. */
    public static final int FLAG_OUTGOING = 2;

    public static final int FLAG_LEARNER = 4;
    /** The leader has heard it within an election timeout. */
    public static final int FLAG_REACHABLE = 8;
    /** A learner that could be promoted now. */
    public static final int FLAG_CAUGHT_UP = 16;

    /** Goal of a learner that stays one. */
    public static final int GOAL_NONE = 0;
    /** Goal of a learner that becomes a further voter. */
    public static final int GOAL_VOTER = -1;

    private MembershipReplyDescriptor() {}
}
