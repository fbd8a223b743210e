package dev.cairn.engine;

/**
 * Layout of a session's row, little-endian. One per session, rewritten once per batch that touched it.
 *
 * <pre>
 *   0            2                  4                8             16
 *  +------------+------------------+----------------+-------------+---------------------+
 *  | u16 layout | u16 blockLength  | i32 answers    | lowestOpen  | lastActiveLogTimeMs |
 *  +------------+------------------+----------------+-------------+---------------------+
 *   24                    32                36       40
 *  +---------------------+-----------------+--------+------------------+-------------------+
 *  | openedLogTimeMs     | i32 nameLength  | i32 0  | name             | answers, ascending|
 *  +---------------------+-----------------+--------+------------------+-------------------+
 *
 *  one answer, by ascending sequence:
 *   0                           2             4                    8
 *  +---------------------------+-------------+--------------------+-----------+-------------------------------+
 *  | u16 sequence - lowestOpen | u16 status  | i32 command's CRC  | revision  | i32 length + result if bit 15 |
 *  +---------------------------+-------------+--------------------+-----------+-------------------------------+
 * </pre>
 *
 * {@code name} is the text that a session was opened for, where a text chooses its id; empty otherwise. Bit 15 of {@code status} says that a result
 * follows: an answer that is repeated is repeated whole. The name comes behind {@code blockLength} bytes, so that fields can be appended.
 */
public final class SessionRowDescriptor {
    public static final int LAYOUT_OFFSET = 0;
    public static final int BLOCK_LENGTH_OFFSET = 2;
    public static final int ANSWER_COUNT_OFFSET = 4;
    public static final int LOWEST_OPEN_OFFSET = 8;
    public static final int LAST_ACTIVE_OFFSET = 16;
    public static final int OPENED_OFFSET = 24;
    public static final int NAME_LENGTH_OFFSET = 32;
    public static final int BLOCK_LENGTH = 40;

    public static final int ANSWER_SEQUENCE_OFFSET = 0;
    public static final int ANSWER_STATUS_OFFSET = 2;
    public static final int ANSWER_CRC_OFFSET = 4;
    public static final int ANSWER_REVISION_OFFSET = 8;
    public static final int ANSWER_LENGTH = 16;

    /** Length field before the bytes of a result. */
    public static final int RESULT_LENGTH_LENGTH = 4;

    /** In the status of an answer: a result follows. */
    public static final int HAS_RESULT = 1 << 15;

    /** Value of the layout field. */
    public static final int LAYOUT = 1;

    private SessionRowDescriptor() {}
}
