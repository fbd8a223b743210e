package dev.cairn.server.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.engine.AppliedState;
import dev.cairn.engine.Checkpoint;
import dev.cairn.engine.CheckpointManifest;
import dev.cairn.engine.DurableFiles;
import dev.cairn.server.Await;
import dev.cairn.server.metrics.SnapshotMetrics;
import dev.cairn.server.replica.Snapshots;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What arrives over connections that are cut, that lie, or that lead to another checkpoint by now. */
@Tag("X10")
@Timeout(60)
class SnapshotReceiverTest {
    @TempDir
    Path directory;

    private Path data;
    private final Leader leader = new Leader();
    private SnapshotReceiver receiver;

    @BeforeEach
    void aReceiver() throws IOException {
        data = directory.resolve("data");
        Files.createDirectories(data);
        leader.checkpoint = TestStores.checkpoint(directory.resolve("leader"), 400, 3);
        receiver = start();
    }

    private SnapshotReceiver start() {
        final SnapshotReceiver started = new SnapshotReceiver(
                data,
                "orders",
                nodeId -> leader.connect(),
                () -> {},
                (thread, failure) -> {
                    throw new AssertionError(thread, failure);
                },
                new SnapshotMetrics());
        started.start();
        return started;
    }

    @AfterEach
    void stop() throws InterruptedException {
        receiver.stop();
    }

    /** The leader repeats its offer until the snapshot is there. */
    private StagedSnapshot fetch() throws Exception {
        offerUntil("the snapshot is there", () -> receiver.staged() != null);
        return Objects.requireNonNull(receiver.staged());
    }

    private void offerUntil(final String what, final Await.Condition condition) throws Exception {
        Await.until(
                what,
                () -> {
                    final boolean holds = condition.holds();
                    if (!holds) {
                        offer();
                    }
                    return holds;
                },
                leader::describe);
    }

    private void offer() {
        receiver.offer(1, new Snapshots.Offer(leader.checkpoint.id(), 400, 3));
    }

    @Test
    void aSnapshotArrivesWholeAndIsOfferedOnce() throws Exception {
        final StagedSnapshot staged = fetch();
        assertThat(staged.checkpoint().manifest()).isEqualTo(leader.checkpoint.manifest());
        staged.checkpoint().verify();
        assertThat(leader.opens.get()).isEqualTo(1);
        receiver.takeStaged(false);
        assertThat(receiver.staged()).isNull();
    }

    @Test
    void cutsCostOnlyWhatWasUnderWay() throws Exception {
        leader.readsUntilCut = 3;
        fetch().checkpoint().verify();
        assertThat(leader.connections.get()).isGreaterThan(3);
        assertThat(leader.opens.get()).as("one checkpoint throughout").isEqualTo(1);
        final long pieces = leader.checkpoint.manifest().files().size();
        assertThat(leader.bytesSent.get())
                .isLessThan(leader.checkpoint.manifest().totalBytes() + 16 * pieces);
    }

    @Test
    void aRestartGoesOnWithWhatIsThere() throws Exception {
        leader.readsUntilCut = 4;
        offer();
        Await.until("four reads", () -> leader.reads.get() >= 4, leader::describe);
        receiver.stop();
        receiver = start();
        fetch().checkpoint().verify();
        assertThat(leader.opens.get()).isEqualTo(1);
    }

    /** A host that lost power may have the length of a file without its bytes. */
    @Test
    void bytesThatACrashTookAwayAreFetchedAgain() throws Exception {
        receiver.stop();
        final Path staged =
                TestStores.stage(leader.checkpoint, data).checkpoint().directory();
        final Path file = staged.resolve(Checkpoint.DATABASE_DIRECTORY)
                .resolve(leader.checkpoint.manifest().files().get(0).name());
        final int length = (int) Files.size(file);
        Files.delete(file);
        Files.write(file, new byte[length]);
        receiver = start();
        fetch().checkpoint().verify();
        assertThat(leader.opens.get()).isZero();
    }

    /** Other bytes under the same id would be a mixture of two databases: they are never installed. */
    @Test
    void alteredBytesAreNeverStaged() throws Exception {
        leader.alters = true;
        final long enough = 3 * leader.checkpoint.manifest().totalBytes();
        offerUntil("three times its bytes were sent", () -> {
            assertThat(receiver.staged()).isNull();
            return leader.bytesSent.get() > enough;
        });
        assertThat(receiver.staged()).isNull();
        leader.alters = false;
        fetch().checkpoint().verify();
    }

    @Test
    void whenTheCheckpointIsGoneTheNextOneIsFetchedFromTheStart() throws Exception {
        leader.readsUntilCut = 4;
        offer();
        Await.until("four reads", () -> leader.reads.get() >= 4, leader::describe);
        final Checkpoint first = leader.checkpoint;
        leader.checkpoint = TestStores.checkpoint(directory.resolve("other-leader"), 900, 4);
        leader.readsUntilCut = 0;
        final StagedSnapshot staged = fetch();
        assertThat(staged.index()).isEqualTo(900);
        staged.checkpoint().verify();
        assertThat(DurableFiles.list(data.resolve("staging"))).hasSize(1);
        assertThat(staged.checkpoint().id()).isNotEqualTo(first.id());
    }

    @Test
    void aSnapshotThatIsNotNeededGoesBeforeTheNextIsFetched() throws Exception {
        fetch();
        receiver.takeStaged(true);
        fetch();
        assertThat(leader.opens.get()).as("fetched anew").isEqualTo(2);
    }

    /** Serves one checkpoint; cuts each connection after so many reads when told to. */
    private static final class Leader {
        volatile Checkpoint checkpoint = new Checkpoint(Path.of("none"), MANIFEST_OF_NOTHING);
        volatile int readsUntilCut;
        volatile boolean alters;
        final AtomicLong bytesSent = new AtomicLong();
        final AtomicInteger opens = new AtomicInteger();
        final AtomicInteger reads = new AtomicInteger();
        final AtomicInteger connections = new AtomicInteger();

        private static final CheckpointManifest MANIFEST_OF_NOTHING =
                new CheckpointManifest("none", 1, new AppliedState(1, 1, 0, 0), "", List.of());

        String describe() {
            return "connections=" + connections + " opens=" + opens + " reads=" + reads + " bytes=" + bytesSent;
        }

        CheckpointConnection connect() {
            connections.incrementAndGet();
            final SplittableRandom random = new SplittableRandom(connections.get());
            return new CheckpointConnection() {
                private int left = readsUntilCut;

                @Override
                public byte[] open() {
                    opens.incrementAndGet();
                    return checkpoint.manifest().encode();
                }

                @Override
                public ByteBuffer read(
                        final long checkpointId, final int fileNumber, final long offset, final int maxBytes)
                        throws IOException {
                    reads.incrementAndGet();
                    if (readsUntilCut > 0 && left-- == 0) {
                        throw new IOException("cut");
                    }
                    if (checkpointId != checkpoint.id()) {
                        throw new Refused("no such checkpoint");
                    }
                    final byte[] all = Files.readAllBytes(checkpoint.file(fileNumber));
                    // Small pieces, so that files of a small database need several.
                    final int length = (int) Math.min(Math.min(maxBytes, 700), all.length - offset);
                    final byte[] piece = Arrays.copyOfRange(all, (int) offset, (int) offset + length);
                    if (alters && length > 0) {
                        piece[random.nextInt(length)] ^= 1;
                    }
                    bytesSent.addAndGet(length);
                    return ByteBuffer.wrap(piece);
                }

                @Override
                public void close() {}
            };
        }
    }
}
