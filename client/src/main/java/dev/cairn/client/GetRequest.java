package dev.cairn.client;

import dev.cairn.protocol.ClientMessageEncoder;
import io.netty.buffer.ByteBuf;
import java.util.Optional;

/** A point read under way. */
final class GetRequest extends Request<Optional<KeyValue>> {
    final byte[] key;
    private final ReadMode mode;
    private final long minRevision;

    GetRequest(byte[] key, ReadMode mode, long minRevision) {
        this.key = key;
        this.mode = mode;
        this.minRevision = minRevision;
    }

    @Override
    boolean isWrite() {
        return false;
    }

    @Override
    boolean isForAnyServer() {
        return mode.isForAnyServer();
    }

    @Override
    void encode(ClientMessageEncoder encoder, ByteBuf out) {
        encoder.get(out, requestId, mode.code(), minRevision, key);
    }

    @Override
    String verb() {
        return "get";
    }
}
