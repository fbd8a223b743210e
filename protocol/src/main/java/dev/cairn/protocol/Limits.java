package dev.cairn.protocol;

/** The named maxima of the protocol. They are part of protocol version 1: both sides may rely on them. */
public final class Limits {
    /** Shortest key, bytes. */
    public static final int MIN_KEY_BYTES = 1;

    /** Longest key, bytes. */
    public static final int MAX_KEY_BYTES = 4 * 1024;

    /** Longest value, bytes. An empty value is legal. */
    public static final int MAX_VALUE_BYTES = 1024 * 1024;

    /** Longest frame, bytes, header included. Leaves room for the longest key with the longest value. */
    public static final int MAX_FRAME_BYTES = 2 * 1024 * 1024;

    /** Sequences in flight per session, count: {@code lowestOpen <= sequence < lowestOpen + SESSION_WINDOW}. */
    public static final int SESSION_WINDOW = 4096;

    /** Longest name of a session, bytes. */
    public static final int MAX_SESSION_NAME_BYTES = 256;

    /** Items of one PUT_BATCH, count; at least 1. */
    public static final int MAX_BATCH_ITEMS = 16_384;

    /** All items of one PUT_BATCH together, bytes. */
    public static final int MAX_BATCH_BYTES = 1536 * 1024;

    /** Keys of one MULTI_GET, count; at least 1. */
    public static final int MAX_MULTI_GET_KEYS = 1024;

    /** Entries of one MULTI_GET_REPLY together, bytes. */
    public static final int MAX_MULTI_GET_BYTES = 1536 * 1024;

    /** Bytes of entries in one SCAN_REPLY unless the request says otherwise. One entry is sent whatever its size. */
    public static final int DEFAULT_SCAN_CHUNK_BYTES = 64 * 1024;

    /** Most that a SCAN may ask for per chunk, bytes. */
    public static final int MAX_SCAN_CHUNK_BYTES = 1024 * 1024;

    /** Longest wait of a WAIT_APPLIED, milliseconds. */
    public static final int MAX_WAIT_MS = 600_000;

    /** Bytes of a file in one CHECKPOINT_READ_REPLY. */
    public static final int MAX_CHECKPOINT_CHUNK_BYTES = 1024 * 1024;

    /** Changes of one CHANGE_MEMBERSHIP, count. */
    public static final int MAX_MEMBER_CHANGES = 32;

    /** Longest {@code host:peerPort:clientPort[:httpPort]} text of a member, bytes of UTF-8. */
    public static final int MAX_MEMBER_ADDRESS_BYTES = 300;

    /** Longest {@code host:port} text on the wire, bytes of UTF-8. */
    public static final int MAX_ADDRESS_BYTES = 512;

    /** Longest text for people in an error reply, bytes of UTF-8; a longer one is cut by the encoder. */
    public static final int MAX_TEXT_BYTES = 1024;

    private Limits() {}
}
