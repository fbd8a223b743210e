package dev.cairn.server.replica;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.cairn.protocol.FrameHeader;
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
import dev.cairn.wal.LogCursor;
import org.agrona.MutableDirectBuffer;

/** Turns the core's calls into frames. Peers that are to get the same entries share one encoded frame. Loop thread. */
final class PeerPublisher {
    private static final int BLOCK = FrameHeader.HEADER_LENGTH;

    private final PeerTransport transport;
    private final LogCursor cursor;
    private boolean hasRoom = true;
    private long storageEpoch;
    private boolean repairing;

    // What the frame that was claimed last says, when it is an AppendEntries.
    private boolean claimIsAppendEntries;
    private long claimedTerm;
    private long claimedPrevLogIndex;
    private long claimedLastIndex;
    private long claimedCommitIndex;
    private long claimedReadPosition;

    PeerPublisher(final PeerTransport transport, final LogCursor cursor) {
        this.transport = transport;
        this.cursor = cursor;
    }

    void sendRequestVote(
            final int to,
            final long term,
            final boolean preVote,
            final boolean byTransfer,
            final long lastLogIndex,
            final long lastLogTerm) {
        final MutableDirectBuffer frame = claim(PeerProtocol.REQUEST_VOTE, RequestVote.BLOCK_LENGTH, 0);
        frame.putLong(BLOCK + RequestVote.TERM_OFFSET, term, LITTLE_ENDIAN);
        frame.putLong(BLOCK + RequestVote.LAST_LOG_INDEX_OFFSET, lastLogIndex, LITTLE_ENDIAN);
        frame.putLong(BLOCK + RequestVote.LAST_LOG_TERM_OFFSET, lastLogTerm, LITTLE_ENDIAN);
        frame.putLong(BLOCK + RequestVote.PRE_VOTE_OFFSET, 0, LITTLE_ENDIAN);
        frame.putByte(BLOCK + RequestVote.PRE_VOTE_OFFSET, (byte) (preVote ? 1 : 0));
        frame.putByte(BLOCK + RequestVote.BY_TRANSFER_OFFSET, (byte) (byTransfer ? 1 : 0));
        transport.sendRequest(to);
    }

    void sendReadIndexRequest(final int to, final long term, final long requestId) {
        final MutableDirectBuffer frame = claim(PeerProtocol.READ_INDEX_REQUEST, ReadIndexRequest.BLOCK_LENGTH, 0);
        frame.putLong(BLOCK + ReadIndexRequest.TERM_OFFSET, term, LITTLE_ENDIAN);
        frame.putLong(BLOCK + ReadIndexRequest.REQUEST_ID_OFFSET, requestId, LITTLE_ENDIAN);
        transport.sendRequest(to);
    }

    void sendReadIndexReply(final int to, final long term, final long requestId, final long readIndex) {
        final MutableDirectBuffer frame = claim(PeerProtocol.READ_INDEX_REPLY, ReadIndexReply.BLOCK_LENGTH, 0);
        frame.putLong(BLOCK + ReadIndexReply.TERM_OFFSET, term, LITTLE_ENDIAN);
        frame.putLong(BLOCK + ReadIndexReply.REQUEST_ID_OFFSET, requestId, LITTLE_ENDIAN);
        frame.putLong(BLOCK + ReadIndexReply.READ_INDEX_OFFSET, readIndex, LITTLE_ENDIAN);
        transport.sendReply(to);
    }

    void sendTimeoutNow(final int to, final long term) {
        final MutableDirectBuffer frame = claim(PeerProtocol.TIMEOUT_NOW, TimeoutNow.BLOCK_LENGTH, 0);
        frame.putLong(BLOCK + TimeoutNow.TERM_OFFSET, term, LITTLE_ENDIAN);
        transport.sendRequest(to);
    }

    void sendVote(final int to, final long term, final boolean preVote, final long requestTerm, final boolean granted) {
        final MutableDirectBuffer frame = claim(PeerProtocol.VOTE, Vote.BLOCK_LENGTH, 0);
        frame.putLong(BLOCK + Vote.TERM_OFFSET, term, LITTLE_ENDIAN);
        frame.putLong(BLOCK + Vote.REQUEST_TERM_OFFSET, requestTerm, LITTLE_ENDIAN);
        frame.putLong(BLOCK + Vote.PRE_VOTE_OFFSET, 0, LITTLE_ENDIAN);
        frame.putByte(BLOCK + Vote.PRE_VOTE_OFFSET, (byte) (preVote ? 1 : 0));
        frame.putByte(BLOCK + Vote.GRANTED_OFFSET, (byte) (granted ? 1 : 0));
        transport.sendReply(to);
    }

    void sendAppendEntries(
            final int to,
            final long term,
            final long prevLogIndex,
            final long prevLogTerm,
            final long lastIndex,
            final long commitIndex,
            final long readPosition) {
        final boolean same = claimIsAppendEntries
                && claimedTerm == term
                && claimedPrevLogIndex == prevLogIndex
                && claimedLastIndex == lastIndex
                && claimedCommitIndex == commitIndex
                && claimedReadPosition == readPosition;
        if (!same) {
            encodeAppendEntries(term, prevLogIndex, prevLogTerm, lastIndex, commitIndex, readPosition);
        }
        transport.sendRequest(to);
    }

    private void encodeAppendEntries(
            final long term,
            final long prevLogIndex,
            final long prevLogTerm,
            final long lastIndex,
            final long commitIndex,
            final long readPosition) {
        int entriesLength = 0;
        for (long index = prevLogIndex + 1; index <= lastIndex; index++) {
            entriesLength += entry(index).length();
        }
        final MutableDirectBuffer frame = claim(PeerProtocol.APPEND_ENTRIES, AppendEntries.BLOCK_LENGTH, entriesLength);
        frame.putLong(BLOCK + AppendEntries.TERM_OFFSET, term, LITTLE_ENDIAN);
        frame.putLong(BLOCK + AppendEntries.PREV_LOG_INDEX_OFFSET, prevLogIndex, LITTLE_ENDIAN);
        frame.putLong(BLOCK + AppendEntries.PREV_LOG_TERM_OFFSET, prevLogTerm, LITTLE_ENDIAN);
        frame.putLong(BLOCK + AppendEntries.COMMIT_INDEX_OFFSET, commitIndex, LITTLE_ENDIAN);
        frame.putLong(BLOCK + AppendEntries.READ_POSITION_OFFSET, readPosition, LITTLE_ENDIAN);
        frame.putInt(BLOCK + AppendEntries.ENTRY_COUNT_OFFSET, (int) (lastIndex - prevLogIndex), LITTLE_ENDIAN);
        frame.putInt(BLOCK + AppendEntries.ENTRIES_LENGTH_OFFSET, entriesLength, LITTLE_ENDIAN);
        int at = BLOCK + AppendEntries.BLOCK_LENGTH;
        for (long index = prevLogIndex + 1; index <= lastIndex; index++) {
            final LogCursor entry = entry(index);
            frame.putBytes(at, entry.buffer(), entry.offset(), entry.length());
            at += entry.length();
        }
        claimIsAppendEntries = true;
        claimedTerm = term;
        claimedPrevLogIndex = prevLogIndex;
        claimedLastIndex = lastIndex;
        claimedCommitIndex = commitIndex;
        claimedReadPosition = readPosition;
    }

    private LogCursor entry(final long index) {
        if (!cursor.seek(index)) {
            throw new IllegalStateException("entry " + index + " is to be sent but not in the log");
        }
        return cursor;
    }

    /** What the acknowledgements of this node say from now on about its disk. */
    void hasRoom(final boolean newHasRoom) {
        hasRoom = newHasRoom;
    }

    /** What the answers of this node say from now on about its log. */
    void storage(final long epoch, final boolean newRepairing) {
        storageEpoch = epoch;
        repairing = newRepairing;
    }

    void sendRepairTarget(final int to, final long term, final long ofStorageEpoch, final long index) {
        final MutableDirectBuffer frame = claim(PeerProtocol.REPAIR_TARGET, RepairTarget.BLOCK_LENGTH, 0);
        frame.putLong(BLOCK + RepairTarget.TERM_OFFSET, term, LITTLE_ENDIAN);
        frame.putLong(BLOCK + RepairTarget.STORAGE_EPOCH_OFFSET, ofStorageEpoch, LITTLE_ENDIAN);
        frame.putLong(BLOCK + RepairTarget.INDEX_OFFSET, index, LITTLE_ENDIAN);
        transport.sendRequest(to);
    }

    void sendAppendEntriesAccepted(
            final int to,
            final long term,
            final long matchIndex,
            final long verifiedIndex,
            final long readPosition,
            final boolean full) {
        final MutableDirectBuffer frame = claim(PeerProtocol.APPEND_ACCEPTED, AppendAccepted.BLOCK_LENGTH, 0);
        frame.putLong(BLOCK + AppendAccepted.TERM_OFFSET, term, LITTLE_ENDIAN);
        frame.putLong(BLOCK + AppendAccepted.MATCH_INDEX_OFFSET, matchIndex, LITTLE_ENDIAN);
        frame.putLong(BLOCK + AppendAccepted.VERIFIED_INDEX_OFFSET, verifiedIndex, LITTLE_ENDIAN);
        frame.putLong(BLOCK + AppendAccepted.READ_POSITION_OFFSET, readPosition, LITTLE_ENDIAN);
        final int room = (full ? AppendAccepted.ROOM_FULL : 0) | (hasRoom ? 0 : AppendAccepted.ROOM_LOW);
        frame.putLong(BLOCK + AppendAccepted.ROOM_OFFSET, room, LITTLE_ENDIAN);
        frame.putByte(BLOCK + AppendAccepted.REPAIRING_OFFSET, (byte) (repairing ? 1 : 0));
        frame.putLong(BLOCK + AppendAccepted.STORAGE_EPOCH_OFFSET, storageEpoch, LITTLE_ENDIAN);
        transport.sendReply(to);
    }

    void sendAppendEntriesRejected(
            final int to,
            final long term,
            final long prevLogIndex,
            final long conflictIndex,
            final long conflictTerm,
            final long readPosition) {
        final MutableDirectBuffer frame = claim(PeerProtocol.APPEND_REJECTED, AppendRejected.BLOCK_LENGTH, 0);
        frame.putLong(BLOCK + AppendRejected.TERM_OFFSET, term, LITTLE_ENDIAN);
        frame.putLong(BLOCK + AppendRejected.PREV_LOG_INDEX_OFFSET, prevLogIndex, LITTLE_ENDIAN);
        frame.putLong(BLOCK + AppendRejected.CONFLICT_INDEX_OFFSET, conflictIndex, LITTLE_ENDIAN);
        frame.putLong(BLOCK + AppendRejected.CONFLICT_TERM_OFFSET, conflictTerm, LITTLE_ENDIAN);
        frame.putLong(BLOCK + AppendRejected.READ_POSITION_OFFSET, readPosition, LITTLE_ENDIAN);
        frame.putLong(BLOCK + AppendRejected.STORAGE_EPOCH_OFFSET, storageEpoch, LITTLE_ENDIAN);
        frame.putLong(BLOCK + AppendRejected.REPAIRING_OFFSET, repairing ? 1 : 0, LITTLE_ENDIAN);
        transport.sendReply(to);
    }

    void sendInstallSnapshot(final int to, final long term, final Snapshots.Offer offer) {
        final MutableDirectBuffer frame = claim(PeerProtocol.INSTALL_SNAPSHOT, InstallSnapshot.BLOCK_LENGTH, 0);
        frame.putLong(BLOCK + InstallSnapshot.TERM_OFFSET, term, LITTLE_ENDIAN);
        frame.putLong(BLOCK + InstallSnapshot.INDEX_OFFSET, offer.index(), LITTLE_ENDIAN);
        frame.putLong(BLOCK + InstallSnapshot.INDEX_TERM_OFFSET, offer.term(), LITTLE_ENDIAN);
        frame.putLong(BLOCK + InstallSnapshot.CHECKPOINT_ID_OFFSET, offer.checkpointId(), LITTLE_ENDIAN);
        transport.sendRequest(to);
    }

    void flush() {
        claimIsAppendEntries = false;
        transport.flush();
    }

    private MutableDirectBuffer claim(final int type, final int blockLength, final int variableLength) {
        claimIsAppendEntries = false;
        final int length = BLOCK + blockLength + variableLength;
        final MutableDirectBuffer frame = transport.claim(length);
        FrameWriter.putPeerHeader(frame, length, type, blockLength);
        return frame;
    }
}
