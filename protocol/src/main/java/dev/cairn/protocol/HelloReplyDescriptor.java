package dev.cairn.protocol;

/**
 * Block of HELLO_REPLY. Offsets from the block's start. Status OK, UNSUPPORTED_VERSION or WRONG_CLUSTER; after a refusal
 * the server closes the connection.
 *
 * <pre>
 *  +-------------------------------+-------------------------------+
 *  |            status             |       version chosen          |  0
 *  +-------------------------------+-------------------------------+
 *  |                           node id                             |  4
 *  +---------------------------------------------------------------+
 *  |                cluster id hash of the server                  |  8
 *  |                                                               |
 *  +---------------------------------------------------------------+ 16
 * </pre>
 */
public final class HelloReplyDescriptor {
    public static final int STATUS_OFFSET = 0;
    public static final int VERSION_OFFSET = 2;
    public static final int NODE_ID_OFFSET = 4;
    public static final int CLUSTER_ID_HASH_OFFSET = 8;

    public static final int BLOCK_LENGTH = 16;

    private HelloReplyDescriptor() {}
}
