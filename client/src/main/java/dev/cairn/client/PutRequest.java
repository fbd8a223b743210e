package dev.cairn.client;

import dev.cairn.protocol.ClientMessageEncoder;
import io.netty.buffer.ByteBuf;

/** A put under way. */
final class PutRequest extends Request<PutResult> {
    private final byte[] value;

    PutRequest(byte[] key, byte[] value) {
        super(key);
        this.value = value;
    }

    @Override
    boolean isWrite() {
        return true;
    }

    @Override
    void encode(ClientMessageEncoder encoder, ByteBuf out) {
        encoder.put(out, requestId, sessionId(), sequence, lowestOpenSequence, key, value);
    }

    @Override
    String verb() {
        return "put";
    }
}
