package dev.cairn.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.client.CairnClient;
import dev.cairn.client.RequestRejectedException;
import dev.cairn.covers.Covers;
import dev.cairn.protocol.ClusterMembership;
import dev.cairn.protocol.ClusterMembership.Member;
import dev.cairn.protocol.MemberChange;
import dev.cairn.protocol.Status;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Who belongs to the cluster changes while clients write: real processes, every node replaced by another one. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class MembershipProcessTest {
    private static final byte[] KEY = bytes("key");

    @TempDir
    Path directory;

    private static byte[] bytes(final String text) {
        return text.getBytes(UTF_8);
    }

    private static String address(final ProcessCluster cluster, final int id) {
        return "127.0.0.1:" + cluster.peerPort(id) + ":" + cluster.clientPort(id);
    }

    /** Nodes 1 to 3 make the cluster; further ones are to be added. */
    private static void startAll(final ProcessCluster cluster) {
        final String members = IntStream.rangeClosed(1, 3)
                .mapToObj(id -> id + "=" + address(cluster, id))
                .collect(Collectors.joining(","));
        for (int id = 1; id <= 3; id++) {
            cluster.start(id, Map.of("cluster.members", members));
            startJoining(cluster, id + 3);
        }
    }

    private static void startJoining(final ProcessCluster cluster, final int id) {
        cluster.start(id, Map.of("cluster.members", id + "=" + address(cluster, id), "cluster.join", "true"));
    }

    private static List<Integer> voters(final ClusterMembership membership) {
        return membership.members().stream()
                .filter(Member::isVoter)
                .map(Member::nodeId)
                .toList();
    }

    private static void awaitVote(final ProcessCluster cluster, final CairnClient operator, final int id)
            throws InterruptedException {
        Await.until(
                "node " + id + " votes",
                () -> {
                    final ClusterMembership now = operator.members();
                    return voters(now).contains(id) && !now.isChanging();
                },
                cluster::describe);
    }

    private static void awaitLine(final ProcessCluster cluster, final int id, final String... parts)
            throws InterruptedException {
        Await.until(
                "node " + id + " logs " + List.of(parts),
                () -> cluster.logLines(id).stream()
                        .anyMatch(line -> List.of(parts).stream().allMatch(line::contains)),
                cluster::describe);
    }

    private static void assertRefused(final ThrowingCallable change, final String reason) {
        assertThatThrownBy(change)
                .isInstanceOfSatisfying(
                        RequestRejectedException.class,
                        refused -> assertThat(refused.status()).isEqualTo(Status.REFUSED))
                .hasMessageContaining(reason);
    }

    private static void awaitMore(final ProcessCluster cluster, final RecordedWriter writer)
            throws InterruptedException {
        final int target = writer.acknowledgedCount() + 100;
        Await.until("writes go on", () -> writer.acknowledgedCount() >= target, cluster::describe);
    }

    @Test
    @Covers({"R28", "X09"})
    void allNodesAreReplacedOneByOneUnderLoadAndUnsafeStepsAreRefused() throws Exception {
        try (ProcessCluster cluster = new ProcessCluster(
                directory,
                6,
                "snapshot.log.bytes=1MiB",
                "snapshot.keep.log.bytes=0",
                "raft.heartbeat.ms=100",
                "raft.election.min.ms=1000",
                "raft.election.max.ms=1400")) {
            startAll(cluster);
            try (CairnClient operator = cluster.connect(Duration.ofSeconds(30), 1, 2, 3);
                    CairnClient writing = cluster.connect(Duration.ofSeconds(60), 1, 2, 3)) {
                cluster.awaitLeader();
                assertThat(operator.members().index()).as("as the settings say").isZero();
                replaceAllUnderLoad(cluster, operator, writing);
                assertOutside(cluster, operator);
                // Neither client was ever told of another server than these three.
                cluster.kill(1, 2, 3);
                writing.put(KEY, bytes("the new ones serve"));
                assertThat(voters(operator.members())).containsExactly(4, 5, 6);
                refuseUnsafeSteps(cluster, operator);
            }
        }
    }

    private static void replaceAllUnderLoad(
            final ProcessCluster cluster, final CairnClient operator, final CairnClient writing) throws Exception {
        final RecordedWriter writer = new RecordedWriter(writing, "w-");
        awaitMore(cluster, writer);
        for (int gone = 1; gone <= 3; gone++) {
            final int come = gone + 3;
            operator.replaceNode(gone, come, address(cluster, come));
            awaitVote(cluster, operator, come);
            assertThat(voters(operator.members()))
                    .contains(come)
                    .doesNotContain(gone)
                    .hasSize(3);
            awaitMore(cluster, writer);
        }
        writer.finish();
        assertThat(writer.failureCount()).isZero();
        writer.assertAllThere(operator);
    }

    /** They run on, know that they are out, and say so. */
    private static void assertOutside(final ProcessCluster cluster, final CairnClient operator) throws Exception {
        for (int id = 1; id <= 3; id++) {
            awaitLine(
                    cluster,
                    id,
                    "event=membership.outside",
                    "node " + id + " ",
                    "the cluster by the configuration at index");
        }
        assertThat(operator.nodeDetails())
                .hasSize(3)
                .allSatisfy(node -> assertThat(node.json()).contains("\"outside\":\"node "));
    }

    private static void refuseUnsafeSteps(final ProcessCluster cluster, final CairnClient operator) throws Exception {
        final int leader = operator.members().leaderId();
        final int first = leader == 4 ? 5 : 4;
        final int second = 15 - leader - first;
        // Nobody is there.
        operator.addLearner(7, address(cluster, 3));
        assertRefused(() -> operator.promoteNode(7), "node 7 cannot be reached");
        operator.removeNode(7);
        assertRefused(() -> operator.addNode(8, address(cluster, first)), "nodes " + first + " and 8 share a port");
        assertRefused(() -> operator.removeNode(9), "node 9 is no member");

        cluster.kill(first);
        Await.until(
                "its silence is noticed",
                () -> !Objects.requireNonNull(operator.members().member(first)).isReachable(),
                cluster::describe);
        assertRefused(
                () -> operator.removeNode(second),
                "the quorum would be lost: of the voters " + List.of(Math.min(leader, first), Math.max(leader, first))
                        + " node " + first + " cannot be reached");

        try (CairnClient atLeader = cluster.connect(Duration.ofSeconds(30), leader)) {
            atLeader.members();
            cluster.pause(second);
            final CompletableFuture<ClusterMembership> removal =
                    atLeader.changeMembershipAsync(List.of(MemberChange.remove(first)));
            Await.until("the change has begun", () -> atLeader.members().isChanging(), cluster::describe);
            assertRefused(() -> atLeader.removeNode(second), "a change is under way: voters=");
            cluster.resume(second);
            assertThat(voters(removal.join())).doesNotContain(first).hasSize(2);
        }
        // Two voters are left, and a write needs both: the one that begins anew knows its cluster by its log alone.
        cluster.kill(second);
        startJoining(cluster, second);
        operator.put(KEY, bytes("both are there"));
        cluster.awaitStatus(
                "node " + second + " follows",
                nodes -> nodes.stream().anyMatch(node -> node.nodeId() == second && node.leaderId() == leader));
    }
}
