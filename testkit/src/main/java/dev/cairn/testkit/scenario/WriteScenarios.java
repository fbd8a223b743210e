package dev.cairn.testkit.scenario;

import static dev.cairn.testkit.scenario.Checks.bytes;
import static dev.cairn.testkit.scenario.Checks.check;
import static dev.cairn.testkit.scenario.Checks.others;
import static dev.cairn.testkit.scenario.Checks.put;
import static dev.cairn.testkit.scenario.Checks.readAt;

import dev.cairn.client.CairnClient;
import dev.cairn.client.KeyValue;
import dev.cairn.protocol.Status;
import dev.cairn.testkit.RawConnection;
import dev.cairn.testkit.RawConnection.Answer;
import dev.cairn.testkit.TestCluster;
import java.io.IOException;
import java.util.Optional;

/** What becomes of writes while nothing fails. */
final class WriteScenarios {
    private static final int SEQUENTIAL_WRITES = 200;
    private static final int OVERWRITES = 50;

    private WriteScenarios() {}

    static void followerRefusesWithUsableHint(final TestCluster cluster) throws IOException {
        final int leader = cluster.awaitStableLeader();
        final String hint;
        try (RawConnection follower = new RawConnection(cluster.clientPort(others(cluster, leader)[0]))) {
            final Answer refused = follower.openSession();
            check(refused.status() == Status.NOT_LEADER, "the follower answered " + refused, cluster);
            check(refused.leaderId() == leader, "leader is node " + leader + ", the hint says " + refused, cluster);
            hint = refused.leaderAddress();
        }
        final int port = Integer.parseInt(hint.substring(hint.lastIndexOf(':') + 1));
        try (RawConnection hinted = new RawConnection(port)) {
            final Answer session = hinted.openSession();
            final Answer written = hinted.put(session.revision(), 1, bytes("hinted"), bytes("value"));
            check(written.status() == Status.OK, "the hinted node answered " + written, cluster);
        }
    }

    static void leaderWriteIsAppliedEverywhere(final TestCluster cluster) {
        try (CairnClient client = cluster.connect()) {
            final long revision = put(client, "key", "value");
            for (int id = 1; id <= cluster.size(); id++) {
                final Optional<String> shown =
                        readAt(cluster, id, "key", revision).map(Checks::text);
                check(shown.equals(Optional.of("value")), "node " + id + " shows " + shown, cluster);
            }
            cluster.awaitSameState(revision);
        }
    }

    static void eachNodeShowsOwnWrites(final TestCluster cluster) {
        try (CairnClient client = cluster.connect()) {
            for (int round = 0; round < 5; round++) {
                for (int id = 1; id <= cluster.size(); id++) {
                    final String value = "round " + round + " node " + id;
                    final long revision = put(client, "mine", value);
                    final Optional<String> shown =
                            readAt(cluster, id, "mine", revision).map(Checks::text);
                    check(shown.equals(Optional.of(value)), value + " is shown as " + shown, cluster);
                }
            }
        }
    }

    static void sequentialWritesStayInOrder(final TestCluster cluster) {
        try (CairnClient client = cluster.connect()) {
            long last = 0;
            for (int i = 1; i <= SEQUENTIAL_WRITES; i++) {
                final long revision = put(client, "sequence", "write " + i);
                check(revision > last, "write " + i + " got revision " + revision + " behind " + last, cluster);
                last = revision;
            }
            for (int id = 1; id <= cluster.size(); id++) {
                final Optional<String> shown =
                        readAt(cluster, id, "sequence", last).map(Checks::text);
                check(
                        shown.equals(Optional.of("write " + SEQUENTIAL_WRITES)),
                        "node " + id + " shows " + shown,
                        cluster);
            }
        }
    }

    static void eachWriteIsAppliedOnce(final TestCluster cluster) throws IOException {
        long last = 0;
        try (RawConnection leader = new RawConnection(cluster.clientPort(cluster.awaitStableLeader()))) {
            final long session = leader.openSession().revision();
            for (int i = 1; i <= OVERWRITES; i++) {
                final Answer first = leader.put(session, i, bytes("once"), bytes("write " + i));
                final Answer repeated = leader.put(session, i, bytes("once"), bytes("write " + i));
                check(first.equals(repeated), "answered " + first + ", repeated " + repeated, cluster);
                last = first.revision();
            }
        }
        checkVersion(cluster, "once", OVERWRITES, last);
    }

    /** Each node has applied so many writes of the key, and all are in one state. */
    static void checkVersion(final TestCluster cluster, final String key, final long version, final long revision) {
        for (int id = 1; id <= cluster.size(); id++) {
            final Optional<Long> shown = readAt(cluster, id, key, revision).map(KeyValue::version);
            check(
                    shown.equals(Optional.of(version)),
                    "node " + id + " applied " + shown + " writes instead of " + version,
                    cluster);
        }
        cluster.awaitSameState(revision);
    }
}
