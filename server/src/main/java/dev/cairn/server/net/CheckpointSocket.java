package dev.cairn.server.net;

import dev.cairn.protocol.CheckpointOpenReplyDescriptor;
import dev.cairn.protocol.CheckpointReadDescriptor;
import dev.cairn.protocol.CheckpointReadReplyDescriptor;
import dev.cairn.protocol.ErrorReplyDescriptor;
import dev.cairn.protocol.FrameCodec;
import dev.cairn.protocol.FrameHeader;
import dev.cairn.protocol.HelloDescriptor;
import dev.cairn.protocol.HelloReplyDescriptor;
import dev.cairn.protocol.Limits;
import dev.cairn.protocol.MessageType;
import dev.cairn.protocol.Status;
import dev.cairn.server.replica.PeerProtocol;
import dev.cairn.server.replica.PeerProtocol.Hello;
import dev.cairn.server.snapshot.CheckpointConnection;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Reads checkpoints over a plain blocking socket: of a peer, or as a client. One thread, one request at a time. It stands
 * apart from the loop's transports, so a transfer shares neither thread nor buffers with consensus.
 */
public final class CheckpointSocket implements CheckpointConnection {
    private static final int CONNECT_TIMEOUT_MS = 2_000;

    /** Longer than a client waits for a checkpoint of what is applied now. */
    private static final int ANSWER_TIMEOUT_MS = 90_000;

    private static final int PEER_ANSWER_TIMEOUT_MS = 10_000;

    private final Socket socket;
    private final DataInputStream in;
    private final int version;
    private final FrameCodec codec = new FrameCodec();
    private final ByteBuf request = Unpooled.buffer(256);
    private final ByteBuf reply = Unpooled.buffer(64 << 10, Limits.MAX_FRAME_BYTES);
    private long lastRequestId;

    private CheckpointSocket(final Socket socket, final int version, final int timeoutMs) throws IOException {
        this.socket = socket;
        this.version = version;
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(timeoutMs);
        in = new DataInputStream(socket.getInputStream());
    }

    /** To a peer's peer port, as this node. */
    public static CheckpointSocket toPeer(
            final String host, final int port, final int peerId, final NettyPeerTransport.Self self)
            throws IOException {
        final CheckpointSocket connected =
                new CheckpointSocket(connect(host, port), PeerProtocol.VERSION, PEER_ANSWER_TIMEOUT_MS);
        try {
            connected.greetPeer(peerId, self);
            return connected;
        } catch (IOException | RuntimeException e) {
            connected.close();
            throw e;
        }
    }

    /**
     * To a node's client port, as a client.
     *
     * @param clusterIdHash 0 = any cluster
     */
    public static CheckpointSocket toServer(final String host, final int port, final long clusterIdHash)
            throws IOException {
        final CheckpointSocket connected =
                new CheckpointSocket(connect(host, port), FrameHeader.CLIENT_VERSION, ANSWER_TIMEOUT_MS);
        try {
            connected.greetServer(clusterIdHash);
            return connected;
        } catch (IOException | RuntimeException e) {
            connected.close();
            throw e;
        }
    }

    private static Socket connect(final String host, final int port) throws IOException {
        final Socket socket = new Socket();
        try {
            socket.connect(new InetSocketAddress(host, port), CONNECT_TIMEOUT_MS);
            return socket;
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    private void greetPeer(final int peerId, final NettyPeerTransport.Self self) throws IOException {
        begin(PeerProtocol.HELLO, Hello.BLOCK_LENGTH_WITH_PURPOSE);
        request.writeIntLE(Hello.MAGIC);
        request.writeShortLE(PeerProtocol.VERSION);
        request.writeShortLE(Status.OK.code());
        request.writeLongLE(self.clusterIdHash());
        request.writeIntLE(self.nodeId());
        request.writeIntLE(peerId);
        request.writeLongLE(self.storageId());
        request.writeIntLE(Hello.PURPOSE_CHECKPOINTS);
        request.writeIntLE(0);
        call(PeerProtocol.HELLO_REPLY, Hello.BLOCK_LENGTH);
        final Status status = Status.of(reply.getUnsignedShortLE(FrameHeader.HEADER_LENGTH + Hello.STATUS_OFFSET));
        if (status != Status.OK) {
            throw new Refused("node " + peerId + " refuses this node: " + status);
        }
    }

    private void greetServer(final long clusterIdHash) throws IOException {
        begin(MessageType.HELLO, HelloDescriptor.BLOCK_LENGTH);
        request.writeIntLE(HelloDescriptor.MAGIC);
        request.writeShortLE(FrameHeader.CLIENT_VERSION);
        request.writeShortLE(FrameHeader.CLIENT_VERSION);
        request.writeLongLE(clusterIdHash);
        request.writeLongLE(0);
        call(MessageType.HELLO_REPLY, HelloReplyDescriptor.BLOCK_LENGTH);
        final Status status =
                Status.of(reply.getUnsignedShortLE(FrameHeader.HEADER_LENGTH + HelloReplyDescriptor.STATUS_OFFSET));
        if (status != Status.OK) {
            throw new Refused("the server refuses this client: " + status);
        }
    }

    @Override
    public byte[] open() throws IOException {
        begin(MessageType.CHECKPOINT_OPEN, 0);
        final int at = call(MessageType.CHECKPOINT_OPEN_REPLY, CheckpointOpenReplyDescriptor.BLOCK_LENGTH);
        final int length =
                reply.getIntLE(FrameHeader.HEADER_LENGTH + CheckpointOpenReplyDescriptor.MANIFEST_LENGTH_OFFSET);
        if (length != reply.writerIndex() - at) {
            throw new IOException(
                    "manifest of " + length + " bytes stated, " + (reply.writerIndex() - at) + " received");
        }
        final byte[] manifest = new byte[length];
        reply.getBytes(at, manifest);
        return manifest;
    }

    @Override
    public ByteBuffer read(final long checkpointId, final int fileNumber, final long offset, final int maxBytes)
            throws IOException {
        begin(MessageType.CHECKPOINT_READ, CheckpointReadDescriptor.BLOCK_LENGTH);
        request.writeLongLE(checkpointId);
        request.writeIntLE(fileNumber);
        request.writeIntLE(maxBytes);
        request.writeLongLE(offset);
        final int at = call(MessageType.CHECKPOINT_READ_REPLY, CheckpointReadReplyDescriptor.BLOCK_LENGTH);
        final int block = FrameHeader.HEADER_LENGTH;
        final Status status = Status.of(reply.getUnsignedShortLE(block + CheckpointReadReplyDescriptor.STATUS_OFFSET));
        if (status != Status.OK) {
            throw new Refused("reading of the checkpoint was refused: " + status);
        }
        final int length = reply.getIntLE(block + CheckpointReadReplyDescriptor.LENGTH_OFFSET);
        final long answered = reply.getLongLE(block + CheckpointReadReplyDescriptor.OFFSET_OFFSET);
        if (length != reply.writerIndex() - at || length > maxBytes || answered != offset) {
            throw new IOException(length + " bytes at offset " + answered + " were sent, at most " + maxBytes
                    + " at offset " + offset + " were asked for");
        }
        return reply.nioBuffer(at, length);
    }

    private void begin(final int type, final int blockLength) {
        request.clear();
        codec.begin(request, type, version, ++lastRequestId, blockLength);
    }

    /** Sends the request and waits for its answer; returns where the variable part of the answer begins. */
    private int call(final int expectedType, final int expectedBlockLength) throws IOException {
        codec.end(request, 0);
        socket.getOutputStream().write(request.array(), request.arrayOffset(), request.writerIndex());
        receive();
        final int type = reply.getUnsignedShortLE(FrameHeader.TYPE_OFFSET);
        final int blockLength = reply.getUnsignedShortLE(FrameHeader.BLOCK_LENGTH_OFFSET);
        if (type == MessageType.ERROR_REPLY && blockLength >= ErrorReplyDescriptor.BLOCK_LENGTH) {
            throw refusal(FrameHeader.HEADER_LENGTH, FrameHeader.HEADER_LENGTH + blockLength);
        }
        if (type != expectedType || blockLength < expectedBlockLength) {
            throw new IOException("answer of type " + type + " with a block of " + blockLength + ", expected type "
                    + expectedType + " with " + expectedBlockLength);
        }
        return FrameHeader.HEADER_LENGTH + blockLength;
    }

    private void receive() throws IOException {
        reply.clear();
        final byte[] header = in.readNBytes(FrameHeader.HEADER_LENGTH);
        if (header.length < FrameHeader.HEADER_LENGTH) {
            throw new EOFException("the connection was closed");
        }
        reply.writeBytes(header);
        final int length = reply.getIntLE(FrameHeader.LENGTH_OFFSET);
        final Status sane = FrameCodec.checkLength(length, Limits.MAX_FRAME_BYTES);
        if (sane != Status.OK) {
            throw new IOException("an answer that is no frame of this protocol: " + sane);
        }
        reply.ensureWritable(length - FrameHeader.HEADER_LENGTH);
        in.readFully(
                reply.array(), reply.arrayOffset() + FrameHeader.HEADER_LENGTH, length - FrameHeader.HEADER_LENGTH);
        reply.writerIndex(length);
        final Status valid = codec.validate(reply, 0, length);
        if (valid != Status.OK) {
            throw new IOException("an answer that is damaged: " + valid);
        }
    }

    private Refused refusal(final int block, final int variable) {
        final Status status = Status.of(reply.getUnsignedShortLE(block + ErrorReplyDescriptor.STATUS_OFFSET));
        final int addressLength = reply.getIntLE(block + ErrorReplyDescriptor.ADDRESS_LENGTH_OFFSET);
        final int textLength = reply.getIntLE(block + ErrorReplyDescriptor.TEXT_LENGTH_OFFSET);
        final boolean fits = addressLength >= 0
                && textLength >= 0
                && (long) variable + addressLength + textLength <= reply.writerIndex();
        return new Refused(
                fits
                        ? status + ": " + reply.toString(variable + addressLength, textLength, StandardCharsets.UTF_8)
                        : status.toString());
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
