package dev.cairn.wal.simulated;

/** Who wants to see a recorded directory between any two of its changes. Called on the thread that makes the change. */
public interface CrashPoints {
    /** After each store, force, creation, rename, deletion and directory force. Whatever it throws ends the caller. */
    void afterChange();

    /** While a force of a file is in flight: what is stored now is not covered by it. */
    default void duringForce() {}
}
