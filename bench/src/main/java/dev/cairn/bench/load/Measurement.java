package dev.cairn.bench.load;

import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.Recorder;
import org.jspecify.annotations.Nullable;

/**
 * Takes the outcome of each operation. Any thread records; one thread takes the intervals.
 *
 * <p>Two rules. <em>Latency and errors</em>: of every operation whose start lies in the window, also when it ends later, so a
 * stall at the end is seen. <em>Throughput</em>: every success that ends in the window, also when it began before, so its time is
 * exactly the window. What starts outside of the window is shown in the live line only.
 */
public final class Measurement implements Outcomes {
    /** Longer latencies count as this. */
    public static final long MAX_LATENCY_NS = TimeUnit.HOURS.toNanos(1);

    private static final int SIGNIFICANT_DIGITS = 3;

    private volatile long windowStartNs;
    private volatile long windowEndNs;
    private final Map<OperationKind, Recorder> kinds = new EnumMap<>(OperationKind.class);
    private final Map<OperationKind, LongAdder> amounts = new EnumMap<>(OperationKind.class);
    private final Recorder outside = new Recorder(MAX_LATENCY_NS, SIGNIFICANT_DIGITS);
    private final LongAdder endedInWindow = new LongAdder();
    private final LongAdder allErrors = new LongAdder();
    private final Map<String, LongAdder> errors = new ConcurrentHashMap<>();

    // Reused by the taker of intervals.
    private final Map<OperationKind, Histogram> intervals = new EnumMap<>(OperationKind.class);
    private @Nullable Histogram outsideInterval;

    /** The window is {@code [windowStartNs, windowEndNs)} of {@code System.nanoTime()}. */
    Measurement(long windowStartNs, long windowEndNs) {
        this.windowStartNs = windowStartNs;
        this.windowEndNs = windowEndNs;
        for (OperationKind kind : OperationKind.values()) {
            kinds.put(kind, new Recorder(MAX_LATENCY_NS, SIGNIFICANT_DIGITS));
            amounts.put(kind, new LongAdder());
        }
    }

    /** Moves the window, to a begin that is now or later. */
    void moveWindow(long startNs, long endNs) {
        windowEndNs = endNs;
        windowStartNs = startNs;
    }

    long windowStartNs() {
        return windowStartNs;
    }

    @Override
    public long windowEndNs() {
        return windowEndNs;
    }

    @Override
    public void record(OperationKind kind, int amount, long startNs, long endNs, @Nullable String error) {
        boolean startedInWindow = inWindow(startNs);
        if (error != null) {
            allErrors.increment();
            if (startedInWindow) {
                errors.computeIfAbsent(error, type -> new LongAdder()).increment();
            }
            return;
        }
        long latencyNs = Math.min(Math.max(endNs - startNs, 0), MAX_LATENCY_NS);
        if (!startedInWindow) {
            outside.recordValue(latencyNs);
        } else {
            Objects.requireNonNull(kinds.get(kind)).recordValue(latencyNs);
            Objects.requireNonNull(amounts.get(kind)).add(amount);
        }
        if (inWindow(endNs)) {
            endedInWindow.increment();
        }
    }

    private boolean inWindow(long timeNs) {
        return timeNs - windowStartNs >= 0 && timeNs - windowEndNs < 0;
    }

    /** Successes of a kind that began in the window, since the last call; valid until the next one. */
    Histogram take(OperationKind kind) {
        Histogram taken = Objects.requireNonNull(kinds.get(kind)).getIntervalHistogram(intervals.get(kind));
        intervals.put(kind, taken);
        return taken;
    }

    /** What came of the successes of a kind that began in the window, added up. */
    long amount(OperationKind kind) {
        return Objects.requireNonNull(amounts.get(kind)).sum();
    }

    /** Successes that began outside of the window since the last call; valid until the next one. */
    Histogram takeOutside() {
        Histogram taken = outside.getIntervalHistogram(outsideInterval);
        outsideInterval = taken;
        return taken;
    }

    /** Successes that ended within the window. */
    long endedInWindow() {
        return endedInWindow.sum();
    }

    /** Failures so far, of warm-up too. */
    long allErrors() {
        return allErrors.sum();
    }

    /** Failures that began in the window, by type. */
    Map<String, Long> errors() {
        Map<String, Long> counts = new TreeMap<>();
        errors.forEach((type, count) -> counts.put(type, count.sum()));
        return counts;
    }

    public static Histogram newHistogram() {
        return new Histogram(MAX_LATENCY_NS, SIGNIFICANT_DIGITS);
    }
}
