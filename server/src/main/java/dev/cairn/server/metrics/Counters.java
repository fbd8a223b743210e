package dev.cairn.server.metrics;

import java.util.concurrent.atomic.AtomicLongArray;

/** A row of counts, or of levels, by a small number such as a status code. One thread writes, any thread reads. */
public final class Counters {
    private static final int PADDING = 16;

    private final AtomicLongArray cells;
    private final int length;

    /** @param length numbers from 0 to {@code length - 1} are counted apart, all others with the last */
    public Counters(final int length) {
        this.length = length;
        cells = new AtomicLongArray(length + 2 * PADDING);
    }

    /** Owning thread. */
    public void increment(final int number) {
        final int cell = PADDING + (number >= 0 && number < length ? number : length - 1);
        cells.setRelease(cell, cells.getPlain(cell) + 1);
    }

    /** Owning thread. */
    public void set(final int number, final long value) {
        cells.setRelease(PADDING + number, value);
    }

    /** Any thread. */
    public long get(final int number) {
        return cells.getAcquire(PADDING + number);
    }

    int length() {
        return length;
    }
}
