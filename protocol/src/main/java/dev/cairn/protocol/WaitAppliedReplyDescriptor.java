package dev.cairn.protocol;

/**
 * Block of WAIT_APPLIED_REPLY.
 *
 * <pre>
 *   0 i64 applied index, at least the one asked for
 * </pre>
 */
public final class WaitAppliedReplyDescriptor {
    public static final int APPLIED_INDEX_OFFSET = 0;
    public static final int BLOCK_LENGTH = 8;

    private WaitAppliedReplyDescriptor() {}
}
