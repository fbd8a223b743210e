package dev.cairn.server.replica;

import dev.cairn.protocol.Status;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * What the loop knows of snapshots: which one to offer to a peer, how much log must stay, and requests of clients who read
 * checkpoints. Checkpoints, transfers and their threads stand behind it. All methods are the loop's; none of them waits.
 */
public interface Snapshots {
    /** A node that takes no snapshots, drops no log and serves no checkpoints. */
    Snapshots NONE = new Snapshots() {};

    /**
     * A snapshot as one node offers it to another.
     *
     * @param checkpointId identity of exactly these files
     * @param index everything up to it is in the snapshot
     * @param term of the entry at that index
     */
    record Offer(long checkpointId, long index, long term) {}

    /** Receives the answers to {@link #open} and {@link #read}. */
    interface ReplyHandler {
        void onOpened(long connectionId, long requestId, Offer opened, byte[] manifest);

        /** A piece of a file; without bytes at its end. */
        void onChunk(long connectionId, long requestId, long offset, ByteBuffer bytes);

        void onRefused(long connectionId, long requestId, Status status, String text);
    }

    /**
     * The snapshot for a peer that lacks what the log has dropped. From now on the log behind it stays until the peer had time
     * to fetch it and to catch up.
     *
     * @return null when there is none yet; one is made then
     */
    default @Nullable Offer offerTo(final int peerId) {
        return null;
    }

    /** The leader offers a snapshot that goes further than what is committed here. Repeated at its heartbeats' pace. */
    default void onOffered(final int leaderId, final Offer offer) {}

    /** Index of the newest snapshot here, 0 = none. */
    default long newestIndex() {
        return 0;
    }

    /** Once per tick: what the log on disk holds, in bytes, and how much of it lies behind the snapshot of this index. */
    default void onLogSize(
            final long firstIndex, final long bytes, final long snapshotIndex, final long bytesBehindSnapshot) {}

    /** Everything up to here may go from the log, but for {@link #keptLogBytes}; 0 = nothing. */
    default long droppableIndex() {
        return 0;
    }

    /** Bytes of log to keep below {@link #droppableIndex}, so that a peer that was away for a moment needs no snapshot. */
    default long keptLogBytes() {
        return 0;
    }

    /**
     * A transfer pins more log than it should: writes are to be slowed down, so that the peer has a chance to catch up before
     * its log is given up.
     */
    default boolean slowsWrites() {
        return false;
    }

    /**
     * A client wants a checkpoint of everything that is applied now.
     *
     * @return false when too many requests wait
     */
    default boolean open(final long connectionId, final long requestId) {
        return false;
    }

    /** A client wants a piece of a checkpoint's file; false as for {@link #open}. */
    default boolean read(
            final long connectionId,
            final long requestId,
            final long checkpointId,
            final int fileNumber,
            final long offset,
            final int maxBytes) {
        return false;
    }

    /** Takes the answers that have arrived. */
    default int pollReplies(final ReplyHandler handler) {
        return 0;
    }
}
