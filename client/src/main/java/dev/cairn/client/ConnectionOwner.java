package dev.cairn.client;

import dev.cairn.protocol.ClusterMembership;
import dev.cairn.protocol.NodeStatus;
import dev.cairn.protocol.Status;
import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/** What a {@link ClientConnection} tells its owner. All calls come on the loop thread. */
interface ConnectionOwner {
    /** The greeting succeeded; requests may be sent. */
    void onReady(ClientConnection connection);

    /**
     * The connection is gone or was never made; called exactly once, nothing follows.
     *
     * @param refusal the status with which the server refused the greeting, if it did
     */
    void onClosed(ClientConnection connection, String problem, @Nullable Status refusal);

    /** The socket takes bytes again, or all that had arrived has been delivered: a moment to send. */
    void onMomentToSend(ClientConnection connection);

    void onErrorReply(ClientConnection connection, long requestId, Status status, String leaderAddress, String text);

    // Replies: an owner overrides those to the requests that it sends.

    default void onCommandReply(
            ClientConnection connection,
            long requestId,
            Status status,
            long revision,
            ByteBuf frame,
            int resultOffset,
            int resultLength) {
        closeUnasked(connection);
    }

    default void onGetReply(
            ClientConnection connection,
            long requestId,
            Status status,
            long createRevision,
            long modRevision,
            long version,
            ByteBuf frame,
            int valueOffset,
            int valueLength) {
        closeUnasked(connection);
    }

    default void onMultiGetReply(
            ClientConnection connection,
            long requestId,
            Status status,
            long revision,
            int entryCount,
            ByteBuf frame,
            int offset) {
        closeUnasked(connection);
    }

    default void onScanReply(ClientConnection connection, long requestId, Status status, ScanChunk chunk) {
        closeUnasked(connection);
    }

    default void onWaitAppliedReply(ClientConnection connection, long requestId, long appliedIndex) {
        closeUnasked(connection);
    }

    default void onStatusReply(ClientConnection connection, long requestId, NodeStatus node) {
        closeUnasked(connection);
    }

    default void onNodeDetailsReply(ClientConnection connection, long requestId, String json) {
        closeUnasked(connection);
    }

    default void onMembershipReply(ClientConnection connection, long requestId, ClusterMembership membership) {
        closeUnasked(connection);
    }

    private static void closeUnasked(ClientConnection connection) {
        connection.close("the server sent a reply to a request that nobody made");
    }
}
