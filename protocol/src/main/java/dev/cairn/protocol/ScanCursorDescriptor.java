package dev.cairn.protocol;

/**
 * Block of SCAN_NEXT and of SCAN_CLOSE.
 *
 * <pre>
 *   0 i64 cursor id   8 i64 count that the chunk before stated: a request that comes twice skips nothing
 * </pre>
 */
public final class ScanCursorDescriptor {
    public static final int CURSOR_ID_OFFSET = 0;
    public static final int COUNT_OFFSET = 8;
    public static final int BLOCK_LENGTH = 16;

    private ScanCursorDescriptor() {}
}
