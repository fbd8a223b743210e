package dev.cairn.wal.simulated;

/** Which of the states that a crash can leave {@link SimulatedDirectory#afterCrash} makes. */
public enum CrashKind {
    /** Kill -9: the cache stays, and is still not durable. */
    PROCESS,
    /** Power cut: nothing that was not forced. */
    NOTHING_KEPT,
    /** Power cut: all bytes were written back, but not all name operations. */
    ALL_KEPT,
    /** Power cut: each unforced sector as it was last, or as it was forced. */
    SECTORS,
    /** Power cut: each unforced sector as it was after any one of the stores since it was forced. */
    VERSIONS,
    /** Power cut: each page as it was at one moment, whole or torn into sectors. */
    MOMENTS
}
