package dev.cairn.server.metrics;

import java.util.concurrent.atomic.AtomicLongArray;

/**
 * A number that one thread writes and any thread reads: a plain load and a release store, on a cache line of its own. It serves
 * for counts, which only rise, and for levels, which are set.
 */
public final class Counter {
    /** Longs of a cache line and of its neighbour, which the processor fetches along with it. */
    private static final int PADDING = 16;

    private final AtomicLongArray cell = new AtomicLongArray(2 * PADDING);

    /** Owning thread. */
    public void add(final long by) {
        cell.setRelease(PADDING, cell.getPlain(PADDING) + by);
    }

    /** Owning thread. */
    public void set(final long value) {
        cell.setRelease(PADDING, value);
    }

    /** Any thread. */
    public long get() {
        return cell.getAcquire(PADDING);
    }
}
