package dev.cairn.bench.measure;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * When each operation of a phase was due and when it ended, {@code System.nanoTime()}: what is to be told apart by something that is
 * known only afterwards. Any thread records; reads are whole once the load has ended.
 */
final class OperationTimes {
    /** Operations that are kept, of which 64 MB are a quarter of a measurement's heap. */
    static final int MAX_OPERATIONS = 4_000_000;

    private final AtomicLongArray times;
    private final AtomicInteger recorded = new AtomicInteger();

    /** @param capacity operations, at most {@link #MAX_OPERATIONS}; what comes beyond is counted and not kept */
    OperationTimes(int capacity) {
        if (capacity > MAX_OPERATIONS) {
            throw new IllegalArgumentException(
                    "--rate and --seconds make " + capacity + " operations, at most " + MAX_OPERATIONS);
        }
        times = new AtomicLongArray(2 * capacity);
    }

    void record(long dueNs, long endNs) {
        int number = recorded.getAndIncrement();
        if (number < times.length() / 2) {
            times.set(2 * number, dueNs);
            times.set(2 * number + 1, endNs);
        }
    }

    /** Operations that are kept. */
    int size() {
        return Math.min(recorded.get(), times.length() / 2);
    }

    /** Operations that there was no room for. */
    int lost() {
        return recorded.get() - size();
    }

    long dueNs(int number) {
        return times.get(2 * number);
    }

    long endNs(int number) {
        return times.get(2 * number + 1);
    }
}
