package dev.cairn.protocol;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import org.jspecify.annotations.Nullable;

/**
 * Cuts the byte stream of one connection into frames. Owned by the connection's event loop thread.
 *
 * <p>A frame that lies whole in the received buffer is handed over where it lies. The rest of a buffer is kept in one
 * cumulation buffer that grows with the bytes that arrived, never with the length that a header states, and never beyond
 * one frame. After the first bad frame nothing more is delivered: the stream has lost its framing.
 */
public final class FrameAssembler implements AutoCloseable {
    /** A cumulation buffer larger than this is given back after its frame, so that idle connections hold little. */
    static final int KEEP_CUMULATION_BYTES = 256 * 1024;

    private static final int FIRST_CUMULATION_BYTES = 4 * 1024;

    /** Receives whole frames with a valid checksum and a sound header. */
    @FunctionalInterface
    public interface FrameHandler {
        /**
         * The frame's bytes are {@code [offset, offset + length)} of {@code buffer}, valid until this returns.
         *
         * @return false to end the stream: nothing more is delivered, further bytes are dropped
         */
        boolean onFrame(ByteBuf buffer, int offset, int length);
    }

    private final FrameCodec codec = new FrameCodec();
    private final ByteBufAllocator allocator;
    private final int maxFrameBytes;
    private final FrameHandler handler;

    private @Nullable ByteBuf cumulation;
    private Status failure = Status.OK;
    private boolean ended;
    private boolean feeding;

    public FrameAssembler(ByteBufAllocator allocator, int maxFrameBytes, FrameHandler handler) {
        this.allocator = allocator;
        this.maxFrameBytes = maxFrameBytes;
        this.handler = handler;
    }

    /**
     * Takes all readable bytes of {@code in}, delivers the frames that became whole. Does not release {@code in}.
     *
     * @return OK, or why the stream is broken: FRAME_TOO_LARGE, FRAME_CORRUPT, BAD_REQUEST (and the same at each later call)
     */
    public Status feed(ByteBuf in) {
        feeding = true;
        try {
            if (cumulation != null && cumulation.isReadable()) {
                completeKeptFrame(cumulation, in);
            }
            while (!ended && in.readableBytes() >= Integer.BYTES) {
                int length = in.getIntLE(in.readerIndex());
                if (!lengthIsLegal(length) || in.readableBytes() < length) {
                    break;
                }
                int start = in.readerIndex();
                in.readerIndex(start + length);
                deliver(in, start, length);
            }
            if (!ended && in.isReadable()) {
                keep(in);
            }
        } finally {
            feeding = false;
            in.readerIndex(in.writerIndex());
            if (ended) {
                release();
            }
        }
        return failure;
    }

    /** Bytes of an incomplete frame held now. */
    public int keptBytes() {
        return cumulation == null ? 0 : cumulation.readableBytes();
    }

    /** Bytes allocated for incomplete frames now. */
    public int keptCapacity() {
        return cumulation == null ? 0 : cumulation.capacity();
    }

    /** Gives back what is allocated and holds no byte of a frame. Not from the handler. */
    public void trim() {
        if (cumulation != null && !cumulation.isReadable()) {
            release();
        }
    }

    /** Ends the stream and gives the kept bytes back. May be called from the handler. */
    @Override
    public void close() {
        ended = true;
        if (!feeding) {
            release();
        }
    }

    private void completeKeptFrame(ByteBuf kept, ByteBuf in) {
        if (kept.readableBytes() < Integer.BYTES) {
            move(in, kept, Integer.BYTES);
            if (kept.readableBytes() < Integer.BYTES || !lengthIsLegal(kept.getIntLE(0))) {
                return;
            }
        }
        int length = kept.getIntLE(0);
        move(in, kept, length);
        if (kept.readableBytes() == length) {
            deliver(kept, 0, length);
            kept.clear();
            if (kept.capacity() > KEEP_CUMULATION_BYTES) {
                release();
            }
        }
    }

    private static void move(ByteBuf in, ByteBuf kept, int targetBytes) {
        kept.writeBytes(in, Math.min(targetBytes - kept.readableBytes(), in.readableBytes()));
    }

    private void keep(ByteBuf in) {
        ByteBuf kept = cumulation;
        if (kept == null) {
            kept = allocator.buffer(Math.min(FIRST_CUMULATION_BYTES, maxFrameBytes), maxFrameBytes);
            cumulation = kept;
        }
        kept.writeBytes(in);
    }

    private boolean lengthIsLegal(int length) {
        return proceed(FrameCodec.checkLength(length, maxFrameBytes));
    }

    private void deliver(ByteBuf buffer, int offset, int length) {
        if (proceed(codec.validate(buffer, offset, length)) && !handler.onFrame(buffer, offset, length)) {
            ended = true;
        }
    }

    private boolean proceed(Status status) {
        if (status != Status.OK) {
            failure = status;
            ended = true;
        }
        return status == Status.OK;
    }

    private void release() {
        if (cumulation != null) {
            cumulation.release();
            cumulation = null;
        }
    }
}
