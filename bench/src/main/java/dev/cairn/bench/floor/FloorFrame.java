package dev.cairn.bench.floor;

import io.netty.buffer.ByteBuf;
import java.util.zip.CRC32C;

/**
 * The one layout of the {@link FloorNode floor}, little-endian; its connections say what a frame means.
 *
 * <pre>
 *   0 i32 length of the frame | 4 i32 CRC-32C of bytes [8, length) | 8 i64 number | 16 key and value, if any
 *
 *   leader to client, first      number = 1 when everything is forced before it is acknowledged, else 0
 *   client to leader             number = which request; key and value
 *   leader to follower           the client's frames as they came
 *   follower to leader           number = durable position: bytes of the stream that are on disk
 *   leader to client             number = which request is done
 * </pre>
 */
final class FloorFrame {
    static final int NUMBER_OFFSET = 8;
    static final int HEADER_LENGTH = 16;

    /** Length of the largest frame, bytes. */
    static final int MAX_LENGTH = 2 << 20;

    private FloorFrame() {}

    /** Appends a frame without key and value. */
    static void write(ByteBuf out, CRC32C crc, long number) {
        int start = out.writerIndex();
        out.writeIntLE(0).writeIntLE(0).writeLongLE(number);
        finish(out, start, crc);
    }

    /** Appends a frame. */
    static void write(ByteBuf out, CRC32C crc, long number, byte[] key, byte[] value) {
        int start = out.writerIndex();
        out.writeIntLE(0).writeIntLE(0).writeLongLE(number).writeBytes(key).writeBytes(value);
        finish(out, start, crc);
    }

    private static void finish(ByteBuf out, int start, CRC32C crc) {
        int length = out.writerIndex() - start;
        out.setIntLE(start, length);
        out.setIntLE(start + Integer.BYTES, checksum(out, start, length, crc));
    }

    static int checksum(ByteBuf buffer, int offset, int length, CRC32C crc) {
        crc.reset();
        crc.update(buffer.internalNioBuffer(offset + NUMBER_OFFSET, length - NUMBER_OFFSET));
        return (int) crc.getValue();
    }
}
