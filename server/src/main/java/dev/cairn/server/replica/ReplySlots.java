package dev.cairn.server.replica;

import org.agrona.collections.LongHashSet;

/**
 * Who waits for which entry: a circular array by log index of (connection, request id). A slot is written when the entry
 * is proposed and taken when its result arrives; at most {@link #capacity} entries may be proposed and not applied. Loop
 * thread.
 */
final class ReplySlots {
    private final long[] indexes;
    private final long[] connectionIds;
    private final long[] requestIds;
    private final int mask;
    private int count;

    /** @param capacity a power of two */
    ReplySlots(final int capacity) {
        if (Integer.bitCount(capacity) != 1) {
            throw new IllegalArgumentException("capacity " + capacity + " is not a power of two");
        }
        indexes = new long[capacity];
        connectionIds = new long[capacity];
        requestIds = new long[capacity];
        mask = capacity - 1;
    }

    int capacity() {
        return mask + 1;
    }

    /** How many wait. */
    int count() {
        return count;
    }

    void put(final long index, final long connectionId, final long requestId) {
        final int slot = (int) index & mask;
        if (indexes[slot] != 0) {
            throw new IllegalStateException("slot of index " + index + " still waits for index " + indexes[slot]);
        }
        indexes[slot] = index;
        connectionIds[slot] = connectionId;
        requestIds[slot] = requestId;
        count++;
    }

    /** True when somebody waits for this index; then its connection and request can be asked for, until it is freed. */
    boolean isWaiting(final long index) {
        return indexes[(int) index & mask] == index;
    }

    long connectionId(final long index) {
        return connectionIds[(int) index & mask];
    }

    long requestId(final long index) {
        return requestIds[(int) index & mask];
    }

    void free(final long index) {
        indexes[(int) index & mask] = 0;
        count--;
    }

    /** Frees all slots and adds the connections that waited to {@code connections}. */
    void clear(final LongHashSet connections) {
        for (int slot = 0; count > 0 && slot <= mask; slot++) {
            if (indexes[slot] != 0) {
                indexes[slot] = 0;
                count--;
                connections.add(connectionIds[slot]);
            }
        }
    }
}
