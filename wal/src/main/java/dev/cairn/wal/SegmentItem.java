package dev.cairn.wal;

/** What stands in a segment file, piece by piece, for people and tools; {@link WalInspection#dump} makes them. */
public sealed interface SegmentItem {
    /** File name within the log's directory. */
    String file();

    /** Where the piece begins. */
    int offset();

    /**
     * The preparation header.
     *
     * @param valid whether its CRC and the file's length are right; the other fields are what stands there
     */
    record Header(
            String file,
            int offset,
            boolean valid,
            int fileBytes,
            int version,
            int group,
            long clusterIdHash,
            int nodeId,
            long storageId,
            long salt)
            implements SegmentItem {}

    /**
     * The activation block; missing in a spare, and in a file that never came into use.
     *
     * @param state by its CRC and salt; the other fields are what stands there
     */
    record Activated(
            String file,
            int offset,
            State state,
            int kind,
            int segment,
            int previousSegment,
            int previousEnd,
            long previousIndex,
            long previousTerm,
            long durablePosition,
            int seed,
            int replacedFrom)
            implements SegmentItem {
        /** Valid, nothing there, or neither. */
        public enum State {
            OK,
            MISSING,
            BAD
        }
    }

    /**
     * A record whose header proves itself.
     *
     * @param bytes header, body and padding
     * @param durablePosition that the appender knew; {@link LogPosition}
     * @param empty whether it holds a commit hint instead of an entry
     * @param term of the entry; this and the next three are 0 for an empty record
     * @param commitHint of an empty record
     */
    record Stored(
            String file,
            int offset,
            Verdict verdict,
            int segment,
            int bytes,
            long index,
            long term,
            int type,
            long logTimeMs,
            int payloadBytes,
            long durablePosition,
            boolean supersedes,
            boolean empty,
            long commitHint)
            implements SegmentItem {
        /** Whole; a body that fails its CRC; or whole, but not the successor of the record before it in the file. */
        public enum Verdict {
            OK,
            BAD_BODY,
            NOT_IN_CHAIN
        }
    }

    /**
     * Bytes between records in which none proves itself.
     *
     * @param end one past the last of them
     */
    record Unreadable(String file, int offset, int end, String found) implements SegmentItem {}

    /** Nothing but zeros from here to the end of the file. */
    record End(String file, int offset) implements SegmentItem {}
}
