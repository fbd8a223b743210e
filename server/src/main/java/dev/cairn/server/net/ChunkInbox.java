package dev.cairn.server.net;

import io.netty.buffer.ByteBuf;
import java.util.ArrayDeque;

/**
 * Bytes that Netty has read and the agent has not yet looked at, in order of arrival. Between the two stands only this
 * queue: reading happens while Netty runs, the cycle decides when to look. Loop thread.
 */
final class ChunkInbox<C> {
    /** Takes one chunk; the inbox releases it afterwards. */
    interface Handler<C> {
        void onChunk(C connection, ByteBuf chunk);
    }

    private final ArrayDeque<C> connections = new ArrayDeque<>();
    private final ArrayDeque<ByteBuf> chunks = new ArrayDeque<>();
    private long bytes;

    void add(final C connection, final ByteBuf chunk) {
        connections.add(connection);
        chunks.add(chunk);
        bytes += chunk.readableBytes();
    }

    boolean isEmpty() {
        return chunks.isEmpty();
    }

    long bytes() {
        return bytes;
    }

    /** Hands the oldest chunk out. */
    void takeOne(final Handler<C> handler) {
        final C connection = connections.remove();
        final ByteBuf chunk = chunks.remove();
        bytes -= chunk.readableBytes();
        try {
            handler.onChunk(connection, chunk);
        } finally {
            chunk.release();
        }
    }

    void clear() {
        connections.clear();
        while (!chunks.isEmpty()) {
            chunks.remove().release();
        }
        bytes = 0;
    }
}
