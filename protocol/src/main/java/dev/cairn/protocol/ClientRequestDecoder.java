package dev.cairn.protocol;

import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

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
        Status status = switch (type) {
            case MessageType.COMMAND -> {
                handler.onCommand(requestId, frame, variable, variableLength);
                yield Status.OK;
            }
            case MessageType.GET ->
                blockLength < GetDescriptor.BLOCK_LENGTH
                        ? Status.BAD_REQUEST
                        : get(frame, block, variable, variableLength, requestId, handler);
            case MessageType.STATUS -> {
                handler.onStatus(requestId);
                yield Status.OK;
            }
            case MessageType.HELLO ->
                blockLength < HelloDescriptor.BLOCK_LENGTH
                        ? Status.BAD_REQUEST
                        : hello(frame, block, requestId, handler);
            case MessageType.MULTI_GET ->
                blockLength < MultiGetDescriptor.BLOCK_LENGTH
                        ? Status.BAD_REQUEST
                        : multiGet(frame, block, variable, variableLength, requestId, handler);
            case MessageType.SCAN ->
                blockLength < ScanDescriptor.BLOCK_LENGTH
                        ? Status.BAD_REQUEST
                        : scan(frame, block, variable, variableLength, requestId, handler);
            case MessageType.SCAN_NEXT, MessageType.SCAN_CLOSE ->
                blockLength < ScanCursorDescriptor.BLOCK_LENGTH
                        ? Status.BAD_REQUEST
                        : cursor(type, frame, block, variableLength, requestId, handler);
            case MessageType.WAIT_APPLIED ->
                blockLength < WaitAppliedDescriptor.BLOCK_LENGTH
                        ? Status.BAD_REQUEST
                        : waitApplied(frame, block, variableLength, requestId, handler);
            case MessageType.NODE_DETAILS -> {
                handler.onNodeDetails(requestId);
                yield Status.OK;
            }
            case MessageType.TRANSFER_LEADER ->
                blockLength < TransferLeaderDescriptor.BLOCK_LENGTH
                        ? Status.BAD_REQUEST
                        : transferLeader(frame, block, variableLength, requestId, handler);
            case MessageType.CHANGE_MEMBERSHIP ->
                blockLength < ChangeMembershipDescriptor.BLOCK_LENGTH
                        ? Status.BAD_REQUEST
                        : changeMembership(frame, block, variable, variableLength, requestId, handler);
            case MessageType.CHECKPOINT_OPEN -> {
                handler.onCheckpointOpen(requestId);
                yield Status.OK;
            }
            case MessageType.CHECKPOINT_READ ->
                blockLength < CheckpointReadDescriptor.BLOCK_LENGTH
                        ? Status.BAD_REQUEST
                        : checkpointRead(frame, block, variableLength, requestId, handler);
            default -> Status.UNKNOWN_TYPE;
        };
        if (status != Status.OK) {
            handler.onInvalid(requestId, status, type);
        }
    }

    // Each calls the handler and returns OK, or says what is wrong with the message. The block is as long as it must
    // be.

    private static Status transferLeader(
            ByteBuf frame, int block, int variableLength, long requestId, ClientRequestHandler handler) {
        if (variableLength != 0) {
            return Status.BAD_REQUEST;
        }
        handler.onTransferLeader(
                requestId,
                frame.getIntLE(block + TransferLeaderDescriptor.TARGET_OFFSET),
                frame.getIntLE(block + TransferLeaderDescriptor.FLAGS_OFFSET));
        return Status.OK;
    }

    private static Status changeMembership(
            ByteBuf frame, int block, int variable, int variableLength, long requestId, ClientRequestHandler handler) {
        int count = frame.getIntLE(block + ChangeMembershipDescriptor.COUNT_OFFSET);
        List<MemberChange> changes = readChanges(frame, count, variable, variableLength);
        if (changes == null) {
            return Status.BAD_REQUEST;
        }
        handler.onChangeMembership(requestId, changes);
        return Status.OK;
    }

    /** Null when the changes do not fill the bytes exactly. */
    private static @Nullable List<MemberChange> readChanges(ByteBuf frame, int count, int offset, int length) {
        if (count < 0 || count > Limits.MAX_MEMBER_CHANGES) {
            return null;
        }
        List<MemberChange> changes = new ArrayList<>();
        int end = offset + length;
        int at = offset;
        for (int i = 0; i < count; i++) {
            if (end - at < ChangeMembershipDescriptor.CHANGE_LENGTH) {
                return null;
            }
            int addressLength = frame.getUnsignedShortLE(at + ChangeMembershipDescriptor.ADDRESS_LENGTH_OFFSET);
            int address = at + ChangeMembershipDescriptor.CHANGE_LENGTH;
            if (addressLength > Limits.MAX_MEMBER_ADDRESS_BYTES || end - address < addressLength) {
                return null;
            }
            changes.add(new MemberChange(
                    frame.getUnsignedByte(at + ChangeMembershipDescriptor.KIND_OFFSET),
                    frame.getUnsignedShortLE(at + ChangeMembershipDescriptor.NODE_ID_OFFSET),
                    frame.getUnsignedShortLE(at + ChangeMembershipDescriptor.REPLACED_ID_OFFSET),
                    frame.toString(address, addressLength, StandardCharsets.UTF_8)));
            at = address + addressLength;
        }
        return at == end ? changes : null;
    }

    private static Status get(
            ByteBuf frame, int block, int variable, int variableLength, long requestId, ClientRequestHandler handler) {
        Status status = checkGet(frame, block, variableLength);
        if (status != Status.OK) {
            return status;
        }
        handler.onGet(
                requestId,
                frame.getUnsignedByte(block + GetDescriptor.READ_MODE_OFFSET),
                frame.getLongLE(block + GetDescriptor.MIN_REVISION_OFFSET),
                frame,
                variable,
                variableLength);
        return Status.OK;
    }

    private static Status checkGet(ByteBuf frame, int block, int variableLength) {
        if (frame.getIntLE(block + GetDescriptor.KEY_LENGTH_OFFSET) != variableLength
                || !GetDescriptor.isReadMode(frame.getUnsignedByte(block + GetDescriptor.READ_MODE_OFFSET))) {
            return Status.BAD_REQUEST;
        }
        return checkKeyLength(variableLength);
    }

    private static Status checkKeyLength(int keyLength) {
        if (keyLength < Limits.MIN_KEY_BYTES) {
            return keyLength < 0 ? Status.BAD_REQUEST : Status.KEY_EMPTY;
        }
        return keyLength > Limits.MAX_KEY_BYTES ? Status.KEY_TOO_LARGE : Status.OK;
    }

    private static Status multiGet(
            ByteBuf frame, int block, int variable, int variableLength, long requestId, ClientRequestHandler handler) {
        Status status = checkMultiGet(frame, block, variable, variable + variableLength);
        if (status != Status.OK) {
            return status;
        }
        handler.onMultiGet(
                requestId,
                frame.getUnsignedByte(block + MultiGetDescriptor.READ_MODE_OFFSET),
                frame.getLongLE(block + MultiGetDescriptor.MIN_REVISION_OFFSET),
                frame.getIntLE(block + MultiGetDescriptor.KEY_COUNT_OFFSET),
                frame,
                variable,
                variableLength);
        return Status.OK;
    }

    /** Walks the list: each key must lie within the frame, and the last one end with it. */
    private static Status checkMultiGet(ByteBuf frame, int block, int variable, int end) {
        if (!GetDescriptor.isReadMode(frame.getUnsignedByte(block + MultiGetDescriptor.READ_MODE_OFFSET))) {
            return Status.BAD_REQUEST;
        }
        int keyCount = frame.getIntLE(block + MultiGetDescriptor.KEY_COUNT_OFFSET);
        if (keyCount < 1 || keyCount > Limits.MAX_MULTI_GET_KEYS) {
            return Status.BAD_REQUEST;
        }
        int offset = variable;
        for (int i = 0; i < keyCount; i++) {
            if (end - offset < Integer.BYTES) {
                return Status.BAD_REQUEST;
            }
            int keyLength = frame.getIntLE(offset);
            Status status = checkKeyLength(keyLength);
            if (status != Status.OK) {
                return status;
            }
            offset += Integer.BYTES;
            if (end - offset < keyLength) {
                return Status.BAD_REQUEST;
            }
            offset += keyLength;
        }
        return offset == end ? Status.OK : Status.BAD_REQUEST;
    }

    private static Status scan(
            ByteBuf frame, int block, int variable, int variableLength, long requestId, ClientRequestHandler handler) {
        Status status = checkScan(frame, block, variable, variableLength);
        if (status != Status.OK) {
            return status;
        }
        int fromLength = frame.getIntLE(block + ScanDescriptor.FROM_LENGTH_OFFSET);
        handler.onScan(
                requestId,
                frame.getUnsignedByte(block + ScanDescriptor.READ_MODE_OFFSET),
                frame.getUnsignedByte(block + ScanDescriptor.FLAGS_OFFSET),
                frame.getIntLE(block + ScanDescriptor.CHUNK_BYTES_OFFSET),
                frame.getLongLE(block + ScanDescriptor.MIN_REVISION_OFFSET),
                frame.getLongLE(block + ScanDescriptor.LIMIT_OFFSET),
                frame,
                variable,
                fromLength,
                variable + fromLength,
                variableLength - fromLength);
        return Status.OK;
    }

    private static Status checkScan(ByteBuf frame, int block, int from, int variableLength) {
        if (!GetDescriptor.isReadMode(frame.getUnsignedByte(block + ScanDescriptor.READ_MODE_OFFSET))) {
            return Status.BAD_REQUEST;
        }
        int flags = frame.getUnsignedByte(block + ScanDescriptor.FLAGS_OFFSET);
        int chunkBytes = frame.getIntLE(block + ScanDescriptor.CHUNK_BYTES_OFFSET);
        long limit = frame.getLongLE(block + ScanDescriptor.LIMIT_OFFSET);
        int fromLength = frame.getIntLE(block + ScanDescriptor.FROM_LENGTH_OFFSET);
        int toLength = frame.getIntLE(block + ScanDescriptor.TO_LENGTH_OFFSET);
        if ((flags & ~ScanDescriptor.KNOWN_FLAGS) != 0
                || chunkBytes < 0
                || chunkBytes > Limits.MAX_SCAN_CHUNK_BYTES
                || limit < 0
                || fromLength < 0
                || toLength < 0) {
            return Status.BAD_REQUEST;
        }
        if (fromLength > Limits.MAX_KEY_BYTES || toLength > Limits.MAX_KEY_BYTES) {
            return Status.KEY_TOO_LARGE;
        }
        if (fromLength + toLength != variableLength) {
            return Status.BAD_REQUEST;
        }
        boolean inOrder = toLength == 0 || isBefore(frame, from, fromLength, from + fromLength, toLength);
        return inOrder ? Status.OK : Status.BAD_REQUEST;
    }

    /** Keys are ordered by their unsigned bytes. */
    private static boolean isBefore(ByteBuf frame, int left, int leftLength, int right, int rightLength) {
        int common = Math.min(leftLength, rightLength);
        for (int i = 0; i < common; i++) {
            int difference = frame.getUnsignedByte(left + i) - frame.getUnsignedByte(right + i);
            if (difference != 0) {
                return difference < 0;
            }
        }
        return leftLength < rightLength;
    }

    private static Status cursor(
            int type, ByteBuf frame, int block, int variableLength, long requestId, ClientRequestHandler handler) {
        if (variableLength != 0) {
            return Status.BAD_REQUEST;
        }
        long cursorId = frame.getLongLE(block + ScanCursorDescriptor.CURSOR_ID_OFFSET);
        if (type == MessageType.SCAN_NEXT) {
            handler.onScanNext(requestId, cursorId, frame.getLongLE(block + ScanCursorDescriptor.COUNT_OFFSET));
        } else {
            handler.onScanClose(requestId, cursorId);
        }
        return Status.OK;
    }

    private static Status waitApplied(
            ByteBuf frame, int block, int variableLength, long requestId, ClientRequestHandler handler) {
        long index = frame.getLongLE(block + WaitAppliedDescriptor.INDEX_OFFSET);
        int timeoutMs = frame.getIntLE(block + WaitAppliedDescriptor.TIMEOUT_MS_OFFSET);
        if (variableLength != 0 || index < 0 || timeoutMs < 1 || timeoutMs > Limits.MAX_WAIT_MS) {
            return Status.BAD_REQUEST;
        }
        handler.onWaitApplied(requestId, index, timeoutMs);
        return Status.OK;
    }

    private static Status checkpointRead(
            ByteBuf frame, int block, int variableLength, long requestId, ClientRequestHandler handler) {
        int fileNumber = frame.getIntLE(block + CheckpointReadDescriptor.FILE_NUMBER_OFFSET);
        int maxBytes = frame.getIntLE(block + CheckpointReadDescriptor.MAX_BYTES_OFFSET);
        long offset = frame.getLongLE(block + CheckpointReadDescriptor.OFFSET_OFFSET);
        if (variableLength != 0
                || fileNumber < 0
                || maxBytes < 1
                || maxBytes > Limits.MAX_CHECKPOINT_CHUNK_BYTES
                || offset < 0) {
            return Status.BAD_REQUEST;
        }
        long checkpointId = frame.getLongLE(block + CheckpointReadDescriptor.CHECKPOINT_ID_OFFSET);
        handler.onCheckpointRead(requestId, checkpointId, fileNumber, offset, maxBytes);
        return Status.OK;
    }

    private static Status hello(ByteBuf frame, int block, long requestId, ClientRequestHandler handler) {
        if (frame.getIntLE(block + HelloDescriptor.MAGIC_OFFSET) != HelloDescriptor.MAGIC) {
            return Status.BAD_REQUEST;
        }
        handler.onHello(
                requestId,
                frame.getUnsignedShortLE(block + HelloDescriptor.MIN_VERSION_OFFSET),
                frame.getUnsignedShortLE(block + HelloDescriptor.MAX_VERSION_OFFSET),
                frame.getLongLE(block + HelloDescriptor.CLUSTER_ID_HASH_OFFSET),
                frame.getLongLE(block + HelloDescriptor.CLIENT_ID_OFFSET));
        return Status.OK;
    }

    private ClientRequestDecoder() {}
}
