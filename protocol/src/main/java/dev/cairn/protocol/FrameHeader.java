package dev.cairn.protocol;

/**
 * Header of every frame, client and peer protocol alike. Little-endian.
 *
 * <pre>
 *   0                   1                   2                   3
 *   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *  +---------------------------------------------------------------+
 *  |                length: whole frame, header included           |  0
 *  +---------------------------------------------------------------+
 *  |                CRC32C of bytes [8, length)                    |  4
 *  +-------------------------------+---------------+---------------+
 *  |              type             |    version    |     flags     |  8
 *  +-------------------------------+---------------+---------------+
 *  |                            group (0)                          | 12
 *  +---------------------------------------------------------------+
 *  |           request id: chosen by the requester,                | 16
 *  |           echoed in the reply; 0 = whole connection           |
 *  +-------------------------------+-------------------------------+
 *  |         block length          |              0                | 24
 *  +-------------------------------+-------------------------------+
 *  |                               0                               | 28
 *  +---------------------------------------------------------------+
 *  |        fixed block (block length bytes), variable part    ... | 32
 * </pre>
 *
 * <p>A reader skips the bytes of a fixed block beyond those that it knows, so fields can be appended. The two zero fields
 * are written as 0 and not looked at.
 */
public final class FrameHeader {
    public static final int LENGTH_OFFSET = 0;
    public static final int CRC_OFFSET = 4;
    public static final int TYPE_OFFSET = 8;
    public static final int VERSION_OFFSET = 10;
    public static final int FLAGS_OFFSET = 11;
    public static final int GROUP_OFFSET = 12;
    public static final int REQUEST_ID_OFFSET = 16;
    public static final int BLOCK_LENGTH_OFFSET = 24;
    public static final int RESERVED_SHORT_OFFSET = 26;
    public static final int RESERVED_INT_OFFSET = 28;

    /** Bytes of the header. */
    public static final int HEADER_LENGTH = 32;

    /** The checksum covers the frame from here to its end. */
    public static final int CRC_START = 8;

    /** Version of the client protocol that this code speaks. */
    public static final int CLIENT_VERSION = 1;

    /** Flag: the receiver may return stage times (later; ignored by version 1). */
    public static final int FLAG_TRACE = 1;

    /** Flag: reserved for compression; must be 0 in version 1. */
    public static final int FLAG_COMPRESSED = 2;

    /** Flags that a receiver of version 1 accepts. */
    public static final int KNOWN_FLAGS = FLAG_TRACE;

    /** The request id of a reply that speaks of the whole connection. */
    public static final long CONNECTION_REQUEST_ID = 0;

    private FrameHeader() {}
}
