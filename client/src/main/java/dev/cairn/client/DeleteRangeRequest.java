package dev.cairn.client;

import dev.cairn.protocol.ClientMessageEncoder;
import dev.cairn.protocol.Status;
import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/** The removal of a range under way. */
final class DeleteRangeRequest extends CommandRequest<DeleteRangeResult> {
    private final byte[] from;
    private final byte[] to;

    DeleteRangeRequest(byte[] from, byte[] to) {
        this.from = from;
        this.to = to;
    }

    @Override
    void encode(ClientMessageEncoder encoder, ByteBuf out) {
        encoder.deleteRange(out, requestId, sessionId(), sequence, lowestOpenSequence, from, to);
    }

    @Override
    @Nullable
    DeleteRangeResult result(Status status, long revision, ByteBuf frame, int offset, int length) {
        return status == Status.OK ? new DeleteRangeResult(revision) : null;
    }

    @Override
    String verb() {
        return "delete range";
    }
}
