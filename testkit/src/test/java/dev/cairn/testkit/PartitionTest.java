package dev.cairn.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.client.CairnClient;
import dev.cairn.client.CairnException;
import dev.cairn.covers.Covers;
import dev.cairn.protocol.Status;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Networks that fall apart and heal, and clusters of more than three nodes, over real sockets. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class PartitionTest {
    @TempDir
    Path directory;

    private static byte[] bytes(final String text) {
        return text.getBytes(UTF_8);
    }

    private static int other(final TestCluster cluster, final int id) {
        return id % cluster.size() + 1;
    }

    @Test
    @Covers({"R14", "T33", "T34", "T38"})
    void minorityBlocksMajorityGoesOnAndBothAgreeAfterHealing() {
        try (InProcessCluster cluster = new InProcessCluster(directory, 5).startAll()) {
            final int old = cluster.awaitStableLeader();
            final int with = other(cluster, old);
            cluster.network().partition(old, with);
            final int[] rest = IntStream.rangeClosed(1, 5)
                    .filter(id -> id != old && id != with)
                    .toArray();
            final long last;
            try (CairnClient majority = cluster.connect(Duration.ofSeconds(30), rest)) {
                majority.put(bytes("majority"), bytes("1"));
                try (CairnClient minority = cluster.connect(Duration.ofMillis(700), old, with)) {
                    assertThatThrownBy(() -> minority.put(bytes("minority"), bytes("1")))
                            .isInstanceOf(CairnException.class);
                    assertThatThrownBy(() -> minority.get(bytes("majority"))).isInstanceOf(CairnException.class);
                }
                last = majority.put(bytes("majority"), bytes("2")).revision();
            }
            cluster.network().heal();
            cluster.awaitStableLeader();
            cluster.awaitSameState(last);
            try (CairnClient client = cluster.connect()) {
                assertThat(client.get(bytes("minority"))).isEmpty();
                assertThat(client.get(bytes("majority")).orElseThrow().value()).isEqualTo(bytes("2"));
            }
        }
    }

    /** Nobody can win while all are alone; then one does. */
    @Test
    @Covers({"T33", "R01", "L05"})
    void nodesThatAreAllAloneElectOnlyWhenTheNetworkHeals() {
        try (InProcessCluster cluster = new InProcessCluster(directory, 3).startAll()) {
            cluster.awaitStableLeader();
            cluster.network().partition(1);
            cluster.network().link(2, 3).cut();
            cluster.network().link(3, 2).cut();
            cluster.awaitStatus(
                    "no leader",
                    nodes -> nodes.size() == 3
                            && nodes.stream().allMatch(node -> !node.isLeader() && node.leaderId() == 0));
            cluster.network().heal();
            cluster.awaitStableLeader();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {5, 7})
    @Covers("T38")
    void largerClustersServeWithAsManyDownAsTheyMayLose(final int size) {
        try (InProcessCluster cluster = new InProcessCluster(directory, size).startAll();
                CairnClient client = cluster.connect()) {
            final int leader = cluster.awaitStableLeader();
            for (int i = 0; i < 50; i++) {
                client.put(bytes("before-" + i), bytes("value"));
            }
            final int[] down = IntStream.concat(IntStream.of(leader), IntStream.rangeClosed(1, size))
                    .distinct()
                    .limit((size - 1) / 2)
                    .toArray();
            cluster.kill(down);
            for (int i = 0; i < 50; i++) {
                client.put(bytes("after-" + i), bytes("value"));
            }
            cluster.startMissing();
            cluster.awaitStableLeader();
            cluster.awaitSameState(client.put(bytes("last"), bytes("value")).revision());
            for (int i = 0; i < 50; i++) {
                assertThat(client.get(bytes("before-" + i))).isPresent();
                assertThat(client.get(bytes("after-" + i))).isPresent();
            }
        }
    }

    @Test
    @Covers({"T28", "K08", "X16"})
    void hintIsRightAfterReElections() throws IOException {
        try (InProcessCluster cluster = new InProcessCluster(directory, 3).startAll()) {
            for (int round = 0; round < 3; round++) {
                final int leader = cluster.awaitStableLeader();
                for (final int follower : List.of(other(cluster, leader), other(cluster, other(cluster, leader)))) {
                    try (RawConnection connection = new RawConnection(cluster.clientPort(follower))) {
                        assertThat(connection.openSession())
                                .isEqualTo(new RawConnection.Answer(
                                        Status.NOT_LEADER, 0, leader, "127.0.0.1:" + cluster.clientPort(leader)));
                    }
                }
                cluster.kill(leader);
                cluster.awaitStableLeader();
                cluster.start(leader);
            }
        }
    }

    @Test
    @Covers({"R06", "R33"})
    void followerThatHearsNoHeartbeatsButIsHeardDoesNotDisturb() {
        try (InProcessCluster cluster = new InProcessCluster(directory, 3).startAll();
                CairnClient client = cluster.connect()) {
            final int leader = cluster.awaitStableLeader();
            final long term = cluster.awaitTerm(leader);
            final int deaf = other(cluster, leader);
            cluster.network().link(leader, deaf).stallRequests();
            for (int i = 0; i < 200; i++) {
                client.put(bytes("key"), bytes("value" + i));
            }
            cluster.network().heal();
            cluster.awaitSameState(client.put(bytes("key"), bytes("last")).revision());
            assertThat(cluster.awaitTerm(leader)).isEqualTo(term);
        }
    }
}
