package dev.cairn.protocol;

/**
 * Block of COMMAND_REPLY; the result's bytes follow it. Offsets from the block's start. The status is the state machine's:
 * OK, NOT_FOUND, SESSION_EXPIRED, SEQUENCE_REUSED, SEQUENCE_OUT_OF_WINDOW; BUSY for an OPEN_SESSION without room.
 *
 * <pre>
 *  +-------------------------------+-------------------------------+
 *  |            status             |           flags (0)           |  0
 *  +-------------------------------+-------------------------------+
 *  |                        result length                          |  4
 *  +---------------------------------------------------------------+
 *  |     revision: index of the command that made the result       |  8
 *  |                                                               |
 *  +---------------------------------------------------------------+ 16, result ...
 * </pre>
 */
public final class CommandReplyDescriptor {
    public static final int STATUS_OFFSET = 0;
    public static final int FLAGS_OFFSET = 2;
    public static final int RESULT_LENGTH_OFFSET = 4;
    public static final int REVISION_OFFSET = 8;

    public static final int BLOCK_LENGTH = 16;

    private CommandReplyDescriptor() {}
}
