package dev.cairn.protocol;

/**
 * Block of CHECKPOINT_OPEN_REPLY, then the manifest's text.
 *
 * <pre>
 *   0 i64 checkpoint id   8 i64 index   16 i64 term   24 i32 manifest length   28 i32 0
 * </pre>
 */
public final class CheckpointOpenReplyDescriptor {
    public static final int CHECKPOINT_ID_OFFSET = 0;
    public static final int INDEX_OFFSET = 8;
    public static final int TERM_OFFSET = 16;
    public static final int MANIFEST_LENGTH_OFFSET = 24;
    public static final int BLOCK_LENGTH = 32;

    private CheckpointOpenReplyDescriptor() {}
}
