package dev.cairn.server.net;

import dev.cairn.engine.Checkpoint;
import dev.cairn.protocol.CheckpointOpenReplyDescriptor;
import dev.cairn.protocol.CheckpointReadDescriptor;
import dev.cairn.protocol.CheckpointReadReplyDescriptor;
import dev.cairn.protocol.ErrorReplyDescriptor;
import dev.cairn.protocol.FrameCodec;
import dev.cairn.protocol.FrameHeader;
import dev.cairn.protocol.MessageType;
import dev.cairn.protocol.Status;
import dev.cairn.server.replica.PeerProtocol;
import dev.cairn.server.snapshot.CheckpointRequests;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * The serving end of a connection on which a peer reads checkpoints. Requests are handed to the thread that reads files,
 * which encodes the answers too: the loop only moves bytes to the socket.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a failed write ends the channel, and the peer comes back
final class CheckpointChannel {
    private final Channel channel;
    private final NetLoop loop;
    private final CheckpointRequests requests;

    /** Of the thread that answers. */
    private final FrameCodec codec = new FrameCodec();

    CheckpointChannel(final Channel channel, final NetLoop loop, final CheckpointRequests requests) {
        this.channel = channel;
        this.loop = loop;
        this.requests = requests;
    }

    /** Loop thread; returns what is wrong with the frame, empty when nothing is. */
    String onFrame(final ByteBuf frame, final int offset, final int length) {
        final int type = frame.getUnsignedShortLE(offset + FrameHeader.TYPE_OFFSET);
        final int blockLength = frame.getUnsignedShortLE(offset + FrameHeader.BLOCK_LENGTH_OFFSET);
        final Answer to = new Answer(frame.getLongLE(offset + FrameHeader.REQUEST_ID_OFFSET));
        final int block = offset + FrameHeader.HEADER_LENGTH;
        final boolean taken;
        if (type == MessageType.CHECKPOINT_OPEN) {
            taken = requests.open(true, to);
        } else if (type == MessageType.CHECKPOINT_READ && blockLength >= CheckpointReadDescriptor.BLOCK_LENGTH) {
            taken = requests.read(
                    true,
                    frame.getLongLE(block + CheckpointReadDescriptor.CHECKPOINT_ID_OFFSET),
                    frame.getIntLE(block + CheckpointReadDescriptor.FILE_NUMBER_OFFSET),
                    frame.getLongLE(block + CheckpointReadDescriptor.OFFSET_OFFSET),
                    frame.getIntLE(block + CheckpointReadDescriptor.MAX_BYTES_OFFSET),
                    to);
        } else {
            return "type " + type + " with a block of " + blockLength + " in " + length
                    + " bytes on a connection that reads checkpoints";
        }
        return taken ? "" : "too many requests for checkpoints wait";
    }

    /** Encodes one answer, on the thread that reads files. */
    private final class Answer implements CheckpointRequests.Replies {
        private final long requestId;

        Answer(final long requestId) {
            this.requestId = requestId;
        }

        @Override
        public void opened(final Checkpoint checkpoint, final byte[] manifest) {
            final ByteBuf out = begin(
                    MessageType.CHECKPOINT_OPEN_REPLY, CheckpointOpenReplyDescriptor.BLOCK_LENGTH, manifest.length);
            out.writeLongLE(checkpoint.id());
            out.writeLongLE(checkpoint.index());
            out.writeLongLE(checkpoint.term());
            out.writeIntLE(manifest.length);
            out.writeIntLE(0);
            out.writeBytes(manifest);
            send(out);
        }

        @Override
        public void chunk(final long offset, final ByteBuffer bytes) {
            final ByteBuf out = begin(
                    MessageType.CHECKPOINT_READ_REPLY, CheckpointReadReplyDescriptor.BLOCK_LENGTH, bytes.remaining());
            out.writeShortLE(Status.OK.code());
            out.writeShortLE(0);
            out.writeIntLE(bytes.remaining());
            out.writeLongLE(offset);
            out.writeBytes(bytes);
            send(out);
        }

        @Override
        public void refused(final Status status, final String text) {
            final byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
            final ByteBuf out = begin(MessageType.ERROR_REPLY, ErrorReplyDescriptor.BLOCK_LENGTH, utf8.length);
            out.writeShortLE(status.code());
            out.writeShortLE(0);
            out.writeIntLE(0);
            out.writeIntLE(0);
            out.writeIntLE(utf8.length);
            out.writeBytes(utf8);
            send(out);
        }

        private ByteBuf begin(final int type, final int blockLength, final int variableLength) {
            final ByteBuf out = channel.alloc().directBuffer(FrameHeader.HEADER_LENGTH + blockLength + variableLength);
            codec.begin(out, type, PeerProtocol.VERSION, requestId, blockLength);
            return out;
        }

        private void send(final ByteBuf out) {
            codec.end(out, 0);
            channel.writeAndFlush(out);
            loop.wake();
        }
    }
}
