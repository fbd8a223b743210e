package dev.cairn.wal;

import java.util.zip.CRC32C;
import org.agrona.DirectBuffer;

/** CRC32C over any buffer without allocating; one per thread. Never over a file mapping: a truncated file would kill the JVM. */
final class Checksum {
    private static final int CHUNK_BYTES = 8 * 1024;

    private final CRC32C crc = new CRC32C();
    private final byte[] chunk = new byte[CHUNK_BYTES];

    int compute(DirectBuffer buffer, int offset, int length) {
        crc.reset();
        byte[] array = buffer.byteArray();
        if (array != null) {
            crc.update(array, buffer.wrapAdjustment() + offset, length);
            return (int) crc.getValue();
        }
        for (int done = 0; done < length; ) {
            int step = Math.min(CHUNK_BYTES, length - done);
            buffer.getBytes(offset + done, chunk, 0, step);
            crc.update(chunk, 0, step);
            done += step;
        }
        return (int) crc.getValue();
    }
}
