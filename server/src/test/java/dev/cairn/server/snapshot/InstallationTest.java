package dev.cairn.server.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.engine.CheckpointException;
import dev.cairn.engine.CheckpointStore;
import dev.cairn.engine.DurableFiles;
import dev.cairn.server.replica.Replica;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A crash at each step, and perhaps another while it is mended: the old database or the new one, never a mixture. */
@Tag("X10")
@Tag("W10")
class InstallationTest {
    @TempDir
    Path directory;

    private Path data;
    private CheckpointStore checkpoints;
    private StagedSnapshot staged;

    @BeforeEach
    void anOldStoreAndAStagedSnapshot() throws IOException {
        data = directory.resolve("data");
        Files.createDirectories(data);
        TestStores.make(data.resolve("kv"), 10, 1);
        staged = TestStores.stage(TestStores.checkpoint(directory.resolve("leader"), 500, 3), data);
        checkpoints = new CheckpointStore(data, "orders", () -> 1);
    }

    @Test
    void withoutAnIntentTheOldDatabaseStays() {
        assertThat(new Installation(data).recover(checkpoints)).isEmpty();
        assertThat(TestStores.appliedIndex(data.resolve("kv"))).isEqualTo(10);
    }

    @ParameterizedTest
    @EnumSource(Installation.Step.class)
    void aCrashAtAnyStepIsMendedAtTheNextStart(final Installation.Step crashAt) throws IOException {
        crash(crashAt, () -> {
            final Installation installation = new Installation(data, crashing(crashAt));
            installation.intend(staged);
            installation.swap(staged);
            installation.clear();
        });
        assertMended(crashAt);
    }

    @ParameterizedTest
    @EnumSource(
            value = Installation.Step.class,
            names = {"OLD_MOVED", "NEW_MOVED", "SWAP_FORCED", "OLD_DELETED"})
    void aCrashWhileItIsMendedIsMendedToo(final Installation.Step crashAt) throws IOException {
        new Installation(data).intend(staged);
        crash(crashAt, () -> new Installation(data, crashing(crashAt)).recover(checkpoints));
        assertMended(crashAt);
    }

    private void assertMended(final Installation.Step crashAt) throws IOException {
        final Optional<Replica.Installed> installed = new Installation(data).recover(checkpoints);
        final boolean done = crashAt == Installation.Step.INTENT_CLEARED;
        assertThat(installed).isEqualTo(done ? Optional.empty() : Optional.of(new Replica.Installed(500, 3)));
        assertThat(TestStores.appliedIndex(data.resolve("kv"))).isEqualTo(500);
        new Installation(data).clear();
        assertThat(new Installation(data).recover(checkpoints)).isEmpty();
        assertThat(DurableFiles.list(data)).containsOnly("kv", "staging");
        assertThat(DurableFiles.list(data.resolve("staging"))).isEmpty();
    }

    private static Installation.Probe crashing(final Installation.Step at) {
        return step -> {
            if (step == at) {
                throw new PlannedCrash();
            }
        };
    }

    private static void crash(final Installation.Step at, final Runnable work) {
        assertThatThrownBy(work::run).as("crash at %s", at).isInstanceOf(PlannedCrash.class);
    }

    @Test
    void aDamagedIntentStopsTheNode() throws IOException {
        new Installation(data).intend(staged);
        final Path intent = data.resolve(Installation.INTENT);
        final byte[] text = Files.readAllBytes(intent);
        for (int i = 0; i < text.length; i++) {
            final byte[] altered = text.clone();
            altered[i] ^= 1;
            Files.write(intent, altered);
            assertThatThrownBy(() -> new Installation(data).recover(checkpoints))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageContaining("damaged");
        }
        assertThat(TestStores.appliedIndex(data.resolve("kv"))).isEqualTo(10);
    }

    @Test
    void anIntentWithoutItsFilesStopsTheNode() throws IOException {
        new Installation(data).intend(staged);
        DurableFiles.deleteTree(data.resolve("staging"));
        DurableFiles.deleteTree(data.resolve("kv"));
        assertThatThrownBy(() -> new Installation(data).recover(checkpoints))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("neither");
    }

    private static final class PlannedCrash extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }
}
