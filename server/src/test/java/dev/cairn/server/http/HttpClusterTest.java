package dev.cairn.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Three nodes, their gateways, and a leader that goes. */
@Timeout(120)
class HttpClusterTest {
    private static final Pattern REVISION = Pattern.compile("\"revision\":(?<revision>[0-9]+)");
    private static final Pattern LEADER = Pattern.compile("\"leader\":\"(?<address>[^\"]+)\"");

    @TempDir
    Path directory;

    @Test
    @Tag("K08")
    @Tag("K10")
    @Tag("T13")
    @Tag("T28")
    void followerAnswers409WithTheLeadersAddressAndThatAddressWorksAlsoAfterAnElection() throws Exception {
        try (HttpNodes nodes = new HttpNodes(directory, 3)) {
            final int first = nodes.awaitLeader();
            putByHint(nodes, first % 3 + 1, "one");

            nodes.kill(first);
            final int second = nodes.awaitLeader();
            final int follower = 6 - first - second;
            nodes.awaitReady(follower);
            final long revision = putByHint(nodes, follower, "two");

            // The follower refuses until it has applied that much, and then shows it.
            final long startNs = System.nanoTime();
            HttpResponse<String> stale;
            do {
                assertThat(System.nanoTime() - startNs).isLessThan(TimeUnit.SECONDS.toNanos(30));
                stale = nodes.send(follower, "GET", "/kv/hint?read=stale&min_revision=" + revision);
            } while (stale.body().contains("not_caught_up"));
            assertThat(stale.body()).isEqualTo("two");
        }
    }

    /** The revision of the put. */
    private static long putByHint(final HttpNodes nodes, final int follower, final String value) throws Exception {
        final HttpResponse<String> refused = nodes.send(follower, "PUT", "/kv/hint", value);
        assertThat(refused.statusCode()).as(refused.body()).isEqualTo(409);
        assertThat(refused.body())
                .contains("\"ok\":false", "\"error\":\"not_leader\"", "\"message\":", "\"leaderId\":");
        final Matcher leader = LEADER.matcher(refused.body());
        assertThat(leader.find()).as(refused.body()).isTrue();
        final URI there = URI.create("http://" + leader.group("address") + "/kv/hint");
        final HttpResponse<String> put = nodes.client()
                .send(
                        HttpRequest.newBuilder(there)
                                .PUT(HttpRequest.BodyPublishers.ofString(value))
                                .build(),
                        HttpResponse.BodyHandlers.ofString());
        assertThat(put.statusCode()).as(put.body()).isEqualTo(200);
        final Matcher revision = REVISION.matcher(put.body());
        assertThat(revision.find()).as(put.body()).isTrue();
        return Long.parseLong(revision.group("revision"));
    }

    @Test
    @Tag("K05")
    @Tag("K06")
    @Tag("X02")
    void repeatToTheNextLeaderGetsTheStoredAnswer() throws Exception {
        try (HttpNodes nodes = new HttpNodes(directory, 3)) {
            final int first = nodes.awaitLeader();
            final String body = "{\"client_id\":\"mover\",\"seq\":1,\"delta\":5}";
            final HttpResponse<String> added = nodes.send(first, "POST", "/kv/moved/add", body);
            assertThat(added.statusCode()).as(added.body()).isEqualTo(200);

            nodes.kill(first);
            final HttpResponse<String> again = sendUntilAnswered(nodes, "/kv/moved/add", body);

            assertThat(again.body()).isEqualTo(added.body());
            assertThat(nodes.send(nodes.awaitLeader(), "GET", "/kv/moved").body())
                    .isEqualTo("5");
        }
    }

    /** As a client would: to whoever leads, again while the outcome is not known. */
    private static HttpResponse<String> sendUntilAnswered(final HttpNodes nodes, final String path, final String body)
            throws Exception {
        final long startNs = System.nanoTime();
        HttpResponse<String> answer = nodes.send(nodes.awaitLeader(), "POST", path, body);
        while (answer.statusCode() != 200) {
            assertThat(answer.statusCode()).as(answer.body()).isIn(409, 429, 503);
            assertThat(System.nanoTime() - startNs).isLessThan(TimeUnit.SECONDS.toNanos(30));
            answer = nodes.send(nodes.awaitLeader(), "POST", path, body);
        }
        return answer;
    }

    @Test
    @Tag("T20")
    @Tag("K14")
    void withoutMajorityAWriteIsNotConfirmed() throws Exception {
        try (HttpNodes nodes = new HttpNodes(directory, 3)) {
            final int leader = nodes.awaitLeader();
            nodes.kill(leader % 3 + 1);
            nodes.kill((leader + 1) % 3 + 1);

            final HttpResponse<String> answer = nodes.send(leader, "PUT", "/kv/alone", "v");

            assertThat(answer.statusCode()).as(answer.body()).isIn(409, 503);
            assertThat(answer.body()).contains("\"ok\":false");
            assertThat(nodes.send(leader, "GET", "/livez").statusCode()).isEqualTo(200);
        }
    }
}
