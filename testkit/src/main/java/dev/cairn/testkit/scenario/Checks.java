package dev.cairn.testkit.scenario;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.client.CairnClient;
import dev.cairn.client.CairnException;
import dev.cairn.client.KeyValue;
import dev.cairn.client.ReadMode;
import dev.cairn.protocol.NodeStatus;
import dev.cairn.testkit.TestCluster;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/** What several scenarios do and check. */
final class Checks {
    /** How long a write to nodes that cannot commit it is waited for. */
    private static final Duration HOPELESS = Duration.ofMillis(700);

    /** How many rounds may be disturbed by an election. */
    private static final int ROUNDS = 5;

    private Checks() {}

    static byte[] bytes(final String text) {
        return text.getBytes(UTF_8);
    }

    static void check(final boolean holds, final String what, final TestCluster cluster) {
        if (!holds) {
            throw new AssertionError(what + cluster.describe());
        }
    }

    /**
     * Some round goes by without an election. A machine that stalls costs one now and then, which says nothing; what is
     * looked for here costs one in each round.
     *
     * @param round says what disturbed it, empty when nothing did
     */
    static void checkQuiet(final String what, final TestCluster cluster, final Supplier<String> round) {
        final List<String> disturbances = new ArrayList<>();
        for (int i = 0; i < ROUNDS; i++) {
            final String disturbance = round.get();
            if (disturbance.isEmpty()) {
                return;
            }
            disturbances.add(disturbance);
        }
        check(false, what + ", " + ROUNDS + " times in a row: " + disturbances, cluster);
    }

    /** Nodes other than this one, ascending. */
    static int[] others(final TestCluster cluster, final int id) {
        return IntStream.rangeClosed(1, cluster.size())
                .filter(other -> other != id)
                .toArray();
    }

    static long put(final CairnClient client, final String key, final String value) {
        return client.put(bytes(key), bytes(value)).revision();
    }

    /** Writes so many keys, numbered from 0 behind the prefix, one by one; returns the last revision. */
    static long putMany(final CairnClient client, final String prefix, final int count) {
        long last = 0;
        for (int i = 0; i < count; i++) {
            last = put(client, prefix + i, "value-" + prefix + i);
        }
        return last;
    }

    /** All that {@link #putMany} wrote is there, linearizable. */
    static void checkMany(final TestCluster cluster, final CairnClient client, final String prefix, final int count) {
        for (int i = 0; i < count; i++) {
            final Optional<String> value = client.get(bytes(prefix + i)).map(Checks::text);
            check(value.equals(Optional.of("value-" + prefix + i)), prefix + i + " holds " + value, cluster);
        }
    }

    static String text(final KeyValue found) {
        return new String(found.value(), UTF_8);
    }

    /** What this one node shows once it has applied the revision. */
    static Optional<KeyValue> readAt(final TestCluster cluster, final int id, final String key, final long revision) {
        cluster.awaitStatus(
                "revision " + revision + " applied on node " + id,
                nodes -> nodes.stream().anyMatch(node -> node.nodeId() == id && node.appliedIndex() >= revision));
        try (CairnClient client = cluster.connect(Duration.ofSeconds(10), id)) {
            return client.get(bytes(key), ReadMode.STALE, revision);
        }
    }

    static NodeStatus statusOf(final TestCluster cluster, final int id) {
        final NodeStatus status = cluster.status(id);
        check(status != null, "node " + id + " does not answer", cluster);
        if (status == null) {
            throw new AssertionError();
        }
        return status;
    }

    /** Cuts a leader off and gives it a write that it cannot commit; returns when that stands in its log. */
    static void isolateWithUncommittedWrite(final TestCluster cluster, final int leader, final String key) {
        try (CairnClient client = cluster.connect(HOPELESS, leader)) {
            put(client, "before-isolation", "committed");
            cluster.network().isolate(leader);
            final long last = statusOf(cluster, leader).lastLogIndex();
            expectNotCommitted(cluster, client, key);
            check(statusOf(cluster, leader).lastLogIndex() > last, key + " was not even appended", cluster);
        }
    }

    /** The write ends without an acknowledgement. */
    static void expectNotCommitted(final TestCluster cluster, final CairnClient client, final String key) {
        try {
            client.putAsync(bytes(key), bytes("must not be seen")).join();
        } catch (CompletionException expected) {
            check(expected.getCause() instanceof CairnException, "unexpected " + expected.getCause(), cluster);
            return;
        }
        throw new AssertionError("a write was acknowledged without a majority" + cluster.describe());
    }
}
