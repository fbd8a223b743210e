package dev.cairn.server.replica;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.cairn.engine.CommandRefusal;
import dev.cairn.engine.CommandValidator;
import dev.cairn.protocol.CheckpointReadDescriptor;
import dev.cairn.protocol.FrameHeader;
import dev.cairn.protocol.GetDescriptor;
import dev.cairn.protocol.Limits;
import dev.cairn.protocol.MessageType;
import dev.cairn.protocol.Status;
import org.agrona.DirectBuffer;

/** Turns frames of clients into method calls; what contradicts the layout or the limits is refused. Loop thread. */
final class ClientRequestAdapter implements ClientTransport.Handler {
    private final ConsensusAgent agent;

    ClientRequestAdapter(final ConsensusAgent agent) {
        this.agent = agent;
    }

    @Override
    public void onClientFrame(final long connectionId, final DirectBuffer frame, final int offset, final int length) {
        final int type = frame.getShort(offset + FrameHeader.TYPE_OFFSET, LITTLE_ENDIAN) & 0xFFFF;
        final long requestId = frame.getLong(offset + FrameHeader.REQUEST_ID_OFFSET, LITTLE_ENDIAN);
        final int blockLength = frame.getShort(offset + FrameHeader.BLOCK_LENGTH_OFFSET, LITTLE_ENDIAN) & 0xFFFF;
        final int block = offset + FrameHeader.HEADER_LENGTH;
        final int variable = block + blockLength;
        final int variableLength = length - FrameHeader.HEADER_LENGTH - blockLength;
        if (variableLength < 0) {
            agent.refuse(
                    connectionId,
                    requestId,
                    Status.BAD_REQUEST,
                    "block of " + blockLength + " bytes in a frame of " + length);
            return;
        }
        switch (type) {
            case MessageType.COMMAND -> onCommand(connectionId, requestId, frame, variable, variableLength);
            case MessageType.GET -> onGet(connectionId, requestId, frame, block, blockLength, variable, variableLength);
            case MessageType.CHECKPOINT_OPEN -> agent.onCheckpointOpen(connectionId, requestId);
            case MessageType.CHECKPOINT_READ -> onCheckpointRead(connectionId, requestId, frame, block, blockLength);
            case MessageType.STATUS -> agent.onStatus(connectionId, requestId);
            default ->
                agent.refuse(connectionId, requestId, Status.UNKNOWN_TYPE, "message type " + type + " is not known");
        }
    }

    private void onCommand(
            final long connectionId,
            final long requestId,
            final DirectBuffer frame,
            final int offset,
            final int length) {
        final CommandRefusal refusal = CommandValidator.inspect(frame, offset, length);
        if (refusal == CommandRefusal.NONE) {
            agent.onCommand(connectionId, requestId, frame, offset, length);
        } else {
            agent.refuse(connectionId, requestId, refusal.status(), refusal.text());
        }
    }

    private void onGet(
            final long connectionId,
            final long requestId,
            final DirectBuffer frame,
            final int block,
            final int blockLength,
            final int variable,
            final int variableLength) {
        if (blockLength < GetDescriptor.BLOCK_LENGTH) {
            agent.refuse(
                    connectionId,
                    requestId,
                    Status.BAD_REQUEST,
                    "GET with a block of " + blockLength + " bytes, expected at least " + GetDescriptor.BLOCK_LENGTH);
            return;
        }
        final int keyLength = frame.getInt(block + GetDescriptor.KEY_LENGTH_OFFSET, LITTLE_ENDIAN);
        final long minRevision = frame.getLong(block + GetDescriptor.MIN_REVISION_OFFSET, LITTLE_ENDIAN);
        final int readMode = frame.getByte(block + GetDescriptor.READ_MODE_OFFSET) & 0xFF;
        if (keyLength != variableLength) {
            agent.refuse(
                    connectionId,
                    requestId,
                    Status.BAD_REQUEST,
                    "key length " + keyLength + " with " + variableLength + " bytes");
        } else if (keyLength < Limits.MIN_KEY_BYTES) {
            agent.refuse(connectionId, requestId, Status.KEY_EMPTY, reason(Status.KEY_EMPTY));
        } else if (keyLength > Limits.MAX_KEY_BYTES) {
            agent.refuse(connectionId, requestId, Status.KEY_TOO_LARGE, reason(Status.KEY_TOO_LARGE));
        } else if (readMode == GetDescriptor.READ_LINEARIZABLE) {
            agent.onLinearizableGet(connectionId, requestId, frame, variable, keyLength);
        } else if (readMode == GetDescriptor.READ_STALE) {
            agent.onStaleGet(connectionId, requestId, minRevision, frame, variable, keyLength);
        } else {
            agent.refuse(connectionId, requestId, Status.BAD_REQUEST, "read mode " + readMode + ", known are 1 and 2");
        }
    }

    private void onCheckpointRead(
            final long connectionId,
            final long requestId,
            final DirectBuffer frame,
            final int block,
            final int blockLength) {
        if (blockLength < CheckpointReadDescriptor.BLOCK_LENGTH) {
            agent.refuse(
                    connectionId,
                    requestId,
                    Status.BAD_REQUEST,
                    "CHECKPOINT_READ with a block of " + blockLength + " bytes, expected at least "
                            + CheckpointReadDescriptor.BLOCK_LENGTH);
            return;
        }
        agent.onCheckpointRead(
                connectionId,
                requestId,
                frame.getLong(block + CheckpointReadDescriptor.CHECKPOINT_ID_OFFSET, LITTLE_ENDIAN),
                frame.getInt(block + CheckpointReadDescriptor.FILE_NUMBER_OFFSET, LITTLE_ENDIAN),
                frame.getLong(block + CheckpointReadDescriptor.OFFSET_OFFSET, LITTLE_ENDIAN),
                frame.getInt(block + CheckpointReadDescriptor.MAX_BYTES_OFFSET, LITTLE_ENDIAN));
    }

    private static String reason(final Status status) {
        return switch (status) {
            case KEY_EMPTY -> "the key is empty; keys have 1 to " + Limits.MAX_KEY_BYTES + " bytes";
            case KEY_TOO_LARGE -> "the key is longer than " + Limits.MAX_KEY_BYTES + " bytes";
            case VALUE_TOO_LARGE -> "the value is longer than " + Limits.MAX_VALUE_BYTES + " bytes";
            default -> "the command contradicts its layout";
        };
    }
}
