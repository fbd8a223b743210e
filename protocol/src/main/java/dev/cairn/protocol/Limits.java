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

    /** Longest {@code host:port} text on the wire, bytes of UTF-8. */
    public static final int MAX_ADDRESS_BYTES = 512;

    /** Longest text for people in an error reply, bytes of UTF-8; a longer one is cut by the encoder. */
    public static final int MAX_TEXT_BYTES = 1024;

    private Limits() {}
}
