package dev.cairn.server.replica;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.cairn.protocol.FrameHeader;
import dev.cairn.raft.RaftCore;
import dev.cairn.server.replica.PeerProtocol.AppendAccepted;
import dev.cairn.server.replica.PeerProtocol.AppendEntries;
import dev.cairn.server.replica.PeerProtocol.AppendRejected;
import dev.cairn.server.replica.PeerProtocol.InstallSnapshot;
import dev.cairn.server.replica.PeerProtocol.ReadIndexReply;
import dev.cairn.server.replica.PeerProtocol.ReadIndexRequest;
import dev.cairn.server.replica.PeerProtocol.RepairTarget;
import dev.cairn.server.replica.PeerProtocol.RequestVote;
import dev.cairn.server.replica.PeerProtocol.TimeoutNow;
import dev.cairn.server.replica.PeerProtocol.Vote;
import org.agrona.DirectBuffer;

/**
 * Turns frames of peers into calls of the core. A frame that contradicts its layout is dropped and reported: Raft
 * repeats what it needs, and nothing of such a frame is believed. Loop thread.
 */
final class PeerMessageAdapter implements PeerTransport.Handler {
    private final RaftCore core;
    private final WalRaftLog log;
    private final Snapshots snapshots;
    private final HandOver handOver;
    private final Belonging belonging;
    private final EventLog events;
    private final EntryBatch batch = new EntryBatch();

    PeerMessageAdapter(
            final RaftCore core,
            final WalRaftLog log,
            final Snapshots snapshots,
            final HandOver handOver,
            final Belonging belonging,
            final EventLog events) {
        this.belonging = belonging;
        this.handOver = handOver;
        this.core = core;
        this.log = log;
        this.snapshots = snapshots;
        this.events = events;
    }

    @Override
    public void onPeerConnectionChanged(final int peerId) {
        core.onPeerUnreachable(peerId);
    }

    @Override
    public void onNotMember(final int peerId, final long index) {
        belonging.onRefused(peerId, index);
    }

    @Override
    public void onPeerFrame(final int peerId, final DirectBuffer frame, final int offset, final int length) {
        final int type = frame.getShort(offset + FrameHeader.TYPE_OFFSET, LITTLE_ENDIAN) & 0xFFFF;
        final int blockLength = frame.getShort(offset + FrameHeader.BLOCK_LENGTH_OFFSET, LITTLE_ENDIAN) & 0xFFFF;
        final int version = frame.getByte(offset + FrameHeader.VERSION_OFFSET) & 0xFF;
        final int block = offset + FrameHeader.HEADER_LENGTH;
        final int variable = block + blockLength;
        final int variableLength = length - FrameHeader.HEADER_LENGTH - blockLength;
        if (version != PeerProtocol.VERSION) {
            events.onBadPeerFrame(peerId, "peer protocol version " + version + ", expected " + PeerProtocol.VERSION);
        } else if (variableLength < 0 || blockLength < knownBlockLength(type)) {
            events.onBadPeerFrame(
                    peerId, "type " + type + " with a block of " + blockLength + " in " + length + " bytes");
        } else {
            dispatch(peerId, type, frame, block, variable, variableLength);
        }
    }

    private static int knownBlockLength(final int type) {
        return switch (type) {
            case PeerProtocol.REQUEST_VOTE -> RequestVote.BLOCK_LENGTH;
            case PeerProtocol.VOTE -> Vote.BLOCK_LENGTH;
            case PeerProtocol.APPEND_ENTRIES -> AppendEntries.BLOCK_LENGTH;
            case PeerProtocol.APPEND_ACCEPTED -> AppendAccepted.BLOCK_LENGTH_WITHOUT_EPOCH;
            case PeerProtocol.APPEND_REJECTED -> AppendRejected.BLOCK_LENGTH_WITHOUT_EPOCH;
            case PeerProtocol.INSTALL_SNAPSHOT -> InstallSnapshot.BLOCK_LENGTH;
            case PeerProtocol.TIMEOUT_NOW -> TimeoutNow.BLOCK_LENGTH;
            case PeerProtocol.READ_INDEX_REQUEST -> ReadIndexRequest.BLOCK_LENGTH;
            case PeerProtocol.READ_INDEX_REPLY -> ReadIndexReply.BLOCK_LENGTH;
            case PeerProtocol.REPAIR_TARGET -> RepairTarget.BLOCK_LENGTH;
            default -> 0;
        };
    }

    private void dispatch(
            final int peerId,
            final int type,
            final DirectBuffer frame,
            final int block,
            final int variable,
            final int variableLength) {
        switch (type) {
            case PeerProtocol.APPEND_ENTRIES -> onAppendEntries(peerId, frame, block, variable, variableLength);
            case PeerProtocol.APPEND_ACCEPTED -> onAppendAccepted(peerId, frame, block, variable - block);
            case PeerProtocol.APPEND_REJECTED -> onAppendRejected(peerId, frame, block, variable - block);
            case PeerProtocol.REPAIR_TARGET ->
                core.onRepairTarget(
                        peerId,
                        frame.getLong(block + RepairTarget.TERM_OFFSET, LITTLE_ENDIAN),
                        frame.getLong(block + RepairTarget.STORAGE_EPOCH_OFFSET, LITTLE_ENDIAN),
                        frame.getLong(block + RepairTarget.INDEX_OFFSET, LITTLE_ENDIAN));
            case PeerProtocol.INSTALL_SNAPSHOT -> onInstallSnapshot(peerId, frame, block);
            case PeerProtocol.READ_INDEX_REQUEST ->
                core.onReadIndexRequest(
                        peerId,
                        frame.getLong(block + ReadIndexRequest.TERM_OFFSET, LITTLE_ENDIAN),
                        frame.getLong(block + ReadIndexRequest.REQUEST_ID_OFFSET, LITTLE_ENDIAN));
            case PeerProtocol.READ_INDEX_REPLY ->
                core.onReadIndexReply(
                        peerId,
                        frame.getLong(block + ReadIndexReply.TERM_OFFSET, LITTLE_ENDIAN),
                        frame.getLong(block + ReadIndexReply.REQUEST_ID_OFFSET, LITTLE_ENDIAN),
                        frame.getLong(block + ReadIndexReply.READ_INDEX_OFFSET, LITTLE_ENDIAN));
            case PeerProtocol.TIMEOUT_NOW ->
                core.onTimeoutNow(peerId, frame.getLong(block + TimeoutNow.TERM_OFFSET, LITTLE_ENDIAN));
            case PeerProtocol.REQUEST_VOTE ->
                core.onRequestVote(
                        peerId,
                        frame.getLong(block + RequestVote.TERM_OFFSET, LITTLE_ENDIAN),
                        frame.getByte(block + RequestVote.PRE_VOTE_OFFSET) != 0,
                        frame.getByte(block + RequestVote.BY_TRANSFER_OFFSET) != 0,
                        frame.getLong(block + RequestVote.LAST_LOG_INDEX_OFFSET, LITTLE_ENDIAN),
                        frame.getLong(block + RequestVote.LAST_LOG_TERM_OFFSET, LITTLE_ENDIAN));
            case PeerProtocol.VOTE ->
                core.onVote(
                        peerId,
                        frame.getLong(block + Vote.TERM_OFFSET, LITTLE_ENDIAN),
                        frame.getByte(block + Vote.PRE_VOTE_OFFSET) != 0,
                        frame.getLong(block + Vote.REQUEST_TERM_OFFSET, LITTLE_ENDIAN),
                        frame.getByte(block + Vote.GRANTED_OFFSET) != 0);
            default -> events.onBadPeerFrame(peerId, "unknown type " + type);
        }
    }

    private void onAppendRejected(final int peerId, final DirectBuffer frame, final int block, final int blockLength) {
        final long term = frame.getLong(block + AppendRejected.TERM_OFFSET, LITTLE_ENDIAN);
        final boolean known = blockLength >= AppendRejected.BLOCK_LENGTH;
        final long epoch = known ? frame.getLong(block + AppendRejected.STORAGE_EPOCH_OFFSET, LITTLE_ENDIAN) : 0;
        final boolean repairing = known && frame.getByte(block + AppendRejected.REPAIRING_OFFSET) != 0;
        if (core.onPeerStorage(peerId, term, epoch, repairing)) {
            core.onAppendEntriesRejected(
                    peerId,
                    term,
                    frame.getLong(block + AppendRejected.PREV_LOG_INDEX_OFFSET, LITTLE_ENDIAN),
                    frame.getLong(block + AppendRejected.CONFLICT_INDEX_OFFSET, LITTLE_ENDIAN),
                    frame.getLong(block + AppendRejected.CONFLICT_TERM_OFFSET, LITTLE_ENDIAN),
                    frame.getLong(block + AppendRejected.READ_POSITION_OFFSET, LITTLE_ENDIAN));
        }
    }

    private void onAppendAccepted(final int peerId, final DirectBuffer frame, final int block, final int blockLength) {
        final int room = frame.getByte(block + AppendAccepted.ROOM_OFFSET);
        handOver.onPeerRoom(peerId, room == 0);
        final long term = frame.getLong(block + AppendAccepted.TERM_OFFSET, LITTLE_ENDIAN);
        final boolean known = blockLength >= AppendAccepted.BLOCK_LENGTH;
        final long epoch = known ? frame.getLong(block + AppendAccepted.STORAGE_EPOCH_OFFSET, LITTLE_ENDIAN) : 0;
        final boolean repairing = known && frame.getByte(block + AppendAccepted.REPAIRING_OFFSET) != 0;
        if (!core.onPeerStorage(peerId, term, epoch, repairing)) {
            return;
        }
        core.onAppendEntriesAccepted(
                peerId,
                term,
                frame.getLong(block + AppendAccepted.MATCH_INDEX_OFFSET, LITTLE_ENDIAN),
                frame.getLong(block + AppendAccepted.VERIFIED_INDEX_OFFSET, LITTLE_ENDIAN),
                frame.getLong(block + AppendAccepted.READ_POSITION_OFFSET, LITTLE_ENDIAN),
                (room & AppendAccepted.ROOM_FULL) != 0);
    }

    private void onInstallSnapshot(final int peerId, final DirectBuffer frame, final int block) {
        final long term = frame.getLong(block + InstallSnapshot.TERM_OFFSET, LITTLE_ENDIAN);
        final long index = frame.getLong(block + InstallSnapshot.INDEX_OFFSET, LITTLE_ENDIAN);
        if (core.onInstallSnapshot(peerId, term, index)) {
            snapshots.onOffered(
                    peerId,
                    new Snapshots.Offer(
                            frame.getLong(block + InstallSnapshot.CHECKPOINT_ID_OFFSET, LITTLE_ENDIAN),
                            index,
                            frame.getLong(block + InstallSnapshot.INDEX_TERM_OFFSET, LITTLE_ENDIAN)));
        }
    }

    private void onAppendEntries(
            final int peerId, final DirectBuffer frame, final int block, final int variable, final int variableLength) {
        final long prevLogIndex = frame.getLong(block + AppendEntries.PREV_LOG_INDEX_OFFSET, LITTLE_ENDIAN);
        final int entriesLength = frame.getInt(block + AppendEntries.ENTRIES_LENGTH_OFFSET, LITTLE_ENDIAN);
        if (entriesLength != variableLength) {
            events.onBadPeerFrame(peerId, entriesLength + " bytes of entries stated, " + variableLength + " received");
            return;
        }
        final String wrong = batch.wrap(
                frame,
                variable,
                variableLength,
                frame.getInt(block + AppendEntries.ENTRY_COUNT_OFFSET, LITTLE_ENDIAN),
                prevLogIndex + 1);
        if (wrong != null) {
            events.onBadPeerFrame(peerId, wrong);
            return;
        }
        log.stage(batch);
        core.onAppendEntries(
                peerId,
                frame.getLong(block + AppendEntries.TERM_OFFSET, LITTLE_ENDIAN),
                prevLogIndex,
                frame.getLong(block + AppendEntries.PREV_LOG_TERM_OFFSET, LITTLE_ENDIAN),
                frame.getLong(block + AppendEntries.COMMIT_INDEX_OFFSET, LITTLE_ENDIAN),
                frame.getLong(block + AppendEntries.READ_POSITION_OFFSET, LITTLE_ENDIAN),
                batch);
        log.unstage();
    }
}
