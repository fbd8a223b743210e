package dev.cairn.server.replica;

import java.util.Arrays;
import java.util.function.LongPredicate;

/**
 * Requests that wait until an index has been applied here, each with a deadline. Loop thread. Looking for those that are due
 * costs nothing until the lowest index or the earliest deadline is reached; those whose connection is gone are looked for
 * when there is no room for another.
 */
final class AppliedWaits {
    /** Requests that may wait; one more is refused. */
    static final int MAX_WAITS = 4096;

    /** Ends one wait. */
    interface Handler {
        /** Answers it; {@code reached} is false when the deadline came first. */
        void onEnd(long connectionId, long requestId, long index, boolean reached);
    }

    private long[] connectionIds = new long[16];
    private long[] requestIds = new long[16];
    private long[] indexes = new long[16];
    private long[] deadlinesNs = new long[16];
    private int count;
    private final LongPredicate isOpen;
    private long lowestIndex = Long.MAX_VALUE;
    private long earliestDeadlineNs;

    /** @param isOpen whether a connection still is */
    AppliedWaits(final LongPredicate isOpen) {
        this.isOpen = isOpen;
    }

    /** Adds a wait; false when too many wait already. */
    boolean add(final long connectionId, final long requestId, final long index, final long deadlineNs) {
        if (count == MAX_WAITS) {
            forgetClosed();
        }
        if (count == MAX_WAITS) {
            return false;
        }
        if (count == indexes.length) {
            connectionIds = Arrays.copyOf(connectionIds, count * 2);
            requestIds = Arrays.copyOf(requestIds, count * 2);
            indexes = Arrays.copyOf(indexes, count * 2);
            deadlinesNs = Arrays.copyOf(deadlinesNs, count * 2);
        }
        connectionIds[count] = connectionId;
        requestIds[count] = requestId;
        indexes[count] = index;
        deadlinesNs[count] = deadlineNs;
        noteBounds(count++);
        return true;
    }

    int count() {
        return count;
    }

    private void noteBounds(final int slot) {
        lowestIndex = Math.min(lowestIndex, indexes[slot]);
        if (slot == 0 || deadlinesNs[slot] - earliestDeadlineNs < 0) {
            earliestDeadlineNs = deadlinesNs[slot];
        }
    }

    /** Ends every wait whose index is applied or whose deadline has come, in no particular order; says how many. */
    int end(final long appliedIndex, final long nowNs, final Handler handler) {
        if (count == 0 || (appliedIndex < lowestIndex && nowNs - earliestDeadlineNs < 0)) {
            return 0;
        }
        final int before = count;
        count = 0;
        lowestIndex = Long.MAX_VALUE;
        for (int slot = 0; slot < before; slot++) {
            final boolean reached = indexes[slot] <= appliedIndex;
            if (reached || nowNs - deadlinesNs[slot] >= 0) {
                handler.onEnd(connectionIds[slot], requestIds[slot], indexes[slot], reached);
            } else {
                keep(slot);
            }
        }
        return before - count;
    }

    private void forgetClosed() {
        final int before = count;
        count = 0;
        lowestIndex = Long.MAX_VALUE;
        for (int slot = 0; slot < before; slot++) {
            if (isOpen.test(connectionIds[slot])) {
                keep(slot);
            }
        }
    }

    /** Moves a wait to the end of those that stay, at or before its slot. */
    private void keep(final int slot) {
        connectionIds[count] = connectionIds[slot];
        requestIds[count] = requestIds[slot];
        indexes[count] = indexes[slot];
        deadlinesNs[count] = deadlinesNs[slot];
        noteBounds(count++);
    }
}
