package dev.cairn.protocol;

/**
 * Block of WAIT_APPLIED.
 *
 * <pre>
 *   0 i64 index   8 i32 longest wait, ms   12 i32 0
 * </pre>
 */
public final class WaitAppliedDescriptor {
    public static final int INDEX_OFFSET = 0;
    public static final int TIMEOUT_MS_OFFSET = 8;
    public static final int BLOCK_LENGTH = 16;

    private WaitAppliedDescriptor() {}
}
