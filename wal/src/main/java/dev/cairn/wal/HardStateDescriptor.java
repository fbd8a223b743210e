package dev.cairn.wal;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/**
 * The hard-state file: two slots, each within the first sector of its own 4 KiB block; the rest is zero.
 *
 * <pre>
 *   0        4        8                16      20      24               32               40
 *   +--------+--------+----------------+-------+-------+----------------+----------------+
 *   | magic  | version| cluster id hash| node  | flags |   storage id   |    sequence    |
 *   +--------+--------+----------------+-------+-------+----------------+----------------+
 *   40               48       52       56               64       68       72
 *   +----------------+--------+--------+----------------+--------+--------+
 *   |      term      |votedFor|   0    | storage epoch  |   0    | crc32c |
 *   +----------------+--------+--------+----------------+--------+--------+
 *   flags bit 0 = repairing; votedFor 0 = none; crc32c covers [0, 68); the slot of a write is sequence modulo 2
 * </pre>
 */
public final class HardStateDescriptor {
    public static final int MAGIC_OFFSET = 0;
    public static final int VERSION_OFFSET = 4;
    public static final int CLUSTER_OFFSET = 8;
    public static final int NODE_OFFSET = 16;
    public static final int FLAGS_OFFSET = 20;
    public static final int STORAGE_OFFSET = 24;
    public static final int SEQUENCE_OFFSET = 32;
    public static final int TERM_OFFSET = 40;
    public static final int VOTED_FOR_OFFSET = 48;
    public static final int EPOCH_OFFSET = 56;
    public static final int CRC_OFFSET = 68;
    public static final int LENGTH = 72;

    public static final int SLOT_STRIDE = RecordDescriptor.BLOCK_BYTES;
    public static final int FILE_LENGTH = 2 * SLOT_STRIDE;

    /** "CHST" read as a little-endian int. */
    public static final int MAGIC = 0x54534843;

    public static final int VERSION = 1;
    public static final int FLAG_REPAIRING = 1;

    private HardStateDescriptor() {}

    static void encode(MutableDirectBuffer buffer, WalConfig config, HardState state, Checksum checksum) {
        buffer.setMemory(0, LENGTH, (byte) 0);
        buffer.putInt(MAGIC_OFFSET, MAGIC, LITTLE_ENDIAN);
        buffer.putInt(VERSION_OFFSET, VERSION, LITTLE_ENDIAN);
        buffer.putLong(CLUSTER_OFFSET, config.clusterIdHash(), LITTLE_ENDIAN);
        buffer.putInt(NODE_OFFSET, config.nodeId(), LITTLE_ENDIAN);
        buffer.putInt(FLAGS_OFFSET, state.repairing() ? FLAG_REPAIRING : 0, LITTLE_ENDIAN);
        buffer.putLong(STORAGE_OFFSET, config.storageId(), LITTLE_ENDIAN);
        buffer.putLong(SEQUENCE_OFFSET, state.sequence(), LITTLE_ENDIAN);
        buffer.putLong(TERM_OFFSET, state.term(), LITTLE_ENDIAN);
        buffer.putInt(VOTED_FOR_OFFSET, state.votedFor(), LITTLE_ENDIAN);
        buffer.putLong(EPOCH_OFFSET, state.storageEpoch(), LITTLE_ENDIAN);
        buffer.putInt(CRC_OFFSET, checksum.compute(buffer, 0, CRC_OFFSET), LITTLE_ENDIAN);
    }

    static boolean isValid(DirectBuffer buffer, int at, Checksum checksum) {
        return buffer.getInt(at + MAGIC_OFFSET, LITTLE_ENDIAN) == MAGIC
                && buffer.getInt(at + VERSION_OFFSET, LITTLE_ENDIAN) == VERSION
                && buffer.getInt(at + CRC_OFFSET, LITTLE_ENDIAN) == checksum.compute(buffer, at, CRC_OFFSET);
    }

    static HardState decode(DirectBuffer buffer, int at) {
        return new HardState(
                buffer.getLong(at + TERM_OFFSET, LITTLE_ENDIAN),
                buffer.getInt(at + VOTED_FOR_OFFSET, LITTLE_ENDIAN),
                (buffer.getInt(at + FLAGS_OFFSET, LITTLE_ENDIAN) & FLAG_REPAIRING) != 0,
                buffer.getLong(at + EPOCH_OFFSET, LITTLE_ENDIAN),
                buffer.getLong(at + SEQUENCE_OFFSET, LITTLE_ENDIAN));
    }
}
