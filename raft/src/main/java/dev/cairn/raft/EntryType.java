package dev.cairn.raft;

/** Types of log entries that the core itself appends or looks at; the others are the driver's. */
public final class EntryType {
    /** Appended by a leader at the start of its term; the state machine skips it. */
    public static final int NOOP = 1;

    public static final int COMMAND = 2;
    public static final int CONFIG = 3;
    public static final int CLOCK = 4;

    private EntryType() {}
}
