package dev.cairn.testkit.sim;

/**
 * Mistakes around the core that can be switched on, as {@link dev.cairn.raft.PlantedBug} are in it: planted in the simulator's
 * own wiring, where the node has code of its own for the same duty, so that production code holds none of them.
 */
enum SimBug {
    // The disk.
    /** The log calls durable what was not forced. */
    LOG_NOT_FORCED,
    /** Term and vote are written, not forced. */
    HARD_STATE_NOT_FORCED,
    /** New names of segments are not forced. */
    NAMES_NOT_FORCED,
    /** A force of the log that fails is taken for one that has worked. */
    FAILED_FORCE_IGNORED,

    // Clients.
    /** Two answers that leave together change places. */
    REPLY_TO_WRONG_REQUEST,
    /** The answers by which repeats are known are kept in memory only. */
    ANSWERS_LOST_AT_RESTART,

    // Snapshots.
    /** A snapshot holds the rows of users, not the sessions. */
    SNAPSHOT_WITHOUT_SESSIONS,
    /** The index of a snapshot is noted before its content is taken. */
    SNAPSHOT_INDEX_FROM_NOTE,
    /** The log is dropped up to what is applied, whatever snapshots and store hold. */
    LOG_DROPPED_AHEAD,
    /** What has arrived of one snapshot is taken for the beginning of another. */
    PIECES_OF_TWO_SNAPSHOTS,
    /** The store is swapped without a word that the log has to follow. */
    INSTALL_WITHOUT_INTENT
}
