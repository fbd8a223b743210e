package dev.cairn.server.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.engine.Checkpoint;
import dev.cairn.engine.CheckpointException;
import dev.cairn.engine.CheckpointManifest;
import dev.cairn.engine.CheckpointStore;
import dev.cairn.engine.DurableFiles;
import dev.cairn.engine.RocksStore;
import dev.cairn.server.replica.Replica;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SnapshotFileTest {
    @TempDir
    Path directory;

    private Path file;
    private Checkpoint checkpoint;

    @BeforeEach
    void aSnapshotInAFile() throws IOException {
        checkpoint = TestStores.checkpoint(directory.resolve("node"), 300, 4);
        file = directory.resolve("backup");
        save(checkpoint, file);
    }

    private static void save(final Checkpoint from, final Path to) throws IOException {
        try (SnapshotFile.Writer writer = new SnapshotFile.Writer(to, from.manifest())) {
            for (int i = 0; i < from.manifest().files().size(); i++) {
                writer.write(ByteBuffer.wrap(Files.readAllBytes(from.file(i))));
            }
            writer.finish();
        }
    }

    private CheckpointManifest restore(final Path from) throws IOException {
        return SnapshotRestore.restore(from, directory.resolve("new"), "restored", 2, () -> 77, read -> {});
    }

    @Test
    void aRestoredDirectoryBelongsToTheNewNodeAndWaitsForItsLog() throws IOException {
        assertThat(restore(file)).isEqualTo(checkpoint.manifest());
        final Path data = directory.resolve("new");
        assertThat(TestStores.appliedIndex(data.resolve("kv"))).isEqualTo(300);
        assertThat(Files.readString(data.resolve("identity.properties")))
                .contains("cluster.id=restored", "node.id=2", "storage.id=000000000000004d");
        assertThat(new Installation(data).recover(new CheckpointStore(data, "restored", () -> 1)))
                .contains(new Replica.Installed(300, 4));
        assertThat(DurableFiles.list(directory)).containsOnly("backup", "new", "node");
    }

    /** Its nodes are those of the new cluster's settings, not those that the saved cluster had at last. */
    @Test
    void aRestoredDirectoryHasForgottenTheMembersOfTheOldCluster() throws IOException {
        final Path node = directory.resolve("changed");
        final Path changed = directory.resolve("changed-backup");
        final Checkpoint ofChanged = TestStores.checkpointWithMembership(node, 300, 4);
        assertThat(ofChanged.manifest().membership()).isNotEmpty();
        save(ofChanged, changed);
        restore(changed);
        final RocksStore.Content content =
                RocksStore.contentOf(directory.resolve("new").resolve("kv"));
        assertThat(content.membership()).isEmpty();
        assertThat(content.applied()).isEqualTo(ofChanged.manifest().applied());
    }

    @Test
    void aDirectoryInUseIsNotTouched() throws IOException {
        Files.createDirectories(directory.resolve("new"));
        Files.writeString(directory.resolve("new").resolve("mine"), "mine");
        assertThatThrownBy(() -> restore(file))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("is not empty");
        assertThat(directory.resolve("new").resolve("mine")).hasContent("mine");
    }

    @Test
    void anAlteredFileIsRefusedAndLeavesNothingBehind() throws IOException {
        final byte[] bytes = Files.readAllBytes(file);
        final SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < 60; i++) {
            final byte[] altered = bytes.clone();
            // Every byte of the header, then anywhere, then the trailer.
            final int at = i < 20 ? i : i < 48 ? random.nextInt(bytes.length) : bytes.length - 1 - (i - 48);
            altered[at] ^= (byte) (1 << random.nextInt(8));
            assertRefused(altered, "byte " + at);
        }
    }

    @Test
    void aCutOrLongerFileIsRefusedAndLeavesNothingBehind() throws IOException {
        final byte[] bytes = Files.readAllBytes(file);
        for (int length = 0; length < bytes.length; length += Math.max(1, bytes.length / 50)) {
            assertRefused(Arrays.copyOf(bytes, length), "length " + length);
        }
        assertRefused(Arrays.copyOf(bytes, bytes.length - 1), "last byte");
        assertRefused(Arrays.copyOf(bytes, bytes.length + 1), "one byte more");
    }

    /** Stated in bytes 12 to 15. */
    @Test
    void aWrongLengthOfTheManifestIsNamed() throws IOException {
        final byte[] bytes = Files.readAllBytes(file);
        final int length = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getInt(12);
        final Path bad = directory.resolve("bad");
        for (final int wrong : new int[] {length - 1, length / 2, length + 1, length + 100, 40}) {
            Files.write(
                    bad,
                    ByteBuffer.wrap(bytes.clone())
                            .order(ByteOrder.LITTLE_ENDIAN)
                            .putInt(12, wrong)
                            .array());
            assertThatThrownBy(() -> restore(bad))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessage(bad + " is cut or altered: its manifest of " + wrong
                            + " bytes does not end with 'crc32c=' and 8 digits");
        }
    }

    private void assertRefused(final byte[] content, final String what) throws IOException {
        final Path bad = directory.resolve("bad");
        Files.write(bad, content);
        assertThatThrownBy(() -> restore(bad))
                .as(what)
                .isInstanceOf(CheckpointException.class)
                .hasMessageStartingWith(bad.toString());
        assertThat(DurableFiles.list(directory)).as(what).containsOnly("backup", "bad", "node");
    }

    @Test
    void aForeignFormatIsNamed() throws IOException {
        final Path zip = directory.resolve("zip");
        Files.write(zip, Arrays.copyOf(new byte[] {'P', 'K', 3, 4}, 5000));
        assertThatThrownBy(() -> restore(zip)).hasMessage(zip + " is no snapshot of Cairn");
        final byte[] later = Files.readAllBytes(file);
        later[8] = 9;
        Files.write(zip, later);
        assertThatThrownBy(() -> restore(zip)).hasMessageContaining("snapshot format version 9");
    }

    @Test
    void aWriterThatDoesNotFinishLeavesNothing() throws IOException {
        final Path other = directory.resolve("other");
        try (SnapshotFile.Writer writer = new SnapshotFile.Writer(other, checkpoint.manifest())) {
            writer.write(ByteBuffer.wrap(new byte[100]));
        }
        assertThat(DurableFiles.list(directory)).containsOnly("backup", "node");
    }
}
