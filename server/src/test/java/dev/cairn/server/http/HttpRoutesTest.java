package dev.cairn.server.http;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.cairn.protocol.Limits;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** Every route of the gateway over a real node. */
@Timeout(60)
class HttpRoutesTest {
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

    private static HttpResponse<String> send(final String method, final String path) throws Exception {
        return node.send(method, path);
    }

    private static HttpResponse<String> send(final String method, final String path, final String body)
            throws Exception {
        return node.send(method, path, body);
    }

    @Test
    @Tag("C01")
    @Tag("K01")
    void rawValueIsWrittenReadAndDeleted() throws Exception {
        final HttpResponse<String> put = send("PUT", "/kv/raw%2Fkey", "hello");
        assertThat(put.statusCode()).isEqualTo(200);
        assertThat(put.body()).contains("\"ok\":true").contains("\"revision\":");

        final HttpResponse<String> got = send("GET", "/kv/raw/key");
        assertThat(got.body()).isEqualTo("hello");
        assertThat(got.headers().firstValue("X-Cairn-Version")).hasValue("1");
        assertThat(got.headers().firstValue("X-Cairn-Revision"))
                .isEqualTo(put.headers().firstValue("X-Cairn-Revision"));

        assertThat(send("DELETE", "/kv/raw%2Fkey").statusCode()).isEqualTo(200);
        assertThat(send("GET", "/kv/raw%2Fkey").statusCode()).isEqualTo(404);
        final HttpResponse<String> again = send("DELETE", "/kv/raw%2Fkey");
        assertThat(again.statusCode()).isEqualTo(404);
        assertThat(again.body()).contains("\"error\":\"not_found\"");
    }

    @Test
    @Tag("K05")
    @Tag("T04")
    void repeatOfAClientsSequenceIsAnsweredFromTheStore() throws Exception {
        final String body = "{\"client_id\":\"c-1\",\"seq\":7,\"value\":\"first\"}";
        final HttpResponse<String> first = send("PUT", "/kv/dedup", body);
        assertThat(first.statusCode()).isEqualTo(200);
        assertThat(send("PUT", "/kv/dedup", "other").statusCode()).isEqualTo(200);

        assertThat(send("PUT", "/kv/dedup", body).body()).isEqualTo(first.body());
        assertThat(send("GET", "/kv/dedup").body()).isEqualTo("other");

        final HttpResponse<String> reused = send("PUT", "/kv/dedup", body.replace("first", "second"));
        assertThat(reused.statusCode()).isEqualTo(409);
        assertThat(reused.body()).contains("sequence_reused");
        send("PUT", "/kv/dedup", body.replace("\"seq\":7", "\"seq\":1000"));
        final HttpResponse<String> old = send("PUT", "/kv/dedup", body);
        assertThat(old.statusCode()).isEqualTo(409);
        assertThat(old.body()).contains("sequence_out_of_window");
    }

    @Test
    @Tag("K03")
    void conditionsHoldOrChangeNothing() throws Exception {
        final HttpResponse<String> created = send("PUT", "/kv/cas?if_revision=0&prev=true", "a");
        assertThat(created.statusCode()).isEqualTo(200);
        assertThat(created.body()).contains("\"previous\":null");
        final String revision = created.headers().firstValue("X-Cairn-Revision").orElseThrow();

        final HttpResponse<String> exists = send("PUT", "/kv/cas?if_revision=0&prev=true", "b");
        assertThat(exists.statusCode()).isEqualTo(409);
        assertThat(exists.body()).contains("condition_failed").contains("\"current\":{\"value\":\"a\"");
        assertThat(send("PUT", "/kv/cas?prev=1&if_revision=" + revision, "c").body())
                .contains("\"previous\":{\"value\":\"a\"");
        assertThat(send("DELETE", "/kv/cas?if_revision=" + revision).statusCode())
                .isEqualTo(409);
        assertThat(send("GET", "/kv/cas").body()).isEqualTo("c");
    }

    @Test
    void countersAddAndRefuseWhatIsNoNumber() throws Exception {
        assertThat(send("POST", "/kv/count/add?delta=5").body()).contains("\"value\":5");
        assertThat(send("POST", "/kv/count/add").body()).contains("\"value\":6");
        assertThat(send("POST", "/kv/count/add", "{\"delta\":-10,\"client_id\":\"adder\",\"seq\":1}")
                        .body())
                .contains("\"value\":-4");
        assertThat(send("POST", "/kv/count/add", "{\"delta\":-10,\"client_id\":\"adder\",\"seq\":1}")
                        .body())
                .contains("\"value\":-4");
        assertThat(send("GET", "/kv/count").body()).isEqualTo("-4");
        final HttpResponse<String> overflow = send("POST", "/kv/count/add?delta=" + Long.MIN_VALUE);
        assertThat(overflow.statusCode()).isEqualTo(409);
        assertThat(overflow.body()).contains("number_overflow");
        send("PUT", "/kv/words", "no number");
        assertThat(send("POST", "/kv/words/add?delta=1").body()).contains("not_a_number");
    }

    @Test
    @Tag("C02")
    @Tag("K04")
    void manyAreWrittenAtOnceAndReadAtOnce() throws Exception {
        final String body = "{\"client_id\":\"batch\",\"seq\":1,\"entries\":[{\"key\":\"m/1\",\"value\":\"one\"},"
                + "{\"key\":\"m/2\",\"value_base64\":\"/wA=\"}]}";
        final HttpResponse<String> put = send("POST", "/kv/mput", body);
        assertThat(put.statusCode()).isEqualTo(200);
        assertThat(put.body()).contains("\"count\":2");
        assertThat(send("POST", "/kv/mput", body).body()).isEqualTo(put.body());

        assertThat(send("POST", "/kv/mget", "{\"keys\":[\"m/1\",\"none\",\"m/2\"]}")
                        .body())
                .contains("\"key\":\"m/1\",\"found\":true,\"value\":\"one\"")
                .contains("\"key\":\"none\",\"found\":false")
                .contains("\"key\":\"m/2\",\"found\":true,\"value_base64\":\"/wA=\"");
        final HttpResponse<String> twice = send(
                "POST", "/kv/mput", "{\"entries\":[{\"key\":\"x\",\"value\":\"1\"},{\"key\":\"x\",\"value\":\"2\"}]}");
        assertThat(twice.statusCode()).isEqualTo(400);
    }

    @Test
    void cursorHoldsWithinItsRangeOnly() throws Exception {
        for (final String key : List.of("c/a", "c/b", "c/c")) {
            send("PUT", "/kv/" + key, "v");
        }
        assertThat(page("prefix=c/", "c/a")).contains("\"count\":2");
        assertThat(page("prefix=c/&reverse=true", "c/c")).contains("\"count\":2");
        assertThat(page("prefix=c/", "c/x")).contains("\"count\":0");
        for (final String other : List.of("", "a", "b/z", "c.", "c0", "d/")) {
            assertThat(page("prefix=c/", other)).as(other).contains("bad_request", "cursor");
            assertThat(page("prefix=c/&reverse=true", other)).as(other).contains("bad_request", "cursor");
        }
        assertThat(page("limit=1", "")).contains("bad_request");
        assertThat(page("from=c/b&reverse=true", "c/b")).contains("bad_request");

        final String longest = "c/" + "k".repeat(Limits.MAX_KEY_BYTES - 2);
        send("PUT", "/kv/" + longest, "v");
        send("PUT", "/kv/c/l", "v");
        assertThat(page("prefix=c/", longest)).contains("\"count\":1", "\"key\":\"c/l\"");
        assertThat(send("DELETE", "/kv?prefix=c/").statusCode()).isEqualTo(200);
    }

    private static String page(final String range, final String behind) throws Exception {
        final String cursor = Base64.getUrlEncoder().withoutPadding().encodeToString(behind.getBytes(UTF_8));
        return send("GET", "/kv?" + range + "&cursor=" + cursor).body();
    }

    @Test
    @Tag("K02")
    @Tag("X15")
    void rangesComeInPagesThatAreCountedReversedAndDeleted() throws Exception {
        for (int i = 0; i < 25; i++) {
            send("PUT", "/kv/r/%02d".formatted(i), "v" + i);
        }
        send("PUT", "/kv/s", "behind");
        final HttpResponse<String> first = send("GET", "/kv?prefix=r/&limit=10");
        assertThat(first.body())
                .contains("\"count\":10")
                .contains("\"more\":true")
                .contains("\"key\":\"r/09\"");
        final String cursor = Base64.getUrlEncoder().withoutPadding().encodeToString("r/09".getBytes(UTF_8));
        assertThat(first.body()).contains("\"cursor\":\"" + cursor + "\"");
        assertThat(send("GET", "/kv?prefix=r/&limit=15&cursor=" + cursor).body())
                .contains("\"count\":15")
                .contains("\"more\":false")
                .contains("\"key\":\"r/10\"")
                .contains("\"key\":\"r/24\"")
                .doesNotContain("cursor");
        assertThat(send("GET", "/kv?prefix=r/&limit=2&reverse=true&keys_only=true")
                        .body())
                .contains("r/24\",\"revision")
                .contains("r/23")
                .doesNotContain("\"value\"");
        assertThat(send("GET", "/kv?from=r/03&to=r/07&count_only").body()).contains("\"count\":4");
        assertThat(send("DELETE", "/kv?prefix=r/").statusCode()).isEqualTo(200);
        assertThat(send("GET", "/kv?prefix=r/&count_only=true").body()).contains("\"count\":0");
        assertThat(send("GET", "/kv/s").body()).isEqualTo("behind");
        assertThat(send("GET", "/kv?from=b&to=a").statusCode()).isEqualTo(400);
        assertThat(send("DELETE", "/kv").statusCode()).isEqualTo(400);
        assertThat(send("GET", "/kv?prefix=r/&cursor=!").statusCode()).isEqualTo(400);
    }

    @Test
    @Tag("C04")
    void oldPathsDoTheSame() throws Exception {
        assertThat(send("PUT", "/set", "{\"key\":\"legacy\",\"value\":\"1\"}").statusCode())
                .isEqualTo(200);
        assertThat(send("GET", "/get?key=legacy").body()).contains("\"value\":\"1\"");
        assertThat(send("DELETE", "/delete?key=legacy").statusCode()).isEqualTo(200);
        assertThat(send("GET", "/get?key=legacy").statusCode()).isEqualTo(404);
        assertThat(send("GET", "/get").statusCode()).isEqualTo(400);
        final HttpResponse<String> empty = send("PUT", "/set", "{\"key\":\"\",\"value\":\"1\"}");
        assertThat(empty.statusCode()).isEqualTo(400);
        assertThat(empty.body()).contains("key_empty");
    }

    @Test
    @Tag("R22")
    void readPolicyIsTheModeOfReadsThatNameNone() throws Exception {
        assertThat(send("GET", "/read-policy").body()).contains("linearizable");
        assertThat(send("PUT", "/read-policy?mode=stale").statusCode()).isEqualTo(200);
        assertThat(send("GET", "/read-policy").body()).contains("stale");
        assertThat(send("PUT", "/read-policy", "{\"mode\":\"linearizable\"}").statusCode())
                .isEqualTo(200);
        assertThat(send("PUT", "/read-policy?mode=fast").statusCode()).isEqualTo(400);
        final HttpResponse<String> ahead = send("GET", "/kv/x?read=stale&min_revision=999999");
        assertThat(ahead.statusCode()).isEqualTo(503);
        assertThat(ahead.body()).contains("not_caught_up");
        assertThat(ahead.headers().firstValue("Retry-After")).isPresent();
    }

    @Test
    @Tag("C03")
    void nodeTellsAboutItself() throws Exception {
        assertThat(send("GET", "/status").body())
                .contains("\"role\":\"LEADER\"", "\"leaderId\":1", "\"appliedIndex\":");
        for (final String path : new String[] {"/healthz", "/livez", "/readyz"}) {
            assertThat(send("GET", path).statusCode()).as(path).isEqualTo(200);
        }
        assertThat(send("GET", "/metrics").body()).contains("# HELP");
    }

    @Test
    @Tag("C05")
    @Tag("C11")
    void healthSaysWhoThisIsAndWhoLeads() throws Exception {
        final HttpResponse<String> health = send("GET", "/health");
        assertThat(health.statusCode()).isEqualTo(200);
        assertThat(health.body())
                .contains("\"id\":1", "\"addr\":\"127.0.0.1:", "\"peers\":[]", "\"peersCount\":0")
                .contains("\"state\":\"LEADER\"", "\"term\":", "\"leaderId\":1", "\"lastHeartbeatAgoMs\":0}");
    }

    @Test
    @Tag("O03")
    void requestLogHasMethodPathStatusAndLatencyOnceItIsOn() throws Exception {
        final Logger logger = (Logger) LoggerFactory.getLogger(HttpConnection.class);
        final ListAppender<ILoggingEvent> lines = new ListAppender<>();
        lines.list = new CopyOnWriteArrayList<>();
        lines.start();
        logger.addAppender(lines);
        logger.setLevel(Level.DEBUG);
        try {
            send("GET", "/kv/logged");
            // The line comes with the answer, on the gateway's own thread: what follows on it is behind it.
            send("GET", "/healthz");
        } finally {
            logger.setLevel(null);
            logger.detachAppender(lines);
        }
        assertThat(lines.list)
                .extracting(ILoggingEvent::getFormattedMessage)
                .anyMatch(line -> line.matches(
                        "event=http.request method=GET path=\"/kv/logged\" status=404 us=\\d+ request=.+"));
    }

    @Test
    @Tag("C17")
    void requestIdIsEchoedOrMade() throws Exception {
        final HttpResponse<String> given = node.client()
                .send(
                        node.request(1, "/healthz")
                                .header("X-Request-ID", "mine-1")
                                .build(),
                        HttpResponse.BodyHandlers.ofString());
        assertThat(given.headers().firstValue("X-Request-ID")).hasValue("mine-1");
        assertThat(send("GET", "/healthz").headers().firstValue("X-Request-ID")).isPresent();
        assertThat(send("GET", "/nowhere").headers().firstValue("X-Request-ID")).isPresent();
    }

    @Test
    void keysAndValuesAreBytes() throws Exception {
        final byte[] value = new byte[256];
        for (int i = 0; i < value.length; i++) {
            value[i] = (byte) i;
        }
        node.client()
                .send(
                        node.request(1, "/kv/%FF%00")
                                .PUT(HttpRequest.BodyPublishers.ofByteArray(value))
                                .build(),
                        HttpResponse.BodyHandlers.discarding());
        assertThat(node.client()
                        .send(node.request(1, "/kv/%FF%00").build(), HttpResponse.BodyHandlers.ofByteArray())
                        .body())
                .isEqualTo(value);
        assertThat(send("GET", "/kv?prefix=%FF").body()).contains("\"key_base64\":\"/wA=\"", "\"value_base64\":");
    }
}
