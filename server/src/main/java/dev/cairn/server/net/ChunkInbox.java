package dev.cairn.server.net;

import io.netty.buffer.ByteBuf;
import java.util.ArrayDeque;

/**
 * Bytes that Netty has read and the agent has not yet looked at, in order of arrival. Between the two stands only this
 * queue: reading happens while Netty runs, the cycle decides when to look. Loop thread.
 *
 * <p>A read may bring much less than its buffer has room for, so buffers are counted and not the bytes in them; when many wait, what
 * fills less than half of its buffer moves into one of its size.
 */
final class ChunkInbox<C> {
    /** Takes one chunk; the inbox releases it afterwards. */
    interface Handler<C> {
        void onChunk(C connection, ByteBuf chunk);
    }

    /** From so many bytes of buffers on they are made to fit. */
    static final int ROOMY_BYTES = 4 << 20;

    private final ArrayDeque<C> connections = new ArrayDeque<>();
    private final ArrayDeque<ByteBuf> chunks = new ArrayDeque<>();
    private long bytes;

    /** Takes the chunk over. */
    void add(final C connection, final ByteBuf chunk) {
        final ByteBuf kept =
                bytes >= ROOMY_BYTES && chunk.readableBytes() < chunk.capacity() / 2 ? fitting(chunk) : chunk;
        connections.add(connection);
        chunks.add(kept);
        bytes += kept.capacity();
    }

    private static ByteBuf fitting(final ByteBuf chunk) {
        try {
            return chunk.alloc().directBuffer(chunk.readableBytes()).writeBytes(chunk);
        } finally {
            chunk.release();
        }
    }

    boolean isEmpty() {
        return chunks.isEmpty();
    }

    /** Of the buffers that wait. */
    long bytes() {
        return bytes;
    }

    /** Hands the oldest chunk out. */
    void takeOne(final Handler<C> handler) {
        final C connection = connections.remove();
        final ByteBuf chunk = chunks.remove();
        bytes -= chunk.capacity();
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
