package dev.cairn.protocol;

/**
 * Result of a RESOLVE that found its command executed: the stored answer.
 *
 * <pre>
 *   0            2       4       8           16
 *  +------------+-------+-------+-----------+--------------+
 *  | u16 status | u16 0 | i32 0 | revision  | result bytes |
 *  +------------+-------+-------+-----------+--------------+
 * </pre>
 */
public final class ResolvedAnswerDescriptor {
    public static final int STATUS_OFFSET = 0;
    public static final int REVISION_OFFSET = 8;
    public static final int RESULT_OFFSET = 16;

    private ResolvedAnswerDescriptor() {}
}
