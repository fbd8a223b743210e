package dev.cairn.server.http;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.Socket;
import java.net.SocketException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Requests that are wrong: a typed answer, nothing written, the node lives. */
@Timeout(60)
@Tag("K11")
@Tag("K13")
@Tag("T08")
class HttpBadInputTest {
    private static final int SENT_AHEAD = 100;

    @TempDir
    static Path directory;

    private static HttpNodes node;

    @BeforeAll
    static void start() throws Exception {
        node = new HttpNodes(directory, 1);
    }

    @AfterAll
    static void stop() {
        node.close();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "PUT  | /kv/a       | {                                      | not valid JSON",
                "PUT  | /kv/a       | {}                                     | 'value' is missing",
                "PUT  | /kv/a       | {\"value\":1}                          | 'value' must be a string",
                "PUT  | /kv/a       | {\"value\":\"x\",\"value\":\"y\"}      | Duplicate field",
                "PUT  | /kv/a       | {\"value\":\"x\"} {}                   | goes on behind",
                "PUT  | /kv/a       | {\"value\":\"x\",\"ttl\":1}            | unknown field 'ttl'",
                "PUT  | /kv/a       | {\"value\":\"\\ud800\"}                | not valid Unicode",
                "PUT  | /kv/a       | {\"value_base64\":\"###\"}             | not base64",
                "PUT  | /kv/a       | {\"value\":\"x\",\"seq\":1}            | belong together",
                "PUT  | /kv/a       | {\"value\":\"x\",\"client_id\":\"c\"}  | belong together",
                "PUT  | /kv/a       | {\"value\":\"x\",\"client_id\":\"c\",\"seq\":0}    | seq is 0",
                "PUT  | /kv/a       | {\"value\":\"x\",\"client_id\":\"c\",\"seq\":1.5}  | whole number",
                "PUT  | /kv/a       | {\"value\":\"x\",\"client_id\":\"c\",\"seq\":99999999999999999999} | whole number",
                "PUT  | /kv/a       | {\"value\":\"x\",\"client_id\":\"\",\"seq\":1}     | client_id has 0 bytes",
                "PUT  | /kv/a?x=1   | v                                      | unknown parameter 'x'",
                "PUT  | /kv/a?if_revision=-1 | v                             | if_revision",
                "PUT  | /kv/a?if_revision=1&if_revision=2 | v                | stands twice",
                "PUT  | /kv/a?prev=maybe | v                                 | allowed are true and false",
                "PUT  | /kv/        | v                                      | key_empty",
                "POST | /kv/mput    | {\"entries\":[]}                       | 'entries' must hold",
                "POST | /kv/mput    | {\"entries\":{}}                       | must be an array",
                "POST | /kv/mput    | {\"entries\":[{\"value\":\"x\"}]}      | has no 'key'",
                "POST | /kv/mput    | {\"entries\":[[[[[[]]]]]]}             | must hold objects",
                "POST | /kv/mget    | {\"keys\":[1]}                         | must be a string",
                "POST | /kv/a/add?delta=1e3 | {\"delta\":1}                  | whole number",
                "GET  | /kv?limit=0 | ~~                                     | limit",
                "GET  | /kv?limit=99999999999999999999 | ~~                  | limit",
                "GET  | /kv/a?read=fast | ~~                                 | linearizable, follower, lease and stale",
            })
    void wrongRequestGets400WithTheReason(
            final String method, final String path, final String body, final String reason) throws Exception {
        final HttpResponse<String> answer = node.send(method, path, body);

        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(400);
        assertThat(answer.body()).contains("\"ok\":false").contains(reason);
        assertThat(node.send("GET", "/kv/a").statusCode()).isEqualTo(404);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "GET /kv/%zz HTTP/1.1 | 400",
                "GET /kv/% HTTP/1.1 | 400",
                "GET /kv/%a HTTP/1.1 | 400",
                "GET /kv?prefix=%f HTTP/1.1 | 400",
                "GET /kv/\u00e4 HTTP/1.1 | 400",
                "GET /nowhere HTTP/1.1 | 404",
                "GET http://localhost/kv/a HTTP/1.1 | 404",
                "PATCH /kv/a HTTP/1.1 | 405",
                "\u0001\u0002 | 400",
            })
    void wrongRequestLineIsAnswered(final String line, final int code) throws Exception {
        assertThat(exchange(line + "\r\nHost: x\r\nConnection: close\r\n\r\n")).startsWith("HTTP/1.1 " + code + " ");
    }

    @Test
    void tooLargeIsRefusedBeforeItIsRead() throws Exception {
        assertThat(exchange("PUT /kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n"))
                .startsWith("HTTP/1.1 413 ")
                .contains("body_too_large");
        assertThat(exchange("PUT /kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n"))
                .startsWith("HTTP/1.1 4");
        assertThat(exchange("GET /kv/" + "a".repeat(40_000) + " HTTP/1.1\r\nHost: x\r\n\r\n"))
                .startsWith("HTTP/1.1 400 ");
        assertThat(exchange("GET /kv/a HTTP/1.1\r\nHost: x\r\nX: " + "a".repeat(20_000) + "\r\n\r\n"))
                .startsWith("HTTP/1.1 400 ");
        assertThat(node.send("PUT", "/kv/a", "v".repeat((1 << 20) + 1)).statusCode())
                .isEqualTo(413);
        assertThat(node.send("PUT", "/kv/edge", "v".repeat(1 << 20)).statusCode())
                .isEqualTo(200);
        assertThat(node.send("GET", "/kv/edge").body()).hasSize(1 << 20);
        assertThat(node.send("GET", "/kv/" + "k".repeat(4097)).body()).contains("key_too_large");
        assertThat(node.send("GET", "/kv/" + "k".repeat(4096)).statusCode()).isEqualTo(404);
        final String half = "v".repeat(1 << 20);
        assertThat(node.send(
                                "POST",
                                "/kv/mput",
                                "{\"entries\":[{\"key\":\"1\",\"value\":\"" + half + "\"},{\"key\":\"2\",\"value\":\""
                                        + half + "\"}]}")
                        .statusCode())
                .isEqualTo(413);
    }

    @Test
    void pipelinedRequestsAreAnsweredInOrder() throws Exception {
        final String answers = exchange(pipelined(SENT_AHEAD));

        int at = 0;
        for (int i = 0; i < SENT_AHEAD; i++) {
            at = answers.indexOf("p-" + i + "\r\n", at);
            assertThat(at).as("answer %d", i).isPositive();
        }
        assertThat(answers).contains("X-Cairn-Version: " + SENT_AHEAD);
    }

    private static String pipelined(final int count) {
        final StringBuilder requests = new StringBuilder();
        for (int i = 0; i < count; i++) {
            requests.append("PUT /kv/pipe HTTP/1.1\r\nHost: x\r\nX-Request-ID: p-")
                    .append(i)
                    .append("\r\nContent-Length: 1\r\n\r\nx");
        }
        return requests.append("GET /kv/pipe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                .toString();
    }

    @Test
    void noiseNeverHarmsTheNode() throws Exception {
        final String given = System.getProperty("seed", "");
        final long seed = given.isEmpty() ? System.nanoTime() : Long.parseLong(given);
        System.out.println("noiseNeverHarmsTheNode -Dseed=" + seed);
        final Random random = new Random(seed);
        final String whole = "PUT /kv/noise?prev=true HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                + "Connection: close\r\nContent-Length: 38\r\n\r\n{\"client_id\":\"n\",\"seq\":1,\"value\":\"abc\"}";
        for (int round = 0; round < 200; round++) {
            final byte[] bytes = whole.getBytes(ISO_8859_1);
            for (int flips = 1 + random.nextInt(6); flips > 0; flips--) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
            }
            try (Socket socket = node.raw()) {
                socket.getOutputStream().write(bytes, 0, 1 + random.nextInt(bytes.length));
                socket.shutdownOutput();
                final String answer = new String(socket.getInputStream().readAllBytes(), ISO_8859_1);
                assertThat(answer).doesNotContain("HTTP/1.1 500");
            } catch (SocketException closedWhileBytesWereUnread) {
                assertThat(round).isNotNegative();
            }
        }
        assertThat(node.send("GET", "/healthz").statusCode()).isEqualTo(200);
    }

    private static String exchange(final String request) throws IOException {
        try (Socket socket = node.raw()) {
            socket.getOutputStream().write(request.getBytes(ISO_8859_1));
            return new String(socket.getInputStream().readAllBytes(), ISO_8859_1);
        }
    }
}
