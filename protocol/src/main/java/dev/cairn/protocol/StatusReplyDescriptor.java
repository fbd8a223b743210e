package dev.cairn.protocol;

/**
 * Block of STATUS_REPLY; the leader's client address follows it (UTF-8, empty = unknown). Offsets from the block's start.
 *
 * <pre>
 *  +---------------------------------------------------------------+
 *  |                           node id                             |  0
 *  +---------------+---------------+-------------------------------+
 *  |     role      |  durability   |              0                |  4
 *  +---------------+---------------+-------------------------------+
 *  |                             term                              |  8
 *  +---------------------------------------------------------------+
 *  |                         commit index                          | 16
 *  +---------------------------------------------------------------+
 *  |                         applied index                         | 24
 *  +---------------------------------------------------------------+
 *  |                        last log index                         | 32
 *  +---------------------------------------------------------------+
 *  |                         durable index                         | 40
 *  +---------------------------------------------------------------+
 *  |          digest of everything applied up to applied index     | 48
 *  +---------------------------------------------------------------+
 *  |                 leader's node id (0 = unknown)                | 56
 *  +---------------------------------------------------------------+
 *  |                    leader's address length                    | 60
 *  +---------------------------------------------------------------+ 64, address ...
 * </pre>
 *
 * <p>Rows at 8 to 48 are 64 bits wide.
 */
public final class StatusReplyDescriptor {
    public static final int NODE_ID_OFFSET = 0;
    public static final int ROLE_OFFSET = 4;
    public static final int DURABILITY_OFFSET = 5;
    public static final int TERM_OFFSET = 8;
    public static final int COMMIT_INDEX_OFFSET = 16;
    public static final int APPLIED_INDEX_OFFSET = 24;
    public static final int LAST_LOG_INDEX_OFFSET = 32;
    public static final int DURABLE_INDEX_OFFSET = 40;
    public static final int DIGEST_OFFSET = 48;
    public static final int LEADER_ID_OFFSET = 56;
    public static final int LEADER_ADDRESS_LENGTH_OFFSET = 60;

    public static final int BLOCK_LENGTH = 64;

    public static final int ROLE_FOLLOWER = 1;
    public static final int ROLE_PRE_CANDIDATE = 2;
    public static final int ROLE_CANDIDATE = 3;
    public static final int ROLE_LEADER = 4;

    /** A follower whose log has lost something: it votes again when that is back. */
    public static final int ROLE_REPAIRING = 5;

    /** Writes may be acknowledged before they are forced to disk: a mode that an operator must name. */
    public static final int DURABILITY_NOT_FORCED = 0;

    /** Every acknowledged write was forced to the disks of a majority. */
    public static final int DURABILITY_FORCED = 1;

    private StatusReplyDescriptor() {}
}
