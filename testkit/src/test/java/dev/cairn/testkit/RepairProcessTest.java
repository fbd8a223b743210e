package dev.cairn.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.client.CairnClient;
import dev.cairn.client.CairnException;
import dev.cairn.client.PutResult;
import dev.cairn.covers.Covers;
import dev.cairn.protocol.NodeStatus;
import dev.cairn.wal.SegmentItem;
import dev.cairn.wal.WalInspection;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Real nodes whose logs lose a byte: one of three is mended by the others, two of three are too many. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class RepairProcessTest {
    private static final int VALUE_BYTES = 2000;
    private static final int PUTS = 600;

    @TempDir
    Path directory;

    @Test
    @Covers("W16")
    void oneDamagedLogIsMendedByThePeersAndTwoAreRefusedWithTheirIndexes() throws Exception {
        try (ProcessCluster cluster =
                new ProcessCluster(directory, 3, "raft.preset=fast", "wal.segment.bytes=1MiB").startAll()) {
            cluster.awaitAllServe();
            try (CairnClient client = cluster.connect();
                    CheckedHistory history = new CheckedHistory(cluster, Seeds.choose())) {
                put(client, 0, PUTS);
                cluster.kill(2);
                flip(cluster, 2, 300);
                // Under load: entries go on coming while the lost ones are brought back.
                final List<CompletableFuture<PutResult>> load = putAsync(client, PUTS, PUTS);
                cluster.start(2);
                awaitLine(cluster, 2, "event=repair.done");
                join(load);
                // Now the mended node makes up every quorum.
                final int leader = cluster.awaitLeader();
                final int gone = leader == 2 ? 1 : leader;
                cluster.kill(gone);
                put(client, 2 * PUTS, 1);
                final int before = history.size();
                Await.until("operations without node " + gone, () -> history.size() > before + 100, cluster::describe);
                assertThat(history.stopAndCheck()).isEmpty();
                cluster.start(gone);
                cluster.awaitSameState(2 * PUTS);
                for (int i = 0; i <= 2 * PUTS; i += 7) {
                    assertThat(client.get(key(i))).isPresent();
                }
            }
            assertThat(line(cluster, 2, "event=repair.started"))
                    .hasValueSatisfying(line -> assertThat(line)
                            .contains(" lost=[300] ", " storageEpoch=1 ", "damaged-1-", "index=300 ", " crc"));
            assertThat(line(cluster, 2, "event=repair.target")).isPresent();
            try (Stream<Path> files = Files.list(cluster.data(2).resolve("wal"))) {
                assertThat(files).anyMatch(file -> file.getFileName().toString().startsWith("damaged-1-"));
            }

            cluster.kill(1, 2, 3);
            flip(cluster, 1, 400);
            flip(cluster, 3, 500);
            cluster.startAll();
            for (final int id : List.of(1, 3)) {
                awaitLine(cluster, id, "event=repair.stalled");
                assertThat(line(cluster, id, "event=repair.stalled"))
                        .hasValueSatisfying(
                                line -> assertThat(line).contains(id == 1 ? " lost=[400] " : " lost=[500] "));
                final NodeStatus status = cluster.status(id);
                assertThat(status).isNotNull().extracting(NodeStatus::roleName).isEqualTo("REPAIRING");
            }
            try (CairnClient client = cluster.connect(Duration.ofSeconds(2))) {
                assertThatThrownBy(() -> client.put(key(0), new byte[1])).isInstanceOf(CairnException.class);
                assertThatThrownBy(() -> client.get(key(0))).isInstanceOf(CairnException.class);
            }
        }
    }

    private static byte[] key(final int i) {
        return ("key-" + i).getBytes(UTF_8);
    }

    private static void put(final CairnClient client, final int from, final int count) {
        join(putAsync(client, from, count));
    }

    private static List<CompletableFuture<PutResult>> putAsync(
            final CairnClient client, final int from, final int count) {
        final List<CompletableFuture<PutResult>> puts = new ArrayList<>();
        for (int i = from; i < from + count; i++) {
            puts.add(client.putAsync(key(i), new byte[VALUE_BYTES]));
        }
        return puts;
    }

    private static void join(final List<CompletableFuture<PutResult>> puts) {
        CompletableFuture.allOf(puts.toArray(CompletableFuture[]::new)).join();
    }

    /** One bit in the value of the entry. */
    private static void flip(final ProcessCluster cluster, final int id, final long index) {
        final List<SegmentItem.Stored> found = new ArrayList<>();
        WalInspection.dump(cluster.data(id), item -> {
            if (item instanceof SegmentItem.Stored stored && !stored.empty() && stored.index() == index) {
                found.add(stored);
            }
        });
        final SegmentItem.Stored last = found.get(found.size() - 1);
        final Path file = cluster.data(id).resolve("wal").resolve(last.file());
        try (RandomAccessFile segment = new RandomAccessFile(file.toFile(), "rw")) {
            final int at = last.offset() + last.bytes() - VALUE_BYTES / 2;
            segment.seek(at);
            final int before = segment.read();
            segment.seek(at);
            segment.write(before ^ 16);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Optional<String> line(final ProcessCluster cluster, final int id, final String event) {
        return cluster.logLines(id).stream()
                .filter(line -> line.contains(event))
                .reduce((first, second) -> second);
    }

    private static void awaitLine(final ProcessCluster cluster, final int id, final String event)
            throws InterruptedException {
        Await.until(event + " of node " + id, () -> line(cluster, id, event).isPresent(), cluster::describe);
    }
}
