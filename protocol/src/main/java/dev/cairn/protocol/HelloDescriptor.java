package dev.cairn.protocol;

/**
 * Block of HELLO, the first frame of a connection. Offsets from the block's start.
 *
 * <pre>
 *  +---------------------------------------------------------------+
 *  |                   magic 0x4E524143 ("CARN")                   |  0
 *  +-------------------------------+-------------------------------+
 *  |      lowest version           |       highest version         |  4
 *  +-------------------------------+-------------------------------+
 *  |           cluster id hash (0 = any cluster)                   |  8
 *  |                                                               |
 *  +---------------------------------------------------------------+
 *  |           client id: random, for the server's log             | 16
 *  |                                                               |
 *  +---------------------------------------------------------------+ 24
 * </pre>
 */
public final class HelloDescriptor {
    /** The bytes C A R N. */
    public static final int MAGIC = 0x4E524143;

    public static final int MAGIC_OFFSET = 0;
    public static final int MIN_VERSION_OFFSET = 4;
    public static final int MAX_VERSION_OFFSET = 6;
    public static final int CLUSTER_ID_HASH_OFFSET = 8;
    public static final int CLIENT_ID_OFFSET = 16;

    public static final int BLOCK_LENGTH = 24;

    private HelloDescriptor() {}
}
