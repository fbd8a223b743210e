package dev.cairn.protocol;

/**
 * Block of CHECKPOINT_READ_REPLY, then the bytes.
 *
 * <pre>
 *   0 u16 status   2 u16 0   4 i32 length (0 = end of the file)   8 i64 offset in the file
 * </pre>
 */
public final class CheckpointReadReplyDescriptor {
    public static final int STATUS_OFFSET = 0;
    public static final int LENGTH_OFFSET = 4;
    public static final int OFFSET_OFFSET = 8;
    public static final int BLOCK_LENGTH = 16;

    private CheckpointReadReplyDescriptor() {}
}
