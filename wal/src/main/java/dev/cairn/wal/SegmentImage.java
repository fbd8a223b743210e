package dev.cairn.wal;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.nio.ByteBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * One segment file as recovery reads it: through the channel into the heap, so that a bad sector is an exception and a
 * truncated file a short read. One image at a time is in memory; its buffer is used again.
 */
final class SegmentImage {
    private static final int READ_BYTES = 256 * 1024;

    private final Checksum checksum = new Checksum();
    private final UnsafeBuffer buffer = new UnsafeBuffer(new byte[0]);
    private final ByteBuffer direct = ByteBuffer.allocateDirect(READ_BYTES);
    private int length;
    private String name = "";
    private long salt;

    /** Reads the whole file; bytes that cannot be read make it damaged. */
    void load(String fileName, SegmentFile file) {
        name = fileName;
        length = file.length();
        if (buffer.capacity() < length) {
            buffer.wrap(new byte[length]);
        }
        int done = 0;
        while (done < length) {
            direct.clear().limit(Math.min(direct.capacity(), length - done));
            int count;
            try {
                count = file.read(done, direct);
            } catch (WalException e) {
                throw damaged(done, 0, "readable bytes", String.valueOf(e.getMessage()));
            }
            if (count == 0) {
                throw damaged(done, 0, length + " bytes", done + " bytes");
            }
            direct.flip();
            buffer.putBytes(done, direct, count);
            done += count;
        }
        salt = knownSalt();
    }

    /** Of the header, or for a file that lost it of the activation block, which still proves its records for a dump. */
    private long knownSalt() {
        if (hasHeader()) {
            return SegmentHeaderDescriptor.salt(buffer);
        }
        return hasActivation() ? activation().salt() : 0;
    }

    UnsafeBuffer buffer() {
        return buffer;
    }

    int length() {
        return length;
    }

    String name() {
        return name;
    }

    long salt() {
        return salt;
    }

    boolean hasHeader() {
        return length >= ActivationDescriptor.RECORDS_OFFSET
                && SegmentHeaderDescriptor.isValid(buffer, checksum)
                && SegmentHeaderDescriptor.fileLength(buffer) == length;
    }

    boolean hasActivation() {
        return length >= ActivationDescriptor.RECORDS_OFFSET
                && ActivationDescriptor.isValid(buffer, ActivationDescriptor.FILE_OFFSET, checksum);
    }

    /** Whether the activation's sector begins with zero: nothing there, or not stored to its end. */
    boolean activationMissing() {
        return buffer.getInt(ActivationDescriptor.FILE_OFFSET) == 0;
    }

    Activation activation() {
        return ActivationDescriptor.decode(buffer, ActivationDescriptor.FILE_OFFSET);
    }

    /** Whether a record header of this life of this file stands here, whatever its body. */
    boolean hasRecordHeader(int at, int end) {
        return at <= end - RecordDescriptor.HEADER_LENGTH
                && RecordDescriptor.salt(buffer, at) == salt
                && RecordDescriptor.offset(buffer, at) == at
                && lengthFits(at, end)
                && headerCrcMatches(at);
    }

    /**
     * The next record of the chain: at the offset, or behind the hole that the block rule leaves where the chain proves it; -1
     * if there is none.
     */
    int nextRecord(int at, int end, int chain) {
        if (continuesChain(at, end, chain)) {
            return at;
        }
        int block = (int) Wal.blocks(at);
        return block != at && continuesChain(block, end, chain) ? block : -1;
    }

    /** Whether a record of this segment stands here that follows the one with this header CRC. */
    boolean continuesChain(int at, int end, int chain) {
        return hasRecordHeader(at, end)
                && RecordDescriptor.segment(buffer, at) == ActivationDescriptor.segment(buffer)
                && RecordDescriptor.previousCrc(buffer, at) == chain;
    }

    /**
     * Whether a record header of this life of this file stands here but for some bytes of it. At the start of a block no crash
     * leaves one: it lies within one sector, and its length is stored last.
     */
    boolean hasDamagedHeader(int at, int end) {
        return at <= end - RecordDescriptor.HEADER_LENGTH
                && RecordDescriptor.length(buffer, at) != 0
                && !hasRecordHeader(at, end)
                && (RecordDescriptor.salt(buffer, at) == salt
                        || (RecordDescriptor.segment(buffer, at) == ActivationDescriptor.segment(buffer)
                                && RecordDescriptor.offset(buffer, at) == at));
    }

    /** Whether a whole record header stands here that another life of the file, or another file, left behind. */
    boolean hasForeignHeader(int at, int end) {
        return at <= end - RecordDescriptor.HEADER_LENGTH
                && RecordDescriptor.length(buffer, at) != 0
                && RecordDescriptor.salt(buffer, at) != salt
                && headerCrcMatches(at);
    }

    private boolean lengthFits(int at, int end) {
        int recordLength = RecordDescriptor.length(buffer, at);
        return recordLength > RecordDescriptor.HEADER_LENGTH && recordLength <= end - at;
    }

    private boolean headerCrcMatches(int at) {
        return RecordDescriptor.headerCrc(buffer, at)
                == checksum.compute(buffer, at, RecordDescriptor.HEADER_CRC_OFFSET);
    }

    boolean isEmptyRecord(int at) {
        return (RecordDescriptor.flags(buffer, at) & RecordDescriptor.FLAG_EMPTY) != 0;
    }

    boolean supersedes(int at) {
        return (RecordDescriptor.flags(buffer, at) & RecordDescriptor.FLAG_SUPERSEDES) != 0;
    }

    /** Whether the body behind a valid header is whole. */
    boolean bodyIsValid(int at) {
        int body = at + RecordDescriptor.HEADER_LENGTH;
        int bodyLength = RecordDescriptor.length(buffer, at) - RecordDescriptor.HEADER_LENGTH;
        int bodyCrc = RecordDescriptor.bodyCrc(buffer, at);
        if (isEmptyRecord(at)) {
            return checksum.compute(buffer, body, bodyLength) == bodyCrc;
        }
        return bodyLength >= EntryDescriptor.HEADER_LENGTH
                && EntryDescriptor.length(buffer, body) == bodyLength
                && EntryDescriptor.crc(buffer, body) == bodyCrc
                && EntryDescriptor.index(buffer, body) == RecordDescriptor.index(buffer, at)
                && checksum.compute(
                                buffer,
                                body + EntryDescriptor.LENGTH_OFFSET,
                                bodyLength - EntryDescriptor.LENGTH_OFFSET)
                        == bodyCrc;
    }

    /**
     * Puts back, in this image only, the length of a record that continues the chain and is whole but for it. The length is
     * stored last, so a crash may leave the rest without it; so may one damaged byte, and then the record may have been
     * acknowledged.
     */
    boolean restoreLength(int at, int end, int chain) {
        if (at > end - RecordDescriptor.HEADER_LENGTH - RecordDescriptor.EMPTY_BODY_LENGTH
                || RecordDescriptor.length(buffer, at) != 0) {
            return false;
        }
        int bodyLength = isEmptyRecord(at)
                ? RecordDescriptor.EMPTY_BODY_LENGTH
                : EntryDescriptor.length(buffer, at + RecordDescriptor.HEADER_LENGTH);
        if (bodyLength <= 0 || bodyLength > end - at - RecordDescriptor.HEADER_LENGTH) {
            return false;
        }
        buffer.putInt(at, RecordDescriptor.HEADER_LENGTH + bodyLength, LITTLE_ENDIAN);
        boolean whole = continuesChain(at, end, chain) && bodyIsValid(at);
        if (!whole) {
            buffer.putInt(at, 0, LITTLE_ENDIAN);
        }
        return whole;
    }

    int recordEnd(int at) {
        return at + RecordDescriptor.alignedLength(RecordDescriptor.length(buffer, at));
    }

    boolean isZero(int from, int to) {
        return RecordWriter.isZero(buffer, from, to);
    }

    /** One past the last byte that is not zero, at least {@code from}. */
    int lastNonZero(int from) {
        int at = length;
        while (at > from && buffer.getByte(at - 1) == 0) {
            at--;
        }
        return at;
    }

    /** Puts back, in this image only, the one byte that a record lacks whose header is valid. */
    boolean restoreByte(int at) {
        return ZeroTails.restoreByte(
                buffer,
                at,
                RecordDescriptor.length(buffer, at),
                at,
                RecordDescriptor.zeroWords(buffer, at),
                () -> bodyIsValid(at));
    }

    /**
     * Whether a sector of the record that fails here never reached the disk, or was half stored when it did: more zeros end
     * its sectors than were stored so, or the header's second sector is zero from within the header on. The sector in which
     * the record begins holds its length, and is judged by that.
     */
    boolean hasLostSector(int at, int end) {
        if (hasRecordHeader(at, end)) {
            int recordLength = RecordDescriptor.length(buffer, at);
            return ZeroTails.words(buffer, at, recordLength, at) > RecordDescriptor.zeroWords(buffer, at);
        }
        int second = (at | (RecordDescriptor.SECTOR_BYTES - 1)) + 1;
        return second < at + RecordDescriptor.HEADER_LENGTH
                && second + RecordDescriptor.SECTOR_BYTES <= length
                && isZero(
                        Math.max(second, at + RecordDescriptor.RESERVED_OFFSET),
                        second + RecordDescriptor.SECTOR_BYTES);
    }

    WalDamagedException damaged(int offset, long index, String expected, String found) {
        return new WalDamagedException(name, offset, index, expected, found);
    }
}
