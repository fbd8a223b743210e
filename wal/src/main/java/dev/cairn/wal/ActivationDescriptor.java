package dev.cairn.wal;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/**
 * Activation block: the first sector of a segment's second 4 KiB block, written when the segment becomes current. It fits
 * one 512-byte sector, so a crash leaves all of it or none.
 *
 * <pre>
 *   0        4        8        12       16                24               32               40
 *   +--------+--------+--------+--------+-----------------+----------------+----------------+
 *   | magic  |  kind  | segment|previous| prev. end offset| previous index | previous term  |
 *   +--------+--------+--------+--------+-----------------+----------------+----------------+
 *   40               48       52        56               64       68
 *   +----------------+--------+---------+----------------+--------+
 *   | durable known  | seed   | replaced|      salt      | crc32c |
 *   +----------------+--------+---------+----------------+--------+
 *   magic is stored last; kind 1 start of a log, 2 continue, 3 reset after a snapshot
 *   previous = sequence of the segment before, 0 = none; it is read only up to "prev. end offset"
 *   seed = header crc of the last record before, it begins this segment's chain; crc32c covers [0, 64)
 *   replaced = segments from this sequence up to, not including, this one are leftovers unless linked; a roll states its own
 * </pre>
 */
public final class ActivationDescriptor {
    /** Where the block begins within a segment file. */
    public static final int FILE_OFFSET = RecordDescriptor.BLOCK_BYTES;
    /** Where the first record of a segment begins. */
    public static final int RECORDS_OFFSET = 2 * RecordDescriptor.BLOCK_BYTES;

    public static final int MAGIC_OFFSET = 0;
    public static final int KIND_OFFSET = 4;
    public static final int SEGMENT_OFFSET = 8;
    public static final int PREVIOUS_SEGMENT_OFFSET = 12;
    public static final int PREVIOUS_END_OFFSET = 16;
    public static final int PREVIOUS_INDEX_OFFSET = 24;
    public static final int PREVIOUS_TERM_OFFSET = 32;
    public static final int DURABLE_OFFSET = 40;
    public static final int SEED_OFFSET = 48;
    public static final int REPLACED_FROM_OFFSET = 52;
    public static final int SALT_OFFSET = 56;
    public static final int CRC_OFFSET = 64;
    /** Stored bytes, a multiple of 8. */
    public static final int LENGTH = 72;

    /** "CACT" read as a little-endian int. */
    public static final int MAGIC = 0x54434143;

    public static final int KIND_START = 1;
    public static final int KIND_CONTINUE = 2;
    public static final int KIND_RESET = 3;

    private ActivationDescriptor() {}

    static void encode(MutableDirectBuffer buffer, Activation activation, Checksum checksum) {
        buffer.setMemory(0, LENGTH, (byte) 0);
        buffer.putInt(MAGIC_OFFSET, MAGIC, LITTLE_ENDIAN);
        buffer.putInt(KIND_OFFSET, activation.kind(), LITTLE_ENDIAN);
        buffer.putInt(SEGMENT_OFFSET, activation.segment(), LITTLE_ENDIAN);
        buffer.putInt(PREVIOUS_SEGMENT_OFFSET, activation.previousSegment(), LITTLE_ENDIAN);
        buffer.putLong(PREVIOUS_END_OFFSET, activation.previousEnd(), LITTLE_ENDIAN);
        buffer.putLong(PREVIOUS_INDEX_OFFSET, activation.previousIndex(), LITTLE_ENDIAN);
        buffer.putLong(PREVIOUS_TERM_OFFSET, activation.previousTerm(), LITTLE_ENDIAN);
        buffer.putLong(DURABLE_OFFSET, activation.durablePosition(), LITTLE_ENDIAN);
        buffer.putInt(SEED_OFFSET, activation.seed(), LITTLE_ENDIAN);
        buffer.putInt(REPLACED_FROM_OFFSET, activation.replacedFrom(), LITTLE_ENDIAN);
        buffer.putLong(SALT_OFFSET, activation.salt(), LITTLE_ENDIAN);
        buffer.putInt(CRC_OFFSET, checksum.compute(buffer, 0, CRC_OFFSET), LITTLE_ENDIAN);
    }

    /** Whether a whole activation block of this life of the file stands at {@code at}. */
    static boolean isValid(DirectBuffer buffer, int at, Checksum checksum) {
        return buffer.getInt(at + MAGIC_OFFSET, LITTLE_ENDIAN) == MAGIC
                && buffer.getInt(at + CRC_OFFSET, LITTLE_ENDIAN) == checksum.compute(buffer, at, CRC_OFFSET);
    }

    /** The sequence of the segment whose whole file the buffer holds. */
    static int segment(DirectBuffer file) {
        return file.getInt(FILE_OFFSET + SEGMENT_OFFSET, LITTLE_ENDIAN);
    }

    static Activation decode(DirectBuffer buffer, int at) {
        return new Activation(
                buffer.getInt(at + KIND_OFFSET, LITTLE_ENDIAN),
                buffer.getInt(at + SEGMENT_OFFSET, LITTLE_ENDIAN),
                buffer.getInt(at + PREVIOUS_SEGMENT_OFFSET, LITTLE_ENDIAN),
                (int) buffer.getLong(at + PREVIOUS_END_OFFSET, LITTLE_ENDIAN),
                buffer.getLong(at + PREVIOUS_INDEX_OFFSET, LITTLE_ENDIAN),
                buffer.getLong(at + PREVIOUS_TERM_OFFSET, LITTLE_ENDIAN),
                buffer.getLong(at + DURABLE_OFFSET, LITTLE_ENDIAN),
                buffer.getInt(at + SEED_OFFSET, LITTLE_ENDIAN),
                buffer.getInt(at + REPLACED_FROM_OFFSET, LITTLE_ENDIAN),
                buffer.getLong(at + SALT_OFFSET, LITTLE_ENDIAN));
    }
}
