package dev.cairn.server.replica;

import dev.cairn.engine.CommandFlyweight;
import dev.cairn.engine.KvStoreException;
import dev.cairn.engine.ResultSink;
import dev.cairn.engine.StateMachine;
import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.protocol.Status;
import dev.cairn.server.metrics.ReplicaMetrics;
import dev.cairn.wal.LogCursor;
import org.agrona.BitUtil;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.MessageHandler;
import org.agrona.concurrent.ringbuffer.OneToOneRingBuffer;
import org.agrona.concurrent.ringbuffer.RecordDescriptor;

/**
 * Applies committed entries in order, on its own thread: all that the commit ring holds as one atomic write, then the
 * results to the loop, then the applied index. It reads entries through its own cursor; consensus never waits for it.
 *
 * <p>The loop hands over ranges only up to min(commit index, locally durable index): what is applied can neither be taken
 * back by a leader nor by a crash of this host.
 */
public final class ApplyAgent implements DutyCycle {
    /** Bytes of entries and number of entries in one write. */
    private static final int MAX_BATCH_BYTES = 4 << 20;

    private static final int MAX_BATCH_ENTRIES = 4096;

    /** Ranges deleted in one write: each makes every further command of the batch look whether it is concerned. */
    private static final int MAX_BATCH_RANGES = 64;

    /** Fewer entries are not worth a look ahead. */
    private static final int LEAST_EXPECTED_ENTRIES = 4;

    private static final int RANGE_MESSAGE = 1;
    private static final int RANGE_LAST_INDEX_OFFSET = 0;
    private static final int RANGE_LAST_TERM_OFFSET = 8;
    private static final int RANGE_WANTED_OFFSET = 16;
    private static final int RANGE_LENGTH = 24;

    static final int RESULT_MESSAGE = 2;
    static final int RESULT_INDEX_OFFSET = 0;
    static final int RESULT_REVISION_OFFSET = 8;
    static final int RESULT_STATUS_OFFSET = 16;
    static final int RESULT_BYTES_OFFSET = 20;

    /** What a ring asks for beyond its records: room for the next header, and for a record that ends exactly at its end. */
    private static final int RING_SLACK_BYTES = 64;

    private final LogCursor cursor;
    private final StateMachine stateMachine;
    private final Wakeable loop;
    private final ReplicaMetrics metrics;
    private final OneToOneRingBuffer commitRing;
    private final OneToOneRingBuffer resultRing;
    private final MessageHandler onRange = this::onRange;
    private final ResultSink onResult = this::onResult;
    /** Longest result that the ring can carry; in a node no result is longer, see {@link Capacities}. */
    private final int maxResultBytes;

    // Apply thread.
    private long nextIndex;
    private long lastIndex;
    private long lastTerm;
    private long wantedFromIndex = Long.MAX_VALUE;

    /** Entries applied and not yet written. */
    private int openEntries;

    // Of the open batch: its records in the result ring, and the largest of them.
    private int recordBytes;
    private int largestRecord;

    // Published by the apply thread.
    private volatile long appliedIndex;
    private volatile long digest;
    private volatile long nextExpiryLogTimeMs;
    private volatile boolean stalled;

    ApplyAgent(
            final LogCursor cursor,
            final StateMachine stateMachine,
            final Wakeable loop,
            final Capacities capacities,
            final ReplicaMetrics metrics) {
        commitRing = Rings.create(capacities.commitRingBytes());
        resultRing = Rings.create(capacities.resultRingBytes());
        maxResultBytes = Math.min(StateMachine.MAX_RESULT_BYTES, resultRing.maxMsgLength() - RESULT_BYTES_OFFSET);
        this.cursor = cursor;
        this.stateMachine = stateMachine;
        this.loop = loop;
        this.metrics = metrics;
        nextIndex = stateMachine.appliedIndex() + 1;
        lastIndex = stateMachine.appliedIndex();
        appliedIndex = stateMachine.appliedIndex();
        digest = stateMachine.digest();
        nextExpiryLogTimeMs = stateMachine.nextExpiryLogTimeMs();
    }

    /**
     * Loop thread: entries up to {@code index} may be applied.
     *
     * @param resultsWanted clients of this node may wait for their results
     * @return false when the ring is full: say it again later, with the then newest index
     */
    boolean offer(final long index, final long term, final boolean resultsWanted) {
        final int claim = commitRing.tryClaim(RANGE_MESSAGE, RANGE_LENGTH);
        if (claim < 0) {
            return false;
        }
        boolean written = false;
        try {
            commitRing.buffer().putLong(claim + RANGE_LAST_INDEX_OFFSET, index);
            commitRing.buffer().putLong(claim + RANGE_LAST_TERM_OFFSET, term);
            commitRing.buffer().putLong(claim + RANGE_WANTED_OFFSET, resultsWanted ? 1 : 0);
            written = true;
        } finally {
            if (written) {
                commitRing.commit(claim);
            } else {
                commitRing.abort(claim);
            }
        }
        return true;
    }

    /** Loop thread: takes the results that have arrived, all of them: none stays behind when its index counts as applied. */
    int pollResults(final MessageHandler handler) {
        return Rings.readAll(resultRing, handler);
    }

    /** Any thread: bytes of ranges that wait to be applied. */
    int commitRingBytes() {
        return commitRing.size();
    }

    /** Any thread: bytes of results that wait for the loop. */
    int resultRingBytes() {
        return resultRing.size();
    }

    /** Any thread: the state machine and every reader see everything up to here. */
    public long appliedIndex() {
        return appliedIndex;
    }

    /** Any thread: running digest of everything applied, at some recent applied index. */
    public long digest() {
        return digest;
    }

    /**
     * Any thread: log time in milliseconds at which any entry makes something expire, at some recent applied index;
     * {@link Long#MAX_VALUE} = nothing.
     */
    public long nextExpiryLogTimeMs() {
        return nextExpiryLogTimeMs;
    }

    /** Apply thread: true when {@link #doWork} would find something. */
    @Override
    public boolean hasWork() {
        // A stalled batch is tried at the pace of a parked thread's looks, and does not hold up a stop: the log has it.
        return !stalled && (commitRing.size() > 0 || nextIndex <= lastIndex);
    }

    /** One cycle: (1) what may be applied (2) one batch (3) results and applied index. */
    @Override
    public int doWork() {
        commitRing.read(onRange);
        if (openEntries == 0) {
            openEntries = nextIndex > lastIndex ? 0 : applyBatch();
        }
        if (openEntries == 0 || !commit()) {
            return 0;
        }
        final int applied = openEntries;
        openEntries = 0;
        digest = stateMachine.digest();
        nextExpiryLogTimeMs = stateMachine.nextExpiryLogTimeMs();
        appliedIndex = stateMachine.appliedIndex();
        loop.wake();
        metrics.applyBatch().record(applied, 1);
        metrics.sessions().set(stateMachine.sessionCount());
        return applied;
    }

    /** Without room for it on the disk the batch stays as it is, and nothing further is applied until it is written. */
    private boolean commit() {
        try {
            stateMachine.commit(onResult);
        } catch (KvStoreException e) {
            if (!e.isNoSpace()) {
                throw e;
            }
            stalled = true;
            return false;
        }
        stalled = false;
        return true;
    }

    /** Any thread: true while the store has no room on its disk for a batch. */
    public boolean isStalled() {
        return stalled;
    }

    private void onRange(final int type, final DirectBuffer buffer, final int offset, final int length) {
        lastIndex = buffer.getLong(offset + RANGE_LAST_INDEX_OFFSET);
        lastTerm = buffer.getLong(offset + RANGE_LAST_TERM_OFFSET);
        final boolean wanted = buffer.getLong(offset + RANGE_WANTED_OFFSET) != 0;
        if (!wanted) {
            wantedFromIndex = Long.MAX_VALUE;
        } else if (wantedFromIndex == Long.MAX_VALUE) {
            wantedFromIndex = nextIndex;
        }
    }

    /**
     * Takes entries as long as the results fit into the ring, whatever they are: a result that was not written would be lost, and waiting for
     * the loop could last for ever. How long a result is shows only when the command has been applied; how long it may be shows before.
     */
    private int applyBatch() {
        final int room = resultRing.capacity() - resultRing.size() - RING_SLACK_BYTES;
        int entries = 0;
        int bytes = 0;
        int ranges = 0;
        recordBytes = 0;
        largestRecord = 0;
        while (nextIndex <= lastIndex
                && entries < MAX_BATCH_ENTRIES
                && bytes < MAX_BATCH_BYTES
                && ranges < MAX_BATCH_RANGES) {
            if (entries % StateMachine.MOST_EXPECTED == 0) {
                expectNext();
            }
            seekNext();
            final boolean wanted = nextIndex >= wantedFromIndex && cursor.type() == StateMachine.ENTRY_COMMAND;
            if (wanted && !resultFits(room)) {
                break;
            }
            ranges += isRange() ? 1 : 0;
            bytes += cursor.length();
            applyNext(wanted);
            entries++;
        }
        return entries;
    }

    /** Tells the state machine of the next entries, as far as the read for the first of them has brought them too. */
    private void expectNext() {
        final long end = Math.min(lastIndex + 1, nextIndex + StateMachine.MOST_EXPECTED);
        if (end - nextIndex < LEAST_EXPECTED_ENTRIES) {
            return;
        }
        seekNext();
        for (long index = nextIndex; index < end && cursor.glance(index); index++) {
            if (cursor.type() == StateMachine.ENTRY_COMMAND) {
                stateMachine.expect(cursor.buffer(), cursor.payloadOffset(), cursor.payloadLength());
            }
        }
    }

    private void seekNext() {
        final long index = nextIndex;
        if (!cursor.seek(index) || cursor.index() != index) {
            throw new IllegalStateException("committed entry " + index + " is not in the log");
        }
        if (index == lastIndex && cursor.term() != lastTerm) {
            throw new IllegalStateException(
                    "entry " + index + " has term " + cursor.term() + " in the log, committed was term " + lastTerm);
        }
    }

    /** Whether the longest result that the entry at the cursor may have still fits behind those of the batch. */
    private boolean resultFits(final int room) {
        final int longest =
                CommandFlyweight.maxResultBytes(cursor.buffer(), cursor.payloadOffset(), cursor.payloadLength());
        final int record = recordLength(Math.min(longest, maxResultBytes));
        // Where the ring wraps, it leaves a gap shorter than the record that did not fit there; once, as a batch is no
        // longer than the ring.
        return recordBytes + record + Math.max(largestRecord, record) <= room;
    }

    private static int recordLength(final int resultBytes) {
        return BitUtil.align(
                RecordDescriptor.HEADER_LENGTH + RESULT_BYTES_OFFSET + resultBytes, RecordDescriptor.ALIGNMENT);
    }

    private boolean isRange() {
        return cursor.type() == StateMachine.ENTRY_COMMAND
                && CommandFlyweight.kindOf(cursor.buffer(), cursor.payloadOffset(), cursor.payloadLength())
                        == CommandDescriptor.KIND_DELETE_RANGE;
    }

    private void applyNext(final boolean wanted) {
        final long index = nextIndex;
        final int resultBytes = stateMachine.apply(
                index,
                cursor.term(),
                cursor.logTimeMs(),
                cursor.type(),
                cursor.crc(),
                cursor.buffer(),
                cursor.payloadOffset(),
                cursor.payloadLength(),
                wanted ? index : StateMachine.NOBODY_WAITS);
        if (wanted) {
            final int record = recordLength(resultBytes);
            recordBytes += record;
            largestRecord = Math.max(largestRecord, record);
        }
        nextIndex = index + 1;
    }

    private void onResult(
            final long index,
            final Status status,
            final long revision,
            final DirectBuffer result,
            final int offset,
            final int length) {
        final int claim = resultRing.tryClaim(RESULT_MESSAGE, RESULT_BYTES_OFFSET + length);
        if (claim < 0) {
            throw new IllegalStateException("no room for the result of " + index + ": " + length + " bytes");
        }
        resultRing.buffer().putLong(claim + RESULT_INDEX_OFFSET, index);
        resultRing.buffer().putLong(claim + RESULT_REVISION_OFFSET, revision);
        resultRing.buffer().putInt(claim + RESULT_STATUS_OFFSET, status.code());
        resultRing.buffer().putBytes(claim + RESULT_BYTES_OFFSET, result, offset, length);
        resultRing.commit(claim);
    }
}
