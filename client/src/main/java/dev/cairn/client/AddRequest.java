package dev.cairn.client;

import dev.cairn.protocol.ClientMessageEncoder;
import dev.cairn.protocol.Status;
import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/** An addition to a counter under way. */
final class AddRequest extends CommandRequest<CounterResult> {
    private final byte[] key;
    private final long delta;

    AddRequest(byte[] key, long delta) {
        this.key = key;
        this.delta = delta;
    }

    @Override
    void encode(ClientMessageEncoder encoder, ByteBuf out) {
        encoder.add(out, requestId, sessionId(), sequence, lowestOpenSequence, key, delta);
    }

    @Override
    @Nullable
    CounterResult result(Status status, long revision, ByteBuf frame, int offset, int length) {
        return status == Status.OK && length == Long.BYTES
                ? new CounterResult(frame.getLongLE(offset), revision)
                : null;
    }

    @Override
    String verb() {
        return "add";
    }
}
