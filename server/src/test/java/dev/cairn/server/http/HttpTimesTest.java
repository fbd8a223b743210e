package dev.cairn.server.http;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.server.Await;
import dev.cairn.server.replica.InProcessClients;
import dev.cairn.server.replica.MemberAddresses;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Clients and a node that take their time, and a part of the gateway that fails: the gateway in front of a node that is stuck. */
@Timeout(60)
class HttpTimesTest {
    private final InProcessClients clients = new InProcessClients(new NoNetwork(), () -> {}, 1 << 20);
    private final HttpGateway gateway = new HttpGateway(
            new HttpGateway.Config(
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), new MemberAddresses(Map.of()), 1),
            HttpLimits.DEFAULT.withTimes(
                    TimeUnit.MILLISECONDS.toNanos(500),
                    TimeUnit.MILLISECONDS.toNanos(1000),
                    TimeUnit.MILLISECONDS.toNanos(300)),
            clients,
            new FailingMetrics());

    @AfterEach
    void stop() {
        gateway.close();
    }

    @Test
    void headersThatTrickleInEndTheConnection() throws Exception {
        final long startNs = System.nanoTime();
        try (Socket socket = HttpNodes.raw(gateway.port())) {
            for (final byte b : "GET /status HTTP/1.1\r\nX: ".getBytes(ISO_8859_1)) {
                socket.getOutputStream().write(b);
            }
            assertThatThrownBy(() -> Await.until("the connection ends", () -> write(socket), () -> "still open"))
                    .isInstanceOf(SocketException.class);
            assertThat(System.nanoTime() - startNs).isGreaterThan(TimeUnit.MILLISECONDS.toNanos(400));
        }
    }

    /** Never what is waited for. */
    private static boolean write(final Socket socket) throws IOException {
        socket.getOutputStream().write('a');
        return false;
    }

    @Test
    void bodyThatNeverComesAndSilenceEndTheConnection() throws Exception {
        assertThat(readToEnd("PUT /kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"))
                .isEmpty();
        assertThat(readToEnd("")).isEmpty();
    }

    @Test
    void nodeThatDoesNotAnswerGets503WithUnknownOutcomeOnlyForWrites() throws Exception {
        assertThat(readToEnd("GET /kv/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
                .startsWith("HTTP/1.1 503 ")
                .contains("\"error\":\"deadline\"");
        assertThat(readToEnd("PUT /kv/a?client_id=c&seq=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                        + "Content-Length: 1\r\n\r\nv"))
                .startsWith("HTTP/1.1 503 ")
                .contains("\"error\":\"outcome_unknown\"");
    }

    @Test
    @Tag("O04")
    void handlerThatFailsGives500AndTheGatewayGoesOn() throws Exception {
        for (int i = 0; i < 3; i++) {
            assertThat(readToEnd("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
                    .startsWith("HTTP/1.1 500 ")
                    .contains("\"error\":\"internal\"");
        }
        assertThat(readToEnd("GET /read-policy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
                .startsWith("HTTP/1.1 200 ");
    }

    private String readToEnd(final String request) throws Exception {
        try (Socket socket = HttpNodes.raw(gateway.port())) {
            socket.getOutputStream().write(request.getBytes(ISO_8859_1));
            return new String(socket.getInputStream().readAllBytes(), ISO_8859_1);
        }
    }

    private static final class FailingMetrics implements HttpObserver {
        @Override
        public void onResponse(final int code, final long durationNs) {
            // Counted nowhere.
        }

        @Override
        public String scrape() {
            throw new IllegalStateException("on purpose");
        }

        @Override
        public String contentType() {
            return "text/plain";
        }
    }
}
