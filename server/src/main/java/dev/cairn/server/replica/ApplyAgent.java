package dev.cairn.server.replica;

import dev.cairn.engine.ResultSink;
import dev.cairn.engine.StateMachine;
import dev.cairn.protocol.Status;
import dev.cairn.wal.LogCursor;
import java.nio.ByteBuffer;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.MessageHandler;
import org.agrona.concurrent.UnsafeBuffer;
import org.agrona.concurrent.ringbuffer.OneToOneRingBuffer;
import org.agrona.concurrent.ringbuffer.RingBufferDescriptor;

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
    /** Room that a result of today's commands needs at most, ring header and alignment included. */
    private static final int MAX_RESULT_BYTES = 128;

    private final LogCursor cursor;
    private final StateMachine stateMachine;
    private final Wakeable loop;
    private final OneToOneRingBuffer commitRing;
    private final OneToOneRingBuffer resultRing;
    private final MessageHandler onRange = this::onRange;
    private final ResultSink onResult = this::onResult;

    // Apply thread.
    private long nextIndex;
    private long lastIndex;
    private long lastTerm;
    private long wantedFromIndex = Long.MAX_VALUE;

    // Published by the apply thread.
    private volatile long appliedIndex;
    private volatile long digest;
    private volatile long nextExpiryLogTimeMs;

    ApplyAgent(
            final LogCursor cursor, final StateMachine stateMachine, final Wakeable loop, final Capacities capacities) {
        commitRing = newRing(capacities.commitRingBytes());
        resultRing = newRing(capacities.resultRingBytes());
        this.cursor = cursor;
        this.stateMachine = stateMachine;
        this.loop = loop;
        nextIndex = stateMachine.appliedIndex() + 1;
        lastIndex = stateMachine.appliedIndex();
        appliedIndex = stateMachine.appliedIndex();
        digest = stateMachine.digest();
        nextExpiryLogTimeMs = stateMachine.nextExpiryLogTimeMs();
    }

    static OneToOneRingBuffer newRing(final int bytes) {
        return new OneToOneRingBuffer(
                new UnsafeBuffer(ByteBuffer.allocateDirect(bytes + RingBufferDescriptor.TRAILER_LENGTH)));
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

    /** Loop thread: takes the results that have arrived. */
    int pollResults(final MessageHandler handler) {
        int taken = 0;
        // One read ends where the ring wraps; a result must not stay behind when its index counts as applied.
        for (int read = resultRing.read(handler); read > 0; read = resultRing.read(handler)) {
            taken += read;
        }
        return taken;
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
        return commitRing.size() > 0 || nextIndex <= lastIndex;
    }

    /** One cycle: (1) what may be applied (2) one batch (3) results and applied index. */
    @Override
    public int doWork() {
        commitRing.read(onRange);
        if (nextIndex > lastIndex) {
            return 0;
        }
        final int applied = applyBatch();
        if (applied > 0) {
            stateMachine.commit(onResult);
            digest = stateMachine.digest();
            nextExpiryLogTimeMs = stateMachine.nextExpiryLogTimeMs();
            appliedIndex = stateMachine.appliedIndex();
            loop.wake();
        }
        return applied;
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

    private int applyBatch() {
        final int room = resultRing.capacity() - resultRing.size();
        final int maxEntries = Math.min(MAX_BATCH_ENTRIES, room / MAX_RESULT_BYTES);
        int entries = 0;
        int bytes = 0;
        while (nextIndex <= lastIndex && entries < maxEntries && bytes < MAX_BATCH_BYTES) {
            bytes += applyNext();
            entries++;
        }
        return entries;
    }

    private int applyNext() {
        final long index = nextIndex;
        if (!cursor.seek(index) || cursor.index() != index) {
            throw new IllegalStateException("committed entry " + index + " is not in the log");
        }
        if (index == lastIndex && cursor.term() != lastTerm) {
            throw new IllegalStateException(
                    "entry " + index + " has term " + cursor.term() + " in the log, committed was term " + lastTerm);
        }
        stateMachine.apply(
                index,
                cursor.term(),
                cursor.logTimeMs(),
                cursor.type(),
                cursor.crc(),
                cursor.buffer(),
                cursor.payloadOffset(),
                cursor.payloadLength(),
                index >= wantedFromIndex ? index : StateMachine.NOBODY_WAITS);
        nextIndex = index + 1;
        return cursor.length();
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
