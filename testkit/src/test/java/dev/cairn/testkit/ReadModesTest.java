package dev.cairn.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.client.CairnClient;
import dev.cairn.client.CairnException;
import dev.cairn.client.KeyValue;
import dev.cairn.client.ReadMode;
import dev.cairn.client.Scan;
import dev.cairn.covers.Covers;
import dev.cairn.protocol.NodeStatus;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Reads at followers and by lease, over real sockets: as fresh as the default, also when something goes wrong. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class ReadModesTest {
    @TempDir
    Path directory;

    private static byte[] bytes(final String text) {
        return text.getBytes(UTF_8);
    }

    private static String text(final Optional<KeyValue> read) {
        return new String(read.orElseThrow().value(), UTF_8);
    }

    @Test
    @Covers({"R19", "R22"})
    void followerReadsSeeEveryWriteThatWasAcknowledged() {
        try (InProcessCluster cluster = new InProcessCluster(directory, 3).startAll();
                CairnClient writer = cluster.connect()) {
            final int leader = cluster.awaitStableLeader();
            try (CairnClient one = cluster.connect(Duration.ofSeconds(10), leader % 3 + 1);
                    CairnClient two = cluster.connect(Duration.ofSeconds(10), (leader + 1) % 3 + 1);
                    CairnClient atLeader = cluster.connect(Duration.ofSeconds(10), leader)) {
                for (int i = 0; i < 200; i++) {
                    writer.put(bytes("k"), bytes("v" + i));
                    for (final CairnClient reader : List.of(one, two, atLeader)) {
                        assertThat(text(reader.get(bytes("k"), ReadMode.FOLLOWER)))
                                .isEqualTo("v" + i);
                    }
                }
                one.defaultReadMode(ReadMode.FOLLOWER);
                assertThat(one.multiGet(List.of(bytes("k"))).entries()).hasSize(1);
                assertThat(one.count(Scan.prefix(bytes("k"))).count()).isEqualTo(1);
            }
        }
    }

    /** It cannot ask, so it does not answer; and it answers again when it can. */
    @Test
    @Covers("R22")
    void aFollowerThatIsCutOffAnswersNoFollowerRead() {
        try (InProcessCluster cluster = new InProcessCluster(directory, 3).startAll();
                CairnClient writer = cluster.connect()) {
            final int leader = cluster.awaitStableLeader();
            final int follower = leader % 3 + 1;
            writer.put(bytes("k"), bytes("old"));
            try (CairnClient reader = cluster.connect(Duration.ofSeconds(2), follower)) {
                assertThat(text(reader.get(bytes("k"), ReadMode.FOLLOWER))).isEqualTo("old");
                cluster.network().partition(follower);
                writer.put(bytes("k"), bytes("new"));
                assertThatThrownBy(() -> reader.get(bytes("k"), ReadMode.FOLLOWER))
                        .isInstanceOf(CairnException.class);
                assertThat(text(reader.get(bytes("k"), ReadMode.STALE))).isEqualTo("old");
                cluster.network().heal();
                cluster.awaitStableLeader();
                assertThat(text(reader.get(bytes("k"), ReadMode.FOLLOWER))).isEqualTo("new");
            }
        }
    }

    /** With election timeouts of eight seconds a lease is six seconds long. */
    @Test
    @Covers({"R20", "X04"})
    void leaseReadsNeedNobodyElseForALittleWhile() {
        try (InProcessCluster cluster = new InProcessCluster(
                                directory,
                                3,
                                "raft.heartbeat.ms=50",
                                "raft.election.min.ms=8000",
                                "raft.election.max.ms=9000")
                        .startAll();
                CairnClient writer = cluster.connect()) {
            final int leader = cluster.awaitStableLeader();
            writer.put(bytes("k"), bytes("v"));
            try (CairnClient reader = cluster.connect(Duration.ofMillis(700), leader)) {
                assertThat(text(reader.get(bytes("k"), ReadMode.LEASE))).isEqualTo("v");
                cluster.network().partition(leader);
                assertThat(text(reader.get(bytes("k"), ReadMode.LEASE))).isEqualTo("v");
                assertThat(reader.multiGet(List.of(bytes("k")), ReadMode.LEASE, 0)
                                .entries())
                        .hasSize(1);
                assertThatThrownBy(() -> reader.get(bytes("k"), ReadMode.LINEARIZABLE))
                        .isInstanceOf(CairnException.class);
                cluster.awaitStatus(
                        "it has noticed",
                        nodes -> nodes.stream().noneMatch(node -> node.nodeId() == leader && node.isLeader()));
                assertThatThrownBy(() -> reader.get(bytes("k"), ReadMode.LEASE)).isInstanceOf(CairnException.class);
            }
        }
    }

    /**
     * The leader's process is stopped for longer than any lease, another node takes a write, and the process goes on with a
     * read in its socket: its clock was read last before the stop.
     */
    @Test
    @Covers("R20")
    void aLeaderThatWasStoppedDoesNotAnswerFromItsLease() throws Exception {
        try (ProcessCluster cluster = new ProcessCluster(directory, 3).startAll()) {
            for (int round = 0; round < 4; round++) {
                final int leader = cluster.awaitStableLeader();
                final String value = "round " + round;
                try (CairnClient reader = cluster.connect(Duration.ofSeconds(60), leader)) {
                    try (CairnClient before = cluster.connect()) {
                        before.put(bytes("k"), bytes("before " + value));
                    }
                    assertThat(text(reader.get(bytes("k"), ReadMode.LEASE))).isEqualTo("before " + value);
                    cluster.pause(leader);
                    final int[] rest = {leader % 3 + 1, (leader + 1) % 3 + 1};
                    try (CairnClient others = cluster.connect(Duration.ofSeconds(60), rest)) {
                        others.put(bytes("k"), bytes(value));
                    }
                    final CompletableFuture<Optional<KeyValue>> late = reader.getAsync(bytes("k"), ReadMode.LEASE);
                    cluster.awaitStatus(
                            "another leader", nodes -> nodes.stream().anyMatch(NodeStatus::isLeader));
                    cluster.resume(leader);
                    assertThat(text(late.join())).isEqualTo(value);
                }
            }
        }
    }
}
