package dev.cairn.server.replica;

import dev.cairn.raft.EntryType;
import dev.cairn.raft.Membership;
import dev.cairn.raft.RaftLog;
import dev.cairn.wal.EntryDescriptor;
import dev.cairn.wal.LogCursor;
import dev.cairn.wal.Wal;
import org.agrona.DirectBuffer;
import org.agrona.ExpandableArrayBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The core's view of the log. The payload of a proposal, or the entries of a received message, are staged here before the
 * core is called; {@link #append} takes them. Keeps the leader's log time. Loop thread.
 *
 * <p>Log time is the last entry's log time plus the monotonic milliseconds since this node took over: it never goes
 * back, stands still without a leader, and no single wrong clock can poison it. The wall clock seeds index 1 only.
 */
final class WalRaftLog implements RaftLog {
    private static final DirectBuffer NO_PAYLOAD = new UnsafeBuffer(new byte[0]);

    private final Wal wal;
    private final LogCursor cursor;
    private final long wallClockSeedMs;
    /** Log time of the entry before an empty log. */
    private long emptyLogTimeMs;

    private DirectBuffer payload = NO_PAYLOAD;
    private int payloadOffset;
    private int payloadLength;
    private @Nullable EntryBatch batch;

    private int refusedLength = EntryDescriptor.HEADER_LENGTH;
    private int refusedType = EntryType.COMMAND;

    private final MemberAddresses addresses;

    private long nowNs;
    private long leaderSinceNs;
    private long leaderLogTimeMs;
    private long lastLogTimeMs;

    /**
     * @param wallClockSeedMs milliseconds since 1970, used as the log time of index 1 if this node appends it
     * @param appliedLogTimeMs log time of what is applied at the start: all that a log without entries behind a snapshot
     *     leaves of the time
     * @param addresses where members are: goes into configuration entries, and learns from them
     */
    WalRaftLog(
            final Wal wal,
            final LogCursor cursor,
            final long wallClockSeedMs,
            final long appliedLogTimeMs,
            final MemberAddresses addresses) {
        this.wal = wal;
        this.cursor = cursor;
        this.wallClockSeedMs = wallClockSeedMs;
        emptyLogTimeMs = appliedLogTimeMs;
        this.addresses = addresses;
    }

    void now(final long monotonicNs) {
        nowNs = monotonicNs;
    }

    /** This node leads from now on: its log time goes on where the log's last entry stands. */
    void onLeaderStart() {
        leaderSinceNs = nowNs;
        final long last = wal.appendedIndex();
        if (last == 0) {
            leaderLogTimeMs = wallClockSeedMs;
        } else if (last < wal.firstIndex()) {
            leaderLogTimeMs = emptyLogTimeMs;
        } else if (cursor.seek(last)) {
            leaderLogTimeMs = cursor.logTimeMs();
        } else {
            throw new IllegalStateException("last entry " + last + " cannot be read");
        }
        lastLogTimeMs = leaderLogTimeMs;
    }

    /** A leader's log time now: that of the log's end when it took over, and what has passed since. */
    long logTimeMs() {
        return leaderLogTimeMs + (nowNs - leaderSinceNs) / 1_000_000;
    }

    /** Log time of the last entry that this leader has appended, or found. */
    long lastLogTimeMs() {
        return lastLogTimeMs;
    }

    void stage(final DirectBuffer buffer, final int offset, final int length) {
        payload = buffer;
        payloadOffset = offset;
        payloadLength = length;
    }

    void stage(final EntryBatch entries) {
        batch = entries;
    }

    void unstage() {
        batch = null;
        payload = NO_PAYLOAD;
        payloadOffset = 0;
        payloadLength = 0;
    }

    @Override
    public boolean hasRoom(final long index, final int type) {
        final int length = batch != null
                ? batch.lengthOfIndex(index)
                : EntryDescriptor.HEADER_LENGTH + (type == EntryType.NOOP ? 0 : payloadLength);
        if (wal.ensureRoom(length, type)) {
            return true;
        }
        refusedLength = length;
        refusedType = type;
        return false;
    }

    @Override
    public boolean hasRoomAgain() {
        return wal.ensureRoom(refusedLength, refusedType);
    }

    @Override
    public void append(final long index, final long term, final int type) {
        if (batch != null) {
            wal.appendEntry(batch.buffer(), batch.offsetOfIndex(index), batch.lengthOfIndex(index));
            return;
        }
        final long logTimeMs = logTimeMs();
        lastLogTimeMs = logTimeMs;
        if (type == EntryType.NOOP) {
            wal.append(index, term, logTimeMs, type, NO_PAYLOAD, 0, 0);
        } else {
            wal.append(index, term, logTimeMs, type, payload, payloadOffset, payloadLength);
        }
    }

    @Override
    public boolean appendMembership(final long index, final long term, final Membership membership) {
        final MutableDirectBuffer buffer = new ExpandableArrayBuffer();
        stage(buffer, 0, MembershipDescriptor.encode(buffer, membership, addresses.texts()));
        final boolean room = hasRoom(index, EntryType.CONFIG);
        if (room) {
            append(index, term, EntryType.CONFIG);
        }
        unstage();
        return room;
    }

    @Override
    public Membership membership(final long index) {
        if (!cursor.seek(index) || cursor.type() != EntryType.CONFIG) {
            throw new IllegalStateException("configuration entry " + index + " cannot be read");
        }
        return takeMembership(cursor.buffer(), cursor.payloadOffset(), cursor.payloadLength());
    }

    /** What the payload of a configuration entry holds. */
    Membership takeMembership(final DirectBuffer entryPayload) {
        return takeMembership(entryPayload, 0, entryPayload.capacity());
    }

    private Membership takeMembership(final DirectBuffer buffer, final int offset, final int length) {
        final MembershipDescriptor.Decoded decoded = MembershipDescriptor.decode(buffer, offset, length);
        decoded.addresses().forEach(addresses::put);
        return decoded.membership();
    }

    @Override
    public long nextMembership(final long fromIndex) {
        for (long index = Math.max(fromIndex, firstIndex()); index <= lastIndex(); index++) {
            if (wal.entryType(index) == EntryType.CONFIG) {
                return index;
            }
        }
        return 0;
    }

    @Override
    public void truncateSuffix(final long fromIndex) {
        wal.truncateSuffix(fromIndex);
    }

    @Override
    public void truncatePrefix(final long upToIndex) {
        if (upToIndex == wal.appendedIndex() && cursor.seek(upToIndex)) {
            emptyLogTimeMs = cursor.logTimeMs();
        }
        wal.truncatePrefix(upToIndex);
    }

    @Override
    public long firstIndex() {
        return wal.firstIndex();
    }

    @Override
    public long lastIndex() {
        return wal.appendedIndex();
    }

    @Override
    public long term(final long index) {
        return wal.term(index);
    }

    @Override
    public int entryBytes(final long index) {
        return wal.entryLength(index);
    }

    @Override
    public long endPosition(final long index) {
        return wal.endPosition(index);
    }
}
