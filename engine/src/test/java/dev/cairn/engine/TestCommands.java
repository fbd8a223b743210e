package dev.cairn.engine;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.cairn.protocol.CommandDescriptor;
import org.agrona.MutableDirectBuffer;

/** Encodes commands; seeds of random tests. */
final class TestCommands {
    private TestCommands() {}

    static long seed() {
        String given = System.getProperty("seed", "");
        long seed = given.isEmpty() ? System.nanoTime() : Long.parseLong(given);
        System.out.println("seed=" + seed);
        return seed;
    }

    /** Writes the fixed block; key and value are the caller's. Returns the command's length. */
    static int block(
            MutableDirectBuffer into,
            int offset,
            long session,
            long sequence,
            long lowestOpen,
            int kind,
            int keyLength,
            int valueLength) {
        into.putLong(offset + CommandDescriptor.SESSION_ID_OFFSET, session, LITTLE_ENDIAN);
        into.putLong(offset + CommandDescriptor.SEQUENCE_OFFSET, sequence, LITTLE_ENDIAN);
        into.putLong(offset + CommandDescriptor.LOWEST_OPEN_SEQUENCE_OFFSET, lowestOpen, LITTLE_ENDIAN);
        into.putByte(offset + CommandDescriptor.KIND_OFFSET, (byte) kind);
        into.putByte(offset + CommandDescriptor.FLAGS_OFFSET, (byte) 0);
        into.putShort(
                offset + CommandDescriptor.BLOCK_LENGTH_OFFSET, (short) CommandDescriptor.BLOCK_LENGTH, LITTLE_ENDIAN);
        into.putInt(offset + CommandDescriptor.KEY_LENGTH_OFFSET, keyLength, LITTLE_ENDIAN);
        into.putInt(offset + CommandDescriptor.VALUE_LENGTH_OFFSET, valueLength, LITTLE_ENDIAN);
        into.putInt(offset + CommandDescriptor.VALUE_LENGTH_OFFSET + 4, 0, LITTLE_ENDIAN);
        return CommandDescriptor.BLOCK_LENGTH + keyLength + valueLength;
    }
}
