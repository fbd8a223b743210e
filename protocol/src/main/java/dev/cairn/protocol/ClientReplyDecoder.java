package dev.cairn.protocol;

import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads one reply frame (already checked by {@link FrameAssembler}) and calls the handler. Stateless. */
public final class ClientReplyDecoder {
    /** Exactly one method of {@code handler} is called. */
    public static void decode(ByteBuf frame, int offset, int length, ClientReplyHandler handler) {
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
        boolean known = switch (type) {
            case MessageType.COMMAND_REPLY ->
                blockLength >= CommandReplyDescriptor.BLOCK_LENGTH
                        && commandReply(frame, block, variable, variableLength, requestId, handler);
            case MessageType.GET_REPLY ->
                blockLength >= GetReplyDescriptor.BLOCK_LENGTH
                        && getReply(frame, block, variable, variableLength, requestId, handler);
            case MessageType.ERROR_REPLY ->
                blockLength >= ErrorReplyDescriptor.BLOCK_LENGTH
                        && errorReply(frame, block, variable, variableLength, requestId, handler);
            case MessageType.STATUS_REPLY ->
                blockLength >= StatusReplyDescriptor.BLOCK_LENGTH
                        && statusReply(frame, block, variable, variableLength, requestId, handler);
            case MessageType.HELLO_REPLY ->
                blockLength >= HelloReplyDescriptor.BLOCK_LENGTH && helloReply(frame, block, requestId, handler);
            case MessageType.MULTI_GET_REPLY ->
                blockLength >= MultiGetReplyDescriptor.BLOCK_LENGTH
                        && multiGetReply(frame, block, variable, variableLength, requestId, handler);
            case MessageType.SCAN_REPLY ->
                blockLength >= ScanReplyDescriptor.BLOCK_LENGTH
                        && scanReply(frame, block, variable, variableLength, requestId, handler);
            case MessageType.WAIT_APPLIED_REPLY ->
                blockLength >= WaitAppliedReplyDescriptor.BLOCK_LENGTH
                        && waitAppliedReply(frame, block, requestId, handler);
            case MessageType.NODE_DETAILS_REPLY -> {
                handler.onNodeDetailsReply(requestId, frame, variable, variableLength);
                yield true;
            }
            case MessageType.MEMBERSHIP_REPLY ->
                blockLength >= MembershipReplyDescriptor.BLOCK_LENGTH
                        && membershipReply(frame, block, variable, variableLength, requestId, handler);
            case MessageType.CHECKPOINT_OPEN_REPLY ->
                blockLength >= CheckpointOpenReplyDescriptor.BLOCK_LENGTH
                        && checkpointOpenReply(frame, block, variable, variableLength, requestId, handler);
            case MessageType.CHECKPOINT_READ_REPLY ->
                blockLength >= CheckpointReadReplyDescriptor.BLOCK_LENGTH
                        && checkpointReadReply(frame, block, variable, variableLength, requestId, handler);
            default -> {
                handler.onInvalid(requestId, Status.UNKNOWN_TYPE, type);
                yield true;
            }
        };
        if (!known) {
            handler.onInvalid(requestId, Status.BAD_REQUEST, type);
        }
    }

    private static boolean commandReply(
            ByteBuf frame, int block, int variable, int variableLength, long requestId, ClientReplyHandler handler) {
        if (frame.getIntLE(block + CommandReplyDescriptor.RESULT_LENGTH_OFFSET) != variableLength) {
            return false;
        }
        handler.onCommandReply(
                requestId,
                status(frame, block + CommandReplyDescriptor.STATUS_OFFSET),
                frame.getLongLE(block + CommandReplyDescriptor.REVISION_OFFSET),
                frame,
                variable,
                variableLength);
        return true;
    }

    private static boolean getReply(
            ByteBuf frame, int block, int variable, int variableLength, long requestId, ClientReplyHandler handler) {
        if (frame.getIntLE(block + GetReplyDescriptor.VALUE_LENGTH_OFFSET) != variableLength) {
            return false;
        }
        handler.onGetReply(
                requestId,
                status(frame, block + GetReplyDescriptor.STATUS_OFFSET),
                frame.getLongLE(block + GetReplyDescriptor.CREATE_REVISION_OFFSET),
                frame.getLongLE(block + GetReplyDescriptor.MOD_REVISION_OFFSET),
                frame.getLongLE(block + GetReplyDescriptor.VERSION_OFFSET),
                frame,
                variable,
                variableLength);
        return true;
    }

    private static boolean errorReply(
            ByteBuf frame, int block, int variable, int variableLength, long requestId, ClientReplyHandler handler) {
        int addressLength = frame.getIntLE(block + ErrorReplyDescriptor.ADDRESS_LENGTH_OFFSET);
        int textLength = frame.getIntLE(block + ErrorReplyDescriptor.TEXT_LENGTH_OFFSET);
        if (addressLength < 0
                || addressLength > Limits.MAX_ADDRESS_BYTES
                || textLength < 0
                || textLength > Limits.MAX_TEXT_BYTES
                || addressLength + textLength != variableLength) {
            return false;
        }
        handler.onErrorReply(
                requestId,
                status(frame, block + ErrorReplyDescriptor.STATUS_OFFSET),
                frame.getIntLE(block + ErrorReplyDescriptor.LEADER_ID_OFFSET),
                frame.toString(variable, addressLength, StandardCharsets.UTF_8),
                frame.toString(variable + addressLength, textLength, StandardCharsets.UTF_8));
        return true;
    }

    private static boolean statusReply(
            ByteBuf frame, int block, int variable, int variableLength, long requestId, ClientReplyHandler handler) {
        if (variableLength > Limits.MAX_ADDRESS_BYTES
                || frame.getIntLE(block + StatusReplyDescriptor.LEADER_ADDRESS_LENGTH_OFFSET) != variableLength) {
            return false;
        }
        NodeStatus node = new NodeStatus(
                frame.getIntLE(block + StatusReplyDescriptor.NODE_ID_OFFSET),
                frame.getUnsignedByte(block + StatusReplyDescriptor.ROLE_OFFSET),
                frame.getUnsignedByte(block + StatusReplyDescriptor.DURABILITY_OFFSET),
                frame.getLongLE(block + StatusReplyDescriptor.TERM_OFFSET),
                frame.getLongLE(block + StatusReplyDescriptor.COMMIT_INDEX_OFFSET),
                frame.getLongLE(block + StatusReplyDescriptor.APPLIED_INDEX_OFFSET),
                frame.getLongLE(block + StatusReplyDescriptor.LAST_LOG_INDEX_OFFSET),
                frame.getLongLE(block + StatusReplyDescriptor.DURABLE_INDEX_OFFSET),
                frame.getLongLE(block + StatusReplyDescriptor.DIGEST_OFFSET),
                frame.getIntLE(block + StatusReplyDescriptor.LEADER_ID_OFFSET),
                frame.toString(variable, variableLength, StandardCharsets.UTF_8));
        handler.onStatusReply(requestId, node);
        return true;
    }

    private static boolean helloReply(ByteBuf frame, int block, long requestId, ClientReplyHandler handler) {
        handler.onHelloReply(
                requestId,
                status(frame, block + HelloReplyDescriptor.STATUS_OFFSET),
                frame.getUnsignedShortLE(block + HelloReplyDescriptor.VERSION_OFFSET),
                frame.getIntLE(block + HelloReplyDescriptor.NODE_ID_OFFSET),
                frame.getLongLE(block + HelloReplyDescriptor.CLUSTER_ID_HASH_OFFSET));
        return true;
    }

    private static boolean multiGetReply(
            ByteBuf frame, int block, int variable, int variableLength, long requestId, ClientReplyHandler handler) {
        int entryCount = frame.getIntLE(block + MultiGetReplyDescriptor.ENTRY_COUNT_OFFSET);
        if (!isMultiGetEntries(frame, variable, variable + variableLength, entryCount)) {
            return false;
        }
        handler.onMultiGetReply(
                requestId,
                status(frame, block + MultiGetReplyDescriptor.STATUS_OFFSET),
                frame.getLongLE(block + MultiGetReplyDescriptor.REVISION_OFFSET),
                entryCount,
                frame,
                variable,
                variableLength);
        return true;
    }

    /** Walks the list before anybody believes its count: each entry must lie within the frame, the last one end with it. */
    private static boolean isMultiGetEntries(ByteBuf frame, int start, int end, int entryCount) {
        if (entryCount < 0 || entryCount > Limits.MAX_MULTI_GET_KEYS) {
            return false;
        }
        int offset = start;
        for (int i = 0; i < entryCount; i++) {
            if (end - offset < MultiGetReplyDescriptor.ENTRY_VALUE_OFFSET) {
                return false;
            }
            int valueLength = frame.getIntLE(offset + MultiGetReplyDescriptor.ENTRY_VALUE_LENGTH_OFFSET);
            offset += MultiGetReplyDescriptor.ENTRY_VALUE_OFFSET;
            if (valueLength < MultiGetReplyDescriptor.ABSENT || valueLength > end - offset) {
                return false;
            }
            offset += Math.max(0, valueLength);
        }
        return offset == end;
    }

    private static boolean scanReply(
            ByteBuf frame, int block, int variable, int variableLength, long requestId, ClientReplyHandler handler) {
        int entryCount = frame.getIntLE(block + ScanReplyDescriptor.ENTRY_COUNT_OFFSET);
        if (!isScanEntries(frame, variable, variable + variableLength, entryCount)) {
            return false;
        }
        int flags = frame.getUnsignedShortLE(block + ScanReplyDescriptor.FLAGS_OFFSET);
        handler.onScanReply(
                requestId,
                status(frame, block + ScanReplyDescriptor.STATUS_OFFSET),
                (flags & ScanReplyDescriptor.FLAG_MORE) != 0,
                frame.getLongLE(block + ScanReplyDescriptor.CURSOR_ID_OFFSET),
                frame.getLongLE(block + ScanReplyDescriptor.REVISION_OFFSET),
                frame.getLongLE(block + ScanReplyDescriptor.COUNT_OFFSET),
                entryCount,
                frame,
                variable,
                variableLength);
        return true;
    }

    private static boolean isScanEntries(ByteBuf frame, int start, int end, int entryCount) {
        // Bounds the walk by the bytes that are there, whatever the count says.
        if (entryCount < 0 || entryCount > (end - start) / ScanReplyDescriptor.ENTRY_KEY_OFFSET) {
            return false;
        }
        int offset = start;
        for (int i = 0; i < entryCount; i++) {
            if (end - offset < ScanReplyDescriptor.ENTRY_KEY_OFFSET) {
                return false;
            }
            int keyLength = frame.getIntLE(offset + ScanReplyDescriptor.ENTRY_KEY_LENGTH_OFFSET);
            int valueLength = frame.getIntLE(offset + ScanReplyDescriptor.ENTRY_VALUE_LENGTH_OFFSET);
            offset += ScanReplyDescriptor.ENTRY_KEY_OFFSET;
            if (keyLength < 0 || valueLength < 0 || (long) keyLength + valueLength > end - offset) {
                return false;
            }
            offset += keyLength + valueLength;
        }
        return offset == end;
    }

    private static boolean waitAppliedReply(ByteBuf frame, int block, long requestId, ClientReplyHandler handler) {
        handler.onWaitAppliedReply(requestId, frame.getLongLE(block + WaitAppliedReplyDescriptor.APPLIED_INDEX_OFFSET));
        return true;
    }

    private static boolean membershipReply(
            ByteBuf frame, int block, int variable, int variableLength, long requestId, ClientReplyHandler handler) {
        List<ClusterMembership.Member> members = readMembers(frame, block, variable, variable + variableLength);
        if (members == null) {
            return false;
        }
        handler.onMembershipReply(
                requestId,
                new ClusterMembership(
                        frame.getLongLE(block + MembershipReplyDescriptor.INDEX_OFFSET),
                        frame.getLongLE(block + MembershipReplyDescriptor.COMMIT_INDEX_OFFSET),
                        frame.getLongLE(block + MembershipReplyDescriptor.LAST_INDEX_OFFSET),
                        frame.getIntLE(block + MembershipReplyDescriptor.LEADER_ID_OFFSET),
                        members));
        return true;
    }

    /** Null when the members do not fill the bytes exactly. */
    private static @Nullable List<ClusterMembership.Member> readMembers(
            ByteBuf frame, int block, int variable, int end) {
        int count = frame.getUnsignedShortLE(block + MembershipReplyDescriptor.COUNT_OFFSET);
        int memberLength = frame.getUnsignedShortLE(block + MembershipReplyDescriptor.MEMBER_LENGTH_OFFSET);
        if (memberLength < MembershipReplyDescriptor.MEMBER_LENGTH) {
            return null;
        }
        List<ClusterMembership.Member> members = new ArrayList<>();
        int at = variable;
        for (int i = 0; i < count; i++) {
            if (end - at < memberLength) {
                return null;
            }
            int addressLength = frame.getUnsignedShortLE(at + MembershipReplyDescriptor.ADDRESS_LENGTH_OFFSET);
            int address = at + memberLength;
            if (end - address < addressLength) {
                return null;
            }
            members.add(new ClusterMembership.Member(
                    frame.getUnsignedShortLE(at + MembershipReplyDescriptor.NODE_ID_OFFSET),
                    frame.getUnsignedByte(at + MembershipReplyDescriptor.FLAGS_OFFSET),
                    frame.getIntLE(at + MembershipReplyDescriptor.GOAL_OFFSET),
                    frame.getLongLE(at + MembershipReplyDescriptor.MATCH_INDEX_OFFSET),
                    frame.toString(address, addressLength, StandardCharsets.UTF_8)));
            at = address + addressLength;
        }
        return at == end ? members : null;
    }

    private static boolean checkpointOpenReply(
            ByteBuf frame, int block, int variable, int variableLength, long requestId, ClientReplyHandler handler) {
        if (frame.getIntLE(block + CheckpointOpenReplyDescriptor.MANIFEST_LENGTH_OFFSET) != variableLength) {
            return false;
        }
        handler.onCheckpointOpenReply(
                requestId,
                frame.getLongLE(block + CheckpointOpenReplyDescriptor.CHECKPOINT_ID_OFFSET),
                frame.getLongLE(block + CheckpointOpenReplyDescriptor.INDEX_OFFSET),
                frame.getLongLE(block + CheckpointOpenReplyDescriptor.TERM_OFFSET),
                frame,
                variable,
                variableLength);
        return true;
    }

    private static boolean checkpointReadReply(
            ByteBuf frame, int block, int variable, int variableLength, long requestId, ClientReplyHandler handler) {
        if (frame.getIntLE(block + CheckpointReadReplyDescriptor.LENGTH_OFFSET) != variableLength) {
            return false;
        }
        handler.onCheckpointReadReply(
                requestId,
                status(frame, block + CheckpointReadReplyDescriptor.STATUS_OFFSET),
                frame.getLongLE(block + CheckpointReadReplyDescriptor.OFFSET_OFFSET),
                frame,
                variable,
                variableLength);
        return true;
    }

    private static Status status(ByteBuf frame, int at) {
        return Status.of(frame.getUnsignedShortLE(at));
    }

    private ClientReplyDecoder() {}
}
