package dev.cairn.server.http;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.server.replica.InProcessClients;
import dev.cairn.server.replica.MemberAddresses;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What connections cost and how they end, in front of a node that never answers. */
@Timeout(60)
class HttpConnectionTest {
    private static final int BODY_BYTES = HttpLimits.DEFAULT.maxBodyBytes();
    private static final int CONNECTIONS = 16;

    /** More than one read holds. */
    private static final int SENT_AHEAD = 2000;

    private static final long DEADLINE_NS = TimeUnit.SECONDS.toNanos(20);

    private final HttpGateway gateway = new HttpGateway(
            new HttpGateway.Config(
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), new MemberAddresses(Map.of()), 1),
            HttpLimits.DEFAULT.withTimes(
                    TimeUnit.SECONDS.toNanos(60), TimeUnit.SECONDS.toNanos(60), TimeUnit.MILLISECONDS.toNanos(300)),
            new InProcessClients(new NoNetwork(), () -> {}, 1 << 20),
            new NoMetrics());
    private final List<Socket> sockets = new ArrayList<>();

    @AfterEach
    void stop() throws Exception {
        for (final Socket socket : sockets) {
            socket.close();
        }
        gateway.stop(false);
    }

    @Test
    void connectionThatWaitsHoldsNothingOfItsLastBody() throws Exception {
        final long before = usedHeapBytes();
        for (int i = 0; i < CONNECTIONS; i++) {
            final Socket socket = connect();
            write(socket, "PUT /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: " + BODY_BYTES + "\r\n\r\n");
            socket.getOutputStream().write(new byte[BODY_BYTES]);
            assertThat(readLine(socket)).startsWith("HTTP/1.1 404 ");
        }

        final long startNs = System.nanoTime();
        while (usedHeapBytes() - before > (long) CONNECTIONS * BODY_BYTES / 2) {
            assertThat(System.nanoTime() - startNs)
                    .as("bytes held by %s connections: %s", CONNECTIONS, usedHeapBytes() - before)
                    .isLessThan(DEADLINE_NS);
        }
    }

    private static long usedHeapBytes() {
        final var memory = ManagementFactory.getMemoryMXBean();
        memory.gc();
        return memory.getHeapMemoryUsage().getUsed();
    }

    @Test
    void smallestRequestsSentAheadAreAllAnswered() throws Exception {
        final Socket socket = connect();
        write(socket, "GET / HTTP/1.1\r\n\r\n".repeat(SENT_AHEAD));
        write(socket, "GET /last HTTP/1.1\r\nConnection: close\r\n\r\n");

        assertThat(readToEnd(socket).split("HTTP/1.1 404 ", -1)).hasSize(SENT_AHEAD + 2);
    }

    @Test
    void clientThatHasEndedItsSideGetsAllAnswers() throws Exception {
        final Socket waiting = connect();
        write(waiting, "PUT /kv/a?client_id=c&seq=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nv");
        write(waiting, "GET /read-policy HTTP/1.1\r\nHost: x\r\n\r\n".repeat(SENT_AHEAD));
        waiting.shutdownOutput();

        final String answers = readToEnd(waiting);
        assertThat(answers).startsWith("HTTP/1.1 503 ").contains("\"error\":\"outcome_unknown\"");
        assertThat(answers.split("HTTP/1.1 200 ", -1)).hasSize(SENT_AHEAD + 1);
    }

    @Test
    void halfARequestOrNoneThenTheEndClosesTheConnection() throws Exception {
        for (final String begun : List.of("", "GET /kv/a HT", "PUT /kv/a HTTP/1.1\r\nContent-Length: 9\r\n\r\nv")) {
            final Socket socket = connect();
            write(socket, begun);
            socket.shutdownOutput();
            assertThat(readToEnd(socket)).as(begun).isEmpty();
        }
    }

    @Test
    void tooLongABodyIsRefusedAlsoToAClientThatSendsIt() throws Exception {
        final int length = 2 * BODY_BYTES;
        final Socket socket = connect();
        write(socket, "PUT /kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: " + length + "\r\n\r\n");
        socket.getOutputStream().write(new byte[length]);

        assertThat(readToEnd(socket)).startsWith("HTTP/1.1 413 ").contains("body_too_large");
    }

    @Test
    void clientThatNeverStopsSendingIsClosed() throws Exception {
        final Socket socket = connect();
        write(socket, "PUT /kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\n\r\n");
        final byte[] bytes = new byte[1 << 20];
        // Beside what is dropped, only the buffers of both systems take some of it.
        assertThatThrownBy(() -> {
                    for (int sent = 0; sent < 10 * HttpConnection.MAX_DISCARDED_BYTES; sent += bytes.length) {
                        socket.getOutputStream().write(bytes);
                    }
                })
                .isInstanceOf(SocketException.class);
    }

    @Test
    void clientThatIsRefusedAndStaysIsClosedSoon() throws Exception {
        final Socket socket = connect();
        write(socket, "PUT /kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\n\r\n");
        assertThat(readToEnd(socket)).startsWith("HTTP/1.1 413 ");

        final long startNs = System.nanoTime();
        assertThatThrownBy(() -> {
                    while (System.nanoTime() - startNs < DEADLINE_NS) {
                        socket.getOutputStream().write(0);
                    }
                })
                .isInstanceOf(SocketException.class);
    }

    private static String readToEnd(final Socket socket) throws Exception {
        return new String(socket.getInputStream().readAllBytes(), ISO_8859_1);
    }

    private Socket connect() throws Exception {
        final Socket socket = HttpNodes.raw(gateway.port());
        sockets.add(socket);
        return socket;
    }

    private static void write(final Socket socket, final String text) throws Exception {
        socket.getOutputStream().write(text.getBytes(ISO_8859_1));
    }

    private static String readLine(final Socket socket) throws Exception {
        final InputStream in = socket.getInputStream();
        final StringBuilder line = new StringBuilder();
        for (int next = in.read(); next >= 0 && next != '\n'; next = in.read()) {
            line.append((char) next);
        }
        return line.toString();
    }
}
