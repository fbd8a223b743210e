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
        int flags = buffer.getByte(offset + CommandDescriptor.FLAGS_OFFSET);
        int atLeast = (flags & CommandDescriptor.FLAG_IF_REVISION) == 0
                ? CommandDescriptor.BLOCK_LENGTH
                : CommandDescriptor.BLOCK_LENGTH_IF_REVISION;
        long keyLength = buffer.getInt(offset + CommandDescriptor.KEY_LENGTH_OFFSET, LITTLE_ENDIAN);
        long expectedLength = buffer.getInt(offset + CommandDescriptor.EXPECTED_LENGTH_OFFSET, LITTLE_ENDIAN);
        long valueLength = buffer.getInt(offset + CommandDescriptor.VALUE_LENGTH_OFFSET, LITTLE_ENDIAN);
        return blockLength >= atLeast
                && keyLength >= 0
                && expectedLength >= 0
                && valueLength >= 0
                && blockLength + keyLength + expectedLength + valueLength == length;
    }

    /**
     * Most bytes that the result of a command may have, whatever the state: of a repeated one too, since its answer is that of the same
     * command.
     */
    public static int maxResultBytes(DirectBuffer buffer, int offset, int length) {
        return length < CommandDescriptor.BLOCK_LENGTH
                ? 0
                : maxResultBytes(
                        kindOf(buffer, offset, length), buffer.getByte(offset + CommandDescriptor.FLAGS_OFFSET));
    }

    /** The kind of the command at an offset; 0, which is none, when it has not even a whole block. */
    public static int kindOf(DirectBuffer buffer, int offset, int length) {
        return length < CommandDescriptor.BLOCK_LENGTH
                ? 0
                : buffer.getByte(offset + CommandDescriptor.KIND_OFFSET) & 0xFF;
    }

    private static int maxResultBytes(int kind, int flags) {
        if (kind == CommandDescriptor.KIND_RESOLVE) {
            return StateMachine.MAX_RESULT_BYTES;
        }
        if (kind == CommandDescriptor.KIND_ADD) {
            return Long.BYTES;
        }
        return (flags & CommandDescriptor.FLAG_WANT_PREVIOUS) == 0 ? 0 : StateMachine.MAX_STORED_RESULT_BYTES;
    }

    /** Whether the command, executed for the first time, may leave result bytes to be stored. */
    boolean mayStoreResult() {
        int kind = kind();
        return kind != CommandDescriptor.KIND_RESOLVE && maxResultBytes(kind, flags()) != 0;
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

    public boolean has(int flag) {
        return (flags() & flag) != 0;
    }

    /** Only with {@link CommandDescriptor#FLAG_IF_REVISION}. */
    public long expectedRevision() {
        return buffer.getLong(offset + CommandDescriptor.EXPECTED_REVISION_OFFSET, LITTLE_ENDIAN);
    }

    /** Where the key begins in {@link #buffer}. */
    public int keyOffset() {
        return offset + blockLength(buffer, offset);
    }

    public int keyLength() {
        return buffer.getInt(offset + CommandDescriptor.KEY_LENGTH_OFFSET, LITTLE_ENDIAN);
    }

    /** Where the expected value begins in {@link #buffer}. */
    public int expectedOffset() {
        return keyOffset() + keyLength();
    }

    /** 0 without {@link CommandDescriptor#FLAG_IF_VALUE}. */
    public int expectedLength() {
        return buffer.getInt(offset + CommandDescriptor.EXPECTED_LENGTH_OFFSET, LITTLE_ENDIAN);
    }

    /** Where the value begins in {@link #buffer}. */
    public int valueOffset() {
        return expectedOffset() + expectedLength();
    }

    public int valueLength() {
        return buffer.getInt(offset + CommandDescriptor.VALUE_LENGTH_OFFSET, LITTLE_ENDIAN);
    }
}
