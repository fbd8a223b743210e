package dev.cairn.wal;

/** A place in the log that never comes back: segment sequence in the high half, offset in the low one; 0 = nothing. */
public final class LogPosition {
    private LogPosition() {}

    public static long of(int segment, int offset) {
        return ((long) segment << 32) | offset;
    }

    public static int segment(long position) {
        return (int) (position >>> 32);
    }

    public static int offset(long position) {
        return (int) position;
    }

    /** For messages: {@code segment:offset}. */
    public static String toString(long position) {
        return segment(position) + ":" + offset(position);
    }
}
