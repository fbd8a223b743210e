package dev.cairn.client;

import dev.cairn.protocol.ClientMessageEncoder;
import dev.cairn.protocol.Status;
import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/** A delete without options under way. */
final class DeleteRequest extends CommandRequest<DeleteResult> {
    private final byte[] key;

    DeleteRequest(byte[] key) {
        this.key = key;
    }

    @Override
    void encode(ClientMessageEncoder encoder, ByteBuf out) {
        encoder.delete(out, requestId, sessionId(), sequence, lowestOpenSequence, key);
    }

    @Override
    @Nullable
    DeleteResult result(Status status, long revision, ByteBuf frame, int offset, int length) {
        return status == Status.OK || status == Status.NOT_FOUND
                ? new DeleteResult(status == Status.OK, revision)
                : null;
    }

    @Override
    String verb() {
        return "delete";
    }
}
