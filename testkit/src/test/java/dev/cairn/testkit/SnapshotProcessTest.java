package dev.cairn.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.client.CairnClient;
import dev.cairn.client.ServerStatus;
import dev.cairn.covers.Covers;
import dev.cairn.protocol.NodeStatus;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Real processes that drop their log, restart behind snapshots, and bring each other up to date by them. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class SnapshotProcessTest {
    private static final int VALUE_BYTES = 4096;
    private static final int PUTS = 1_500;

    private static final String[] SMALL_LOG = {
        "wal.segment.bytes=1MiB",
        "snapshot.log.bytes=2MiB",
        "snapshot.keep.log.bytes=0",
        "snapshot.transfer.bytes.per.s=2MiB",
        "raft.preset=fast"
    };

    @TempDir
    Path directory;

    @Test
    @Tag("X10")
    @Tag("R26")
    void aNodeThatWasAwayCatchesUpUnderLoadAlthoughTheTransferIsCut() throws Exception {
        try (ProcessCluster cluster =
                        ProcessCluster.withLinks(directory, 3, SMALL_LOG).startAll();
                CairnClient client = cluster.connect()) {
            cluster.awaitAllServe();
            cluster.kill(3);
            fill(client, "before-", PUTS);
            await(
                    cluster,
                    "the log was dropped",
                    () -> count(cluster, 1, "event=log.dropped") > 0 && count(cluster, 2, "event=log.dropped") > 0);
            final RecordedWriter writer = new RecordedWriter(client, "during-");
            cluster.start(3);
            for (int cut = 1; cut <= 3; cut++) {
                final int starts = cut;
                await(cluster, "transfer " + cut, () -> count(cluster, 3, "event=snapshot.transfer.start") >= starts);
                final long before = stagedBytes(cluster.data(3));
                await(
                        cluster,
                        "some bytes",
                        () -> stagedBytes(cluster.data(3)) > before + 500_000
                                || count(cluster, 3, "event=snapshot.installed") > 0);
                cluster.network().link(3, 1).reset();
                cluster.network().link(3, 2).reset();
            }
            await(cluster, "installation", () -> count(cluster, 3, "event=snapshot.installed") > 0);
            writer.finish();
            assertThat(count(cluster, 3, "resumed=true"))
                    .as("what had arrived was kept")
                    .isGreaterThanOrEqualTo(2);
            awaitEqual(cluster, client);
            assertThat(writer.failureCount()).isZero();
            try (CairnClient reader = cluster.connect()) {
                writer.assertAllThere(reader);
                assertFilled(reader, "before-", PUTS);
            }
            cluster.kill(1);
            cluster.awaitLeader();
            try (CairnClient reader = cluster.connect()) {
                assertFilled(reader, "before-", PUTS);
            }
        }
    }

    @Test
    @Tag("T27")
    @Tag("W09")
    @Tag("W10")
    @Covers({"R25", "W09"})
    void aSnapshotSurvivesRestartsOfEveryKind() throws Exception {
        try (ProcessCluster cluster = new ProcessCluster(directory, 1, SMALL_LOG).startAll();
                CairnClient client = cluster.connect()) {
            cluster.awaitLeader();
            fill(client, "first-", PUTS);
            // Behind the event housekeeping clears segments away, one by one: a kill before one has lost name and
            // contents leaves
            // it, to be read again. So the second one is gone only behind all of the first.
            await(
                    cluster,
                    "the log was dropped",
                    () -> count(cluster, 1, "event=log.dropped") > 0 && oldestSegment(cluster.data(1)) > 2);
            cluster.kill(1);
            cluster.start(1);
            cluster.awaitLeader();
            assertFilled(client, "first-", PUTS);
            assertThat(logLine(cluster, 1, "event=start.log")).doesNotContain("firstIndex=1 ");
            fill(client, "second-", PUTS / 4);
            cluster.stop(1);
            // Without its database a node begins with its newest checkpoint and applies the log behind it.
            deleteTree(cluster.data(1).resolve("kv"));
            cluster.start(1);
            cluster.awaitLeader();
            assertThat(count(cluster, 1, "event=start.restored")).isEqualTo(1);
            assertFilled(client, "first-", PUTS);
            assertFilled(client, "second-", PUTS / 4);
        }
    }

    /** The lowest number that a segment has for a name; 0 = none has one. */
    private static long oldestSegment(final Path data) {
        try (Stream<Path> files = Files.list(data.resolve("wal"))) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".wal"))
                    .mapToLong(name -> Long.parseLong(name.substring(0, name.indexOf('.'))))
                    .min()
                    .orElse(0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A backup of a running cluster becomes a new cluster of another size, which serves the data and takes writes. */
    @Test
    @Tag("W08")
    void aSavedFileBecomesANewCluster() throws Exception {
        final Path backup = directory.resolve("backup");
        try (ProcessCluster cluster = new ProcessCluster(directory.resolve("old"), 1, SMALL_LOG).startAll();
                CairnClient client = cluster.connect()) {
            cluster.awaitLeader();
            fill(client, "saved-", 700);
            assertThat(kvctl("--servers", cluster.servers(), "snapshot", "save", backup.toString()))
                    .satisfies(run -> assertThat(run.exitCode()).as("%s", run).isZero());
            assertThat(kvctl("--servers", cluster.servers(), "snapshot", "save", backup.toString())
                            .exitCode())
                    .as("an existing file")
                    .isEqualTo(2);
        }
        final ProcessCluster.Run status = kvctl("snapshot", "status", backup.toString());
        assertThat(status.exitCode()).isZero();
        assertThat(status.lines()).singleElement().asString().contains("verified", "cluster=process-cluster");
        try (ProcessCluster restored = new ProcessCluster(directory.resolve("new"), 3, SMALL_LOG)) {
            for (int id = 1; id <= 3; id++) {
                final ProcessCluster.Run run = kvctl(
                        "--cluster-id",
                        "process-cluster-2",
                        "snapshot",
                        "restore",
                        backup.toString(),
                        "--data-dir",
                        restored.data(id).toString(),
                        "--node-id",
                        Integer.toString(id));
                assertThat(run.exitCode()).as("%s", run).isZero();
                restored.start(id, Map.of("cluster.id", "process-cluster-2"));
            }
            restored.awaitAllServe();
            try (CairnClient client = restored.connect()) {
                assertFilled(client, "saved-", 700);
                fill(client, "later-", 50);
                awaitEqual(restored, client);
            }
        }
    }

    /** The command line in a process of its own. */
    private static ProcessCluster.Run kvctl(final String... arguments) throws Exception {
        final List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument -> argument.startsWith("--"))
                .forEach(command::add);
        command.addAll(ProcessCluster.furtherFlags());
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), "dev.cairn.server.cli.Kvctl"));
        command.addAll(List.of(arguments));
        final Process process =
                new ProcessBuilder(command).redirectErrorStream(true).start();
        try (BufferedReader output = process.inputReader()) {
            final List<String> lines = output.lines().toList();
            return new ProcessCluster.Run(process.waitFor(), lines);
        }
    }

    /** Receiver and sender are killed in the middle of it, again and again; in the end all nodes are equal. */
    @Test
    @Tag("X10")
    void killsDuringCheckpointTransferAndInstallationLoseNothing() throws Exception {
        try (ProcessCluster cluster = new ProcessCluster(directory, 3, SMALL_LOG).startAll();
                CairnClient client = cluster.connect()) {
            cluster.awaitAllServe();
            cluster.kill(3);
            fill(client, "before-", PUTS);
            await(
                    cluster,
                    "the log was dropped",
                    () -> count(cluster, 1, "event=log.dropped") > 0 && count(cluster, 2, "event=log.dropped") > 0);
            final String[] killAt = {
                "event=snapshot.transfer.start", "event=snapshot.transfer.done", "event=snapshot.install.start"
            };
            for (int kill = 0; kill < killAt.length; kill++) {
                final String at = killAt[kill];
                final int seen = count(cluster, 3, at);
                cluster.start(3);
                await(
                        cluster,
                        at,
                        () -> count(cluster, 3, at) > seen
                                || count(cluster, 3, "event=snapshot.installed") > 0
                                // The kill before came behind the next step too: the start has finished it.
                                || count(cluster, 3, "event=start.install") > 0);
                cluster.kill(3);
            }
            cluster.start(3);
            final RecordedWriter writer = new RecordedWriter(client, "during-");
            await(cluster, "progress", () -> writer.acknowledgedCount() > 500);
            writer.finish();
            awaitEqual(cluster, client);
            try (CairnClient reader = cluster.connect()) {
                writer.assertAllThere(reader);
                assertFilled(reader, "before-", PUTS);
            }
        }
    }

    private static void fill(final CairnClient client, final String prefix, final int count) {
        final List<CompletableFuture<?>> puts = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            puts.add(client.putAsync(bytes(prefix + i), value(i)));
            if (puts.size() == 200) {
                CompletableFuture.allOf(puts.toArray(CompletableFuture[]::new)).join();
                puts.clear();
            }
        }
        CompletableFuture.allOf(puts.toArray(CompletableFuture[]::new)).join();
    }

    private static void assertFilled(final CairnClient client, final String prefix, final int count) {
        for (int i = 0; i < count; i += 7) {
            assertThat(client.get(bytes(prefix + i)).orElseThrow().value())
                    .as(prefix + i)
                    .isEqualTo(value(i));
        }
    }

    private static byte[] bytes(final String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] value(final int number) {
        final byte[] value = new byte[VALUE_BYTES];
        for (int i = 0; i < VALUE_BYTES; i++) {
            value[i] = (byte) (number * 31 + i * (number % 7 + 1));
        }
        return value;
    }

    /** All nodes have applied the same entries. */
    private static void awaitEqual(final ProcessCluster cluster, final CairnClient client) throws Exception {
        await(cluster, "equal nodes", () -> {
            final List<NodeStatus> nodes = client.status().stream()
                    .map(ServerStatus::node)
                    .filter(Objects::nonNull)
                    .toList();
            return nodes.size() == 3
                    && nodes.stream().map(NodeStatus::appliedIndex).distinct().count() == 1
                    && nodes.stream().map(NodeStatus::digest).distinct().count() == 1;
        });
    }

    private static void await(final ProcessCluster cluster, final String what, final BooleanSupplier holds)
            throws InterruptedException {
        Await.until(what, holds, cluster::describe);
    }

    private static int count(final ProcessCluster cluster, final int node, final String text) {
        return (int) cluster.logLines(node).stream()
                .filter(line -> line.contains(text))
                .count();
    }

    private static String logLine(final ProcessCluster cluster, final int node, final String text) {
        return cluster.logLines(node).stream()
                .filter(line -> line.contains(text))
                .reduce((first, second) -> second)
                .orElseThrow();
    }

    private static long stagedBytes(final Path data) {
        final Path staging = data.resolve("staging");
        if (!Files.exists(staging)) {
            return 0;
        }
        try (Stream<Path> files = Files.walk(staging)) {
            return files.mapToLong(file -> file.toFile().length()).sum();
        } catch (IOException | UncheckedIOException movedMeanwhile) {
            return 0;
        }
    }

    private static void deleteTree(final Path root) throws IOException {
        try (Stream<Path> files = Files.walk(root)) {
            for (final Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
