package dev.cairn.protocol;

/**
 * A command of the replicated state machine: the variable part of COMMAND (whose block is empty) and, byte for byte, the
 * payload of the log entry. Offsets from the command's start.
 *
 * <pre>
 *  +---------------------------------------------------------------+
 *  |          session id (0 only for OPEN_SESSION)                 |  0
 *  |                                                               |
 *  +---------------------------------------------------------------+
 *  |          sequence (from 1; 0 only for OPEN_SESSION)           |  8
 *  |                                                               |
 *  +---------------------------------------------------------------+
 *  |          lowest open sequence of the client                   | 16
 *  |                                                               |
 *  +---------------+---------------+-------------------------------+
 *  |     kind      |   flags (0)   |      block length (40)        | 24
 *  +---------------+---------------+-------------------------------+
 *  |                         key length                            | 28
 *  +---------------------------------------------------------------+
 *  |                        value length                           | 32
 *  +---------------------------------------------------------------+
 *  |                              0                                | 36
 *  +---------------------------------------------------------------+
 *  |                     key, then value                       ... | 40
 * </pre>
 *
 * <p>A client that sends a sequence again sends the same bytes again, the lowest open sequence included: the state machine
 * compares their checksum.
 */
public final class CommandDescriptor {
    public static final int SESSION_ID_OFFSET = 0;
    public static final int SEQUENCE_OFFSET = 8;
    public static final int LOWEST_OPEN_SEQUENCE_OFFSET = 16;
    public static final int KIND_OFFSET = 24;
    public static final int FLAGS_OFFSET = 25;
    public static final int BLOCK_LENGTH_OFFSET = 26;
    public static final int KEY_LENGTH_OFFSET = 28;
    public static final int VALUE_LENGTH_OFFSET = 32;
    public static final int RESERVED_INT_OFFSET = 36;

    /** Bytes before the key, in version 1. A longer block's further bytes are skipped. */
    public static final int BLOCK_LENGTH = 40;

    /** Opens a session; the revision of the result is the session's id. No key, no value. */
    public static final int KIND_OPEN_SESSION = 1;

    /** Forgets the session and its stored answers. No key, no value. */
    public static final int KIND_CLOSE_SESSION = 2;

    /** Writes the key. */
    public static final int KIND_PUT = 3;

    /** Removes the key. No value. */
    public static final int KIND_DELETE = 4;

    private CommandDescriptor() {}
}
