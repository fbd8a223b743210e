package dev.cairn.client;

import dev.cairn.protocol.ClientMessageEncoder;
import dev.cairn.protocol.NodeStatus;
import dev.cairn.protocol.Status;
import io.netty.buffer.ByteBuf;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Asks one server for its status over a connection of its own: any server answers, leader or not. Loop thread only. */
final class StatusProbe implements ConnectionOwner {
    private static final long REQUEST_ID = 2;

    private final ClientMessageEncoder encoder;
    private final CompletableFuture<ServerStatus> answer = new CompletableFuture<>();

    StatusProbe(ClientMessageEncoder encoder) {
        this.encoder = encoder;
    }

    /** Completes normally in any case: with the status, or with the problem. */
    CompletableFuture<ServerStatus> answer() {
        return answer;
    }

    @Override
    public void onReady(ClientConnection connection) {
        ByteBuf request = connection.newBatch();
        encoder.status(request, REQUEST_ID);
        connection.write(request);
        connection.flush();
    }

    @Override
    public void onStatusReply(ClientConnection connection, long requestId, NodeStatus node) {
        answer.complete(new ServerStatus(connection.server(), node, null));
        connection.close("done");
    }

    @Override
    public void onClosed(ClientConnection connection, String problem, @Nullable Status refusal) {
        answer.complete(new ServerStatus(connection.server(), null, problem));
    }

    @Override
    public void onErrorReply(
            ClientConnection connection, long requestId, Status status, String leaderAddress, String text) {
        connection.close("the server answered " + status + (text.isEmpty() ? "" : ": " + text));
    }

    @Override
    public void onMomentToSend(ClientConnection connection) {
        // Its one request has been sent.
    }

    @Override
    public void onCommandReply(ClientConnection connection, long requestId, Status status, long revision) {
        connection.close("the server answered a status request with a command's result");
    }

    @Override
    public void onGetReply(
            ClientConnection connection,
            long requestId,
            Status status,
            long createRevision,
            long modRevision,
            long version,
            ByteBuf frame,
            int valueOffset,
            int valueLength) {
        connection.close("the server answered a status request with a read's result");
    }
}
