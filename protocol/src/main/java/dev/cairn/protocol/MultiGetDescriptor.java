package dev.cairn.protocol;

/**
 * Block of MULTI_GET, then {@code keyCount} times {i32 key length, key}.
 *
 * <pre>
 *   0 u8 read mode (see {@link GetDescriptor})   1 3 x 0   4 i32 key count   8 i64 minimum revision
 * </pre>
 */
public final class MultiGetDescriptor {
    public static final int READ_MODE_OFFSET = 0;
    public static final int KEY_COUNT_OFFSET = 4;
    public static final int MIN_REVISION_OFFSET = 8;
    public static final int BLOCK_LENGTH = 16;

    private MultiGetDescriptor() {}
}
