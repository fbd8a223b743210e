package dev.cairn.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.covers.Covers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Tag("W08")
@Tag("W05")
final class CheckpointStoreTest {
    private final AtomicLong ids = new AtomicLong(100);

    @TempDir
    Path directory;

    private CheckpointStore checkpoints(CheckpointStore.Probe probe) {
        return new CheckpointStore(directory, "orders", ids::incrementAndGet, probe);
    }

    private CheckpointStore checkpoints() {
        return checkpoints(step -> {});
    }

    private ApplyRig rig(String name) {
        return new ApplyRig(directory.resolve(name), 200, 64, 16);
    }

    @Test
    void nothingAppliedIsNoCheckpoint() {
        try (RocksStore store = RocksStore.open(RocksStoreConfig.of(directory.resolve("kv")))) {
            assertThat(checkpoints().create(store)).isEmpty();
            assertThat(directory.resolve("checkpoint-new")).doesNotExist();
        }
    }

    @Test
    @Covers({"R25", "T30", "W08"})
    void itSaysWhatItsOwnDatabaseHolds() {
        try (ApplyRig rig = rig("kv")) {
            rig.fill();
            Checkpoint made = checkpoints().create(rig.store).orElseThrow();
            assertThat(made.index()).isEqualTo(rig.machine.appliedIndex());
            assertThat(made.manifest().applied().digest()).isEqualTo(rig.machine.digest());
            assertThat(made.manifest().clusterId()).isEqualTo("orders");
            made.verify();
            rig.batch(10);
            assertThat(RocksStore.contentOf(made.directory().resolve("db")).applied())
                    .as("later writes are not in it")
                    .isEqualTo(made.manifest().applied());
            assertThat(checkpoints().list()).containsExactly(made);
        }
    }

    @Test
    @Covers("R28")
    void itCarriesTheConfigurationWithItsIndex() {
        try (ApplyRig rig = rig("kv")) {
            rig.fill();
            assertThat(checkpoints().create(rig.store).orElseThrow().manifest().membership())
                    .isEmpty();
            long index = rig.machine.appliedIndex() + 1;
            UnsafeBuffer payload = new UnsafeBuffer(new byte[] {1, 2, 3});
            rig.machine.apply(index, 1_000, 0, StateMachine.ENTRY_CONFIG, 0, payload, 0, 3, StateMachine.NOBODY_WAITS);
            rig.machine.commit((at, status, revision, result, offset, length) -> {});
            Checkpoint made = checkpoints().create(rig.store).orElseThrow();
            assertThat(made.manifest().membership())
                    .isEqualTo(HexFormat.of().toHexDigits(Long.reverseBytes(index)) + "010203");
            assertThat(RocksStore.contentOf(made.directory().resolve("db")).membership())
                    .isEqualTo(made.manifest().membership());
        }
    }

    @Test
    void withoutNewEntriesTheLastOneServes() {
        try (ApplyRig rig = rig("kv")) {
            rig.fill();
            Checkpoint first = checkpoints().create(rig.store).orElseThrow();
            assertThat(checkpoints().create(rig.store)).contains(first);
            rig.batch(1);
            Checkpoint second = checkpoints().create(rig.store).orElseThrow();
            assertThat(second.index()).isEqualTo(first.index() + 1);
            second.verify();
            checkpoints().delete(first);
            assertThat(checkpoints().list()).containsExactly(second);
            second.verify();
        }
    }

    /** A crash at any step leaves the old checkpoint, or the old one and the new one, and the next try succeeds. */
    @ParameterizedTest
    @EnumSource(CheckpointStore.Step.class)
    @Covers({"W05", "W08"})
    void aCrashAtAnyStepLeavesOldOrNew(CheckpointStore.Step crashAt) {
        try (ApplyRig rig = rig("kv")) {
            rig.fill();
            Checkpoint old = checkpoints().create(rig.store).orElseThrow();
            rig.batch(20);
            CheckpointStore crashing = checkpoints(step -> {
                if (step == crashAt) {
                    throw new PlannedCrash();
                }
            });
            assertThatThrownBy(() -> crashing.create(rig.store)).isInstanceOf(PlannedCrash.class);

            CheckpointStore restarted = checkpoints();
            restarted.deleteUnfinished();
            List<Checkpoint> found = restarted.list();
            boolean renamed = crashAt == CheckpointStore.Step.RENAMED || crashAt == CheckpointStore.Step.RENAME_FORCED;
            assertThat(found).hasSize(renamed ? 2 : 1).contains(old);
            found.forEach(Checkpoint::verify);
            Checkpoint next = restarted.create(rig.store).orElseThrow();
            assertThat(next.index()).isEqualTo(rig.machine.appliedIndex());
            next.verify();
        }
    }

    @Test
    @Covers({"T30", "W14"})
    void aCopyOpensAsAStoreAndLeavesTheCheckpointAsItIs() {
        Checkpoint made;
        try (ApplyRig rig = rig("kv")) {
            rig.fill();
            made = checkpoints().create(rig.store).orElseThrow();
        }
        made.copyDatabase(directory.resolve("copy"));
        try (RocksStore copy = RocksStore.open(RocksStoreConfig.of(directory.resolve("copy")))) {
            assertThat(copy.flushedApplied()).isEqualTo(made.manifest().applied());
        }
        made.verify();
    }

    @Test
    void anAlteredOrShortenedFileIsNamed() throws IOException {
        try (ApplyRig rig = rig("kv")) {
            rig.fill();
            Checkpoint made = checkpoints().create(rig.store).orElseThrow();
            int number = 0;
            while (!made.file(number).toString().endsWith(".sst")) {
                number++;
            }
            Path victim = made.file(number);
            byte[] bytes = Files.readAllBytes(victim);
            bytes[bytes.length / 2] ^= 1;
            Files.delete(victim);
            Files.write(victim, bytes);
            assertThatThrownBy(made::verify)
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageContaining(victim.toString())
                    .hasMessageContaining("checksum");
            Files.write(victim, new byte[3]);
            assertThatThrownBy(made::verify).hasMessageContaining("has 3 bytes");
        }
    }

    @Test
    void aManifestIsReadBackAndBelievedOnlyWhole() {
        CheckpointManifest manifest = new CheckpointManifest(
                "orders",
                -5,
                new AppliedState(7, 3, 1_800_000_000_000L, -1),
                "0aff",
                List.of(new CheckpointManifest.Entry("000012.sst", 1L << 40, -2)));
        byte[] text = manifest.encode();
        assertThat(CheckpointManifest.decode(text, "here")).isEqualTo(manifest);
        for (int i = 0; i < text.length; i++) {
            byte[] altered = text.clone();
            altered[i] ^= 1;
            assertThatThrownBy(() -> CheckpointManifest.decode(altered, "here"))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageStartingWith("here ");
            byte[] cut = Arrays.copyOf(text, i);
            assertThatThrownBy(() -> CheckpointManifest.decode(cut, "here")).isInstanceOf(CheckpointException.class);
        }
    }

    /** Names come from the network: none may lead out of the directory. */
    @Test
    void aManifestWithADirectoryInAFileNameIsRefused() {
        for (String name : List.of("../kv", "a/b", "..", ".hidden", "")) {
            byte[] text = new CheckpointManifest(
                            "orders",
                            1,
                            new AppliedState(7, 3, 0, 0),
                            "",
                            List.of(new CheckpointManifest.Entry(name, 1, 1)))
                    .encode();
            assertThatThrownBy(() -> CheckpointManifest.decode(text, "here"))
                    .as(name)
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageContaining("names no file");
        }
    }

    private static final class PlannedCrash extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }
}
