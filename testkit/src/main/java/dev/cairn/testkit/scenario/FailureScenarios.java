package dev.cairn.testkit.scenario;

import static dev.cairn.testkit.scenario.Checks.bytes;
import static dev.cairn.testkit.scenario.Checks.check;
import static dev.cairn.testkit.scenario.Checks.checkMany;
import static dev.cairn.testkit.scenario.Checks.expectNotCommitted;
import static dev.cairn.testkit.scenario.Checks.isolateWithUncommittedWrite;
import static dev.cairn.testkit.scenario.Checks.others;
import static dev.cairn.testkit.scenario.Checks.put;
import static dev.cairn.testkit.scenario.Checks.putMany;
import static dev.cairn.testkit.scenario.Checks.statusOf;

import dev.cairn.client.CairnClient;
import dev.cairn.testkit.TestCluster;
import java.time.Duration;
import java.util.Arrays;

/** Nodes that are cut off or down, and come back. */
final class FailureScenarios {
    private static final int WRITES = 200;

    private FailureScenarios() {}

    static void laggingFollowerCatchesUp(final TestCluster cluster) {
        final int follower = others(cluster, cluster.awaitStableLeader())[0];
        try (CairnClient client = cluster.connect()) {
            putMany(client, "before-", 10);
            cluster.network().isolate(follower);
            final long last = putMany(client, "meanwhile-", WRITES);
            check(statusOf(cluster, follower).appliedIndex() < last, "the follower was not cut off", cluster);
            cluster.network().heal();
            cluster.awaitSameState(last);
        }
    }

    static void uncommittedTailIsReplaced(final TestCluster cluster) {
        final int old = cluster.awaitStableLeader();
        isolateWithUncommittedWrite(cluster, old, "lost");
        final long last;
        try (CairnClient client = cluster.connect(Duration.ofSeconds(30), others(cluster, old))) {
            last = putMany(client, "kept-", 20);
        }
        cluster.network().heal();
        cluster.awaitSameState(last);
        try (CairnClient client = cluster.connect()) {
            check(client.get(bytes("lost")).isEmpty(), "the uncommitted write was seen", cluster);
            checkMany(cluster, client, "kept-", 20);
        }
    }

    static void writesCommitWithOneFollowerDown(final TestCluster cluster) {
        final int follower = others(cluster, cluster.awaitStableLeader())[0];
        cluster.kill(follower);
        try (CairnClient client = cluster.connect()) {
            final long last = putMany(client, "one-down-", WRITES);
            checkMany(cluster, client, "one-down-", WRITES);
            cluster.awaitSameState(last);
        }
    }

    static void nothingCommitsWithoutMajority(final TestCluster cluster) {
        final int leader = cluster.awaitStableLeader();
        final int[] down = Arrays.copyOf(others(cluster, leader), cluster.size() - cluster.size() / 2);
        try (CairnClient client = cluster.connect(Duration.ofSeconds(1), leader)) {
            put(client, "with-majority", "committed");
            cluster.kill(down);
            final long committed = statusOf(cluster, leader).commitIndex();
            expectNotCommitted(cluster, client, "without-majority");
            check(
                    statusOf(cluster, leader).commitIndex() == committed,
                    "something was committed without a majority",
                    cluster);
        }
        cluster.startMissing();
        cluster.awaitStableLeader();
        try (CairnClient client = cluster.connect()) {
            cluster.awaitSameState(put(client, "again", "committed"));
            check(client.get(bytes("with-majority")).isPresent(), "a committed write is gone", cluster);
        }
    }

    static void leaderCrashLosesNothing(final TestCluster cluster) {
        final int old = cluster.awaitStableLeader();
        try (CairnClient client = cluster.connect()) {
            putMany(client, "before-", WRITES);
            cluster.kill(old);
            putMany(client, "after-", WRITES);
            final int next = cluster.awaitLeader();
            check(next != old, "node " + old + " was killed and leads", cluster);
            cluster.start(old);
            cluster.awaitStableLeader();
            cluster.awaitSameState(put(client, "last", "value"));
            checkMany(cluster, client, "before-", WRITES);
            checkMany(cluster, client, "after-", WRITES);
        }
    }
}
