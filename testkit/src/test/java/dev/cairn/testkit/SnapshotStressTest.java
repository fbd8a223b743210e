package dev.cairn.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.client.CairnClient;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * The big figure: 1 GB of data, nodes with a heap of 256 MB, a node that was away while the log was compacted, a transfer
 * that is cut five times, puts at a fixed rate all the while. Runs with {@code -Dcairn.stress=true} only and prints its
 * figures; {@code -Dcairn.stress.mib} changes the amount of data.
 */
@Tag("stress")
@Timeout(value = 30, unit = TimeUnit.MINUTES)
@EnabledIfSystemProperty(named = "cairn.stress", matches = "true")
class SnapshotStressTest {
    private static final int VALUE_BYTES = 4096;
    private static final int CUTS = 5;
    private static final int PUTS_PER_SECOND = 200;
    private static final Duration QUIET = Duration.ofSeconds(20);

    @TempDir
    Path directory;

    @Test
    void aGigabyteIsCaughtUpUnderLoadWithFiveCuts() throws Exception {
        final int puts = Integer.getInteger("cairn.stress.mib", 1024) * ((1 << 20) / VALUE_BYTES);
        try (ProcessCluster cluster = new ProcessCluster(directory, 3).startAll();
                CairnClient client = cluster.connect();
                CuttingProxy toNode1 = new CuttingProxy(cluster.peerPort(1));
                CuttingProxy toNode2 = new CuttingProxy(cluster.peerPort(2))) {
            cluster.awaitAllServe();
            cluster.kill(3);
            final long fillNs = fill(client, puts);
            await(
                    cluster,
                    "the log was dropped",
                    300,
                    () -> count(cluster, 1, "event=log.dropped") > 0 && count(cluster, 2, "event=log.dropped") > 0);
            final OpenLoop load = new OpenLoop(client);
            TimeUnit.MILLISECONDS.sleep(QUIET.toMillis());
            final long[] quiet = load.takeMicros();

            final long startNs = System.nanoTime();
            cluster.start(
                    3,
                    Map.of("cluster.members", cluster.membersVia(3, id -> id == 1 ? toNode1.port() : toNode2.port())));
            for (int cut = 1; cut <= CUTS; cut++) {
                final int starts = cut;
                await(
                        cluster,
                        "transfer " + cut,
                        300,
                        () -> count(cluster, 3, "event=snapshot.transfer.start") >= starts);
                TimeUnit.SECONDS.sleep(2);
                toNode1.cutAll();
                toNode2.cutAll();
            }
            await(cluster, "installation", 600, () -> count(cluster, 3, "event=snapshot.installed") > 0);
            await(cluster, "caught up", 300, () -> lag(client) < 1_000);
            final long caughtUpNs = System.nanoTime() - startNs;
            final long[] during = load.takeMicros();
            final int failures = load.stop();

            final long quietP99 = quiet[quiet.length * 99 / 100];
            final long duringP99 = during[during.length * 99 / 100];
            System.out.printf(
                    "snapshot stress: data=%d MiB fill=%d s catchUp=%d s cuts=%d resumed=%d quiet p50=%d us p99=%d us"
                            + " during p50=%d us p99=%d us max=%d us ratio=%.2f failures=%d%n",
                    ((long) puts * VALUE_BYTES) >> 20,
                    fillNs / 1_000_000_000,
                    caughtUpNs / 1_000_000_000,
                    CUTS,
                    count(cluster, 3, "resumed=true"),
                    quiet[quiet.length / 2],
                    quietP99,
                    during[during.length / 2],
                    duringP99,
                    during[during.length - 1],
                    (double) duringP99 / quietP99,
                    failures);
            for (int node = 1; node <= 3; node++) {
                cluster.logLines(node).stream()
                        .filter(line -> line.contains("event=snapshot"))
                        .forEach(System.out::println);
            }
            assertThat(count(cluster, 3, "resumed=true")).isGreaterThanOrEqualTo(CUTS);
            assertThat(failures).isZero();
            assertThat((double) duringP99 / quietP99)
                    .as("p99 during, by p99 quiet")
                    .isLessThanOrEqualTo(2.0);
        }
    }

    private static long fill(final CairnClient client, final int count) {
        final long startNs = System.nanoTime();
        final Random random = new Random(1);
        final List<CompletableFuture<?>> puts = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            final byte[] value = new byte[VALUE_BYTES];
            random.nextBytes(value);
            puts.add(client.putAsync(bytes("filled-" + i), value));
            if (puts.size() == 256) {
                CompletableFuture.allOf(puts.toArray(CompletableFuture[]::new)).join();
                puts.clear();
            }
        }
        CompletableFuture.allOf(puts.toArray(CompletableFuture[]::new)).join();
        return System.nanoTime() - startNs;
    }

    /** How far the node furthest behind is behind the one furthest ahead. */
    private static long lag(final CairnClient client) {
        final long[] applied = client.status().stream()
                .mapToLong(server -> server.node() == null ? 0 : server.node().appliedIndex())
                .sorted()
                .toArray();
        return applied[applied.length - 1] - applied[0];
    }

    /** Puts at a fixed rate; a latency counts from when the put was due, so a stall is seen in full. */
    private static final class OpenLoop {
        private final CairnClient client;
        private final List<Long> micros = new ArrayList<>();
        private final AtomicInteger failures = new AtomicInteger();
        private final Thread thread;
        private volatile boolean stopping;

        OpenLoop(final CairnClient client) {
            this.client = client;
            thread = new Thread(this::run, "open-loop");
            thread.start();
        }

        @SuppressWarnings("FutureReturnValueIgnored") // the callback sees every outcome
        private void run() {
            final byte[] value = new byte[256];
            final long periodNs = 1_000_000_000L / PUTS_PER_SECOND;
            long dueNs = System.nanoTime();
            for (long i = 0; !stopping; i++) {
                dueNs += periodNs;
                for (long waitNs = dueNs - System.nanoTime(); waitNs > 0; waitNs = dueNs - System.nanoTime()) {
                    LockSupport.parkNanos(waitNs);
                }
                final long due = dueNs;
                client.putAsync(bytes("load-" + i % 10_000), value).whenComplete((result, failure) -> {
                    if (failure != null) {
                        failures.incrementAndGet();
                    }
                    synchronized (micros) {
                        micros.add((System.nanoTime() - due) / 1_000);
                    }
                });
            }
        }

        long[] takeMicros() {
            synchronized (micros) {
                final long[] taken =
                        micros.stream().mapToLong(Long::longValue).sorted().toArray();
                micros.clear();
                return taken;
            }
        }

        int stop() throws InterruptedException {
            stopping = true;
            thread.join();
            return failures.get();
        }
    }

    private static void await(
            final ProcessCluster cluster, final String what, final int seconds, final BooleanSupplier holds)
            throws InterruptedException {
        final long deadlineNs = System.nanoTime() + Duration.ofSeconds(seconds).toNanos();
        while (!holds.getAsBoolean()) {
            if (System.nanoTime() - deadlineNs > 0) {
                throw new AssertionError("not within " + seconds + " s: " + what + cluster.describe());
            }
            TimeUnit.MILLISECONDS.sleep(50);
        }
    }

    private static int count(final ProcessCluster cluster, final int node, final String text) {
        return (int) cluster.logLines(node).stream()
                .filter(line -> line.contains(text))
                .count();
    }

    private static byte[] bytes(final String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
