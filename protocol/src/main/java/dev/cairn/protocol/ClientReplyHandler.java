package dev.cairn.protocol;

import io.netty.buffer.ByteBuf;

/**
 * The replies of a server, decoded by {@link ClientReplyDecoder}. Byte ranges are absolute indexes in {@code frame} and
 * valid until the method returns.
 *
 * <p>A handler that never sends a certain request need not override the method for its reply: such a reply then counts as
 * one of an unknown type.
 */
public interface ClientReplyHandler {
    /** Answer to HELLO. */
    void onHelloReply(long requestId, Status status, int version, int nodeId, long clusterIdHash);

    /** Result of a command. */
    void onCommandReply(
            long requestId, Status status, long revision, ByteBuf frame, int resultOffset, int resultLength);

    /** Result of a read. */
    void onGetReply(
            long requestId,
            Status status,
            long createRevision,
            long modRevision,
            long version,
            ByteBuf frame,
            int valueOffset,
            int valueLength);

    /** A refusal; request id 0 speaks of the whole connection. Address and text may be empty. */
    void onErrorReply(long requestId, Status status, int leaderId, String leaderAddress, String text);

    /** Answer to STATUS. */
    void onStatusReply(long requestId, NodeStatus node);

    /**
     * Result of a multi-get: {@code entryCount} entries as in {@link MultiGetReplyDescriptor} fill the range exactly.
     *
     * @param revision applied index of the one moment that was read
     */
    default void onMultiGetReply(
            long requestId, Status status, long revision, int entryCount, ByteBuf frame, int offset, int length) {
        onInvalid(requestId, Status.UNKNOWN_TYPE, MessageType.MULTI_GET_REPLY);
    }

    /**
     * One chunk of a scan: {@code entryCount} entries as in {@link ScanReplyDescriptor} fill the range exactly.
     *
     * @param more further chunks wait behind {@code cursorId}; this one may be empty
     * @param cursorId 0 = finished
     * @param count entries up to here, those of earlier chunks included
     */
    default void onScanReply(
            long requestId,
            Status status,
            boolean more,
            long cursorId,
            long revision,
            long count,
            int entryCount,
            ByteBuf frame,
            int offset,
            int length) {
        onInvalid(requestId, Status.UNKNOWN_TYPE, MessageType.SCAN_REPLY);
    }

    /** The node has applied this index. */
    default void onWaitAppliedReply(long requestId, long appliedIndex) {
        onInvalid(requestId, Status.UNKNOWN_TYPE, MessageType.WAIT_APPLIED_REPLY);
    }

    /** One JSON object in UTF-8. */
    default void onNodeDetailsReply(long requestId, ByteBuf frame, int offset, int length) {
        onInvalid(requestId, Status.UNKNOWN_TYPE, MessageType.NODE_DETAILS_REPLY);
    }

    /** Who belongs to the cluster. */
    default void onMembershipReply(long requestId, ClusterMembership membership) {
        onInvalid(requestId, Status.UNKNOWN_TYPE, MessageType.MEMBERSHIP_REPLY);
    }

    /** A checkpoint is open; the range holds its manifest. */
    default void onCheckpointOpenReply(
            long requestId, long checkpointId, long index, long term, ByteBuf frame, int offset, int length) {
        onInvalid(requestId, Status.UNKNOWN_TYPE, MessageType.CHECKPOINT_OPEN_REPLY);
    }

    /** A piece of a checkpoint's file from {@code fileOffset} on; empty = end of the file. */
    default void onCheckpointReadReply(
            long requestId, Status status, long fileOffset, ByteBuf frame, int offset, int length) {
        onInvalid(requestId, Status.UNKNOWN_TYPE, MessageType.CHECKPOINT_READ_REPLY);
    }

    /**
     * The frame was whole but is no reply that this version knows: the server breaks the protocol.
     *
     * @param status BAD_REQUEST, UNKNOWN_TYPE or UNSUPPORTED_VERSION
     * @param type the frame's message type
     */
    void onInvalid(long requestId, Status status, int type);
}
