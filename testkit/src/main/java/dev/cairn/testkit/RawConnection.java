package dev.cairn.testkit;

import dev.cairn.protocol.ClientMessageEncoder;
import dev.cairn.protocol.ClientReplyDecoder;
import dev.cairn.protocol.ClientReplyHandler;
import dev.cairn.protocol.FrameHeader;
import dev.cairn.protocol.NodeStatus;
import dev.cairn.protocol.Status;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One connection to one node that follows no hint and repeats nothing: for what a {@code CairnClient} would hide. One request
 * at a time, blocking, at most {@link #TIMEOUT_MS} each.
 */
public final class RawConnection implements AutoCloseable {
    /** How long an answer may take. */
    public static final int TIMEOUT_MS = 10_000;

    /**
     * What came back.
     *
     * @param revision of a command that was executed, else 0
     * @param leaderId with NOT_LEADER: who leads, 0 = unknown
     * @param leaderAddress its client address, empty = unknown
     */
    public record Answer(Status status, long revision, int leaderId, String leaderAddress) {}

    private final Socket socket;
    private final DataInputStream in;
    private final ClientMessageEncoder encoder = new ClientMessageEncoder();
    private long requestId;
    private @Nullable Answer answer;

    /** Connects and greets. */
    public RawConnection(final int port) throws IOException {
        socket = new Socket(InetAddress.getLoopbackAddress(), port);
        socket.setSoTimeout(TIMEOUT_MS);
        in = new DataInputStream(socket.getInputStream());
        ask(out -> encoder.hello(out, ++requestId, 1, 1, 0, 0));
    }

    /** Opens a session; its revision is the session's id. */
    public Answer openSession() throws IOException {
        return ask(out -> encoder.openSession(out, ++requestId));
    }

    public Answer put(final long session, final long sequence, final byte[] key, final byte[] value)
            throws IOException {
        return ask(out -> encoder.put(out, ++requestId, session, sequence, sequence, key, value));
    }

    private Answer ask(final Consumer<ByteBuf> request) throws IOException {
        final ByteBuf out = Unpooled.buffer();
        request.accept(out);
        socket.getOutputStream().write(out.array(), 0, out.readableBytes());
        answer = null;
        while (answer == null) {
            readFrame();
        }
        return answer;
    }

    private void readFrame() throws IOException {
        final byte[] head = in.readNBytes(Integer.BYTES);
        if (head.length < Integer.BYTES) {
            throw new IOException("the server closed the connection");
        }
        final int length = Unpooled.wrappedBuffer(head).readIntLE();
        final byte[] rest = in.readNBytes(length - Integer.BYTES);
        final ByteBuf frame = Unpooled.wrappedBuffer(head, rest);
        if (length < FrameHeader.HEADER_LENGTH || rest.length < length - Integer.BYTES) {
            throw new IOException("a frame of " + length + " bytes ended after " + rest.length);
        }
        ClientReplyDecoder.decode(frame, 0, length, new Answers());
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }

    /** Keeps the answer. */
    private final class Answers implements ClientReplyHandler {
        @Override
        public void onHelloReply(
                final long id, final Status status, final int version, final int nodeId, final long clusterIdHash) {
            answer = new Answer(status, 0, nodeId, "");
        }

        @Override
        public void onCommandReply(
                final long id,
                final Status status,
                final long revision,
                final ByteBuf frame,
                final int resultOffset,
                final int resultLength) {
            answer = new Answer(status, revision, 0, "");
        }

        @Override
        public void onErrorReply(
                final long id, final Status status, final int leaderId, final String leaderAddress, final String text) {
            answer = new Answer(status, 0, leaderId, leaderAddress);
        }

        @Override
        public void onGetReply(
                final long id,
                final Status status,
                final long createRevision,
                final long modRevision,
                final long version,
                final ByteBuf frame,
                final int valueOffset,
                final int valueLength) {
            answer = new Answer(status, modRevision, 0, "");
        }

        @Override
        public void onStatusReply(final long id, final NodeStatus node) {
            answer = new Answer(Status.OK, 0, node.leaderId(), node.leaderAddress());
        }

        @Override
        public void onInvalid(final long id, final Status status, final int type) {
            answer = new Answer(status, 0, 0, "");
        }
    }
}
