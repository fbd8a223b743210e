package dev.cairn.protocol;

/**
 * Block of SCAN_NEXT and of SCAN_CLOSE.
 *
 * <pre>
 *   0 i64 cursor id
 * </pre>
 */
public final class ScanCursorDescriptor {
    public static final int CURSOR_ID_OFFSET = 0;
    public static final int BLOCK_LENGTH = 8;

    private ScanCursorDescriptor() {}
}
