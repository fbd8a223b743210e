package dev.cairn.wal;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/** Completes a record whose body stands behind the room for its header at the start of a buffer. */
final class RecordWriter {
    private RecordWriter() {}

    /** Returns the header CRC: the chain's next link. */
    static int seal(
            UnsafeBuffer record,
            int length,
            int flags,
            long salt,
            long durablePosition,
            long index,
            int segment,
            int offset,
            int previousCrc,
            int bodyCrc,
            Checksum checksum) {
        int allFlags = hasZeroSector(record, length, offset) ? flags | RecordDescriptor.FLAG_HAS_ZERO_SECTOR : flags;
        RecordDescriptor.encodeHeader(
                record, 0, length, allFlags, salt, durablePosition, index, segment, offset, previousCrc, bodyCrc);
        int crc = checksum.compute(record, 0, RecordDescriptor.HEADER_CRC_OFFSET);
        record.putInt(RecordDescriptor.HEADER_CRC_OFFSET, crc, LITTLE_ENDIAN);
        return crc;
    }

    /** Puts the body of an empty record in place; returns its CRC. */
    static int encodeHint(UnsafeBuffer record, long commitHint, Checksum checksum) {
        record.putLong(RecordDescriptor.HEADER_LENGTH, commitHint, LITTLE_ENDIAN);
        return checksum.compute(record, RecordDescriptor.HEADER_LENGTH, RecordDescriptor.EMPTY_BODY_LENGTH);
    }

    /** Whether the record's share of some sector behind its header's is all zero: then a zero sector there is no evidence. */
    private static boolean hasZeroSector(DirectBuffer record, int length, int offset) {
        int sector = RecordDescriptor.SECTOR_BYTES;
        int from = sector - (offset & (sector - 1));
        for (; from < length; from += sector) {
            int to = Math.min(from + sector, length);
            // A sector that begins within the header holds the header's CRC, and is never all zero.
            if (from >= RecordDescriptor.HEADER_LENGTH && isZero(record, from, to)) {
                return true;
            }
        }
        return false;
    }

    static boolean isZero(DirectBuffer buffer, int from, int to) {
        int at = from;
        for (; at + Long.BYTES <= to; at += Long.BYTES) {
            if (buffer.getLong(at) != 0) {
                return false;
            }
        }
        for (; at < to; at++) {
            if (buffer.getByte(at) != 0) {
                return false;
            }
        }
        return true;
    }
}
