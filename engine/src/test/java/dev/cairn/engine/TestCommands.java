package dev.cairn.engine;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.cairn.protocol.BatchItemDescriptor;
import dev.cairn.protocol.CommandDescriptor;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;

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

    /** Any command, as bytes; without the flag, an expected revision or value is left out. */
    static byte[] command(
            long session,
            long sequence,
            long lowestOpen,
            int kind,
            int flags,
            byte[] key,
            long expectedRevision,
            byte[] expected,
            byte[] value) {
        boolean ifRevision = (flags & CommandDescriptor.FLAG_IF_REVISION) != 0;
        int blockLength = ifRevision ? CommandDescriptor.BLOCK_LENGTH_IF_REVISION : CommandDescriptor.BLOCK_LENGTH;
        byte[] bytes = new byte[blockLength + key.length + expected.length + value.length];
        UnsafeBuffer into = new UnsafeBuffer(bytes);
        block(into, 0, session, sequence, lowestOpen, kind, key.length, value.length);
        into.putByte(CommandDescriptor.FLAGS_OFFSET, (byte) flags);
        into.putShort(CommandDescriptor.BLOCK_LENGTH_OFFSET, (short) blockLength, LITTLE_ENDIAN);
        into.putInt(CommandDescriptor.EXPECTED_LENGTH_OFFSET, expected.length, LITTLE_ENDIAN);
        if (ifRevision) {
            into.putLong(CommandDescriptor.EXPECTED_REVISION_OFFSET, expectedRevision, LITTLE_ENDIAN);
        }
        into.putBytes(blockLength, key);
        into.putBytes(blockLength + key.length, expected);
        into.putBytes(blockLength + key.length + expected.length, value);
        return bytes;
    }

    /** Items of a batch: key, value, key, value ...; value null = delete. */
    static byte[] batch(@Nullable String... keysAndValues) {
        ByteArrayOutputStream items = new ByteArrayOutputStream();
        for (int i = 0; i < keysAndValues.length; i += 2) {
            byte[] key = bytes(String.valueOf(keysAndValues[i]));
            String value = keysAndValues[i + 1];
            byte[] valueBytes = value == null ? new byte[0] : bytes(value);
            UnsafeBuffer lengths = new UnsafeBuffer(new byte[8]);
            lengths.putInt(BatchItemDescriptor.KEY_LENGTH_OFFSET, key.length, LITTLE_ENDIAN);
            lengths.putInt(
                    BatchItemDescriptor.VALUE_LENGTH_OFFSET,
                    value == null ? BatchItemDescriptor.DELETE : valueBytes.length,
                    LITTLE_ENDIAN);
            items.writeBytes(lengths.byteArray());
            items.writeBytes(key);
            items.writeBytes(valueBytes);
        }
        return items.toByteArray();
    }

    static byte[] number(long number) {
        UnsafeBuffer bytes = new UnsafeBuffer(new byte[Long.BYTES]);
        bytes.putLong(0, number, LITTLE_ENDIAN);
        return bytes.byteArray();
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }
}
