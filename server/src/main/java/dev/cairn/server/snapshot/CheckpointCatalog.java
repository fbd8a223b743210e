package dev.cairn.server.snapshot;

import dev.cairn.engine.Checkpoint;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * The finished checkpoints of this node as all threads see them, and the wish for a new one. One thread adds and removes,
 * any thread looks.
 */
final class CheckpointCatalog {
    private final CopyOnWriteArrayList<Checkpoint> checkpoints = new CopyOnWriteArrayList<>();

    /** A checkpoint that reaches at least this index is wanted. */
    private volatile long wantedIndex;

    void reset(final List<Checkpoint> found) {
        checkpoints.clear();
        checkpoints.addAll(found);
    }

    void add(final Checkpoint checkpoint) {
        if (find(checkpoint.id()) == null) {
            checkpoints.add(checkpoint);
        }
    }

    void remove(final Checkpoint checkpoint) {
        checkpoints.remove(checkpoint);
    }

    List<Checkpoint> all() {
        return List.copyOf(checkpoints);
    }

    @Nullable
    Checkpoint newest() {
        Checkpoint newest = null;
        for (final Checkpoint checkpoint : checkpoints) {
            if (newest == null || checkpoint.index() > newest.index()) {
                newest = checkpoint;
            }
        }
        return newest;
    }

    long newestIndex() {
        final Checkpoint newest = newest();
        return newest == null ? 0 : newest.index();
    }

    @Nullable
    Checkpoint find(final long checkpointId) {
        for (final Checkpoint checkpoint : checkpoints) {
            if (checkpoint.id() == checkpointId) {
                return checkpoint;
            }
        }
        return null;
    }

    /** Somebody needs a checkpoint that reaches this index. */
    void want(final long index) {
        if (index > wantedIndex) {
            wantedIndex = index;
        }
    }

    boolean isWanted() {
        return wantedIndex > newestIndex();
    }
}
