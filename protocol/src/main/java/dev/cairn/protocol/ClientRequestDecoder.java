package dev.cairn.protocol;

import io.netty.buffer.ByteBuf;

/** Reads one request frame (already checked by {@link FrameAssembler}) and calls the handler. Stateless. */
public final class ClientRequestDecoder {
    /** Exactly one method of {@code handler} is called. */
    public static void decode(ByteBuf frame, int offset, int length, ClientRequestHandler handler) {
        int type = frame.getUnsignedShortLE(offset + FrameHeader.TYPE_OFFSET);
        long requestId = frame.getLongLE(offset + FrameHeader.REQUEST_ID_OFFSET);
        if (frame.getUnsignedByte(offset + FrameHeader.VERSION_OFFSET) != FrameHeader.CLIENT_VERSION) {
            handler.onInvalid(requestId, Status.UNSUPPORTED_VERSION, type);
            return;
        }
        int block = offset + FrameHeader.HEADER_LENGTH;
        int blockLength = frame.getUnsignedShortLE(offset + FrameHeader.BLOCK_LENGTH_OFFSET);
        int variable = block + blockLength;
        int variableLength = offset + length - variable;
        switch (type) {
            case MessageType.COMMAND -> handler.onCommand(requestId, frame, variable, variableLength);
            case MessageType.GET -> get(frame, block, blockLength, variableLength, requestId, handler);
            case MessageType.STATUS -> handler.onStatus(requestId);
            case MessageType.HELLO -> hello(frame, block, blockLength, requestId, handler);
            default -> handler.onInvalid(requestId, Status.UNKNOWN_TYPE, type);
        }
    }

    private static void get(
            ByteBuf frame,
            int block,
            int blockLength,
            int variableLength,
            long requestId,
            ClientRequestHandler handler) {
        Status status = checkGet(frame, block, blockLength, variableLength);
        if (status != Status.OK) {
            handler.onInvalid(requestId, status, MessageType.GET);
            return;
        }
        handler.onGet(
                requestId,
                frame.getUnsignedByte(block + GetDescriptor.READ_MODE_OFFSET),
                frame.getLongLE(block + GetDescriptor.MIN_REVISION_OFFSET),
                frame,
                block + blockLength,
                variableLength);
    }

    private static Status checkGet(ByteBuf frame, int block, int blockLength, int variableLength) {
        if (blockLength < GetDescriptor.BLOCK_LENGTH
                || frame.getIntLE(block + GetDescriptor.KEY_LENGTH_OFFSET) != variableLength) {
            return Status.BAD_REQUEST;
        }
        int readMode = frame.getUnsignedByte(block + GetDescriptor.READ_MODE_OFFSET);
        if (readMode != GetDescriptor.READ_LINEARIZABLE && readMode != GetDescriptor.READ_STALE) {
            return Status.BAD_REQUEST;
        }
        if (variableLength < Limits.MIN_KEY_BYTES) {
            return Status.KEY_EMPTY;
        }
        return variableLength > Limits.MAX_KEY_BYTES ? Status.KEY_TOO_LARGE : Status.OK;
    }

    private static void hello(ByteBuf frame, int block, int blockLength, long requestId, ClientRequestHandler handler) {
        if (blockLength < HelloDescriptor.BLOCK_LENGTH
                || frame.getIntLE(block + HelloDescriptor.MAGIC_OFFSET) != HelloDescriptor.MAGIC) {
            handler.onInvalid(requestId, Status.BAD_REQUEST, MessageType.HELLO);
            return;
        }
        handler.onHello(
                requestId,
                frame.getUnsignedShortLE(block + HelloDescriptor.MIN_VERSION_OFFSET),
                frame.getUnsignedShortLE(block + HelloDescriptor.MAX_VERSION_OFFSET),
                frame.getLongLE(block + HelloDescriptor.CLUSTER_ID_HASH_OFFSET),
                frame.getLongLE(block + HelloDescriptor.CLIENT_ID_OFFSET));
    }

    private ClientRequestDecoder() {}
}
