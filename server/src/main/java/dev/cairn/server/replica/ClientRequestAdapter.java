package dev.cairn.server.replica;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.cairn.engine.CommandFlyweight;
import dev.cairn.engine.CommandRefusal;
import dev.cairn.engine.CommandValidator;
import dev.cairn.protocol.ChangeMembershipDescriptor;
import dev.cairn.protocol.CheckpointReadDescriptor;
import dev.cairn.protocol.FrameHeader;
import dev.cairn.protocol.GetDescriptor;
import dev.cairn.protocol.Limits;
import dev.cairn.protocol.MemberChange;
import dev.cairn.protocol.MessageType;
import dev.cairn.protocol.MultiGetDescriptor;
import dev.cairn.protocol.ScanCursorDescriptor;
import dev.cairn.protocol.ScanDescriptor;
import dev.cairn.protocol.Status;
import dev.cairn.protocol.TransferLeaderDescriptor;
import dev.cairn.protocol.WaitAppliedDescriptor;
import java.util.List;
import org.agrona.DirectBuffer;
import org.agrona.ExpandableArrayBuffer;

/** Turns frames of clients into method calls; what contradicts the layout or the limits is refused. Loop thread. */
final class ClientRequestAdapter implements ClientTransport.Handler {
    private final ConsensusAgent agent;
    /** A request whose fixed block is longer than this version knows, without the rest of the block. */
    private final ExpandableArrayBuffer trimmed = new ExpandableArrayBuffer();

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
        agent.countRequest(
                type, type == MessageType.COMMAND ? CommandFlyweight.kindOf(frame, variable, variableLength) : 0);
        final int version = frame.getByte(offset + FrameHeader.VERSION_OFFSET) & 0xFF;
        if (version != FrameHeader.CLIENT_VERSION) {
            agent.refuse(
                    connectionId,
                    requestId,
                    Status.UNSUPPORTED_VERSION,
                    "a frame of version " + version + ", chosen was " + FrameHeader.CLIENT_VERSION);
            return;
        }
        if (variableLength < 0) {
            agent.refuse(
                    connectionId,
                    requestId,
                    Status.BAD_REQUEST,
                    "block of " + blockLength + " bytes in a frame of " + length);
            return;
        }
        final int problem = check(type, frame, block, blockLength, variable, variableLength);
        if (problem != 0) {
            final Status status = Status.of(problem);
            agent.refuse(connectionId, requestId, status, reason(status, type));
            return;
        }
        switch (type) {
            case MessageType.COMMAND -> onCommand(connectionId, requestId, frame, variable, variableLength);
            case MessageType.GET -> onRead(connectionId, requestId, type, frame, block, variable, variableLength);
            case MessageType.MULTI_GET, MessageType.SCAN ->
                onRangeRead(connectionId, requestId, type, frame, block, variable, variableLength);
            case MessageType.SCAN_NEXT, MessageType.SCAN_CLOSE ->
                agent.onRangeRequest(connectionId, requestId, type, frame, block, blockLength);
            case MessageType.CHECKPOINT_OPEN -> agent.onCheckpointOpen(connectionId, requestId);
            case MessageType.CHECKPOINT_READ -> onCheckpointRead(connectionId, requestId, frame, block);
            case MessageType.STATUS -> agent.onStatus(connectionId, requestId);
            case MessageType.NODE_DETAILS -> agent.onNodeDetails(connectionId, requestId);
            case MessageType.TRANSFER_LEADER ->
                agent.onTransferLeader(
                        connectionId,
                        requestId,
                        frame.getInt(block + TransferLeaderDescriptor.TARGET_OFFSET, LITTLE_ENDIAN),
                        frame.getInt(block + TransferLeaderDescriptor.FLAGS_OFFSET, LITTLE_ENDIAN));
            case MessageType.CHANGE_MEMBERSHIP ->
                onChangeMembership(connectionId, requestId, frame, block, variable, variableLength);
            case MessageType.WAIT_APPLIED ->
                agent.onWaitApplied(
                        connectionId,
                        requestId,
                        frame.getLong(block + WaitAppliedDescriptor.INDEX_OFFSET, LITTLE_ENDIAN),
                        frame.getInt(block + WaitAppliedDescriptor.TIMEOUT_MS_OFFSET, LITTLE_ENDIAN));
            default ->
                agent.refuse(connectionId, requestId, Status.UNKNOWN_TYPE, "message type " + type + " is not known");
        }
    }

    private void onChangeMembership(
            final long connectionId,
            final long requestId,
            final DirectBuffer frame,
            final int block,
            final int offset,
            final int length) {
        final List<MemberChange> changes = MemberChanges.read(
                frame, frame.getInt(block + ChangeMembershipDescriptor.COUNT_OFFSET, LITTLE_ENDIAN), offset, length);
        if (changes == null) {
            agent.refuse(connectionId, requestId, Status.BAD_REQUEST, badRequest(MessageType.CHANGE_MEMBERSHIP));
        } else {
            agent.onChangeMembership(connectionId, requestId, changes);
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

    /** The first byte of the block is the read mode, in every read. */
    private void onRead(
            final long connectionId,
            final long requestId,
            final int type,
            final DirectBuffer frame,
            final int block,
            final int offset,
            final int length) {
        final long minRevision = frame.getLong(block + GetDescriptor.MIN_REVISION_OFFSET, LITTLE_ENDIAN);
        final int readMode = frame.getByte(block + GetDescriptor.READ_MODE_OFFSET) & 0xFF;
        if (readMode == GetDescriptor.READ_LINEARIZABLE) {
            agent.onLinearizableRead(connectionId, requestId, type, minRevision, frame, offset, length);
        } else if (readMode == GetDescriptor.READ_STALE) {
            agent.onStaleRead(connectionId, requestId, type, minRevision, frame, offset, length);
        } else if (readMode == GetDescriptor.READ_FOLLOWER) {
            agent.onFollowerRead(connectionId, requestId, type, minRevision, frame, offset, length);
        } else if (readMode == GetDescriptor.READ_LEASE) {
            agent.onLeaseRead(connectionId, requestId, type, minRevision, frame, offset, length);
        } else {
            agent.refuse(connectionId, requestId, Status.BAD_REQUEST, "read mode " + readMode + ", known are 1 to 4");
        }
    }

    /** The range reader takes the block as this version knows it, and the variable part right behind. */
    private void onRangeRead(
            final long connectionId,
            final long requestId,
            final int type,
            final DirectBuffer frame,
            final int block,
            final int variable,
            final int variableLength) {
        final int known = blockLength(type);
        if (variable - block == known) {
            onRead(connectionId, requestId, type, frame, block, block, known + variableLength);
            return;
        }
        trimmed.putBytes(0, frame, block, known);
        trimmed.putBytes(known, frame, variable, variableLength);
        onRead(connectionId, requestId, type, trimmed, 0, 0, known + variableLength);
    }

    private void onCheckpointRead(
            final long connectionId, final long requestId, final DirectBuffer frame, final int block) {
        agent.onCheckpointRead(
                connectionId,
                requestId,
                frame.getLong(block + CheckpointReadDescriptor.CHECKPOINT_ID_OFFSET, LITTLE_ENDIAN),
                frame.getInt(block + CheckpointReadDescriptor.FILE_NUMBER_OFFSET, LITTLE_ENDIAN),
                frame.getLong(block + CheckpointReadDescriptor.OFFSET_OFFSET, LITTLE_ENDIAN),
                frame.getInt(block + CheckpointReadDescriptor.MAX_BYTES_OFFSET, LITTLE_ENDIAN));
    }

    // ---- what the layouts demand, status code or 0 ---------------------------------------------------------------

    private int check(
            final int type,
            final DirectBuffer frame,
            final int block,
            final int blockLength,
            final int variable,
            final int variableLength) {
        if (blockLength < blockLength(type)) {
            return Status.BAD_REQUEST.code();
        }
        return switch (type) {
            case MessageType.GET ->
                checkKey(frame.getInt(block + GetDescriptor.KEY_LENGTH_OFFSET, LITTLE_ENDIAN), variableLength);
            case MessageType.MULTI_GET ->
                checkKeys(
                        frame,
                        frame.getInt(block + MultiGetDescriptor.KEY_COUNT_OFFSET, LITTLE_ENDIAN),
                        variable,
                        variableLength);
            case MessageType.SCAN -> checkRange(frame, block, variable, variableLength);
            case MessageType.WAIT_APPLIED -> variableLength > 0 ? Status.BAD_REQUEST.code() : checkWait(frame, block);
            case MessageType.SCAN_NEXT,
                    MessageType.SCAN_CLOSE,
                    MessageType.STATUS,
                    MessageType.NODE_DETAILS,
                    MessageType.CHECKPOINT_OPEN,
                    MessageType.CHECKPOINT_READ,
                    MessageType.TRANSFER_LEADER -> variableLength > 0 ? Status.BAD_REQUEST.code() : 0;
            default -> 0;
        };
    }

    /** Bytes of the fixed block as far as this version knows it. */
    private static int blockLength(final int type) {
        return switch (type) {
            case MessageType.GET -> GetDescriptor.BLOCK_LENGTH;
            case MessageType.MULTI_GET -> MultiGetDescriptor.BLOCK_LENGTH;
            case MessageType.SCAN -> ScanDescriptor.BLOCK_LENGTH;
            case MessageType.SCAN_NEXT, MessageType.SCAN_CLOSE -> ScanCursorDescriptor.BLOCK_LENGTH;
            case MessageType.WAIT_APPLIED -> WaitAppliedDescriptor.BLOCK_LENGTH;
            case MessageType.CHECKPOINT_READ -> CheckpointReadDescriptor.BLOCK_LENGTH;
            case MessageType.TRANSFER_LEADER -> TransferLeaderDescriptor.BLOCK_LENGTH;
            case MessageType.CHANGE_MEMBERSHIP -> ChangeMembershipDescriptor.BLOCK_LENGTH;
            default -> 0;
        };
    }

    private static int checkKey(final int keyLength, final int bytes) {
        if (keyLength != bytes) {
            return Status.BAD_REQUEST.code();
        }
        if (keyLength < Limits.MIN_KEY_BYTES) {
            return Status.KEY_EMPTY.code();
        }
        return keyLength > Limits.MAX_KEY_BYTES ? Status.KEY_TOO_LARGE.code() : 0;
    }

    /** The list fills the bytes exactly, whatever its count says. */
    private int checkKeys(final DirectBuffer frame, final int keyCount, final int offset, final int length) {
        if (keyCount < 1 || keyCount > Limits.MAX_MULTI_GET_KEYS) {
            return Status.BAD_REQUEST.code();
        }
        if (MultiGetDescriptor.BLOCK_LENGTH + length > agent.maxRangeRequestBytes()) {
            return Status.RESULT_TOO_LARGE.code();
        }
        final int end = offset + length;
        int key = offset;
        for (int i = 0; i < keyCount; i++) {
            if (end - key < Integer.BYTES) {
                return Status.BAD_REQUEST.code();
            }
            final int keyLength = frame.getInt(key, LITTLE_ENDIAN);
            key += Integer.BYTES;
            final int problem = checkKey(keyLength, Math.min(keyLength, end - key));
            if (problem != 0) {
                return problem;
            }
            key += keyLength;
        }
        return key == end ? 0 : Status.BAD_REQUEST.code();
    }

    private static int checkRange(final DirectBuffer frame, final int block, final int variable, final int length) {
        final int fromLength = frame.getInt(block + ScanDescriptor.FROM_LENGTH_OFFSET, LITTLE_ENDIAN);
        final int toLength = frame.getInt(block + ScanDescriptor.TO_LENGTH_OFFSET, LITTLE_ENDIAN);
        if (fromLength < 0 || toLength < 0 || (long) fromLength + toLength != length) {
            return Status.BAD_REQUEST.code();
        }
        if (fromLength > Limits.MAX_KEY_BYTES || toLength > Limits.MAX_KEY_BYTES) {
            return Status.KEY_TOO_LARGE.code();
        }
        final int flags = frame.getByte(block + ScanDescriptor.FLAGS_OFFSET);
        final int known = ScanDescriptor.FLAG_REVERSE | ScanDescriptor.FLAG_KEYS_ONLY | ScanDescriptor.FLAG_COUNT_ONLY;
        final int chunkBytes = frame.getInt(block + ScanDescriptor.CHUNK_BYTES_OFFSET, LITTLE_ENDIAN);
        final boolean good = (flags & ~known) == 0
                && chunkBytes >= 0
                && chunkBytes <= Limits.MAX_SCAN_CHUNK_BYTES
                && frame.getLong(block + ScanDescriptor.LIMIT_OFFSET, LITTLE_ENDIAN) >= 0
                && (fromLength == 0
                        || toLength == 0
                        || isBelow(frame, variable, fromLength, variable + fromLength, toLength));
        return good ? 0 : Status.BAD_REQUEST.code();
    }

    private static boolean isBelow(
            final DirectBuffer frame, final int from, final int fromLength, final int to, final int toLength) {
        for (int i = 0; i < Math.min(fromLength, toLength); i++) {
            final int difference = (frame.getByte(from + i) & 0xFF) - (frame.getByte(to + i) & 0xFF);
            if (difference != 0) {
                return difference < 0;
            }
        }
        return fromLength < toLength;
    }

    private static int checkWait(final DirectBuffer frame, final int block) {
        final int timeoutMs = frame.getInt(block + WaitAppliedDescriptor.TIMEOUT_MS_OFFSET, LITTLE_ENDIAN);
        final boolean good = timeoutMs >= 1
                && timeoutMs <= Limits.MAX_WAIT_MS
                && frame.getLong(block + WaitAppliedDescriptor.INDEX_OFFSET, LITTLE_ENDIAN) >= 0;
        return good ? 0 : Status.BAD_REQUEST.code();
    }

    private static String reason(final Status status, final int type) {
        return switch (status) {
            case KEY_EMPTY -> "the key is empty; keys have 1 to " + Limits.MAX_KEY_BYTES + " bytes";
            case KEY_TOO_LARGE -> "the key is longer than " + Limits.MAX_KEY_BYTES + " bytes";
            case RESULT_TOO_LARGE -> "the keys are longer than one request may be; ask for fewer";
            default -> badRequest(type);
        };
    }

    private static String badRequest(final int type) {
        return switch (type) {
            case MessageType.SCAN ->
                "the range is not one: it ends where it begins or before, or a length, limit or flag is not allowed";
            case MessageType.MULTI_GET ->
                "the list of keys contradicts its count or length; 1 to " + Limits.MAX_MULTI_GET_KEYS
                        + " keys are allowed";
            case MessageType.WAIT_APPLIED -> "the wait has 1 to " + Limits.MAX_WAIT_MS + " ms and an index from 0";
            case MessageType.CHANGE_MEMBERSHIP ->
                "the list of changes contradicts its count or length; at most " + Limits.MAX_MEMBER_CHANGES
                        + " changes are allowed, of the kinds 1 to 5";
            default -> "the request contradicts its layout";
        };
    }
}
