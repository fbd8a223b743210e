package dev.cairn.client;

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

    void onCommandReply(ClientConnection connection, long requestId, Status status, long revision);

    void onGetReply(
            ClientConnection connection,
            long requestId,
            Status status,
            long createRevision,
            long modRevision,
            long version,
            ByteBuf frame,
            int valueOffset,
            int valueLength);

    void onErrorReply(ClientConnection connection, long requestId, Status status, String leaderAddress, String text);

    void onStatusReply(ClientConnection connection, long requestId, NodeStatus node);
}
