package dev.cairn.client;

import dev.cairn.protocol.ClientMessageEncoder;
import io.netty.buffer.ByteBuf;

/** A further chunk of a scan under way: only the server that has the cursor can answer it. */
final class ScanNextRequest extends Request<ScanChunk> {
    final ClientConnection holder;
    final long cursorId;
    private final long count;

    /** {@code count} as the chunk before stated it. */
    ScanNextRequest(ClientConnection holder, long cursorId, long count) {
        this.holder = holder;
        this.cursorId = cursorId;
        this.count = count;
    }

    @Override
    boolean isWrite() {
        return false;
    }

    @Override
    boolean isForAnyServer() {
        return true;
    }

    @Override
    void encode(ClientMessageEncoder encoder, ByteBuf out) {
        encoder.scanNext(out, requestId, cursorId, count);
    }

    @Override
    String verb() {
        return "scan";
    }
}
