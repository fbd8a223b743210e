package dev.cairn.wal;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/**
 * A record: this node's own header, then the entry verbatim, padded with zeros to 8 bytes. The header proves the record by
 * itself: life of the file (salt), place (segment, offset), and predecessor (chain).
 *
 * <pre>
 *   0        4        8                16               24               32
 *   +--------+--------+----------------+----------------+----------------+
 *   | length | flags  |      salt      | durable known  |     index      |
 *   +--------+--------+----------------+----------------+----------------+
 *   32       36       40               44         48        52           56
 *   +--------+--------+----------------+----------+----------+-----------+--------------------+-----+
 *   | segment| offset | crc of previous| body crc |     0    | header crc| body (the entry)   | pad |
 *   +--------+--------+----------------+----------+----------+-----------+--------------------+-----+
 *   length = header + body without padding, stored last (0 = nothing here); header crc covers [0, 52)
 *   flags = flag bits in the low byte; above it the words of zeros that end its sectors' shares: more of them are lost bytes
 *   durable known = the log position that was durable when this record was stored
 *   crc of previous = header crc of the record before, or the segment's chain seed
 *   body crc = the entry's own crc32c; for an empty record the crc32c of its body {i64 commit hint}
 * </pre>
 */
public final class RecordDescriptor {
    public static final int LENGTH_OFFSET = 0;
    public static final int FLAGS_OFFSET = 4;
    public static final int SALT_OFFSET = 8;
    public static final int DURABLE_OFFSET = 16;
    public static final int INDEX_OFFSET = 24;
    public static final int SEGMENT_OFFSET = 32;
    public static final int OFFSET_OFFSET = 36;
    public static final int PREVIOUS_CRC_OFFSET = 40;
    public static final int BODY_CRC_OFFSET = 44;
    public static final int RESERVED_OFFSET = 48;
    public static final int HEADER_CRC_OFFSET = 52;
    public static final int HEADER_LENGTH = 56;
    public static final int ALIGNMENT = 8;

    /** Takes the place of an entry with this or a higher index. */
    public static final int FLAG_SUPERSEDES = 1;
    /** No entry: the body is the commit hint. Its index is the last one appended before. */
    public static final int FLAG_EMPTY = 4;

    public static final int EMPTY_BODY_LENGTH = 8;

    public static final int SECTOR_BYTES = 512;
    public static final int BLOCK_BYTES = 4096;

    /** Flags are the low byte; above it stands how many words of zeros ended the sectors' shares of the record. */
    public static final int ZERO_WORDS_SHIFT = 8;

    private RecordDescriptor() {}

    public static int alignedLength(int length) {
        return (length + ALIGNMENT - 1) & -ALIGNMENT;
    }

    public static int length(DirectBuffer buffer, int offset) {
        return buffer.getInt(offset + LENGTH_OFFSET, LITTLE_ENDIAN);
    }

    public static int flags(DirectBuffer buffer, int offset) {
        return buffer.getInt(offset + FLAGS_OFFSET, LITTLE_ENDIAN);
    }

    public static long salt(DirectBuffer buffer, int offset) {
        return buffer.getLong(offset + SALT_OFFSET, LITTLE_ENDIAN);
    }

    public static long durablePosition(DirectBuffer buffer, int offset) {
        return buffer.getLong(offset + DURABLE_OFFSET, LITTLE_ENDIAN);
    }

    public static long index(DirectBuffer buffer, int offset) {
        return buffer.getLong(offset + INDEX_OFFSET, LITTLE_ENDIAN);
    }

    public static int segment(DirectBuffer buffer, int offset) {
        return buffer.getInt(offset + SEGMENT_OFFSET, LITTLE_ENDIAN);
    }

    public static int offset(DirectBuffer buffer, int offset) {
        return buffer.getInt(offset + OFFSET_OFFSET, LITTLE_ENDIAN);
    }

    public static int previousCrc(DirectBuffer buffer, int offset) {
        return buffer.getInt(offset + PREVIOUS_CRC_OFFSET, LITTLE_ENDIAN);
    }

    public static int bodyCrc(DirectBuffer buffer, int offset) {
        return buffer.getInt(offset + BODY_CRC_OFFSET, LITTLE_ENDIAN);
    }

    public static int headerCrc(DirectBuffer buffer, int offset) {
        return buffer.getInt(offset + HEADER_CRC_OFFSET, LITTLE_ENDIAN);
    }

    public static int zeroWords(DirectBuffer buffer, int offset) {
        return flags(buffer, offset) >>> ZERO_WORDS_SHIFT;
    }

    static void encodeHeader(
            MutableDirectBuffer buffer,
            int at,
            int length,
            int flags,
            long salt,
            long durablePosition,
            long index,
            int segment,
            int offset,
            int previousCrc,
            int bodyCrc) {
        buffer.putLong(at + LENGTH_OFFSET, pair(length, flags), LITTLE_ENDIAN);
        buffer.putLong(at + SALT_OFFSET, salt, LITTLE_ENDIAN);
        buffer.putLong(at + DURABLE_OFFSET, durablePosition, LITTLE_ENDIAN);
        buffer.putLong(at + INDEX_OFFSET, index, LITTLE_ENDIAN);
        buffer.putLong(at + SEGMENT_OFFSET, pair(segment, offset), LITTLE_ENDIAN);
        buffer.putLong(at + PREVIOUS_CRC_OFFSET, pair(previousCrc, bodyCrc), LITTLE_ENDIAN);
        buffer.putInt(at + RESERVED_OFFSET, 0, LITTLE_ENDIAN);
    }

    /** Two neighbouring fields of 4 bytes for one store: what a header costs is the checks of its stores' bounds. */
    static long pair(int first, int second) {
        return (first & 0xFFFF_FFFFL) | ((long) second << Integer.SIZE);
    }
}
