package dev.cairn.raft.planted;

/** Nothing forbidden but one call. */
public final class ClockReader {
    private ClockReader() {}

    public static long now() {
        return System.currentTimeMillis();
    }
}
