package dev.cairn.bench.floor;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Finds the {@link FloorFrame}s in what a connection brings and checks each, without a copy but for a frame that two reads divide.
 * What is answered is collected, and sent with one write and one flush. Its event loop only.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a failed write or close ends the channel, and that is handled there
abstract class FloorConnection extends ChannelInboundHandlerAdapter {
    private static final int ANSWERS_BYTES = 16 << 10;

    final CRC32C crc = new CRC32C();
    final Channel channel;
    private @Nullable ByteBuf rest;
    private @Nullable ByteBuf answers;

    FloorConnection(Channel channel) {
        this.channel = channel;
    }

    /** A whole frame; valid until the return. */
    void onFrame(ByteBuf buffer, int offset, int length) {}

    /** All whole frames of one read together; valid until the return, or longer when retained. */
    void onFrames(ByteBuf buffer, int offset, int length) {}

    /** All that had arrived has been handed over. */
    abstract void onCycleEnd();

    /** The connection has ended; the cause is null when the other side has just closed it. */
    abstract void onEnd(@Nullable Throwable cause);

    /** Where to put what {@link #sendAnswers} sends. */
    final ByteBuf answers() {
        ByteBuf buffer = answers;
        if (buffer == null) {
            buffer = channel.alloc().directBuffer(ANSWERS_BYTES);
            answers = buffer;
        }
        return buffer;
    }

    final void sendAnswers() {
        ByteBuf buffer = answers;
        if (buffer != null) {
            answers = null;
            channel.writeAndFlush(buffer, channel.voidPromise());
        }
    }

    @Override
    public final void channelRead(ChannelHandlerContext context, Object message) {
        ByteBuf in = joined((ByteBuf) message);
        int begin = in.readerIndex();
        int end = in.writerIndex();
        int at = begin;
        while (end - at >= FloorFrame.HEADER_LENGTH) {
            int length = in.getIntLE(at);
            if (length < FloorFrame.HEADER_LENGTH || length > FloorFrame.MAX_LENGTH) {
                throw new IllegalStateException("a frame of length " + length);
            }
            if (end - at < length) {
                break;
            }
            if (in.getIntLE(at + Integer.BYTES) != FloorFrame.checksum(in, at, length, crc)) {
                throw new IllegalStateException("a frame of length " + length + " with a wrong checksum");
            }
            onFrame(in, at, length);
            at += length;
        }
        if (at > begin) {
            onFrames(in, begin, at - begin);
        }
        if (at < end) {
            rest = in.readerIndex(at);
        } else {
            in.release();
        }
    }

    private ByteBuf joined(ByteBuf more) {
        ByteBuf begun = rest;
        if (begun == null) {
            return more;
        }
        rest = null;
        ByteBuf both = channel.alloc().directBuffer(begun.readableBytes() + more.readableBytes());
        both.writeBytes(begun).writeBytes(more);
        begun.release();
        more.release();
        return both;
    }

    @Override
    public final void channelReadComplete(ChannelHandlerContext context) {
        onCycleEnd();
    }

    @Override
    public final void channelInactive(ChannelHandlerContext context) {
        onEnd(null);
    }

    @Override
    public final void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        onEnd(cause);
        context.close();
    }
}
