package dev.cairn.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.client.CairnClient;
import dev.cairn.client.CairnException;
import dev.cairn.client.OutcomeUnknownException;
import dev.cairn.client.RequestRejectedException;
import dev.cairn.covers.Covers;
import dev.cairn.protocol.NodeStatus;
import dev.cairn.protocol.Status;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Real processes on disks that are filled to the last byte and freed again; none of them is restarted. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class DiskFullProcessTest {
    private static final int VALUE_BYTES = 64 * 1024;
    private static final long MIB = 1 << 20;
    private static final Duration REQUEST_TIMEOUT = Duration.ofSeconds(2);

    @TempDir
    Path directory;

    private final Random random = new Random(Seeds.choose());
    private final Map<String, byte[]> acknowledged = new HashMap<>();
    /** Written without an answer: may be there or not. */
    private final Map<String, byte[]> unknown = new HashMap<>();

    private int puts;

    private ProcessCluster start(final Map<Integer, Path> disks, final String reserve, final String logBytes) {
        final ProcessCluster cluster = new ProcessCluster(
                directory.resolve("nodes"),
                3,
                "wal.segment.bytes=1MiB",
                "snapshot.log.bytes=" + logBytes,
                "snapshot.keep.log.bytes=1MiB",
                // The store is to meet the end of the disk before the log does.
                "store.table.bytes=1MiB",
                "disk.reserve.bytes=" + reserve);
        for (int id = 1; id <= 3; id++) {
            final Path disk = disks.get(id);
            cluster.start(
                    id,
                    disk == null
                            ? Map.of()
                            : Map.of("data.dir", disk.resolve("node" + id).toString()));
        }
        return cluster;
    }

    private boolean put(final CairnClient client) {
        final String key = "key-" + puts++;
        final byte[] value = new byte[VALUE_BYTES];
        random.nextBytes(value);
        try {
            client.put(key.getBytes(UTF_8), value);
            acknowledged.put(key, value);
            return true;
        } catch (RequestRejectedException refused) {
            assertThat(refused.status()).isEqualTo(Status.NO_SPACE);
            return false;
        } catch (OutcomeUnknownException e) {
            unknown.put(key, value);
            return false;
        }
    }

    /** Until puts are refused with NO_SPACE. */
    private void putUntilRefused(final CairnClient client) {
        for (int failures = 0; failures < 3; ) {
            final int unknownBefore = unknown.size();
            failures += put(client) || unknown.size() > unknownBefore ? 0 : 1;
            assertThat(unknown).as("without an answer").hasSizeLessThan(5);
            assertThat(puts).isLessThan(25_000);
        }
    }

    private static void assertReads(final ProcessCluster cluster, final CairnClient client) {
        try {
            assertThat(client.get("key-0".getBytes(UTF_8))).isPresent();
        } catch (CairnException e) {
            throw new AssertionError("no read: " + cluster.describe(), e);
        }
    }

    private void assertAllThere(final CairnClient client) {
        acknowledged.forEach((key, value) -> assertThat(
                        client.get(key.getBytes(UTF_8)).orElseThrow().value())
                .as(key)
                .isEqualTo(value));
        unknown.forEach((key, value) -> client.get(key.getBytes(UTF_8))
                .ifPresent(found -> assertThat(found.value()).as(key).isEqualTo(value)));
    }

    private static List<Long> pids(final ProcessCluster cluster) {
        return IntStream.rangeClosed(1, 3).mapToObj(cluster::pid).toList();
    }

    private static boolean logged(final ProcessCluster cluster, final int id, final String text) {
        return cluster.logLines(id).stream().anyMatch(line -> line.contains(text));
    }

    private static boolean seesLowSpace(final ProcessCluster cluster, final int id) {
        return cluster.logLines(id).stream()
                .filter(line -> line.contains("event=disk."))
                .reduce((before, last) -> last)
                .orElse("")
                .contains("event=disk.low");
    }

    @Test
    @Covers({"W12", "X06"})
    void belowTheReserveWritesAreRefusedReadsAndElectionsGoOnAndItClearsByItself() throws Exception {
        // Full before a store has the 32 MiB together at which it flushes by itself, and no checkpoint: what is under
        // way when the
        // last byte goes would stall its node.
        try (LoopDisk disk = LoopDisk.mount(directory, "disk", 160 * MIB)) {
            final Path others = disk.occupy("others", 64 * MIB);
            try (ProcessCluster cluster =
                            start(Map.of(1, disk.path(), 2, disk.path(), 3, disk.path()), "24MiB", "1GiB");
                    CairnClient client = cluster.connect(REQUEST_TIMEOUT)) {
                cluster.awaitStableLeader();
                final List<Long> pids = pids(cluster);
                putUntilRefused(client);
                assertThat(acknowledged).hasSizeGreaterThan(125);
                // Of one disk's three nodes the first that looks refuses for all: the others may never see it below the
                // mark.
                Await.until(
                        "the mark",
                        () -> IntStream.rangeClosed(1, 3).anyMatch(id -> logged(cluster, id, "event=disk.low")),
                        cluster::describe);

                // With room for a moment, so that nobody lacks entries: two of three could else not elect and read.
                Files.delete(others);
                cluster.awaitSameState(1);
                final Path last = disk.fill("last");
                assertThat(disk.freeBytes()).isLessThan(64 * 1024);
                Await.until(
                        "all see it",
                        () -> IntStream.rangeClosed(1, 3).allMatch(id -> seesLowSpace(cluster, id)),
                        cluster::describe);
                final int full = cluster.awaitStableLeader();
                final long term = term(cluster, full);
                for (int i = 0; i < 5; i++) {
                    assertThat(put(client)).isFalse();
                    assertReads(cluster, client);
                }
                assertThat(term(cluster, full)).as("heartbeats went on").isEqualTo(term);

                cluster.pause(full);
                final int next = awaitOtherLeader(cluster, full);
                try (CairnClient reader = cluster.connect(Duration.ofSeconds(60), others(full))) {
                    assertThat(reader.get("key-0".getBytes(UTF_8))).isPresent();
                    assertThat(put(client)).isFalse();
                }
                cluster.resume(full);

                Files.delete(last);
                Await.until("a put", () -> put(client), cluster::describe);
                for (int i = 0; i < 50; i++) {
                    assertThat(put(client)).isTrue();
                }
                Await.until("room again", () -> logged(cluster, next, "event=disk.ok"), cluster::describe);
                cluster.awaitSameState(1);
                assertAllThere(client);
                assertThat(pids(cluster)).isEqualTo(pids);
                System.out.println("acknowledged=" + acknowledged.size() + " unknown=" + unknown.size());
            }
        }
    }

    @Test
    @Covers({"W12"})
    void withoutAReserveLogAndStoreRunIntoTheEndOfTheDiskAndGoOnWhenThereIsRoom() throws Exception {
        try (LoopDisk disk = LoopDisk.mount(directory, "disk", 288 * MIB)) {
            final Path others = disk.occupy("others", 176 * MIB);
            try (ProcessCluster cluster = start(Map.of(1, disk.path(), 2, disk.path(), 3, disk.path()), "0", "8MiB");
                    CairnClient client = cluster.connect(REQUEST_TIMEOUT)) {
                cluster.awaitStableLeader();
                final List<Long> pids = pids(cluster);
                // So that the next checkpoint is due within the spares: it would flush the store.
                for (int i = 0; i < 110; i++) {
                    assertThat(put(client)).isTrue();
                }
                final Path last = disk.fill("last");
                putUntilRefused(client);
                Await.until(
                        "no checkpoint is begun",
                        () -> IntStream.rangeClosed(1, 3)
                                .anyMatch(id -> logged(cluster, id, "no room for a checkpoint")),
                        cluster::describe);
                assertReads(cluster, client);
                Files.delete(last);
                Files.delete(others);
                Await.until("a put", () -> put(client), cluster::describe);
                for (int i = 0; i < 250; i++) {
                    if (!put(client)) {
                        throw new AssertionError("no put, unknown=" + unknown.size() + cluster.describe());
                    }
                }
                cluster.awaitSameState(1);
                assertAllThere(client);
                assertThat(pids(cluster)).isEqualTo(pids);
                System.out.println("acknowledged=" + acknowledged.size() + " unknown=" + unknown.size());
            }
        }
    }

    /** The store flushes by itself when 32 MiB are in its memory, and takes no batch any more when that fails. */
    @Test
    @Covers({"W12"})
    void aStoreThatCannotFlushStallsItsNodeUntilThereIsRoom() throws Exception {
        try (LoopDisk disk = LoopDisk.mount(directory, "disk", 192 * MIB);
                ProcessCluster cluster = start(Map.of(3, disk.path()), "0", "1GiB")) {
            awaitLeaderOtherThan(cluster, 3);
            try (CairnClient client = cluster.connect(REQUEST_TIMEOUT)) {
                final List<Long> pids = pids(cluster);
                final Path others = disk.occupy("others", disk.freeBytes() - 50 * MIB);
                while (!logged(cluster, 3, "event=apply.stalled")) {
                    assertThat(put(client)).as("two of three have room").isTrue();
                    assertThat(puts).as("64 KiB each").isLessThan(2_500);
                }
                Files.delete(others);
                cluster.awaitSameState(acknowledged.size());
                Await.until("the event", () -> logged(cluster, 3, "event=apply.resumed"), cluster::describe);
                assertThat(pids(cluster)).isEqualTo(pids);
                assertAllThere(client);
            }
        }
    }

    @Test
    @Covers({"W12"})
    void aLeaderWithAFullDiskHandsOverToANodeThatHasRoom() throws Exception {
        try (LoopDisk disk = LoopDisk.mount(directory, "disk", 96 * MIB);
                ProcessCluster cluster = start(Map.of(3, disk.path()), "8MiB", "8MiB");
                CairnClient client = cluster.connect(Duration.ofSeconds(60))) {
            cluster.awaitStableLeader();
            assertThat(client.transferLeader(3)).isEqualTo(3);
            final Path last = disk.fill("last");
            Await.until("the mark", () -> logged(cluster, 3, "event=disk.low"), cluster::describe);
            assertThat(put(client)).as("another node takes it").isTrue();
            final int next = cluster.awaitStableLeader();
            assertThat(next).isNotEqualTo(3);
            assertThat(logged(cluster, next, "reason=\"asked by the leader\"")).isTrue();
            Files.delete(last);
            cluster.awaitSameState(1);
        }
    }

    @Test
    @Covers({"W12"})
    void aFollowerWithAFullDiskFollowsOnAndCatchesUpWhenItHasRoom() throws Exception {
        try (LoopDisk disk = LoopDisk.mount(directory, "disk", 96 * MIB);
                ProcessCluster cluster = start(Map.of(3, disk.path()), "0", "8MiB")) {
            awaitLeaderOtherThan(cluster, 3);
            try (CairnClient client = cluster.connect(REQUEST_TIMEOUT)) {
                final List<Long> pids = pids(cluster);
                final Path last = disk.fill("last");
                final int leader = cluster.awaitStableLeader();
                final long term = term(cluster, leader);
                for (int i = 0; i < 200; i++) {
                    assertThat(put(client)).as("two of three have room").isTrue();
                }
                final NodeStatus full = Objects.requireNonNull(cluster.status(3));
                assertThat(full.lastLogIndex()).isLessThan(acknowledged.size());
                assertThat(full.leaderId()).isEqualTo(leader);
                assertNoElection(cluster, leader, term);
                Files.delete(last);
                cluster.awaitSameState(acknowledged.size());
                assertNoElection(cluster, leader, term);
                assertThat(pids(cluster)).isEqualTo(pids);
                assertAllThere(client);
            }
        }
    }

    /** Behind an installed snapshot the log begins anew, in a segment that there has to be room for. */
    @Test
    @Covers({"W12"})
    void aReceivedSnapshotWaitsForRoomForTheLogBehindIt() throws Exception {
        try (LoopDisk disk = LoopDisk.mount(directory, "disk", 128 * MIB);
                ProcessCluster cluster = new ProcessCluster(
                        directory.resolve("nodes"),
                        3,
                        "wal.segment.bytes=1MiB",
                        "snapshot.log.bytes=2MiB",
                        "snapshot.keep.log.bytes=0",
                        "store.table.bytes=1MiB",
                        "disk.reserve.bytes=0")) {
            cluster.start(1, Map.of());
            cluster.start(2, Map.of());
            try (CairnClient client = cluster.connect(Duration.ofSeconds(60))) {
                for (int i = 0; i < 90; i++) {
                    assertThat(put(client)).as("put %d", i).isTrue();
                }
                Await.until(
                        "the log was dropped",
                        () -> logged(cluster, 1, "event=log.dropped") && logged(cluster, 2, "event=log.dropped"),
                        cluster::describe);
                // Room for the first segment and for the snapshot, and for no second segment.
                final Path others = disk.occupy("others", disk.freeBytes() - 56 * MIB);
                cluster.start(
                        3, Map.of("data.dir", disk.path().resolve("node3").toString(), "wal.segment.bytes", "32MiB"));
                Await.until(
                        "the transfer", () -> logged(cluster, 3, "event=snapshot.transfer.done"), cluster::describe);
                for (int turns = 0; turns < 50; turns++) {
                    assertThat(Objects.requireNonNull(cluster.status(3)).lastLogIndex())
                            .isZero();
                }
                assertThat(logged(cluster, 3, "event=snapshot.install.start")).isFalse();
                final List<Long> pids = pids(cluster);
                Files.delete(others);
                cluster.awaitSameState(acknowledged.size());
                assertThat(logged(cluster, 3, "event=snapshot.installed")).isTrue();
                assertThat(pids(cluster)).isEqualTo(pids);
                assertAllThere(client);
            }
        }
    }

    private static void assertNoElection(final ProcessCluster cluster, final int leader, final long term) {
        assertThat(term(cluster, leader))
                .as(() -> "no election" + cluster.describe())
                .isEqualTo(term);
    }

    private static int awaitOtherLeader(final ProcessCluster cluster, final int paused) throws InterruptedException {
        final int[] found = {0};
        Await.until(
                "another leader",
                () -> {
                    for (final int id : others(paused)) {
                        found[0] = isLeader(cluster, id) ? id : found[0];
                    }
                    return found[0] != 0;
                },
                cluster::describe);
        return found[0];
    }

    /** During an election a node may answer late: then it is asked again. */
    private static boolean isLeader(final ProcessCluster cluster, final int id) {
        try {
            final NodeStatus status = cluster.status(id);
            return status != null && status.isLeader();
        } catch (CairnException e) {
            return false;
        }
    }

    /** The full disk shall be a follower's. */
    private static void awaitLeaderOtherThan(final ProcessCluster cluster, final int id) throws InterruptedException {
        while (cluster.awaitStableLeader() == id) {
            cluster.pause(id);
            awaitOtherLeader(cluster, id);
            cluster.resume(id);
        }
    }

    private static int[] others(final int id) {
        return IntStream.rangeClosed(1, 3).filter(other -> other != id).toArray();
    }

    private static long term(final ProcessCluster cluster, final int id) {
        return Objects.requireNonNull(cluster.status(id)).term();
    }
}
