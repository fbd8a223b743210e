package dev.cairn.testkit.scenario;

import static dev.cairn.testkit.scenario.Checks.bytes;
import static dev.cairn.testkit.scenario.Checks.check;
import static dev.cairn.testkit.scenario.Checks.checkMany;
import static dev.cairn.testkit.scenario.Checks.checkQuiet;
import static dev.cairn.testkit.scenario.Checks.isolateWithUncommittedWrite;
import static dev.cairn.testkit.scenario.Checks.others;
import static dev.cairn.testkit.scenario.Checks.put;
import static dev.cairn.testkit.scenario.Checks.putMany;
import static dev.cairn.testkit.scenario.Checks.readAt;
import static dev.cairn.testkit.scenario.Checks.statusOf;

import dev.cairn.client.CairnClient;
import dev.cairn.testkit.TestCluster;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.stream.IntStream;

/** Nodes that crash and start again on what they have on disk. */
final class RestartScenarios {
    private static final int WRITES = 200;
    private static final int LARGE_WRITES = 150;
    private static final int LARGE_BYTES = 16 << 10;

    private RestartScenarios() {}

    static void restartedFollowerCatchesUp(final TestCluster cluster) {
        final int follower = others(cluster, cluster.awaitStableLeader())[0];
        try (CairnClient client = cluster.connect()) {
            putMany(client, "before-", WRITES);
            cluster.kill(follower);
            final long last = putMany(client, "meanwhile-", WRITES);
            cluster.start(follower);
            cluster.awaitSameState(last);
            final int count = WRITES - 1;
            check(readAt(cluster, follower, "before-" + count, last).isPresent(), "an old write is gone", cluster);
            check(readAt(cluster, follower, "meanwhile-" + count, last).isPresent(), "a new write is gone", cluster);
        }
    }

    static void crashedLeaderComesBackAsFollower(final TestCluster cluster) {
        try (CairnClient client = cluster.connect()) {
            putMany(client, "before-", 20);
            checkQuiet("its return cost an election", cluster, () -> changeOnLeadersReturn(cluster));
            cluster.awaitSameState(put(client, "after", "value"));
        }
    }

    /** Empty when neither term nor leader changed after the old leader was started again, by its doing or another's. */
    private static String changeOnLeadersReturn(final TestCluster cluster) {
        final int old = cluster.awaitStableLeader();
        cluster.kill(old);
        final int next = cluster.awaitStableLeader();
        final long term = statusOf(cluster, next).term();
        cluster.start(old);
        final int leader = cluster.awaitStableLeader();
        final long termNow = statusOf(cluster, old).term();
        return leader == next && termNow == term
                ? ""
                : "node " + next + " led in term " + term + ", then node " + leader + " in term " + termNow;
    }

    static void uncommittedEntryNeverAppears(final TestCluster cluster) {
        final int old = cluster.awaitStableLeader();
        isolateWithUncommittedWrite(cluster, old, "lost");
        cluster.kill(old);
        final long last;
        try (CairnClient client = cluster.connect(Duration.ofSeconds(30), others(cluster, old))) {
            last = putMany(client, "kept-", 20);
        }
        cluster.network().heal();
        cluster.start(old);
        cluster.awaitStableLeader();
        cluster.awaitSameState(last);
        for (int id = 1; id <= cluster.size(); id++) {
            check(readAt(cluster, id, "lost", last).isEmpty(), "node " + id + " shows the uncommitted write", cluster);
        }
    }

    static void nothingIsAppliedTwiceAcrossRestarts(final TestCluster cluster) {
        final int[] all = IntStream.rangeClosed(1, cluster.size()).toArray();
        for (int round = 1; round <= 3; round++) {
            cluster.awaitStableLeader();
            final long last;
            try (CairnClient client = cluster.connect()) {
                long revision = 0;
                for (int i = 0; i < 30; i++) {
                    revision = put(client, "once", "round " + round + " write " + i);
                }
                last = revision;
            }
            WriteScenarios.checkVersion(cluster, "once", 30L * round, last);
            cluster.kill(all);
            cluster.startMissing();
            cluster.awaitStableLeader();
            WriteScenarios.checkVersion(cluster, "once", 30L * round, last);
        }
    }

    static void snapshotSurvivesRestart(final TestCluster cluster) {
        final int[] all = IntStream.rangeClosed(1, cluster.size()).toArray();
        final byte[] large = new byte[LARGE_BYTES];
        Arrays.fill(large, (byte) 'x');
        try (CairnClient client = cluster.connect()) {
            for (int i = 0; i < LARGE_WRITES; i++) {
                client.put(bytes("large-" + i), large);
            }
            putMany(client, "small-", 20);
            client.delete(bytes("large-0"));
        }
        cluster.awaitStatus(
                "a snapshot on each node", nodes -> IntStream.of(all).allMatch(id -> hasSnapshot(cluster.data(id))));
        cluster.kill(all);
        cluster.startMissing();
        cluster.awaitStableLeader();
        try (CairnClient client = cluster.connect()) {
            cluster.awaitSameState(put(client, "after", "value"));
            checkMany(cluster, client, "small-", 20);
            check(client.get(bytes("large-0")).isEmpty(), "a deleted key is back", cluster);
            for (int i = 1; i < LARGE_WRITES; i++) {
                final int number = i;
                check(
                        client.get(bytes("large-" + i))
                                .map(found -> Arrays.equals(found.value(), large))
                                .orElse(false),
                        "large-" + number + " is not what was written",
                        cluster);
            }
        }
    }

    private static boolean hasSnapshot(final Path data) {
        final String[] names = data.toFile().list();
        return names != null && Arrays.stream(names).anyMatch(name -> name.matches("checkpoint-\\d+-\\d+"));
    }
}
