package dev.cairn.server.replica;

import org.agrona.DirectBuffer;
import org.agrona.ExpandableArrayBuffer;
import org.agrona.ExpandableRingBuffer;

/**
 * Linearizable reads on their way: waiting for their round, then for the state machine to reach the round's read index.
 * Both happen in the order in which the reads came, so this is a queue. Loop thread.
 */
final class PendingReads {
    /** Serves or fails one read. */
    interface Handler {
        /**
         * Serves the read or refuses it.
         *
         * @param type the request's message type
         * @param minRevision the node must have applied this revision; 0 = any
         * @param buffer what the read asks for: the key of a GET, else the message's block and variable part; valid during
         *     the call
         */
        void onRead(
                long connectionId,
                long requestId,
                int type,
                long minRevision,
                DirectBuffer buffer,
                int offset,
                int length);
    }

    /** Bytes of requests that may wait; a read beyond it is refused. */
    static final int MAX_BYTES = 8 << 20;

    private static final int READ_ID_OFFSET = 0;
    private static final int CONNECTION_ID_OFFSET = 8;
    private static final int REQUEST_ID_OFFSET = 16;
    private static final int MIN_REVISION_OFFSET = 24;
    private static final int TYPE_OFFSET = 32;
    private static final int ASKED_OFFSET = 36;
    /** Confirmed rounds remembered apart; when more wait for the state machine, the newest ones are served as one. */
    private static final int MAX_ROUNDS = 16;

    private final ExpandableRingBuffer queue = new ExpandableRingBuffer(1 << 16, MAX_BYTES, true);
    private final ExpandableArrayBuffer scratch = new ExpandableArrayBuffer(512);
    private final long[] roundLastReadIds = new long[MAX_ROUNDS];
    private final long[] roundReadIndexes = new long[MAX_ROUNDS];
    private final ExpandableRingBuffer.MessageConsumer serveConsumer = this::serve;
    private final ExpandableRingBuffer.MessageConsumer failConsumer = this::handOut;
    private int roundCount;
    private int handedOut;
    private int queued;
    private long lastReadId;
    private long confirmedReadId;
    private long servableReadId;
    private Handler handler = (connectionId, requestId, type, minRevision, buffer, offset, length) -> {
        throw new IllegalStateException("no handler");
    };

    /**
     * Queues a read.
     *
     * @return its id, rising by one; or 0 when too many wait
     */
    long add(
            final long connectionId,
            final long requestId,
            final int type,
            final long minRevision,
            final DirectBuffer buffer,
            final int offset,
            final int length) {
        scratch.putLong(READ_ID_OFFSET, lastReadId + 1);
        scratch.putLong(CONNECTION_ID_OFFSET, connectionId);
        scratch.putLong(REQUEST_ID_OFFSET, requestId);
        scratch.putLong(MIN_REVISION_OFFSET, minRevision);
        scratch.putInt(TYPE_OFFSET, type);
        scratch.putBytes(ASKED_OFFSET, buffer, offset, length);
        if (!queue.append(scratch, 0, ASKED_OFFSET + length)) {
            return 0;
        }
        queued++;
        return ++lastReadId;
    }

    /** Id of the read that was queued last. */
    long lastReadId() {
        return lastReadId;
    }

    /** Reads that were queued and not handed out. */
    int count() {
        return queued;
    }

    /**
     * All reads up to this one may be served once the index is applied. A read that a lease has confirmed has confirmed all
     * before it; the rounds of those come later and say nothing new.
     */
    void onConfirmed(final long readId, final long readIndex) {
        if (readId <= confirmedReadId) {
            return;
        }
        confirmedReadId = readId;
        if (roundCount == MAX_ROUNDS) {
            roundCount--;
        }
        roundLastReadIds[roundCount] = readId;
        roundReadIndexes[roundCount] = readIndex;
        roundCount++;
    }

    /** Serves at most {@code limit} reads whose round is confirmed and whose read index has been applied; says how many. */
    int serve(final long appliedIndex, final int limit, final Handler to) {
        if (queue.isEmpty()) {
            return 0;
        }
        int served = 0;
        while (served < roundCount && roundReadIndexes[served] <= appliedIndex) {
            servableReadId = roundLastReadIds[served++];
        }
        if (served > 0) {
            roundCount -= served;
            System.arraycopy(roundLastReadIds, served, roundLastReadIds, 0, roundCount);
            System.arraycopy(roundReadIndexes, served, roundReadIndexes, 0, roundCount);
        }
        handler = to;
        handedOut = 0;
        queue.consume(serveConsumer, limit);
        return handedOut;
    }

    private boolean serve(final DirectBuffer buffer, final int offset, final int length, final int headOffset) {
        return buffer.getLong(offset + READ_ID_OFFSET) <= servableReadId && handOut(buffer, offset, length, headOffset);
    }

    private boolean handOut(final DirectBuffer buffer, final int offset, final int length, final int headOffset) {
        handedOut++;
        queued--;
        handler.onRead(
                buffer.getLong(offset + CONNECTION_ID_OFFSET),
                buffer.getLong(offset + REQUEST_ID_OFFSET),
                buffer.getInt(offset + TYPE_OFFSET),
                buffer.getLong(offset + MIN_REVISION_OFFSET),
                buffer,
                offset + ASKED_OFFSET,
                length - ASKED_OFFSET);
        return true;
    }

    /** Hands all reads out to be failed: this node leads no longer. */
    void failAll(final Handler to) {
        roundCount = 0;
        handler = to;
        queue.consume(failConsumer, Integer.MAX_VALUE);
    }
}
