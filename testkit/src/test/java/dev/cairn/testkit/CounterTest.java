package dev.cairn.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.client.CairnClient;
import dev.cairn.client.CairnException;
import dev.cairn.client.ClientConfig;
import dev.cairn.client.CounterResult;
import dev.cairn.client.OutcomeUnknownException;
import dev.cairn.client.Resolution;
import dev.cairn.covers.Covers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.BitSet;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Increments of one counter while connections are cut, answers are held, and leaders are isolated and killed. Whatever came of
 * each single one, by its answer or by asking afterwards, the counter is exactly their sum.
 *
 * <p>{@code -Dcounter.increments=1000000} runs that many, against real processes, see docs/testing.md.
 */
@Timeout(value = 30, unit = TimeUnit.MINUTES)
class CounterTest {
    private static final int INCREMENTS = Integer.getInteger("counter.increments", 20_000);
    private static final boolean REAL_PROCESSES = INCREMENTS > 100_000;
    /** One trouble for so many increments, however fast they are. */
    private static final int INCREMENTS_PER_TROUBLE = REAL_PROCESSES ? 20_000 : 2_500;

    private static final int OUTSTANDING = 512;
    private static final byte[] KEY = "counter".getBytes(UTF_8);
    private static final Duration REQUEST_TIMEOUT = Duration.ofMillis(800);

    @TempDir
    Path directory;

    private final Semaphore window = new Semaphore(OUTSTANDING);
    /** Increments that may be issued by now: the half of those between two troubles waits for the second to have begun. */
    private volatile int allowed;

    private final AtomicInteger unresolved = new AtomicInteger();
    private final AtomicInteger settled = new AtomicInteger();
    private final AtomicInteger acknowledged = new AtomicInteger();
    private final AtomicInteger resolvedExecuted = new AtomicInteger();
    private final AtomicInteger resolvedNotExecuted = new AtomicInteger();
    private final AtomicInteger refused = new AtomicInteger();
    private final AtomicReference<@Nullable Throwable> surprise = new AtomicReference<>();
    /** Values that increments returned: each at most once. Guarded by itself. */
    private final BitSet values = new BitSet();

    @Test
    @Covers({"K05", "K14", "K18", "X02", "X06"})
    void counterIsWhatWasAcknowledgedAndWhatResolvedAsExecuted() throws Exception {
        try (TestCluster cluster =
                REAL_PROCESSES ? ProcessCluster.withLinks(directory, 3) : new InProcessCluster(directory, 3)) {
            cluster.startMissing();
            cluster.awaitStableLeader();
            final long startNs = System.nanoTime();
            try (CairnClient client = ClientConfig.builder()
                    .servers(cluster.servers())
                    .requestTimeout(REQUEST_TIMEOUT)
                    .silenceTimeout(Duration.ofMillis(400))
                    .connect()) {
                final Thread issuer = new Thread(() -> issue(client), "issuer");
                issuer.setDaemon(true);
                issuer.start();
                makeTrouble(cluster);
                issuer.join();
                window.acquire(OUTSTANDING);
            }
            assertThat(surprise.get()).isNull();
            final long counter;
            try (CairnClient reader = cluster.connect()) {
                counter =
                        Long.parseLong(new String(reader.get(KEY).orElseThrow().value(), UTF_8));
            }
            System.out.println("increments=" + INCREMENTS + " counter=" + counter + " acknowledged=" + acknowledged
                    + " resolvedExecuted=" + resolvedExecuted + " resolvedNotExecuted=" + resolvedNotExecuted
                    + " refused=" + refused + " ms=" + TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - startNs));
            assertThat(counter).isEqualTo(acknowledged.get() + resolvedExecuted.get());
            assertThat(values.cardinality()).as("different values returned").isEqualTo((int) counter);
            assertThat(values.length() - 1).as("highest value returned").isEqualTo((int) counter);
            assertThat(acknowledged.get() + resolvedExecuted.get() + resolvedNotExecuted.get() + refused.get())
                    .isEqualTo(INCREMENTS);
            assertThat(resolvedExecuted.get() + resolvedNotExecuted.get())
                    .as("outcomes that had to be asked for: the troubles were real")
                    .isPositive();
            cluster.awaitSameState(1);
        }
    }

    /** Nothing new while something is unknown: a session keeps the answers of a bounded number of writes. */
    private void issue(final CairnClient client) {
        for (int i = 0; i < INCREMENTS; i++) {
            while (unresolved.get() > 0 || i >= allowed) {
                LockSupport.parkNanos(100_000);
            }
            window.acquireUninterruptibly();
            final var unused = client.addAsync(KEY, 1).whenComplete(this::onOutcome);
        }
    }

    private void onOutcome(final @Nullable CounterResult result, final @Nullable Throwable failure) {
        if (result != null) {
            acknowledged.incrementAndGet();
            onValue(result);
            onSettled();
        } else if (failure instanceof OutcomeUnknownException outcome) {
            unresolved.incrementAndGet();
            resolve(outcome);
        } else {
            if (failure instanceof CairnException known && known.retrySafe()) {
                refused.incrementAndGet();
            } else {
                surprise.compareAndSet(null, failure);
            }
            onSettled();
        }
    }

    private void onValue(final CounterResult result) {
        synchronized (values) {
            if (values.get((int) result.value())) {
                surprise.compareAndSet(null, new AssertionError("two increments returned " + result.value()));
            }
            values.set((int) result.value());
        }
    }

    private void onSettled() {
        settled.incrementAndGet();
        window.release();
    }

    /** Asks until it is known. */
    private void resolve(final OutcomeUnknownException outcome) {
        final var unused = outcome.resolveAsync().whenComplete((resolution, failure) -> {
            if (failure instanceof CairnException known && known.retrySafe()) {
                resolve(outcome);
                return;
            }
            if (resolution instanceof Resolution.Executed executed) {
                resolvedExecuted.incrementAndGet();
                onValue((CounterResult) executed.result());
            } else if (resolution instanceof Resolution.NotExecuted) {
                resolvedNotExecuted.incrementAndGet();
            } else {
                surprise.compareAndSet(null, failure == null ? new AssertionError(resolution) : failure);
            }
            unresolved.decrementAndGet();
            onSettled();
        });
    }

    private void makeTrouble(final TestCluster cluster) throws InterruptedException {
        for (int trouble = 0; (trouble + 1) * INCREMENTS_PER_TROUBLE < INCREMENTS; trouble++) {
            final int from = (trouble + 1) * INCREMENTS_PER_TROUBLE;
            allowed = from + INCREMENTS_PER_TROUBLE / 2;
            Await.until("increment " + from + " is settled", () -> settled.get() >= from, cluster::describe);
            final int leader = cluster.awaitLeader();
            switch (trouble % 4) {
                case 0 -> cluster.network().clientLink(leader).cut();
                case 1 -> cluster.network().clientLink(leader).stallReplies();
                case 2 -> cluster.kill(leader);
                default -> cluster.network().isolate(leader);
            }
            allowed = from + INCREMENTS_PER_TROUBLE;
            switch (trouble % 4) {
                case 0 -> last(Duration.ofMillis(200));
                case 1 -> {
                    last(REQUEST_TIMEOUT.plusMillis(200));
                    cluster.network().clientLink(leader).reset();
                }
                case 2 -> {
                    cluster.awaitLeader();
                    cluster.start(leader);
                }
                default -> last(REQUEST_TIMEOUT.plusMillis(200));
            }
            cluster.network().heal();
            cluster.awaitStableLeader();
        }
        allowed = INCREMENTS;
    }

    /** How long a trouble lasts; nothing is waited for. */
    private static void last(final Duration duration) throws InterruptedException {
        TimeUnit.MILLISECONDS.sleep(duration.toMillis());
    }
}
