package dev.cairn.server.snapshot;

import dev.cairn.engine.Checkpoint;
import dev.cairn.engine.CheckpointStore;
import dev.cairn.engine.KvStateMachine;
import dev.cairn.engine.RocksStore;
import dev.cairn.engine.RocksStoreConfig;
import dev.cairn.engine.SessionLimits;
import dev.cairn.engine.StateMachine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import org.agrona.concurrent.UnsafeBuffer;

/** Stores and checkpoints of entries without content: index and digest tell them apart. */
final class TestStores {
    private static final AtomicLong IDS = new AtomicLong(0x1000);

    private TestStores() {}

    /** A closed store that has applied entries 1 to {@code index} of a term. */
    static void make(final Path database, final long index, final long term) {
        try (RocksStore store = RocksStore.open(RocksStoreConfig.of(database))) {
            apply(store, index, term);
        }
    }

    static void apply(final RocksStore store, final long index, final long term) {
        final KvStateMachine machine = new KvStateMachine(store, 16, SessionLimits.REPLICATED);
        final UnsafeBuffer nothing = new UnsafeBuffer(new byte[8]);
        for (long next = machine.appliedIndex() + 1; next <= index; next++) {
            machine.apply(
                    next, term, next, StateMachine.ENTRY_NOOP, (int) next, nothing, 0, 0, StateMachine.NOBODY_WAITS);
        }
        machine.commit((slot, status, revision, result, offset, length) -> {});
    }

    /** As {@link #checkpoint}, and the last entry is a configuration. */
    static Checkpoint checkpointWithMembership(final Path directory, final long index, final long term)
            throws IOException {
        Files.createDirectories(directory);
        try (RocksStore store = RocksStore.open(RocksStoreConfig.of(directory.resolve("kv")))) {
            apply(store, index - 1, term);
            final KvStateMachine machine = new KvStateMachine(store, 16, SessionLimits.REPLICATED);
            final UnsafeBuffer payload = new UnsafeBuffer(new byte[8]);
            machine.apply(
                    index,
                    term,
                    index,
                    StateMachine.ENTRY_CONFIG,
                    (int) index,
                    payload,
                    0,
                    8,
                    StateMachine.NOBODY_WAITS);
            machine.commit((slot, status, revision, result, offset, length) -> {});
            return new CheckpointStore(directory, "orders", IDS::incrementAndGet)
                    .create(store)
                    .orElseThrow();
        }
    }

    static long appliedIndex(final Path database) {
        return RocksStore.contentOf(database).applied().index();
    }

    /** A checkpoint of such a store, in a directory of its own. */
    static Checkpoint checkpoint(final Path directory, final long index, final long term) throws IOException {
        Files.createDirectories(directory);
        try (RocksStore store = RocksStore.open(RocksStoreConfig.of(directory.resolve("kv")))) {
            apply(store, index, term);
            return new CheckpointStore(directory, "orders", IDS::incrementAndGet)
                    .create(store)
                    .orElseThrow();
        }
    }

    /** The same as it lies when it has been received. */
    static StagedSnapshot stage(final Checkpoint from, final Path data) throws IOException {
        final Path staged = data.resolve("staging").resolve(String.format("%016x", from.id()));
        Files.createDirectories(staged);
        Files.write(staged.resolve(Checkpoint.MANIFEST_FILE), from.manifest().encode());
        from.copyDatabase(staged.resolve(Checkpoint.DATABASE_DIRECTORY));
        return new StagedSnapshot(new Checkpoint(staged, from.manifest()));
    }
}
