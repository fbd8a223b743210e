package dev.cairn.server.replica;

import org.agrona.DirectBuffer;
import org.agrona.ExpandableRingBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Linearizable reads on their way: waiting for their round, then for the state machine to reach the round's read index.
 * Both happen in the order in which the reads came, so this is a queue. Loop thread.
 */
final class PendingReads {
    /** Serves or fails one read. The key is valid during the call. */
    interface Handler {
        void onRead(long connectionId, long requestId, DirectBuffer key, int offset, int length);
    }

    /** Bytes of requests that may wait; a read beyond it is refused. */
    static final int MAX_BYTES = 8 << 20;

    private static final int READ_ID_OFFSET = 0;
    private static final int CONNECTION_ID_OFFSET = 8;
    private static final int REQUEST_ID_OFFSET = 16;
    private static final int KEY_OFFSET = 24;
    /** Confirmed rounds remembered apart; when more wait for the state machine, the newest ones are served as one. */
    private static final int MAX_ROUNDS = 16;

    private final ExpandableRingBuffer queue = new ExpandableRingBuffer(1 << 16, MAX_BYTES, true);
    private final UnsafeBuffer scratch;
    private final long[] roundLastReadIds = new long[MAX_ROUNDS];
    private final long[] roundReadIndexes = new long[MAX_ROUNDS];
    private final ExpandableRingBuffer.MessageConsumer serveConsumer = this::serve;
    private final ExpandableRingBuffer.MessageConsumer failConsumer = this::handOut;
    private int roundCount;
    private int handedOut;
    private long lastReadId;
    private long servableReadId;
    private Handler handler = (connectionId, requestId, key, offset, length) -> {
        throw new IllegalStateException("no handler");
    };

    PendingReads(final int maxKeyBytes) {
        scratch = new UnsafeBuffer(new byte[KEY_OFFSET + maxKeyBytes]);
    }

    /**
     * Queues a read.
     *
     * @return its id, rising by one; or 0 when too many wait
     */
    long add(
            final long connectionId, final long requestId, final DirectBuffer key, final int offset, final int length) {
        scratch.putLong(READ_ID_OFFSET, lastReadId + 1);
        scratch.putLong(CONNECTION_ID_OFFSET, connectionId);
        scratch.putLong(REQUEST_ID_OFFSET, requestId);
        scratch.putBytes(KEY_OFFSET, key, offset, length);
        if (!queue.append(scratch, 0, KEY_OFFSET + length)) {
            return 0;
        }
        return ++lastReadId;
    }

    void onConfirmed(final long confirmedReadId, final long readIndex) {
        if (roundCount == MAX_ROUNDS) {
            roundCount--;
        }
        roundLastReadIds[roundCount] = confirmedReadId;
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
        handler.onRead(
                buffer.getLong(offset + CONNECTION_ID_OFFSET),
                buffer.getLong(offset + REQUEST_ID_OFFSET),
                buffer,
                offset + KEY_OFFSET,
                length - KEY_OFFSET);
        return true;
    }

    /** Hands all reads out to be failed: this node leads no longer. */
    void failAll(final Handler to) {
        roundCount = 0;
        handler = to;
        queue.consume(failConsumer, Integer.MAX_VALUE);
    }
}
