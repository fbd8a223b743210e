package dev.cairn.protocol;

import io.netty.buffer.ByteBuf;

/**
 * The replies of a server, decoded by {@link ClientReplyDecoder}. Byte ranges are absolute indexes in {@code frame} and
 * valid until the method returns.
 */
public interface ClientReplyHandler {
    /** Answer to HELLO. */
    void onHelloReply(long requestId, Status status, int version, int nodeId, long clusterIdHash);

    /** Result of a command. */
    void onCommandReply(
            long requestId, Status status, long revision, ByteBuf frame, int resultOffset, int resultLength);

    /** Result of a read. */
    void onGetReply(
            long requestId,
            Status status,
            long createRevision,
            long modRevision,
            long version,
            ByteBuf frame,
            int valueOffset,
            int valueLength);

    /** A refusal; request id 0 speaks of the whole connection. Address and text may be empty. */
    void onErrorReply(long requestId, Status status, int leaderId, String leaderAddress, String text);

    /** Answer to STATUS. */
    void onStatusReply(long requestId, NodeStatus node);

    /**
     * The frame was whole but is no reply that this version knows: the server breaks the protocol.
     *
     * @param status BAD_REQUEST, UNKNOWN_TYPE or UNSUPPORTED_VERSION
     * @param type the frame's message type
     */
    void onInvalid(long requestId, Status status, int type);
}
