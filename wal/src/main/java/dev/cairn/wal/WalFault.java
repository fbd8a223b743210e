package dev.cairn.wal;

/** Planted bugs, for tests that prove that the checkers find them. Never set outside a test. */
public enum WalFault {
    /** Recovery neither copies nor forces the readable tail, and calls it durable all the same. */
    NO_COPY_AT_RECOVERY,
    /** A cursor that steps to the next index takes the next record of the file, superseded or not. */
    CURSOR_IN_PHYSICAL_ORDER
}
