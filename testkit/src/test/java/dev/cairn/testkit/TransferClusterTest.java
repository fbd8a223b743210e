package dev.cairn.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.client.CairnClient;
import dev.cairn.client.RequestRejectedException;
import dev.cairn.client.ServerStatus;
import dev.cairn.protocol.NodeStatus;
import dev.cairn.protocol.Status;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Leadership that is handed over, over real sockets. Election timeouts of three seconds: whatever is quick here was no
 * election that somebody had to wait for.
 */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class TransferClusterTest {
    private static final String[] SLOW_ELECTIONS = {
        "raft.heartbeat.ms=100", "raft.election.min.ms=3000", "raft.election.max.ms=3500"
    };

    @TempDir
    Path directory;

    private static byte[] bytes(final String text) {
        return text.getBytes(UTF_8);
    }

    private static long term(final TestCluster cluster, final int id) {
        return Objects.requireNonNull(cluster.status(id)).term();
    }

    /** A client that writes without a pause; each write must succeed. */
    private static final class Writer implements AutoCloseable {
        private final CairnClient client;
        private final AtomicBoolean stop = new AtomicBoolean();
        private final AtomicLong written = new AtomicLong();
        private final CompletableFuture<Void> done;

        Writer(final CairnClient client) {
            this.client = client;
            done = CompletableFuture.runAsync(() -> {
                while (!stop.get()) {
                    client.add(bytes("count"), 1);
                    written.incrementAndGet();
                }
            });
        }

        void awaitMore(final TestCluster cluster) throws InterruptedException {
            final long target = written.get() + 100;
            Await.until("writes", () -> written.get() >= target || done.isDone(), cluster::describe);
        }

        long end() {
            stop.set(true);
            done.join();
            return written.get();
        }

        @Override
        public void close() {
            stop.set(true);
            client.close();
        }
    }

    @Test
    void leadershipGoesWhereItIsSentAndNoWriteFails() throws Exception {
        try (InProcessCluster cluster = new InProcessCluster(directory, 3, SLOW_ELECTIONS).startAll();
                CairnClient operator = cluster.connect();
                Writer writer = new Writer(cluster.connect(Duration.ofSeconds(60)))) {
            final int first = cluster.awaitStableLeader();
            writer.awaitMore(cluster);
            final long term = term(cluster, first);
            int hops = 0;
            for (int id = 1; id <= 3; id++) {
                if (leader(operator) != id) {
                    assertThat(operator.transferLeader(id)).isEqualTo(id);
                    hops++;
                }
                assertThat(operator.transferLeader(id)).as("it leads already").isEqualTo(id);
                writer.awaitMore(cluster);
            }
            assertThat(operator.transferLeader(0)).isBetween(1, 2);
            writer.awaitMore(cluster);
            final int last = cluster.awaitStableLeader();
            assertThat(term(cluster, last)).as("one election each").isEqualTo(term + hops + 1);
            final long written = writer.end();
            assertThat(operator.add(bytes("count"), 0).value()).isEqualTo(written);
        }
    }

    private static int leader(final CairnClient operator) {
        return operator.status().stream()
                .map(ServerStatus::node)
                .filter(Objects::nonNull)
                .filter(NodeStatus::isLeader)
                .mapToInt(NodeStatus::nodeId)
                .findAny()
                .orElseThrow();
    }

    /** The others would not elect anybody for three seconds: that somebody leads when the node has ended was its own doing. */
    @Test
    void aLeaderThatStopsLeavesASuccessorAndNoWriteFails() throws Exception {
        try (InProcessCluster cluster = new InProcessCluster(directory, 3, SLOW_ELECTIONS).startAll();
                CairnClient operator = cluster.connect();
                Writer writer = new Writer(cluster.connect(Duration.ofSeconds(60)))) {
            final int first = cluster.awaitStableLeader();
            writer.awaitMore(cluster);
            final long term = term(cluster, first);
            cluster.stop(first);
            final List<NodeStatus> left = operator.status().stream()
                    .map(ServerStatus::node)
                    .filter(Objects::nonNull)
                    .toList();
            assertThat(left).hasSize(2).anyMatch(NodeStatus::isLeader).allMatch(node -> node.term() == term + 1);
            writer.awaitMore(cluster);
            final long written = writer.end();
            assertThat(operator.add(bytes("count"), 0).value()).isEqualTo(written);
        }
    }

    @Test
    void whatCannotBeIsRefusedWithTheReason() throws Exception {
        try (InProcessCluster cluster = new InProcessCluster(directory, 3).startAll();
                CairnClient operator = cluster.connect(Duration.ofSeconds(5))) {
            final int leader = cluster.awaitStableLeader();
            final int other = leader % 3 + 1;
            assertThatThrownBy(() -> operator.transferLeader(9))
                    .isInstanceOfSatisfying(
                            RequestRejectedException.class,
                            e -> assertThat(e.status()).isEqualTo(Status.REFUSED))
                    .hasMessageContaining("no voter");
            cluster.kill(other);
            final AtomicLong refusals = new AtomicLong();
            Await.until(
                    "the silence is noticed",
                    () -> {
                        try {
                            operator.transferLeader(other);
                        } catch (RequestRejectedException refused) {
                            refusals.incrementAndGet();
                            return String.valueOf(refused.getMessage()).contains("not heard");
                        }
                        throw new AssertionError("a dead node leads");
                    },
                    cluster::describe);
            assertThat(refusals).hasPositiveValue();
            operator.put(bytes("k"), bytes("the leader goes on"));
            assertThat(operator.stepDown()).isNotEqualTo(other);
        }
    }
}
