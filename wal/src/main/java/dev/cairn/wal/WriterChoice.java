package dev.cairn.wal;

/** {@code wal.writer}: how the loop stores records. */
public enum WriterChoice {
    /** Mapped, unless the start-up test finds that one store dirties far more than its page. */
    AUTO,
    /** Stores through a memory mapping. */
    MAPPED,
    /** One buffer and one positional write per group. */
    CHANNEL
}
