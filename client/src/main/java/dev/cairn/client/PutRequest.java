package dev.cairn.client;

import dev.cairn.protocol.ClientMessageEncoder;
import dev.cairn.protocol.Status;
import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/** A put without options under way. */
final class PutRequest extends CommandRequest<PutResult> {
    private final byte[] key;
    private final byte[] value;

    PutRequest(byte[] key, byte[] value) {
        this.key = key;
        this.value = value;
    }

    @Override
    void encode(ClientMessageEncoder encoder, ByteBuf out) {
        encoder.put(out, requestId, sessionId(), sequence, lowestOpenSequence, key, value);
    }

    @Override
    @Nullable
    PutResult result(Status status, long revision, ByteBuf frame, int offset, int length) {
        return status == Status.OK ? new PutResult(revision) : null;
    }

    @Override
    String verb() {
        return "put";
    }
}
