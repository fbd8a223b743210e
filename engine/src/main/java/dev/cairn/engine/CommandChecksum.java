package dev.cairn.engine;

import dev.cairn.protocol.CommandDescriptor;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import org.agrona.BitUtil;
import org.agrona.DirectBuffer;

/**
 * Tells whether a repeated sequence carries the same command: CRC32C from the kind on. Session and sequence are what it is filed under; the
 * lowest open sequence is left out, because a client may have learnt of more answers by the time it sends the same command again. Owned by the apply thread.
 */
final class CommandChecksum {
    private final CRC32C crc = new CRC32C();
    private ByteBuffer copy = ByteBuffer.allocateDirect(4096);

    int of(DirectBuffer command, int offset, int length) {
        int from = offset + CommandDescriptor.KIND_OFFSET;
        int covered = length - CommandDescriptor.KIND_OFFSET;
        crc.reset();
        byte[] array = command.byteArray();
        if (array != null) {
            crc.update(array, command.wrapAdjustment() + from, covered);
        } else {
            // A ByteBuffer under the caller's buffer may be shared with other threads, and reading it would move its
            // position.
            if (covered > copy.capacity()) {
                copy = ByteBuffer.allocateDirect(BitUtil.findNextPositivePowerOfTwo(covered));
            }
            command.getBytes(from, copy.clear(), 0, covered);
            crc.update(copy.limit(covered).position(0));
        }
        return (int) crc.getValue();
    }
}
