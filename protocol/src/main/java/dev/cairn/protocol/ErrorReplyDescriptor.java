package dev.cairn.protocol;

/**
 * Block of ERROR_REPLY; the leader's client address and a text for people follow it, both UTF-8. Offsets from the block's
 * start.
 *
 * <p>With the request id of a request: that transmission was refused. With request id 0: the whole connection. NOT_LEADER
 * with request id 0 says that leadership was lost: the outcome of everything in flight on this connection is unknown, the
 * client sends the same (session, sequence) to the leader.
 *
 * <pre>
 *  +-------------------------------+-------------------------------+
 *  |            status             |           flags (0)           |  0
 *  +-------------------------------+-------------------------------+
 *  |                 leader's node id (0 = unknown)                |  4
 *  +---------------------------------------------------------------+
 *  |                       address length                          |  8
 *  +---------------------------------------------------------------+
 *  |                        text length                            | 12
 *  +---------------------------------------------------------------+ 16, address, text ...
 * </pre>
 */
public final class ErrorReplyDescriptor {
    public static final int STATUS_OFFSET = 0;
    public static final int FLAGS_OFFSET = 2;
    public static final int LEADER_ID_OFFSET = 4;
    public static final int ADDRESS_LENGTH_OFFSET = 8;
    public static final int TEXT_LENGTH_OFFSET = 12;

    public static final int BLOCK_LENGTH = 16;

    private ErrorReplyDescriptor() {}
}
