package dev.cairn.server.metrics;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Counts of values by size, in the buckets in which they are exported: six per decade for times, powers of two for numbers. One
 * thread records, any thread reads; recording is a search over some thirty bounds and three release stores.
 *
 * <p>Readers may see a value in its bucket and not yet in the sum; the next reading has both.
 */
public final class Histogram {
    private static final int PADDING = 16;
    private static final long[] STEPS_PER_DECADE = {10, 15, 20, 30, 50, 70};
    private static final int DECADES = 6;
    private static final double NS_PER_S = 1e9;

    /** Inclusive upper bounds, rising; a further bucket holds what lies above the last. */
    private final long[] bounds;

    private final double unit;
    private final AtomicLongArray cells;
    private final int sumCell;

    private Histogram(final long[] bounds, final double unit) {
        this.bounds = bounds;
        this.unit = unit;
        sumCell = PADDING + bounds.length + 1;
        cells = new AtomicLongArray(sumCell + 1 + PADDING);
    }

    /** Times in nanoseconds, exported in seconds: buckets from 10 us to 10 s. */
    public static Histogram ofTimes() {
        final long[] bounds = new long[DECADES * STEPS_PER_DECADE.length + 1];
        long scale = 1000;
        for (int decade = 0; decade < DECADES; decade++) {
            for (int step = 0; step < STEPS_PER_DECADE.length; step++) {
                bounds[decade * STEPS_PER_DECADE.length + step] = STEPS_PER_DECADE[step] * scale;
            }
            scale *= 10;
        }
        bounds[bounds.length - 1] = 10 * scale;
        return new Histogram(bounds, NS_PER_S);
    }

    /** Numbers or bytes: buckets at powers of two from {@code 2^first} to {@code 2^last}. */
    public static Histogram ofSizes(final int first, final int last) {
        final long[] bounds = new long[last - first + 1];
        Arrays.setAll(bounds, i -> 1L << (first + i));
        return new Histogram(bounds, 1);
    }

    /** Owning thread: {@code count} times this value. */
    public void record(final long value, final long count) {
        final int cell = PADDING + bucketOf(value);
        cells.setRelease(cell, cells.getPlain(cell) + count);
        cells.setRelease(sumCell, cells.getPlain(sumCell) + value * count);
    }

    private int bucketOf(final long value) {
        int low = 0;
        int high = bounds.length;
        while (low < high) {
            final int middle = (low + high) >>> 1;
            if (bounds[middle] < value) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** Upper bounds in the exported unit; the last is infinite. */
    double[] upperBounds() {
        final double[] exported = new double[bounds.length + 1];
        for (int i = 0; i < bounds.length; i++) {
            exported[i] = bounds[i] / unit;
        }
        exported[bounds.length] = Double.POSITIVE_INFINITY;
        return exported;
    }

    /** Values per bucket, not summed up. */
    long[] counts() {
        final long[] counts = new long[bounds.length + 1];
        for (int i = 0; i < counts.length; i++) {
            counts[i] = cells.getAcquire(PADDING + i);
        }
        return counts;
    }

    /** Any thread: how many values were recorded. */
    public long count() {
        return Arrays.stream(counts()).sum();
    }

    /** Sum of all values in the exported unit. */
    double sum() {
        return cells.getAcquire(sumCell) / unit;
    }
}
