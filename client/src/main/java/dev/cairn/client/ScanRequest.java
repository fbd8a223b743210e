package dev.cairn.client;

import dev.cairn.protocol.ClientMessageEncoder;
import io.netty.buffer.ByteBuf;

/** The first chunk of a scan under way. Sent twice it leaves a cursor behind, which the server forgets after a while. */
final class ScanRequest extends Request<ScanChunk> {
    private final ReadMode mode;
    private final int flags;
    private final int chunkBytes;
    private final long minRevision;
    private final long limit;
    private final byte[] from;
    private final byte[] to;

    ScanRequest(ReadMode mode, int flags, int chunkBytes, long minRevision, long limit, byte[] from, byte[] to) {
        this.mode = mode;
        this.flags = flags;
        this.chunkBytes = chunkBytes;
        this.minRevision = minRevision;
        this.limit = limit;
        this.from = from;
        this.to = to;
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
        encoder.scan(out, requestId, mode.code(), flags, chunkBytes, minRevision, limit, from, to);
    }

    @Override
    String verb() {
        return "scan";
    }
}
