package dev.cairn.server.replica;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.engine.ValueDescriptor;
import dev.cairn.protocol.CheckpointOpenReplyDescriptor;
import dev.cairn.protocol.CheckpointReadReplyDescriptor;
import dev.cairn.protocol.CommandReplyDescriptor;
import dev.cairn.protocol.ErrorReplyDescriptor;
import dev.cairn.protocol.FrameHeader;
import dev.cairn.protocol.GetReplyDescriptor;
import dev.cairn.protocol.Limits;
import dev.cairn.protocol.MembershipReplyDescriptor;
import dev.cairn.protocol.MessageType;
import dev.cairn.protocol.MultiGetReplyDescriptor;
import dev.cairn.protocol.ScanReplyDescriptor;
import dev.cairn.protocol.Status;
import dev.cairn.protocol.StatusReplyDescriptor;
import dev.cairn.protocol.WaitAppliedReplyDescriptor;
import dev.cairn.raft.Membership;
import dev.cairn.raft.RaftCore;
import dev.cairn.raft.Role;
import dev.cairn.server.metrics.LoopMetrics;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.jspecify.annotations.Nullable;

/** Turns outcomes into reply frames. A reply to a connection that is gone is dropped. Loop thread. */
public final class ReplyPublisher {
    private static final int BLOCK = FrameHeader.HEADER_LENGTH;

    private final ClientTransport transport;
    private final LoopMetrics metrics;

    public ReplyPublisher(final ClientTransport transport, final LoopMetrics metrics) {
        this.transport = transport;
        this.metrics = metrics;
    }

    /** Answers a command: status code, revision, and the result in [offset, offset + length). */
    public void commandReply(
            final long connectionId,
            final long requestId,
            final int status,
            final long revision,
            final DirectBuffer result,
            final int offset,
            final int length) {
        metrics.onReply(status);
        final MutableDirectBuffer frame =
                claim(connectionId, requestId, MessageType.COMMAND_REPLY, CommandReplyDescriptor.BLOCK_LENGTH, length);
        if (frame == null) {
            return;
        }
        frame.putShort(BLOCK + CommandReplyDescriptor.STATUS_OFFSET, (short) status, LITTLE_ENDIAN);
        frame.putShort(BLOCK + CommandReplyDescriptor.FLAGS_OFFSET, (short) 0, LITTLE_ENDIAN);
        frame.putInt(BLOCK + CommandReplyDescriptor.RESULT_LENGTH_OFFSET, length, LITTLE_ENDIAN);
        frame.putLong(BLOCK + CommandReplyDescriptor.REVISION_OFFSET, revision, LITTLE_ENDIAN);
        frame.putBytes(BLOCK + CommandReplyDescriptor.BLOCK_LENGTH, result, offset, length);
        transport.send();
    }

    void checkpointOpened(
            final long connectionId, final long requestId, final Snapshots.Offer opened, final byte[] manifest) {
        metrics.onReply(Status.OK.code());
        final MutableDirectBuffer frame = claim(
                connectionId,
                requestId,
                MessageType.CHECKPOINT_OPEN_REPLY,
                CheckpointOpenReplyDescriptor.BLOCK_LENGTH,
                manifest.length);
        if (frame == null) {
            return;
        }
        frame.putLong(BLOCK + CheckpointOpenReplyDescriptor.CHECKPOINT_ID_OFFSET, opened.checkpointId(), LITTLE_ENDIAN);
        frame.putLong(BLOCK + CheckpointOpenReplyDescriptor.INDEX_OFFSET, opened.index(), LITTLE_ENDIAN);
        frame.putLong(BLOCK + CheckpointOpenReplyDescriptor.TERM_OFFSET, opened.term(), LITTLE_ENDIAN);
        frame.putLong(BLOCK + CheckpointOpenReplyDescriptor.MANIFEST_LENGTH_OFFSET, manifest.length, LITTLE_ENDIAN);
        frame.putBytes(BLOCK + CheckpointOpenReplyDescriptor.BLOCK_LENGTH, manifest);
        transport.send();
    }

    void checkpointChunk(final long connectionId, final long requestId, final long offset, final ByteBuffer bytes) {
        metrics.onReply(Status.OK.code());
        final int length = bytes.remaining();
        final MutableDirectBuffer frame = claim(
                connectionId,
                requestId,
                MessageType.CHECKPOINT_READ_REPLY,
                CheckpointReadReplyDescriptor.BLOCK_LENGTH,
                length);
        if (frame == null) {
            return;
        }
        frame.putInt(BLOCK + CheckpointReadReplyDescriptor.STATUS_OFFSET, Status.OK.code(), LITTLE_ENDIAN);
        frame.putInt(BLOCK + CheckpointReadReplyDescriptor.LENGTH_OFFSET, length, LITTLE_ENDIAN);
        frame.putLong(BLOCK + CheckpointReadReplyDescriptor.OFFSET_OFFSET, offset, LITTLE_ENDIAN);
        frame.putBytes(BLOCK + CheckpointReadReplyDescriptor.BLOCK_LENGTH, bytes, length);
        transport.send();
    }

    /** Answers a read with a stored row: header and value. */
    void getReply(
            final long connectionId, final long requestId, final DirectBuffer row, final int offset, final int length) {
        metrics.onReply(Status.OK.code());
        final int valueLength = length - ValueDescriptor.HEADER_LENGTH;
        final MutableDirectBuffer frame =
                claim(connectionId, requestId, MessageType.GET_REPLY, GetReplyDescriptor.BLOCK_LENGTH, valueLength);
        if (frame == null) {
            return;
        }
        putGetBlock(
                frame,
                Status.OK,
                valueLength,
                row.getLong(offset + ValueDescriptor.CREATE_REVISION_OFFSET, LITTLE_ENDIAN),
                row.getLong(offset + ValueDescriptor.MOD_REVISION_OFFSET, LITTLE_ENDIAN),
                row.getLong(offset + ValueDescriptor.VERSION_OFFSET, LITTLE_ENDIAN));
        frame.putBytes(
                BLOCK + GetReplyDescriptor.BLOCK_LENGTH, row, offset + ValueDescriptor.HEADER_LENGTH, valueLength);
        transport.send();
    }

    void getNotFound(final long connectionId, final long requestId) {
        metrics.onReply(Status.NOT_FOUND.code());
        final MutableDirectBuffer frame =
                claim(connectionId, requestId, MessageType.GET_REPLY, GetReplyDescriptor.BLOCK_LENGTH, 0);
        if (frame != null) {
            putGetBlock(frame, Status.NOT_FOUND, 0, 0, 0, 0);
            transport.send();
        }
    }

    /**
     * Answers with a message that another thread has laid out.
     *
     * @param buffer fixed block and variable part
     */
    void reply(
            final long connectionId,
            final long requestId,
            final int type,
            final DirectBuffer buffer,
            final int offset,
            final int length) {
        metrics.onReply(Status.OK.code());
        final int blockLength = switch (type) {
            case MessageType.MULTI_GET_REPLY -> MultiGetReplyDescriptor.BLOCK_LENGTH;
            case MessageType.SCAN_REPLY -> ScanReplyDescriptor.BLOCK_LENGTH;
            default -> throw new IllegalArgumentException("reply of type " + type);
        };
        final MutableDirectBuffer frame = claim(connectionId, requestId, type, blockLength, length - blockLength);
        if (frame != null) {
            frame.putBytes(BLOCK, buffer, offset, length);
            transport.send();
        }
    }

    void waitAppliedReply(final long connectionId, final long requestId, final long appliedIndex) {
        metrics.onReply(Status.OK.code());
        final MutableDirectBuffer frame = claim(
                connectionId, requestId, MessageType.WAIT_APPLIED_REPLY, WaitAppliedReplyDescriptor.BLOCK_LENGTH, 0);
        if (frame != null) {
            frame.putLong(BLOCK + WaitAppliedReplyDescriptor.APPLIED_INDEX_OFFSET, appliedIndex, LITTLE_ENDIAN);
            transport.send();
        }
    }

    private static void putGetBlock(
            final MutableDirectBuffer frame,
            final Status status,
            final int valueLength,
            final long createRevision,
            final long modRevision,
            final long version) {
        frame.putShort(BLOCK + GetReplyDescriptor.STATUS_OFFSET, (short) status.code(), LITTLE_ENDIAN);
        frame.putShort(BLOCK + GetReplyDescriptor.FLAGS_OFFSET, (short) 0, LITTLE_ENDIAN);
        frame.putInt(BLOCK + GetReplyDescriptor.VALUE_LENGTH_OFFSET, valueLength, LITTLE_ENDIAN);
        frame.putLong(BLOCK + GetReplyDescriptor.CREATE_REVISION_OFFSET, createRevision, LITTLE_ENDIAN);
        frame.putLong(BLOCK + GetReplyDescriptor.MOD_REVISION_OFFSET, modRevision, LITTLE_ENDIAN);
        frame.putLong(BLOCK + GetReplyDescriptor.VERSION_OFFSET, version, LITTLE_ENDIAN);
    }

    /**
     * Refuses a request, or with {@link FrameHeader#CONNECTION_REQUEST_ID} speaks of all that is in flight.
     *
     * @param leaderId 0 when unknown
     * @param leaderAddress client address of the leader, empty when unknown
     */
    void error(
            final long connectionId,
            final long requestId,
            final Status status,
            final int leaderId,
            final String leaderAddress,
            final String text) {
        metrics.onReply(status.code());
        final byte[] address = leaderAddress.getBytes(UTF_8);
        byte[] textBytes = text.getBytes(UTF_8);
        if (textBytes.length > Limits.MAX_TEXT_BYTES) {
            textBytes = Arrays.copyOf(textBytes, Limits.MAX_TEXT_BYTES);
        }
        final MutableDirectBuffer frame = claim(
                connectionId,
                requestId,
                MessageType.ERROR_REPLY,
                ErrorReplyDescriptor.BLOCK_LENGTH,
                address.length + textBytes.length);
        if (frame == null) {
            return;
        }
        frame.putShort(BLOCK + ErrorReplyDescriptor.STATUS_OFFSET, (short) status.code(), LITTLE_ENDIAN);
        frame.putShort(BLOCK + ErrorReplyDescriptor.FLAGS_OFFSET, (short) 0, LITTLE_ENDIAN);
        frame.putInt(BLOCK + ErrorReplyDescriptor.LEADER_ID_OFFSET, leaderId, LITTLE_ENDIAN);
        frame.putInt(BLOCK + ErrorReplyDescriptor.ADDRESS_LENGTH_OFFSET, address.length, LITTLE_ENDIAN);
        frame.putInt(BLOCK + ErrorReplyDescriptor.TEXT_LENGTH_OFFSET, textBytes.length, LITTLE_ENDIAN);
        frame.putBytes(BLOCK + ErrorReplyDescriptor.BLOCK_LENGTH, address);
        frame.putBytes(BLOCK + ErrorReplyDescriptor.BLOCK_LENGTH + address.length, textBytes);
        transport.send();
    }

    void statusReply(
            final long connectionId,
            final long requestId,
            final int nodeId,
            final RaftCore core,
            final long digest,
            final String leaderAddress) {
        metrics.onReply(Status.OK.code());
        final byte[] address = leaderAddress.getBytes(UTF_8);
        final MutableDirectBuffer frame = claim(
                connectionId, requestId, MessageType.STATUS_REPLY, StatusReplyDescriptor.BLOCK_LENGTH, address.length);
        if (frame == null) {
            return;
        }
        frame.setMemory(BLOCK, StatusReplyDescriptor.BLOCK_LENGTH, (byte) 0);
        frame.putInt(BLOCK + StatusReplyDescriptor.NODE_ID_OFFSET, nodeId, LITTLE_ENDIAN);
        frame.putByte(BLOCK + StatusReplyDescriptor.ROLE_OFFSET, (byte)
                (core.isRepairing() ? StatusReplyDescriptor.ROLE_REPAIRING : roleCode(core.role())));
        frame.putByte(BLOCK + StatusReplyDescriptor.DURABILITY_OFFSET, (byte) StatusReplyDescriptor.DURABILITY_FORCED);
        frame.putLong(BLOCK + StatusReplyDescriptor.TERM_OFFSET, core.currentTerm(), LITTLE_ENDIAN);
        frame.putLong(BLOCK + StatusReplyDescriptor.COMMIT_INDEX_OFFSET, core.commitIndex(), LITTLE_ENDIAN);
        frame.putLong(BLOCK + StatusReplyDescriptor.APPLIED_INDEX_OFFSET, core.appliedIndex(), LITTLE_ENDIAN);
        frame.putLong(BLOCK + StatusReplyDescriptor.LAST_LOG_INDEX_OFFSET, core.lastIndex(), LITTLE_ENDIAN);
        frame.putLong(BLOCK + StatusReplyDescriptor.DURABLE_INDEX_OFFSET, core.durableIndex(), LITTLE_ENDIAN);
        frame.putLong(BLOCK + StatusReplyDescriptor.DIGEST_OFFSET, digest, LITTLE_ENDIAN);
        frame.putInt(BLOCK + StatusReplyDescriptor.LEADER_ID_OFFSET, core.leaderId(), LITTLE_ENDIAN);
        frame.putInt(BLOCK + StatusReplyDescriptor.LEADER_ADDRESS_LENGTH_OFFSET, address.length, LITTLE_ENDIAN);
        frame.putBytes(BLOCK + StatusReplyDescriptor.BLOCK_LENGTH, address);
        transport.send();
    }

    void membershipReply(
            final long connectionId,
            final long requestId,
            final int nodeId,
            final RaftCore core,
            final MemberAddresses addresses) {
        metrics.onReply(Status.OK.code());
        final Membership membership = core.membership();
        final int[] members = membership.members();
        int length = 0;
        for (final int member : members) {
            length += MembershipReplyDescriptor.MEMBER_LENGTH
                    + addresses.text(member).getBytes(UTF_8).length;
        }
        final MutableDirectBuffer frame = claim(
                connectionId, requestId, MessageType.MEMBERSHIP_REPLY, MembershipReplyDescriptor.BLOCK_LENGTH, length);
        if (frame == null) {
            return;
        }
        frame.putLong(BLOCK + MembershipReplyDescriptor.INDEX_OFFSET, core.membershipIndex(), LITTLE_ENDIAN);
        frame.putLong(BLOCK + MembershipReplyDescriptor.COMMIT_INDEX_OFFSET, core.commitIndex(), LITTLE_ENDIAN);
        frame.putLong(BLOCK + MembershipReplyDescriptor.LAST_INDEX_OFFSET, core.lastIndex(), LITTLE_ENDIAN);
        frame.putInt(BLOCK + MembershipReplyDescriptor.LEADER_ID_OFFSET, core.leaderId(), LITTLE_ENDIAN);
        frame.putShort(BLOCK + MembershipReplyDescriptor.COUNT_OFFSET, (short) members.length, LITTLE_ENDIAN);
        frame.putShort(
                BLOCK + MembershipReplyDescriptor.MEMBER_LENGTH_OFFSET,
                (short) MembershipReplyDescriptor.MEMBER_LENGTH,
                LITTLE_ENDIAN);
        int at = BLOCK + MembershipReplyDescriptor.BLOCK_LENGTH;
        for (final int member : members) {
            final byte[] address = addresses.text(member).getBytes(UTF_8);
            final boolean self = member == nodeId;
            frame.setMemory(at, MembershipReplyDescriptor.MEMBER_LENGTH, (byte) 0);
            frame.putShort(at + MembershipReplyDescriptor.NODE_ID_OFFSET, (short) member, LITTLE_ENDIAN);
            frame.putByte(at + MembershipReplyDescriptor.FLAGS_OFFSET, (byte)
                    ((membership.isIncomingVoter(member) ? MembershipReplyDescriptor.FLAG_VOTER : 0)
                            | (membership.isOutgoingVoter(member) ? MembershipReplyDescriptor.FLAG_OUTGOING : 0)
                            | (membership.isLearner(member) ? MembershipReplyDescriptor.FLAG_LEARNER : 0)
                            | (self || core.isReachable(member) ? MembershipReplyDescriptor.FLAG_REACHABLE : 0)
                            | (core.isReadyToVote(member) ? MembershipReplyDescriptor.FLAG_CAUGHT_UP : 0)));
            frame.putInt(at + MembershipReplyDescriptor.GOAL_OFFSET, membership.goal(member), LITTLE_ENDIAN);
            frame.putLong(
                    at + MembershipReplyDescriptor.MATCH_INDEX_OFFSET,
                    self ? core.durableIndex() : core.matchIndex(member),
                    LITTLE_ENDIAN);
            frame.putShort(at + MembershipReplyDescriptor.ADDRESS_LENGTH_OFFSET, (short) address.length, LITTLE_ENDIAN);
            frame.putBytes(at + MembershipReplyDescriptor.MEMBER_LENGTH, address);
            at += MembershipReplyDescriptor.MEMBER_LENGTH + address.length;
        }
        transport.send();
    }

    void nodeDetailsReply(final long connectionId, final long requestId, final String json) {
        metrics.onReply(Status.OK.code());
        final byte[] bytes = json.getBytes(UTF_8);
        final MutableDirectBuffer frame =
                claim(connectionId, requestId, MessageType.NODE_DETAILS_REPLY, 0, bytes.length);
        if (frame != null) {
            frame.putBytes(BLOCK, bytes);
            transport.send();
        }
    }

    static int roleCode(final Role role) {
        return switch (role) {
            case FOLLOWER -> StatusReplyDescriptor.ROLE_FOLLOWER;
            case PRE_CANDIDATE -> StatusReplyDescriptor.ROLE_PRE_CANDIDATE;
            case CANDIDATE -> StatusReplyDescriptor.ROLE_CANDIDATE;
            case LEADER -> StatusReplyDescriptor.ROLE_LEADER;
        };
    }

    private @Nullable MutableDirectBuffer claim(
            final long connectionId,
            final long requestId,
            final int type,
            final int blockLength,
            final int variableLength) {
        final int length = BLOCK + blockLength + variableLength;
        final MutableDirectBuffer frame = transport.claim(connectionId, length);
        if (frame != null) {
            FrameWriter.putHeader(frame, length, type, blockLength, FrameHeader.CLIENT_VERSION, requestId);
        }
        return frame;
    }
}
