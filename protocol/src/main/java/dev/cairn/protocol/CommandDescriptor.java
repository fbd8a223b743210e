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
 *  |     kind      |     flags     |   block length (40 or 48)     | 24
 *  +---------------+---------------+-------------------------------+
 *  |                         key length                            | 28
 *  +---------------------------------------------------------------+
 *  |                        value length                           | 32
 *  +---------------------------------------------------------------+
 *  |     length of the expected value (FLAG_IF_VALUE, else 0)      | 36
 *  +---------------------------------------------------------------+
 *  |     expected revision (only with FLAG_IF_REVISION:            | 40
 *  |     the block then has 48 bytes)                              |
 *  +---------------------------------------------------------------+
 *  |     key, then expected value, then value                  ... | 40 or 48
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
    public static final int EXPECTED_LENGTH_OFFSET = 36;
    public static final int EXPECTED_REVISION_OFFSET = 40;

    /** Bytes before the key. A longer block's further bytes are skipped. */
    public static final int BLOCK_LENGTH = 40;

    /** Bytes before the key with {@link #FLAG_IF_REVISION}. */
    public static final int BLOCK_LENGTH_IF_REVISION = 48;

    /** PUT, DELETE: the result carries the entry as it was before the command (see {@link ResultEntryDescriptor}). */
    public static final int FLAG_WANT_PREVIOUS = 1;

    /** PUT, DELETE: only if the key's modification revision is the expected one; 0 = the key must not exist. */
    public static final int FLAG_IF_REVISION = 2;

    /** PUT, DELETE: only if the key exists with exactly the expected value. Not together with {@link #FLAG_IF_REVISION}. */
    public static final int FLAG_IF_VALUE = 4;

    /**
     * Opens a session; the revision of the result is the session's id. The key is empty, or a name that chooses the id:
     * the first 8 bytes of the name's SHA-256, little-endian, with the sign bit set. Opening a named session again is
     * harmless.
     */
    public static final int KIND_OPEN_SESSION = 1;

    /** Forgets the session and its stored answers. No key, no value. */
    public static final int KIND_CLOSE_SESSION = 2;

    /** Writes the key. */
    public static final int KIND_PUT = 3;

    /** Removes the key. No value. */
    public static final int KIND_DELETE = 4;

    /** Adds to a counter. The value is the difference, i64; the result is the new number, i64. Stored as decimal text. */
    public static final int KIND_ADD = 5;

    /** Writes and removes several keys at once. No key; the value is a list of items, see {@link BatchItemDescriptor}. */
    public static final int KIND_PUT_BATCH = 6;

    /** Removes all keys from {@code key} (inclusive) to {@code value} (exclusive, empty = to the end). */
    public static final int KIND_DELETE_RANGE = 7;

    /** Asks whether {@code sequence} was executed, and cancels it if it was not. No key, no value. */
    public static final int KIND_RESOLVE = 8;

    private CommandDescriptor() {}
}
