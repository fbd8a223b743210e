package dev.cairn.protocol;

import io.netty.buffer.ByteBuf;

/**
 * The requests of a client, decoded by {@link ClientRequestDecoder}. Byte ranges are absolute indexes in {@code frame} and
 * valid until the method returns.
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
     * The frame was whole but is no request that this version knows. The connection may live.
     *
     * @param status BAD_REQUEST, KEY_EMPTY, KEY_TOO_LARGE, UNKNOWN_TYPE or UNSUPPORTED_VERSION, to be sent as an error reply
     * @param type the frame's message type
     */
    void onInvalid(long requestId, Status status, int type);
}
