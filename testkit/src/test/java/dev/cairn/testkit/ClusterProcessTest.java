package dev.cairn.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.client.CairnClient;
import dev.cairn.client.PutResult;
import dev.cairn.covers.Covers;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Three real processes, killed without warning (scenarios 1, 2 and 94 of the reliability catalogue). */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class ClusterProcessTest {
    /** Default settings promise writes again within this time after a leader is lost. */
    private static final long FAILOVER_MS = 2_000;

    private static final int FAILOVERS = 3;

    @TempDir
    Path directory;

    @Test
    @Covers({"T01", "T05", "X01"})
    void everyLineOfRealInputReadsBackEqualFromAnotherProcess() throws Exception {
        try (ProcessCluster cluster = new ProcessCluster(directory, 3).startAll()) {
            cluster.awaitLeader();
            final List<Map.Entry<byte[], byte[]>> pairs = RealInput.pairs(RealInput.source());
            assertThat(pairs).hasSizeGreaterThan(1_000);
            try (CairnClient client = cluster.connect()) {
                final List<CompletableFuture<PutResult>> puts = new ArrayList<>();
                for (final Map.Entry<byte[], byte[]> pair : pairs) {
                    puts.add(client.putAsync(pair.getKey(), pair.getValue()));
                    if (puts.size() == 1_000) {
                        CompletableFuture.allOf(puts.toArray(CompletableFuture[]::new))
                                .join();
                        puts.clear();
                    }
                }
                CompletableFuture.allOf(puts.toArray(CompletableFuture[]::new)).join();
            }
            final Process reader = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "-cp",
                            System.getProperty("java.class.path"),
                            ReadBack.class.getName(),
                            cluster.servers(),
                            RealInput.source().toString())
                    .inheritIO()
                    .start();
            assertThat(reader.waitFor(2, TimeUnit.MINUTES)).isTrue();
            assertThat(reader.exitValue()).as("pairs that differ, see output").isZero();
            assertNoWarningOfTheJvm(cluster);
        }
    }

    @Test
    @Covers({"K07", "R33"})
    void killedLeaderLosesNothingAndWritesGoOn() throws Exception {
        final List<Long> gapsMs = new ArrayList<>();
        try (ProcessCluster cluster = new ProcessCluster(directory, 3).startAll();
                CairnClient client = cluster.connect()) {
            int leader = cluster.awaitLeader();
            final RecordedWriter writer = new RecordedWriter(client, "failover-");
            for (int round = 0; round < FAILOVERS; round++) {
                cluster.awaitAllServe();
                awaitProgress(writer, cluster);
                writer.takeLongestGapMs();
                cluster.kill(leader);
                awaitProgress(writer, cluster);
                gapsMs.add(writer.takeLongestGapMs());
                cluster.start(leader);
                leader = cluster.awaitLeader();
            }
            writer.finish();
            System.out.println("failover gaps in ms: " + gapsMs + ", acknowledged " + writer.acknowledgedCount());
            assertThat(writer.failureCount())
                    .as("puts that failed: all could be retried")
                    .isZero();
            try (CairnClient reader = cluster.connect()) {
                writer.assertAllThere(reader);
            }
        }
        // Stalls of a shared machine lengthen single gaps; a slow failover lengthens all of them.
        Collections.sort(gapsMs);
        assertThat(gapsMs.get(FAILOVERS / 2)).as("median gap of " + gapsMs).isLessThan(FAILOVER_MS);
    }

    @Test
    @Covers({"W10", "W16", "X06"})
    void killingAllNodesAtOnceLosesNothingThatWasAcknowledged() throws Exception {
        try (ProcessCluster cluster = new ProcessCluster(directory, 3).startAll()) {
            cluster.awaitLeader();
            final RecordedWriter writer;
            try (CairnClient client = cluster.connect()) {
                writer = new RecordedWriter(client, "all-");
                awaitProgress(writer, cluster);
                cluster.kill(1, 2, 3);
                cluster.startAll();
                awaitProgress(writer, cluster);
                writer.finish();
            }
            cluster.kill(1, 2, 3);
            cluster.startAll();
            try (CairnClient reader = cluster.connect()) {
                writer.assertAllThere(reader);
            }
            assertThat(writer.failureCount()).isZero();
        }
    }

    @Test
    @Covers({"O01", "O02", "R31", "W10"})
    void singleNodeServesStopsCleanlyAndFindsItsDataAgain() {
        try (ProcessCluster cluster = new ProcessCluster(directory, 1).startAll()) {
            cluster.awaitLeader();
            try (CairnClient client = cluster.connect()) {
                client.put(new byte[] {1}, new byte[] {2});
            }
            assertThat(cluster.terminate(1)).as("exit code of SIGTERM").isEqualTo(143);
            assertThat(cluster.logLines(1))
                    .anyMatch(line -> line.contains("event=stop.done"))
                    .anyMatch(line -> line.contains("event=role node=1 role=LEADER term=1"))
                    .filteredOn(line -> line.contains("event="))
                    .allMatch(line -> line.contains(" node=1 "));
            cluster.start(1);
            cluster.awaitLeader();
            try (CairnClient client = cluster.connect()) {
                assertThat(client.get(new byte[] {1}).orElseThrow().value()).isEqualTo(new byte[] {2});
            }
            assertNoWarningOfTheJvm(cluster);
        }
    }

    private static void awaitProgress(final RecordedWriter writer, final ProcessCluster cluster)
            throws InterruptedException {
        final int before = writer.acknowledgedCount();
        Await.until("500 further puts", () -> writer.acknowledgedCount() > before + 500, cluster::describe);
    }

    private static void assertNoWarningOfTheJvm(final ProcessCluster cluster) {
        assertThat(cluster.logLines(1)).noneMatch(line -> line.startsWith("WARNING"));
    }
}
