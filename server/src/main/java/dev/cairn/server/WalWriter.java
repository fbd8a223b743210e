package dev.cairn.server;

/** Value of {@code wal.writer}: which implementation of the log's segment file is used. */
public enum WalWriter {
    AUTO("auto"),
    MAPPED("mapped"),
    CHANNEL("channel");

    private final String text;

    WalWriter(String text) {
        this.text = text;
    }

    /** As written in a properties file. */
    public String text() {
        return text;
    }
}
