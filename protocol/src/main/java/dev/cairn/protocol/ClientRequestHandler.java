package dev.cairn.protocol;

import io.netty.buffer.ByteBuf;
import java.util.List;

/**
 * The requests of a client, decoded by {@link ClientRequestDecoder}. Byte ranges are absolute indexes in {@code frame} and
 * valid until the method returns.
 *
 * <p>A request whose method is not overridden is one that this handler does not serve: it arrives at {@link #onUnserved}.
 */
public interface ClientRequestHandler {
    /** First frame of a connection; the magic was right. */
    void onHello(long requestId, int minVersion, int maxVersion, long clusterIdHash, long clientId);

    /**
     * A command: {@code [offset, offset + length)} becomes the payload of a log entry as it is. Its content is not checked
     * here; it may even be shorter than a command's block.
     */
    void onCommand(long requestId, ByteBuf frame, int offset, int length);

    /** A point read; the mode is a known one, the key's length is within the limits. */
    void onGet(long requestId, int readMode, long minRevision, ByteBuf frame, int keyOffset, int keyLength);

    /** Asks for a {@link NodeStatus}. */
    void onStatus(long requestId);

    /**
     * Reads several keys: {@code keyCount} times {i32 length, key} fill the range exactly, each length within the limits.
     *
     * @param keyCount 1 to {@link Limits#MAX_MULTI_GET_KEYS}
     */
    default void onMultiGet(
            long requestId, int readMode, long minRevision, int keyCount, ByteBuf frame, int offset, int length) {
        onUnserved(requestId, MessageType.MULTI_GET);
    }

    /**
     * A range read; mode and flags are known ones, the lengths are within the limits, the bounds in order.
     *
     * @param chunkBytes 0 = default, at most {@link Limits#MAX_SCAN_CHUNK_BYTES}
     * @param limit entries in all, 0 = no limit
     * @param toOffset also the end of {@code from}
     */
    default void onScan(
            long requestId,
            int readMode,
            int flags,
            int chunkBytes,
            long minRevision,
            long limit,
            ByteBuf frame,
            int fromOffset,
            int fromLength,
            int toOffset,
            int toLength) {
        onUnserved(requestId, MessageType.SCAN);
    }

    /** Asks for a scan's next chunk; {@code count} as stated by the chunk before. */
    default void onScanNext(long requestId, long cursorId, long count) {
        onUnserved(requestId, MessageType.SCAN_NEXT);
    }

    /** Gives a scan up. */
    default void onScanClose(long requestId, long cursorId) {
        onUnserved(requestId, MessageType.SCAN_CLOSE);
    }

    /** Waits for an index, 1 to {@link Limits#MAX_WAIT_MS} milliseconds. */
    default void onWaitApplied(long requestId, long index, int timeoutMs) {
        onUnserved(requestId, MessageType.WAIT_APPLIED);
    }

    /** Asks for everything about the node. */
    default void onNodeDetails(long requestId) {
        onUnserved(requestId, MessageType.NODE_DETAILS);
    }

    /** Asks the leader to hand leadership over; 0 = to the node that is best prepared. */
    default void onTransferLeader(long requestId, int target, int flags) {
        onUnserved(requestId, MessageType.TRANSFER_LEADER);
    }

    /** Asks the leader to change who belongs to the cluster; without changes, who does. */
    default void onChangeMembership(long requestId, List<MemberChange> changes) {
        onUnserved(requestId, MessageType.CHANGE_MEMBERSHIP);
    }

    /** Asks for a checkpoint to read. */
    default void onCheckpointOpen(long requestId) {
        onUnserved(requestId, MessageType.CHECKPOINT_OPEN);
    }

    /**
     * Reads a piece of a checkpoint's file.
     *
     * @param maxBytes 1 to {@link Limits#MAX_CHECKPOINT_CHUNK_BYTES}
     */
    default void onCheckpointRead(long requestId, long checkpointId, int fileNumber, long offset, int maxBytes) {
        onUnserved(requestId, MessageType.CHECKPOINT_READ);
    }

    /** A request in order that this handler has no method for. */
    default void onUnserved(long requestId, int type) {
        onInvalid(requestId, Status.UNKNOWN_TYPE, type);
    }

    /**
     * The frame was whole but is no request that this version knows. The connection may live.
     *
     * @param status BAD_REQUEST, KEY_EMPTY, KEY_TOO_LARGE, UNKNOWN_TYPE or UNSUPPORTED_VERSION, to be sent as an error reply
     * @param type the frame's message type
     */
    void onInvalid(long requestId, Status status, int type);
}
