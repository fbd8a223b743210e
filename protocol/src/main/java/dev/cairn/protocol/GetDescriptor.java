package dev.cairn.protocol;

/**
 * Block of GET; the key follows it. Offsets from the block's start.
 *
 * <pre>
 *  +---------------+-----------------------------------------------+
 *  |   read mode   |                       0                       |  0
 *  +---------------+-----------------------------------------------+
 *  |                         key length                            |  4
 *  +---------------------------------------------------------------+
 *  |     lowest revision that a STALE read may be answered at      |  8
 *  |     (0 = any)                                                 |
 *  +---------------------------------------------------------------+ 16, key ...
 * </pre>
 */
public final class GetDescriptor {
    public static final int READ_MODE_OFFSET = 0;
    public static final int KEY_LENGTH_OFFSET = 4;
    public static final int MIN_REVISION_OFFSET = 8;

    public static final int BLOCK_LENGTH = 16;

    /** Sees every write that was acknowledged before the read began. Answered by the leader only. */
    public static final int READ_LINEARIZABLE = 1;

    /** Whatever the asked node has applied; may be old. */
    public static final int READ_STALE = 2;

    /** As LINEARIZABLE, answered by the asked node: it asks the leader up to where it must have applied. */
    public static final int READ_FOLLOWER = 3;

    /** As LINEARIZABLE as long as clocks run within their bound; the leader answers without asking the others. */
    public static final int READ_LEASE = 4;

    /** Whether a read mode is one of these. */
    public static boolean isReadMode(int mode) {
        return mode >= READ_LINEARIZABLE && mode <= READ_LEASE;
    }

    private GetDescriptor() {}
}
