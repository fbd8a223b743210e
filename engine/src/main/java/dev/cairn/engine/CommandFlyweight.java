package dev.cairn.engine;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.cairn.protocol.CommandDescriptor;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/** Reads a command, laid out as {@link CommandDescriptor} says, in place. Reusable; one thread. */
public final class CommandFlyweight {
    private DirectBuffer buffer = new UnsafeBuffer(0, 0);
    private int offset;

    /**
     * Points at a command.
     *
     * @return whether the command's own lengths agree with the given one; if not, nothing else may be asked
     */
    public boolean wrap(DirectBuffer commandBuffer, int commandOffset, int length) {
        if (!isConsistent(commandBuffer, commandOffset, length)) {
            return false;
        }
        buffer = commandBuffer;
        offset = commandOffset;
        return true;
    }

    static boolean isConsistent(DirectBuffer buffer, int offset, int length) {
        if (length < CommandDescriptor.BLOCK_LENGTH) {
            return false;
        }
        int blockLength = blockLength(buffer, offset);
        long keyLength = buffer.getInt(offset + CommandDescriptor.KEY_LENGTH_OFFSET, LITTLE_ENDIAN);
        long valueLength = buffer.getInt(offset + CommandDescriptor.VALUE_LENGTH_OFFSET, LITTLE_ENDIAN);
        return blockLength >= CommandDescriptor.BLOCK_LENGTH
                && keyLength >= 0
                && valueLength >= 0
                && blockLength + keyLength + valueLength == length;
    }

    private static int blockLength(DirectBuffer buffer, int offset) {
        return buffer.getShort(offset + CommandDescriptor.BLOCK_LENGTH_OFFSET, LITTLE_ENDIAN) & 0xFFFF;
    }

    public DirectBuffer buffer() {
        return buffer;
    }

    /** 0 only for a command that opens a session. */
    public long sessionId() {
        return buffer.getLong(offset + CommandDescriptor.SESSION_ID_OFFSET, LITTLE_ENDIAN);
    }

    public long sequence() {
        return buffer.getLong(offset + CommandDescriptor.SEQUENCE_OFFSET, LITTLE_ENDIAN);
    }

    public long lowestOpenSequence() {
        return buffer.getLong(offset + CommandDescriptor.LOWEST_OPEN_SEQUENCE_OFFSET, LITTLE_ENDIAN);
    }

    public int kind() {
        return buffer.getByte(offset + CommandDescriptor.KIND_OFFSET) & 0xFF;
    }

    public int flags() {
        return buffer.getByte(offset + CommandDescriptor.FLAGS_OFFSET) & 0xFF;
    }

    /** Where the key begins in {@link #buffer}. */
    public int keyOffset() {
        return offset + blockLength(buffer, offset);
    }

    public int keyLength() {
        return buffer.getInt(offset + CommandDescriptor.KEY_LENGTH_OFFSET, LITTLE_ENDIAN);
    }

    /** Where the value begins in {@link #buffer}. */
    public int valueOffset() {
        return keyOffset() + keyLength();
    }

    public int valueLength() {
        return buffer.getInt(offset + CommandDescriptor.VALUE_LENGTH_OFFSET, LITTLE_ENDIAN);
    }
}
