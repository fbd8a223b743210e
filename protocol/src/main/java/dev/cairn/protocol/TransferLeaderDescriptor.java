package dev.cairn.protocol;

/**
 * Block of TRANSFER_LEADER.
 *
 * <pre>
 *   0 i32 node id of the next leader, 0 = the one that is best prepared   4 i32 flags: 1 = step down without naming one
 * </pre>
 */
public final class TransferLeaderDescriptor {
    public static final int TARGET_OFFSET = 0;
    public static final int FLAGS_OFFSET = 4;
    public static final int BLOCK_LENGTH = 8;

    public static final int FLAG_STEP_DOWN = 1;

    private TransferLeaderDescriptor() {}
}
