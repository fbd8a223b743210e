package dev.cairn.wal;

/** One segment in use. Fields of the loop unless stated. */
final class Segment {
    private static final String SUFFIX = ".wal";
    private static final int DIGITS = 20;

    final int sequence;
    final SegmentFile file;
    final long salt;
    /** Last index before this segment's records, when it became current. */
    final long previousIndex;
    /** Highest live index in this segment or before; what decides when it may go. */
    long lastLiveIndex;
    /** Whether the loop may read it straight from memory: only what this process wrote, and of that the last two. */
    boolean inMemory;
    /** End of its last record once it is no longer current, 0 before; written by the loop, read by all. */
    volatile int sealedEnd;
    /** Whether this process filled it with zeros, as the writer wants it; only then it may serve again. */
    boolean madeHere;
    /** Of its file. That of the spare that it was, until housekeeping has given it its own; written by housekeeping. */
    volatile String name;

    Segment(int sequence, SegmentFile file, String name, long salt, long previousIndex) {
        this.sequence = sequence;
        this.file = file;
        this.name = name;
        this.salt = salt;
        this.previousIndex = previousIndex;
        this.lastLiveIndex = previousIndex;
    }

    static String nameOf(int sequence) {
        String digits = Integer.toString(sequence);
        return "0".repeat(DIGITS - digits.length()) + digits + SUFFIX;
    }

    /** Of a segment's name. */
    static int sequenceOf(String name) {
        return Integer.parseInt(name.substring(0, DIGITS));
    }

    static boolean isSegmentName(String name) {
        return name.length() == DIGITS + SUFFIX.length()
                && name.endsWith(SUFFIX)
                && name.chars().limit(DIGITS).allMatch(c -> c >= '0' && c <= '9');
    }
}
