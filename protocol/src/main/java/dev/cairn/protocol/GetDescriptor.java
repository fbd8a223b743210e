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

    private GetDescriptor() {}
}
