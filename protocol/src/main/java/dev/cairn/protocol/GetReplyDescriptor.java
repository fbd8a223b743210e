package dev.cairn.protocol;

/**
 * Block of GET_REPLY; the value follows it. Offsets from the block's start. Status OK or NOT_FOUND (all numbers 0, no
 * value).
 *
 * <pre>
 *  +-------------------------------+-------------------------------+
 *  |            status             |           flags (0)           |  0
 *  +-------------------------------+-------------------------------+
 *  |                        value length                           |  4
 *  +---------------------------------------------------------------+
 *  |     create revision: index of the command that created it     |  8
 *  |                                                               |
 *  +---------------------------------------------------------------+
 *  |     modification revision: index of its last write            | 16
 *  |                                                               |
 *  +---------------------------------------------------------------+
 *  |     version: writes since creation, 1 = just created          | 24
 *  |                                                               |
 *  +---------------------------------------------------------------+ 32, value ...
 * </pre>
 */
public final class GetReplyDescriptor {
    public static final int STATUS_OFFSET = 0;
    public static final int FLAGS_OFFSET = 2;
    public static final int VALUE_LENGTH_OFFSET = 4;
    public static final int CREATE_REVISION_OFFSET = 8;
    public static final int MOD_REVISION_OFFSET = 16;
    public static final int VERSION_OFFSET = 24;

    public static final int BLOCK_LENGTH = 32;

    private GetReplyDescriptor() {}
}
