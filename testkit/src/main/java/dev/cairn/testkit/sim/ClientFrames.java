package dev.cairn.testkit.sim;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.cairn.protocol.BatchItemDescriptor;
import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.protocol.FrameHeader;
import dev.cairn.protocol.GetDescriptor;
import dev.cairn.protocol.MessageType;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.agrona.concurrent.UnsafeBuffer;

/** Encodes requests of the client protocol by its descriptors. */
final class ClientFrames {
    private static final int BLOCK = FrameHeader.HEADER_LENGTH;
    private static final byte[] NOTHING = new byte[0];

    private ClientFrames() {}

    static byte[] key(int key) {
        return ("k" + key).getBytes(StandardCharsets.US_ASCII);
    }

    static byte[] encode(SimOperation operation, long requestId) {
        return operation.isCommand() ? command(operation, requestId) : get(operation, requestId);
    }

    static byte[] counter(int key) {
        return ("c" + key).getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] command(SimOperation operation, long requestId) {
        byte[] key = commandKey(operation);
        byte[] value = commandValue(operation);
        boolean ifRevision = (operation.flags & CommandDescriptor.FLAG_IF_REVISION) != 0;
        int block = ifRevision ? CommandDescriptor.BLOCK_LENGTH_IF_REVISION : CommandDescriptor.BLOCK_LENGTH;
        int variable = block + key.length + operation.expected.length + value.length;
        UnsafeBuffer frame = header(MessageType.COMMAND, 0, variable, requestId);
        int at = BLOCK;
        frame.putLong(at + CommandDescriptor.SESSION_ID_OFFSET, operation.sessionId, LITTLE_ENDIAN);
        frame.putLong(at + CommandDescriptor.SEQUENCE_OFFSET, operation.sequence, LITTLE_ENDIAN);
        frame.putLong(at + CommandDescriptor.LOWEST_OPEN_SEQUENCE_OFFSET, operation.lowestOpen, LITTLE_ENDIAN);
        frame.putByte(at + CommandDescriptor.KIND_OFFSET, (byte) kind(operation.kind));
        frame.putByte(at + CommandDescriptor.FLAGS_OFFSET, (byte) operation.flags);
        frame.putShort(at + CommandDescriptor.BLOCK_LENGTH_OFFSET, (short) block, LITTLE_ENDIAN);
        frame.putInt(at + CommandDescriptor.KEY_LENGTH_OFFSET, key.length, LITTLE_ENDIAN);
        frame.putInt(at + CommandDescriptor.VALUE_LENGTH_OFFSET, value.length, LITTLE_ENDIAN);
        frame.putInt(at + CommandDescriptor.EXPECTED_LENGTH_OFFSET, operation.expected.length, LITTLE_ENDIAN);
        if (ifRevision) {
            frame.putLong(at + CommandDescriptor.EXPECTED_REVISION_OFFSET, operation.expectedRevision, LITTLE_ENDIAN);
        }
        frame.putBytes(at + block, key);
        frame.putBytes(at + block + key.length, operation.expected);
        frame.putBytes(at + block + key.length + operation.expected.length, value);
        return frame.byteArray();
    }

    private static byte[] commandKey(SimOperation operation) {
        return switch (operation.kind) {
            case OPEN_SESSION, BATCH, RESOLVE -> NOTHING;
            case ADD -> counter(operation.key);
            default -> key(operation.key);
        };
    }

    private static byte[] commandValue(SimOperation operation) {
        return switch (operation.kind) {
            // The rest of a value stays zero: records with whole zero sectors are a case of their own for recovery.
            case PUT, SWAP -> operation.valueText().getBytes(StandardCharsets.ISO_8859_1);
            case ADD -> ReferenceModel.longs(operation.difference).getBytes(StandardCharsets.ISO_8859_1);
            case RANGE -> key(operation.toKey);
            case BATCH -> items(operation);
            default -> NOTHING;
        };
    }

    private static byte[] items(SimOperation operation) {
        ByteBuffer items = ByteBuffer.allocate(1 << 16).order(LITTLE_ENDIAN);
        byte[] value = operation.valueText().getBytes(StandardCharsets.ISO_8859_1);
        for (int item = 0; operation.keySet >> item != 0; item++) {
            if ((operation.keySet >> item & 1) != 0) {
                byte[] key = key(item);
                boolean writes = (operation.writtenSet >> item & 1) != 0;
                items.putInt(key.length)
                        .putInt(writes ? value.length : BatchItemDescriptor.DELETE)
                        .put(key);
                items.put(value, 0, writes ? value.length : 0);
            }
        }
        byte[] bytes = new byte[items.position()];
        items.flip().get(bytes);
        return bytes;
    }

    private static int kind(SimOperation.Kind kind) {
        return switch (kind) {
            case OPEN_SESSION -> CommandDescriptor.KIND_OPEN_SESSION;
            case PUT, SWAP -> CommandDescriptor.KIND_PUT;
            case DELETE -> CommandDescriptor.KIND_DELETE;
            case ADD -> CommandDescriptor.KIND_ADD;
            case BATCH -> CommandDescriptor.KIND_PUT_BATCH;
            case RANGE -> CommandDescriptor.KIND_DELETE_RANGE;
            case RESOLVE -> CommandDescriptor.KIND_RESOLVE;
            case GET, STALE_GET -> throw new IllegalArgumentException("a read is no command");
        };
    }

    private static byte[] get(SimOperation operation, long requestId) {
        byte[] key = key(operation.key);
        UnsafeBuffer frame = header(MessageType.GET, GetDescriptor.BLOCK_LENGTH, key.length, requestId);
        frame.putByte(BLOCK + GetDescriptor.READ_MODE_OFFSET, (byte) operation.readMode);
        frame.putInt(BLOCK + GetDescriptor.KEY_LENGTH_OFFSET, key.length, LITTLE_ENDIAN);
        frame.putLong(BLOCK + GetDescriptor.MIN_REVISION_OFFSET, 0, LITTLE_ENDIAN);
        frame.putBytes(BLOCK + GetDescriptor.BLOCK_LENGTH, key);
        return frame.byteArray();
    }

    private static UnsafeBuffer header(int type, int blockLength, int variableLength, long requestId) {
        int length = BLOCK + blockLength + variableLength;
        UnsafeBuffer frame = new UnsafeBuffer(new byte[length]);
        frame.putInt(FrameHeader.LENGTH_OFFSET, length, LITTLE_ENDIAN);
        frame.putShort(FrameHeader.TYPE_OFFSET, (short) type, LITTLE_ENDIAN);
        frame.putByte(FrameHeader.VERSION_OFFSET, (byte) FrameHeader.CLIENT_VERSION);
        frame.putLong(FrameHeader.REQUEST_ID_OFFSET, requestId, LITTLE_ENDIAN);
        frame.putShort(FrameHeader.BLOCK_LENGTH_OFFSET, (short) blockLength, LITTLE_ENDIAN);
        return frame;
    }
}
