package dev.cairn.protocol;

/**
 * Block of CHECKPOINT_READ.
 *
 * <pre>
 *   0 i64 checkpoint id   8 i32 number of the file in the manifest, from 0   12 i32 most bytes wanted   16 i64 offset in the file
 * </pre>
 */
public final class CheckpointReadDescriptor {
    public static final int CHECKPOINT_ID_OFFSET = 0;
    public static final int FILE_NUMBER_OFFSET = 8;
    public static final int MAX_BYTES_OFFSET = 12;
    public static final int OFFSET_OFFSET = 16;
    public static final int BLOCK_LENGTH = 24;

    private CheckpointReadDescriptor() {}
}
