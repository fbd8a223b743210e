package dev.cairn.protocol;

/**
 * One item of a PUT_BATCH command's value; items follow each other without padding.
 *
 * <pre>
 *   0                 4                                8
 *  +-----------------+--------------------------------+-----+-------+
 *  | i32 keyLength   | i32 valueLength (-1 = delete)  | key | value |
 *  +-----------------+--------------------------------+-----+-------+
 * </pre>
 *
 * <p>No key may occur twice in one batch.
 */
public final class BatchItemDescriptor {
    public static final int KEY_LENGTH_OFFSET = 0;
    public static final int VALUE_LENGTH_OFFSET = 4;
    public static final int KEY_OFFSET = 8;

    /** In place of a value length: the key is removed. */
    public static final int DELETE = -1;

    private BatchItemDescriptor() {}
}
