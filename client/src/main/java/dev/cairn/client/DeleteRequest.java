package dev.cairn.client;

import dev.cairn.protocol.ClientMessageEncoder;
import io.netty.buffer.ByteBuf;

/** A delete under way. */
final class DeleteRequest extends Request<DeleteResult> {
    DeleteRequest(byte[] key) {
        super(key);
    }

    @Override
    boolean isWrite() {
        return true;
    }

    @Override
    void encode(ClientMessageEncoder encoder, ByteBuf out) {
        encoder.delete(out, requestId, sessionId(), sequence, lowestOpenSequence, key);
    }

    @Override
    String verb() {
        return "delete";
    }
}
