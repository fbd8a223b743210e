package dev.cairn.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.client.CairnClient;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The metrics of a node that runs. */
@Timeout(60)
@Tag("O05")
class NodeMetricsTest {
    private static final String READ_ROUNDS = "cairn_stage_seconds_count{stage=\"read_round\"}";

    @TempDir
    private Path dir;

    @Test
    void aNodesMetricsMoveWithItsWork() throws IOException {
        int client = freePort();
        int peer = freePort();
        NodeConfig config = NodeConfig.of(Map.of(
                "cluster.id", "metrics",
                "node.id", "1",
                "cluster.members", "1=127.0.0.1:" + peer + ":" + client,
                "data.dir", dir.resolve("data").toString(),
                "wal.segment.bytes", "1MiB",
                "raft.preset", "fast"));
        try (Node node = Node.start(config, (thread, failure) -> {
                    throw new AssertionError(thread, failure);
                });
                CairnClient cairn =
                        CairnClient.builder().servers("127.0.0.1:" + client).connect()) {
            for (int i = 0; i < 20; i++) {
                cairn.put(bytes("k" + i), bytes("v"));
            }
            assertThat(cairn.get(bytes("k3"))).isPresent();
            assertThat(cairn.get(bytes("absent"))).isEmpty();
            long deadlineNs = System.nanoTime() + 10_000_000_000L;
            String text = node.metrics().scrape();
            // Levels follow with the next tick; the last read's round is counted at the end of the cycle that answered
            // it.
            while ((value(text, "cairn_raft_applied_index") < 21 || value(text, READ_ROUNDS) < 2)
                    && System.nanoTime() < deadlineNs) {
                text = node.metrics().scrape();
            }
            assertThat(value(text, "cairn_raft_role{role=\"leader\"}")).isEqualTo(1);
            assertThat(value(text, "cairn_raft_term")).isGreaterThanOrEqualTo(1);
            assertThat(value(text, "cairn_raft_commit_index")).isGreaterThan(20);
            assertThat(value(text, "cairn_raft_elections_total")).isGreaterThanOrEqualTo(1);
            assertThat(value(text, "cairn_requests_total{kind=\"put\"}")).isEqualTo(20);
            assertThat(value(text, "cairn_requests_total{kind=\"get\"}")).isEqualTo(2);
            assertThat(value(text, "cairn_replies_total{status=\"ok\"}")).isGreaterThan(20);
            assertThat(value(text, "cairn_replies_total{status=\"not_found\"}")).isEqualTo(1);
            assertThat(value(text, "cairn_stage_seconds_count{stage=\"propose_commit\"}"))
                    .isGreaterThanOrEqualTo(20);
            assertThat(value(text, "cairn_stage_seconds_count{stage=\"commit_applied\"}"))
                    .isGreaterThanOrEqualTo(20);
            assertThat(value(text, READ_ROUNDS)).isEqualTo(2);
            assertThat(value(text, "cairn_log_force_seconds_count")).isGreaterThan(5);
            assertThat(value(text, "cairn_log_force_bytes_sum")).isGreaterThan(1000);
            assertThat(value(text, "cairn_hard_state_write_seconds_count")).isGreaterThan(0);
            assertThat(value(text, "cairn_log_segments")).isGreaterThanOrEqualTo(1);
            assertThat(value(text, "cairn_log_spares_ready")).isBetween(0.0, 2.0);
            assertThat(value(text, "cairn_sessions")).isEqualTo(1);
            assertThat(value(text, "cairn_client_connections")).isEqualTo(1);
            assertThat(value(text, "cairn_log_bytes")).isGreaterThan(1000);
            assertThat(value(text, "jvm_heap_used_bytes")).isGreaterThan(1000);
            assertThat(value(text, "process_open_fds")).isNotZero();
        }
    }

    private static double value(String text, String sample) {
        Matcher matcher =
                Pattern.compile("(?m)^" + Pattern.quote(sample) + " (\\S+)$").matcher(text);
        assertThat(matcher.find()).as(sample).isTrue();
        return Double.parseDouble(matcher.group(1));
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
