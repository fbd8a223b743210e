package dev.cairn.server;

import dev.cairn.wal.WriterChoice;

/** Value of {@code wal.writer}: which implementation of the log's segment file is used. */
public enum WalWriter {
    /** What measures best: docs/adr/0014. */
    AUTO("auto", WriterChoice.CHANNEL),
    MAPPED("mapped", WriterChoice.MAPPED_IF_FIT),
    CHANNEL("channel", WriterChoice.CHANNEL);

    private final String text;
    private final WriterChoice choice;

    WalWriter(String text, WriterChoice choice) {
        this.text = text;
        this.choice = choice;
    }

    WriterChoice choice() {
        return choice;
    }

    /** As written in a properties file. */
    public String text() {
        return text;
    }
}
