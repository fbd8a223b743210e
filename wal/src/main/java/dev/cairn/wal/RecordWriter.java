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
        int allFlags = flags | (ZeroTails.words(record, 0, length, offset) << RecordDescriptor.ZERO_WORDS_SHIFT);
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
