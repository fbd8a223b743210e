package dev.cairn.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.client.CairnClient;
import dev.cairn.client.KeyValue;
import dev.cairn.covers.Covers;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Many threads on one cluster. The time-out of the class is the guard against deadlock. */
@CairnCluster(settings = "raft.preset=default")
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class StressTest {
    private static final int THREADS = 8;
    private static final int OPERATIONS = 400;

    private static byte[] bytes(final String text) {
        return text.getBytes(UTF_8);
    }

    private interface Work {
        void run(int thread) throws Exception;
    }

    private static void inThreads(final Work work) throws Exception {
        final ExecutorService executor = Executors.newFixedThreadPool(THREADS);
        try {
            final List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < THREADS; i++) {
                final int thread = i;
                all.add(executor.submit(() -> {
                    work.run(thread);
                    return null;
                }));
            }
            for (final Future<?> one : all) {
                one.get();
            }
        } finally {
            executor.shutdownNow();
        }
    }

    @Test
    @Covers({"T31", "T35", "K16"})
    void mixedOperationsOfManyThreadsAreEachAnsweredRightAndCostNoElection(
            final TestCluster cluster, final CairnClient client) throws Exception {
        final long seed = Seeds.choose();
        final long term = cluster.awaitTerm(cluster.awaitStableLeader());
        inThreads(thread -> {
            final Random random = new Random(seed + thread);
            final Map<String, String> own = new HashMap<>();
            for (int i = 0; i < OPERATIONS; i++) {
                final String key = "thread" + thread + "-key" + random.nextInt(10);
                switch (random.nextInt(4)) {
                    case 0 -> {
                        own.put(key, "value" + i);
                        client.put(bytes(key), bytes("value" + i));
                    }
                    case 1 -> assertThat(client.delete(bytes(key)).found()).isEqualTo(own.remove(key) != null);
                    default ->
                        assertThat(client.get(bytes(key)).map(found -> new String(found.value(), UTF_8)))
                                .isEqualTo(Optional.ofNullable(own.get(key)));
                }
            }
        });
        assertThat(cluster.awaitTerm(cluster.awaitStableLeader())).as("term").isEqualTo(term);
        cluster.awaitSameState(1);
    }

    @Test
    @Covers({"T31", "K16"})
    void readersOfOneKeyNeverSeeItGoBack(final CairnClient client) throws Exception {
        client.put(bytes("key"), bytes("0"));
        inThreads(thread -> {
            long last = 0;
            for (int i = 0; i < OPERATIONS; i++) {
                if (thread == 0) {
                    client.put(bytes("key"), bytes(Integer.toString(i)));
                } else {
                    final KeyValue found = client.get(bytes("key")).orElseThrow();
                    assertThat(found.modRevision()).isGreaterThanOrEqualTo(last);
                    last = found.modRevision();
                }
            }
        });
    }
}
