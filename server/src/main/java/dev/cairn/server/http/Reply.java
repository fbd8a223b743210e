package dev.cairn.server.http;

import dev.cairn.protocol.NodeStatus;
import dev.cairn.protocol.Status;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the node answered, taken out of its frame. */
sealed interface Reply {
    /** A value with its header; value null = the key does not exist. */
    @SuppressWarnings("ArrayRecordComponent") // never compared, shared or changed
    record Entry(byte @Nullable [] key, byte @Nullable [] value, long createRevision, long modRevision, long version) {
        /** The value of an entry that exists. */
        byte[] bytes() {
            return value == null ? new byte[0] : value;
        }
    }

    @SuppressWarnings("ArrayRecordComponent") // never compared, shared or changed
    record Command(Status status, long revision, byte[] result) implements Reply {}

    record Get(Status status, Entry entry) implements Reply {}

    record MultiGet(long revision, List<Entry> entries) implements Reply {}

    record Scan(boolean more, long cursorId, long revision, long count, List<Entry> entries) implements Reply {}

    record Node(NodeStatus status) implements Reply {}

    record Details(String json) implements Reply {}

    /**
     * A refusal.
     *
     * @param outcomeUnknown a command that may or may not be executed nevertheless
     */
    record Refused(Status status, int leaderId, String leaderAddress, String text, boolean outcomeUnknown)
            implements Reply {}
}
