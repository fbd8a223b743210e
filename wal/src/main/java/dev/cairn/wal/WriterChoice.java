package dev.cairn.wal;

/** How the loop stores records. */
public enum WriterChoice {
    /** One buffer and one positional write per group. */
    CHANNEL,
    /** Stores through a memory mapping. */
    MAPPED,
    /** Mapped, unless the start-up test finds that one store dirties far more than its page; channel then. */
    MAPPED_IF_FIT
}
