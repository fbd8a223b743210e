package dev.cairn.protocol;

/**
 * Block of SCAN, then {@code from} (inclusive, empty = from the first key), then {@code to} (exclusive, empty = to the last key).
 *
 * <pre>
 *   0 u8 read mode   1 u8 flags   2 u16 0   4 i32 bytes per chunk (0 = the default)   8 i64 minimum revision
 *   16 i64 limit, count of entries (0 = none)   24 i32 length of from   28 i32 length of to
 * </pre>
 */
public final class ScanDescriptor {
    public static final int READ_MODE_OFFSET = 0;
    public static final int FLAGS_OFFSET = 1;
    public static final int CHUNK_BYTES_OFFSET = 4;
    public static final int MIN_REVISION_OFFSET = 8;
    public static final int LIMIT_OFFSET = 16;
    public static final int FROM_LENGTH_OFFSET = 24;
    public static final int TO_LENGTH_OFFSET = 28;
    public static final int BLOCK_LENGTH = 32;

    /** Descending, from the last key of the range on. */
    public static final int FLAG_REVERSE = 1;

    /** Entries come without values. */
    public static final int FLAG_KEYS_ONLY = 2;

    /** No entries, only their number. */
    public static final int FLAG_COUNT_ONLY = 4;

    /** All flags that version 1 knows. */
    public static final int KNOWN_FLAGS = FLAG_REVERSE | FLAG_KEYS_ONLY | FLAG_COUNT_ONLY;

    private ScanDescriptor() {}
}
