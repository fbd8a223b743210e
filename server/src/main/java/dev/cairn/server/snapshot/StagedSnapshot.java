package dev.cairn.server.snapshot;

import dev.cairn.engine.Checkpoint;

/** A received checkpoint in {@code staging/<checkpoint id>}: whole, verified and forced to disk. */
public record StagedSnapshot(Checkpoint checkpoint) {
    public long index() {
        return checkpoint.index();
    }

    public long term() {
        return checkpoint.term();
    }
}
