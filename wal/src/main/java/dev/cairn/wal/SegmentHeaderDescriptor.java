package dev.cairn.wal;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/**
 * Preparation header: the first 4 KiB block of a segment file, written and forced before the file is used.
 *
 * <pre>
 *   0                8        12      16               24      28        32
 *   +----------------+--------+-------+----------------+-------+---------+
 *   | "CAIRNWAL"     | version| group | cluster id hash| node  |    0    |
 *   +----------------+--------+-------+----------------+-------+---------+
 *   32               40               48       52       56       60       64
 *   +----------------+----------------+--------+--------+--------+--------+------------------
 *   |   storage id   |      salt      | length |   0    |   0    | crc32c | zeros to 4096
 *   +----------------+----------------+--------+--------+--------+--------+------------------
 *   salt = random number of this life of the file; length = bytes of the file; crc32c covers [0, 60)
 * </pre>
 */
public final class SegmentHeaderDescriptor {
    public static final int MAGIC_OFFSET = 0;
    public static final int VERSION_OFFSET = 8;
    public static final int GROUP_OFFSET = 12;
    public static final int CLUSTER_OFFSET = 16;
    public static final int NODE_OFFSET = 24;
    public static final int STORAGE_OFFSET = 32;
    public static final int SALT_OFFSET = 40;
    public static final int FILE_LENGTH_OFFSET = 48;
    public static final int CRC_OFFSET = 60;
    public static final int LENGTH = 64;

    /** "CAIRNWAL" read as a little-endian long. */
    public static final long MAGIC = 0x4C41574E52494143L;

    public static final int VERSION = 1;

    private SegmentHeaderDescriptor() {}

    public static long magic(DirectBuffer buffer) {
        return buffer.getLong(MAGIC_OFFSET, LITTLE_ENDIAN);
    }

    public static long salt(DirectBuffer buffer) {
        return buffer.getLong(SALT_OFFSET, LITTLE_ENDIAN);
    }

    public static int fileLength(DirectBuffer buffer) {
        return buffer.getInt(FILE_LENGTH_OFFSET, LITTLE_ENDIAN);
    }

    static void encode(MutableDirectBuffer buffer, WalConfig config, long salt, int fileLength, Checksum checksum) {
        buffer.setMemory(0, LENGTH, (byte) 0);
        buffer.putLong(MAGIC_OFFSET, MAGIC, LITTLE_ENDIAN);
        buffer.putInt(VERSION_OFFSET, VERSION, LITTLE_ENDIAN);
        buffer.putInt(GROUP_OFFSET, config.group(), LITTLE_ENDIAN);
        buffer.putLong(CLUSTER_OFFSET, config.clusterIdHash(), LITTLE_ENDIAN);
        buffer.putInt(NODE_OFFSET, config.nodeId(), LITTLE_ENDIAN);
        buffer.putLong(STORAGE_OFFSET, config.storageId(), LITTLE_ENDIAN);
        buffer.putLong(SALT_OFFSET, salt, LITTLE_ENDIAN);
        buffer.putInt(FILE_LENGTH_OFFSET, fileLength, LITTLE_ENDIAN);
        buffer.putInt(CRC_OFFSET, checksum.compute(buffer, 0, CRC_OFFSET), LITTLE_ENDIAN);
    }

    static boolean isValid(DirectBuffer buffer, Checksum checksum) {
        return magic(buffer) == MAGIC
                && buffer.getInt(CRC_OFFSET, LITTLE_ENDIAN) == checksum.compute(buffer, 0, CRC_OFFSET);
    }
}
