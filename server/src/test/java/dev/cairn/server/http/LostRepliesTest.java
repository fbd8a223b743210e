package dev.cairn.server.http;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.protocol.ClientMessageEncoder;
import dev.cairn.protocol.FrameHeader;
import dev.cairn.protocol.Limits;
import dev.cairn.protocol.Status;
import dev.cairn.server.replica.InProcessClients;
import dev.cairn.server.replica.MemberAddresses;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.agrona.MutableDirectBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Replies that the node drops, because too many wait or because it takes over a snapshot. The test is the node's loop. */
@Timeout(60)
class LostRepliesTest {
    private static final int READERS = 4;
    private static final long DEADLINE_NS = TimeUnit.SECONDS.toNanos(20);

    private record Asked(long connectionId, long requestId) {}

    private final InProcessClients clients = new InProcessClients(new NoNetwork(), () -> {}, 1 << 20);
    private final HttpGateway gateway = new HttpGateway(
            new HttpGateway.Config(
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), new MemberAddresses(Map.of()), 1),
            // Long times: whoever waits for the node's answer in vain makes the test fail, not late.
            HttpLimits.DEFAULT.withTimes(
                    TimeUnit.SECONDS.toNanos(60), TimeUnit.SECONDS.toNanos(60), TimeUnit.SECONDS.toNanos(60)),
            clients,
            new NoMetrics());
    private final ClientMessageEncoder encoder = new ClientMessageEncoder();
    private final List<Asked> asked = new ArrayList<>();
    private final List<Socket> sockets = new ArrayList<>();

    @AfterEach
    void stop() throws Exception {
        for (final Socket socket : sockets) {
            socket.close();
        }
        gateway.stop(false);
    }

    @Test
    void portsClosedDuringRequestsEndThemAndTheNextRequestIsServed() throws Exception {
        final Socket answered = send("GET /kv/a?read=stale HTTP/1.1\r\nHost: x\r\n");
        awaitFrames(1);
        final Socket read = send("GET /kv/b?read=stale HTTP/1.1\r\nHost: x\r\n");
        final Socket write = send("PUT /kv/c?client_id=c&seq=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n");
        awaitFrames(3);
        reply(asked.get(0), 1);

        clients.closePorts();

        assertThat(answerOf(answered)).startsWith("HTTP/1.1 200 ");
        assertThat(answerOf(read)).startsWith("HTTP/1.1 503 ").contains("\"error\":\"deadline\"", "dropped");
        assertThat(answerOf(write)).startsWith("HTTP/1.1 503 ").contains("\"error\":\"outcome_unknown\"");
        nextRequestIsServed();
    }

    @Test
    void repliesBeyondWhatMayWaitAreLostAndTheNextRequestIsServed() throws Exception {
        final List<Socket> readers = new ArrayList<>();
        for (int i = 0; i < READERS; i++) {
            readers.add(send("GET /kv/big?read=stale HTTP/1.1\r\nHost: x\r\n"));
        }
        awaitFrames(READERS);
        final Socket late = send("GET /kv/late?read=stale HTTP/1.1\r\nHost: x\r\n");
        awaitFrames(READERS + 1);

        int replies = 0;
        while (reply(asked.get(replies % READERS), Limits.MAX_VALUE_BYTES)) {
            replies++;
        }
        clients.flush();

        assertThat(answerOf(late)).startsWith("HTTP/1.1 503 ").contains("\"error\":\"deadline\"", "dropped");
        for (final Socket reader : readers) {
            assertThat(answerOf(reader)).containsPattern("^HTTP/1.1 (200|503) ");
        }
        nextRequestIsServed();
    }

    private void nextRequestIsServed() throws Exception {
        final int before = asked.size();
        final Socket next = send("GET /kv/next?read=stale HTTP/1.1\r\nHost: x\r\n");
        awaitFrames(before + 1);
        reply(asked.get(before), 1);
        clients.flush();
        assertThat(answerOf(next)).startsWith("HTTP/1.1 200 ");
    }

    private Socket send(final String request) throws Exception {
        final Socket socket = HttpNodes.raw(gateway.port());
        sockets.add(socket);
        socket.getOutputStream().write((request + "Connection: close\r\n\r\n").getBytes(ISO_8859_1));
        return socket;
    }

    private static String answerOf(final Socket socket) throws Exception {
        return new String(socket.getInputStream().readAllBytes(), ISO_8859_1);
    }

    private void awaitFrames(final int count) {
        final long startNs = System.nanoTime();
        while (asked.size() < count) {
            assertThat(System.nanoTime() - startNs)
                    .as("frames: %s of %s", asked.size(), count)
                    .isLessThan(DEADLINE_NS);
            clients.poll(
                    (connectionId, buffer, offset, length) -> asked.add(new Asked(
                            connectionId,
                            buffer.getLong(offset + FrameHeader.REQUEST_ID_OFFSET, ByteOrder.LITTLE_ENDIAN))),
                    16);
            Thread.onSpinWait();
        }
    }

    /** Puts a reply into the ring; only a flush wakes the gateway. */
    private boolean reply(final Asked to, final int valueBytes) {
        final ByteBuf frame = Unpooled.buffer();
        final int start = encoder.beginGetReply(frame, to.requestId, Status.OK, 1, 1, 1, valueBytes);
        frame.writeZero(valueBytes);
        encoder.end(frame, start);
        final MutableDirectBuffer room = clients.claim(to.connectionId, frame.readableBytes());
        if (room != null) {
            room.putBytes(0, frame.array(), 0, frame.readableBytes());
            clients.send();
        }
        return room != null;
    }
}
