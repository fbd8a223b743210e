package dev.cairn.wal;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/**
 * A Raft entry: what travels from the leader's log to the follower's disk, byte for byte.
 *
 * <pre>
 *   0        4        8                16               24               32 33 34   36      40
 *   +--------+--------+----------------+----------------+----------------+--+--+-----+-------+---------
 *   | crc32c | length |     index      |      term      |   log time ms  |ty| 0|  0  | group | payload
 *   +--------+--------+----------------+----------------+----------------+--+--+-----+-------+---------
 *   crc32c covers [4, length); length counts header and payload; little-endian
 * </pre>
 */
public final class EntryDescriptor {
    public static final int CRC_OFFSET = 0;
    public static final int LENGTH_OFFSET = 4;
    public static final int INDEX_OFFSET = 8;
    public static final int TERM_OFFSET = 16;
    public static final int LOG_TIME_OFFSET = 24;
    public static final int TYPE_OFFSET = 32;
    public static final int GROUP_OFFSET = 36;
    public static final int HEADER_LENGTH = 40;

    /** Longest entry, header included: a frame of 2 MiB carries it. */
    public static final int MAX_ENTRY_BYTES = 2 * 1024 * 1024;

    public static final int TYPE_NOOP = 1;
    public static final int TYPE_COMMAND = 2;
    public static final int TYPE_CONFIG = 3;
    public static final int TYPE_CLOCK = 4;

    private EntryDescriptor() {}

    public static int crc(DirectBuffer buffer, int offset) {
        return buffer.getInt(offset + CRC_OFFSET, LITTLE_ENDIAN);
    }

    public static int length(DirectBuffer buffer, int offset) {
        return buffer.getInt(offset + LENGTH_OFFSET, LITTLE_ENDIAN);
    }

    public static long index(DirectBuffer buffer, int offset) {
        return buffer.getLong(offset + INDEX_OFFSET, LITTLE_ENDIAN);
    }

    public static long term(DirectBuffer buffer, int offset) {
        return buffer.getLong(offset + TERM_OFFSET, LITTLE_ENDIAN);
    }

    public static long logTimeMs(DirectBuffer buffer, int offset) {
        return buffer.getLong(offset + LOG_TIME_OFFSET, LITTLE_ENDIAN);
    }

    public static int type(DirectBuffer buffer, int offset) {
        return buffer.getByte(offset + TYPE_OFFSET) & 0xFF;
    }

    public static int group(DirectBuffer buffer, int offset) {
        return buffer.getInt(offset + GROUP_OFFSET, LITTLE_ENDIAN);
    }

    /** Writes all header fields but the CRC, which covers the payload too. */
    static void encodeHeader(
            MutableDirectBuffer buffer,
            int offset,
            int length,
            long index,
            long term,
            long logTimeMs,
            int type,
            int group) {
        buffer.putInt(offset + LENGTH_OFFSET, length, LITTLE_ENDIAN);
        buffer.putLong(offset + INDEX_OFFSET, index, LITTLE_ENDIAN);
        buffer.putLong(offset + TERM_OFFSET, term, LITTLE_ENDIAN);
        buffer.putLong(offset + LOG_TIME_OFFSET, logTimeMs, LITTLE_ENDIAN);
        buffer.putLong(offset + TYPE_OFFSET, RecordDescriptor.pair(type, group), LITTLE_ENDIAN);
    }

    /**
     * Whether {@code length} bytes at {@code offset} are one whole entry with a matching CRC. For hot paths keep an
     * {@link EntryValidator} per thread instead: it allocates nothing.
     */
    public static boolean isValid(DirectBuffer buffer, int offset, int length) {
        return new EntryValidator().isValid(buffer, offset, length);
    }
}
