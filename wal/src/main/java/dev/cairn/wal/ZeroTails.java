package dev.cairn.wal;

import java.util.function.BooleanSupplier;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/**
 * The zeros that end each sector's share of a record, counted in words of 8 bytes. A record is stored from its lowest byte
 * up into a file that was filled with zeros; so a sector that never reached the disk, or was half stored when it did, ends in
 * more zeros than were stored, and one that was damaged does not.
 *
 * <p>The sector in which the record begins is left out: it holds the length, which is stored last. So are the header's bytes
 * in the second: they have a CRC of their own.
 */
final class ZeroTails {
    private static final int SECTOR = RecordDescriptor.SECTOR_BYTES;
    private static final int BYTE_VALUES = 256;
    /** So many bytes are summed at most to find the one byte of a record. */
    private static final long MOST_SUMMED_BYTES = 4L << 30;

    private ZeroTails() {}

    /**
     * Words of zeros at the ends of the record's shares, in all.
     *
     * @param at where the record stands in the buffer
     * @param offset where it stands in the file
     */
    static int words(DirectBuffer buffer, int at, int length, int offset) {
        int aligned = RecordDescriptor.alignedLength(length);
        int words = 0;
        for (int from = firstShare(offset); from < aligned; from += SECTOR) {
            words += tail(buffer, at, from, aligned);
        }
        return words;
    }

    /** Start of the record's first share that counts; may lie within its header. */
    private static int firstShare(int offset) {
        return SECTOR - (offset & (SECTOR - 1));
    }

    private static int tail(DirectBuffer buffer, int at, int from, int aligned) {
        int lowest = Math.max(from, RecordDescriptor.HEADER_LENGTH);
        int end = Math.min(from + SECTOR, aligned);
        int word = end;
        while (word > lowest && buffer.getLong(at + word - Long.BYTES) == 0) {
            word -= Long.BYTES;
        }
        return (end - Math.min(end, word)) / Long.BYTES;
    }

    /**
     * Puts one byte back, if a single byte is what the record lacks: then its loss may be damage to an acknowledged record
     * as well as the work of a crash. The zeros say in which word of a share it must have stood.
     *
     * @param stored {@link #words} when the record was stored
     * @param whole whether the record in the buffer is whole
     * @return whether it is whole now; if not, the buffer is as before
     */
    static boolean restoreByte(
            MutableDirectBuffer buffer, int at, int length, int offset, int stored, BooleanSupplier whole) {
        int excess = words(buffer, at, length, offset) - stored;
        if (excess <= 0) {
            return false;
        }
        int aligned = RecordDescriptor.alignedLength(length);
        long budget = MOST_SUMMED_BYTES / length;
        for (int from = firstShare(offset); from < aligned; from += SECTOR) {
            int tail = tail(buffer, at, from, aligned);
            if (tail < excess) {
                continue;
            }
            int word = Math.min(from + SECTOR, aligned) - (tail - excess + 1) * Long.BYTES;
            budget -= Long.BYTES * BYTE_VALUES;
            if (budget < 0) {
                return false;
            }
            if (restoreByteOf(buffer, at + word, whole)) {
                return true;
            }
        }
        return false;
    }

    private static boolean restoreByteOf(MutableDirectBuffer buffer, int word, BooleanSupplier whole) {
        for (int place = word; place < word + Long.BYTES; place++) {
            for (int value = 1; value < BYTE_VALUES; value++) {
                buffer.putByte(place, (byte) value);
                if (whole.getAsBoolean()) {
                    return true;
                }
            }
            buffer.putByte(place, (byte) 0);
        }
        return false;
    }
}
