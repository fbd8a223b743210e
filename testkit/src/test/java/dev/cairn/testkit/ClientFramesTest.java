package dev.cairn.testkit;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.client.CairnClient;
import dev.cairn.covers.Covers;
import dev.cairn.protocol.ClientMessageEncoder;
import dev.cairn.protocol.FrameCodec;
import dev.cairn.protocol.FrameHeader;
import dev.cairn.protocol.GetDescriptor;
import dev.cairn.protocol.MessageType;
import dev.cairn.protocol.Status;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Frames as docs/protocol.md allows and forbids them, on the socket of a real node. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
@Covers("O04")
class ClientFramesTest {
    private static final int MULTI_GET_BLOCK = 16;
    private static final int SCAN_BLOCK = 32;

    @TempDir
    static Path directory;

    private static InProcessCluster cluster;
    /** Keeps its session: no entry comes while the tests compare revisions. */
    private static CairnClient client;

    private final ClientMessageEncoder encoder = new ClientMessageEncoder();
    private final FrameCodec codec = new FrameCodec();
    private final ByteBuf out = Unpooled.buffer();
    private Socket socket;
    private DataInputStream in;
    private long lastRequestId;

    /** A frame that came back; the body begins with the block, a character per byte. */
    private record Reply(int type, long requestId, String body) {
        /** The first field of every block that was asked for here. */
        Status status() {
            return Status.of(body.charAt(0) | body.charAt(1) << 8);
        }
    }

    @BeforeAll
    static void start() {
        cluster = new InProcessCluster(directory, 1).startAll();
        cluster.awaitLeader();
        client = cluster.connect();
        client.put(bytes("a"), bytes("one"));
        client.put(bytes("b"), bytes("two"));
    }

    @AfterAll
    static void stop() {
        client.close();
        cluster.close();
    }

    @BeforeEach
    void connect() throws IOException {
        socket = new Socket(InetAddress.getLoopbackAddress(), cluster.network().listeningClientPort(1));
        socket.setSoTimeout(30_000);
        in = new DataInputStream(socket.getInputStream());
        encoder.hello(out, ++lastRequestId, 1, 1, 0, 0);
        send();
        assertThat(read().status()).isEqualTo(Status.OK);
    }

    @AfterEach
    void disconnect() throws IOException {
        socket.close();
    }

    private static byte[] bytes(final String text) {
        return text.getBytes(UTF_8);
    }

    private void send() throws IOException {
        out.readBytes(socket.getOutputStream(), out.readableBytes());
        out.clear();
    }

    private Reply read() throws IOException {
        final int length = Integer.reverseBytes(in.readInt());
        final ByteBuf frame =
                Unpooled.buffer(length).writeIntLE(length).writeBytes(in.readNBytes(length - Integer.BYTES));
        final byte[] body = new byte[length - FrameHeader.HEADER_LENGTH];
        frame.getBytes(FrameHeader.HEADER_LENGTH, body);
        return new Reply(
                frame.getUnsignedShortLE(FrameHeader.TYPE_OFFSET),
                frame.getLongLE(FrameHeader.REQUEST_ID_OFFSET),
                new String(body, ISO_8859_1));
    }

    private Reply ask(final Consumer<ByteBuf> request) throws IOException {
        lastRequestId++;
        request.accept(out);
        send();
        final Reply reply = read();
        assertThat(reply.requestId()).isEqualTo(lastRequestId);
        return reply;
    }

    private void multiGet(final ByteBuf to) {
        encoder.multiGet(to, lastRequestId, GetDescriptor.READ_LINEARIZABLE, 0, List.of(bytes("b"), bytes("none")));
    }

    private void scan(final ByteBuf to) {
        encoder.scan(to, lastRequestId, GetDescriptor.READ_LINEARIZABLE, 0, 0, 0, 0, bytes("a"), bytes("c"));
    }

    private void get(final ByteBuf to) {
        encoder.get(to, lastRequestId, GetDescriptor.READ_LINEARIZABLE, 0, bytes("a"));
    }

    /** The same frame with its block made so much longer, or shorter. */
    private void withBlockOf(final int blockLength, final Consumer<ByteBuf> request, final ByteBuf to) {
        final ByteBuf frame = Unpooled.buffer();
        request.accept(frame);
        final int known = frame.getUnsignedShortLE(FrameHeader.BLOCK_LENGTH_OFFSET);
        final int start = codec.begin(
                to,
                frame.getUnsignedShortLE(FrameHeader.TYPE_OFFSET),
                FrameHeader.CLIENT_VERSION,
                frame.getLongLE(FrameHeader.REQUEST_ID_OFFSET),
                blockLength);
        to.writeBytes(frame, FrameHeader.HEADER_LENGTH, Math.min(known, blockLength));
        for (int i = known; i < blockLength; i++) {
            to.writeByte(0xEE);
        }
        final int variable = FrameHeader.HEADER_LENGTH + known;
        to.writeBytes(frame, variable, frame.writerIndex() - variable);
        codec.end(to, start);
    }

    @Test
    void bytesOfABlockBeyondThoseKnownAreSkipped() throws IOException {
        final String gets = ask(this::multiGet).body();
        assertThat(ask(to -> withBlockOf(MULTI_GET_BLOCK + 8, this::multiGet, to))
                        .body())
                .isEqualTo(gets);
        assertThat(ask(to -> withBlockOf(MULTI_GET_BLOCK + 1, this::multiGet, to))
                        .body())
                .isEqualTo(gets);
        final String scanned = ask(this::scan).body();
        assertThat(scanned).contains("one", "two");
        assertThat(ask(to -> withBlockOf(SCAN_BLOCK + 40, this::scan, to)).body())
                .isEqualTo(scanned);
        final String got = ask(this::get).body();
        assertThat(ask(to -> withBlockOf(GetDescriptor.BLOCK_LENGTH + 8, this::get, to))
                        .body())
                .isEqualTo(got);
    }

    @Test
    void aShorterBlockIsRefusedAndTheConnectionLives() throws IOException {
        for (final Reply reply : List.of(
                ask(to -> withBlockOf(MULTI_GET_BLOCK - 1, this::multiGet, to)),
                ask(to -> withBlockOf(SCAN_BLOCK - 8, this::scan, to)),
                ask(to -> withBlockOf(0, this::get, to)))) {
            assertThat(reply.type()).isEqualTo(MessageType.ERROR_REPLY);
            assertThat(reply.status()).isEqualTo(Status.BAD_REQUEST);
        }
        assertThat(ask(this::get).type()).isEqualTo(MessageType.GET_REPLY);
    }

    @Test
    void bytesWhereNoneBelongAreRefusedAndTheConnectionLives() throws IOException {
        for (final int type : new int[] {
            MessageType.STATUS,
            MessageType.NODE_DETAILS,
            MessageType.CHECKPOINT_OPEN,
            MessageType.CHECKPOINT_READ,
            MessageType.SCAN_NEXT,
            MessageType.SCAN_CLOSE,
            MessageType.WAIT_APPLIED,
            MessageType.TRANSFER_LEADER,
            MessageType.CHANGE_MEMBERSHIP
        }) {
            final Reply reply = ask(to -> {
                final int start = codec.begin(to, type, FrameHeader.CLIENT_VERSION, lastRequestId, 64);
                to.writeIntLE(0).writeIntLE(0).writeIntLE(1).writeZero(52).writeByte(7);
                codec.end(to, start);
            });
            assertThat(reply.type()).as("type %d", type).isEqualTo(MessageType.ERROR_REPLY);
            assertThat(reply.status()).as("type %d", type).isEqualTo(Status.BAD_REQUEST);
        }
        assertThat(ask(this::get).type()).isEqualTo(MessageType.GET_REPLY);
    }

    @Test
    void aFrameOfAnotherVersionIsRefusedAndTheConnectionLives() throws IOException {
        for (final int version : new int[] {0, 2, 255}) {
            final Reply reply = ask(to -> {
                final int start = codec.begin(to, MessageType.STATUS, version, lastRequestId, 0);
                codec.end(to, start);
            });
            assertThat(reply.type()).isEqualTo(MessageType.ERROR_REPLY);
            assertThat(reply.status()).isEqualTo(Status.UNSUPPORTED_VERSION);
            assertThat(reply.body()).contains("version " + version);
        }
        assertThat(ask(this::get).type()).isEqualTo(MessageType.GET_REPLY);
    }

    @Test
    void aRequestWithoutIdEndsTheConnection() throws IOException {
        encoder.status(out, 0);
        encoder.status(out, 77);
        send();
        final Reply reply = read();
        assertThat(reply.type()).isEqualTo(MessageType.ERROR_REPLY);
        assertThat(reply.requestId()).isZero();
        assertThat(reply.status()).isEqualTo(Status.BAD_REQUEST);
        assertThat(reply.body()).contains("request id 0");
        assertThat(in.read()).isEqualTo(-1);
    }

    @Test
    void whoShutsItsOutputDownGetsAllAnswersFirst() throws IOException {
        final int requests = 50;
        final boolean[] answered = new boolean[requests];
        final long first = lastRequestId + 1;
        for (int i = 0; i < requests; i++) {
            lastRequestId++;
            if (i % 2 == 0) {
                get(out);
            } else {
                scan(out);
            }
        }
        send();
        socket.shutdownOutput();
        for (int i = 0; i < requests; i++) {
            final Reply reply = read();
            assertThat(reply.type()).isIn(MessageType.GET_REPLY, MessageType.SCAN_REPLY);
            answered[(int) (reply.requestId() - first)] = true;
        }
        final boolean[] all = new boolean[requests];
        Arrays.fill(all, true);
        assertThat(answered).isEqualTo(all);
        assertThat(in.read()).isEqualTo(-1);
    }
}
