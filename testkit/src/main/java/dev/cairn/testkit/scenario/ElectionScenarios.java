package dev.cairn.testkit.scenario;

import static dev.cairn.testkit.scenario.Checks.check;
import static dev.cairn.testkit.scenario.Checks.checkQuiet;
import static dev.cairn.testkit.scenario.Checks.statusOf;

import dev.cairn.protocol.NodeStatus;
import dev.cairn.testkit.TestCluster;
import java.util.List;
import java.util.stream.IntStream;

/** Who leads. */
final class ElectionScenarios {
    /** How often the cluster is looked at while nothing should happen. */
    private static final int LOOKS = 100;

    private ElectionScenarios() {}

    static void exactlyOneLeader(final TestCluster cluster) {
        final int leader = cluster.awaitStableLeader();
        final List<NodeStatus> nodes = IntStream.rangeClosed(1, cluster.size())
                .mapToObj(id -> statusOf(cluster, id))
                .toList();
        check(nodes.stream().filter(NodeStatus::isLeader).count() == 1, "not one leader: " + nodes, cluster);
        check(
                nodes.stream().allMatch(node -> node.leaderId() == leader),
                "not all follow node " + leader + ": " + nodes,
                cluster);
    }

    static void noElectionsWhileTheLeaderLives(final TestCluster cluster) {
        checkQuiet("elections while the leader lived", cluster, () -> changeWithinLooks(cluster));
    }

    /** Empty when {@link #LOOKS} looks show the same leader in the same term. */
    private static String changeWithinLooks(final TestCluster cluster) {
        final NodeStatus before = statusOf(cluster, cluster.awaitStableLeader());
        final int[] looks = {0};
        final String[] change = {""};
        cluster.awaitStatus(LOOKS + " looks", nodes -> {
            for (final NodeStatus node : nodes) {
                if (node.term() != before.term() || node.isLeader() != (node.nodeId() == before.nodeId())) {
                    change[0] = "after " + looks[0] + " looks: " + node + ", was " + before;
                }
            }
            return !change[0].isEmpty() || ++looks[0] == LOOKS;
        });
        return change[0];
    }
}
