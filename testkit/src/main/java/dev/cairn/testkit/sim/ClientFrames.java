package dev.cairn.testkit.sim;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.protocol.FrameHeader;
import dev.cairn.protocol.GetDescriptor;
import dev.cairn.protocol.MessageType;
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

    private static byte[] command(SimOperation operation, long requestId) {
        boolean opens = operation.kind == SimOperation.Kind.OPEN_SESSION;
        byte[] key = opens ? NOTHING : key(operation.key);
        boolean puts = operation.kind == SimOperation.Kind.PUT;
        int valueLength = puts ? operation.valueBytes : 0;
        int variable = CommandDescriptor.BLOCK_LENGTH + key.length + valueLength;
        UnsafeBuffer frame = header(MessageType.COMMAND, 0, variable, requestId);
        int at = BLOCK;
        frame.putLong(at + CommandDescriptor.SESSION_ID_OFFSET, operation.sessionId, LITTLE_ENDIAN);
        frame.putLong(at + CommandDescriptor.SEQUENCE_OFFSET, operation.sequence, LITTLE_ENDIAN);
        frame.putLong(at + CommandDescriptor.LOWEST_OPEN_SEQUENCE_OFFSET, operation.lowestOpen, LITTLE_ENDIAN);
        frame.putByte(at + CommandDescriptor.KIND_OFFSET, (byte) kind(operation.kind));
        frame.putShort(
                at + CommandDescriptor.BLOCK_LENGTH_OFFSET, (short) CommandDescriptor.BLOCK_LENGTH, LITTLE_ENDIAN);
        frame.putInt(at + CommandDescriptor.KEY_LENGTH_OFFSET, key.length, LITTLE_ENDIAN);
        frame.putInt(at + CommandDescriptor.VALUE_LENGTH_OFFSET, valueLength, LITTLE_ENDIAN);
        frame.putBytes(at + CommandDescriptor.BLOCK_LENGTH, key);
        if (puts) {
            // The rest stays zero: records with whole zero sectors are a case of their own for recovery.
            frame.putLong(at + CommandDescriptor.BLOCK_LENGTH + key.length, operation.id, LITTLE_ENDIAN);
        }
        return frame.byteArray();
    }

    private static int kind(SimOperation.Kind kind) {
        return switch (kind) {
            case OPEN_SESSION -> CommandDescriptor.KIND_OPEN_SESSION;
            case PUT -> CommandDescriptor.KIND_PUT;
            case DELETE -> CommandDescriptor.KIND_DELETE;
            case GET, STALE_GET -> throw new IllegalArgumentException("a read is no command");
        };
    }

    private static byte[] get(SimOperation operation, long requestId) {
        byte[] key = key(operation.key);
        UnsafeBuffer frame = header(MessageType.GET, GetDescriptor.BLOCK_LENGTH, key.length, requestId);
        boolean stale = operation.kind == SimOperation.Kind.STALE_GET;
        frame.putByte(BLOCK + GetDescriptor.READ_MODE_OFFSET, (byte)
                (stale ? GetDescriptor.READ_STALE : GetDescriptor.READ_LINEARIZABLE));
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
