package dev.cairn.server;

/** Value of {@code wal.repair}: what a node does whose log is damaged where it may have acknowledged something. */
public enum WalRepair {
    /** It lets its peers bring back what is lost, where they can: in a cluster of at least three. */
    AUTO("auto"),
    /** It stops, with all files as they are. */
    OFF("off");

    private static final int LEAST_MEMBERS = 3;

    private final String text;

    WalRepair(String text) {
        this.text = text;
    }

    /** Of fewer nodes none can do without another one: whatever is lost on one may be the only copy that counts. */
    boolean isOnWith(int members) {
        return this == AUTO && members >= LEAST_MEMBERS;
    }

    /** As written in a properties file. */
    public String text() {
        return text;
    }
}
