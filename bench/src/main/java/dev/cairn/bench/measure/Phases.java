package dev.cairn.bench.measure;

import dev.cairn.bench.load.Measurement;
import dev.cairn.bench.load.OperationKind;
import dev.cairn.bench.load.Outcomes;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.Recorder;
import org.jspecify.annotations.Nullable;

/**
 * Outcomes of one long load, told apart by the phase in which each operation was due. What was due between phases is counted
 * nowhere but in the live line. Any thread records; one thread begins and ends phases; one thread takes the intervals.
 */
final class Phases implements Outcomes {
    /** Longer than any measurement; the schedule of a load can be computed up to there. */
    private static final long FOREVER_NS = TimeUnit.DAYS.toNanos(1);

    /** One phase; a thread that records may see its end late by nothing more than the time of one store. */
    static final class Phase {
        private final String name;
        private final long beginNs;
        private final long beginMs = System.currentTimeMillis();
        private final Recorder recorder = newRecorder();
        private final Map<String, LongAdder> errors = new ConcurrentHashMap<>();
        private final Histogram total = Measurement.newHistogram();
        private @Nullable Histogram interval;
        private volatile long endNs;
        private volatile long endMs;

        Phase(String name, long beginNs) {
            this.name = name;
            this.beginNs = beginNs;
            this.endNs = beginNs + FOREVER_NS;
            this.endMs = Long.MAX_VALUE;
        }

        private boolean holds(long timeNs) {
            return timeNs - beginNs >= 0 && timeNs - endNs < 0;
        }

        String name() {
            return name;
        }

        /** Of a phase that has ended. */
        double seconds() {
            return (endNs - beginNs) / 1e9;
        }

        long beginMs() {
            return beginMs;
        }

        long endMs() {
            return endMs;
        }

        /** Latencies of the successes, ns; whole after the load has ended. */
        Histogram total() {
            return total;
        }

        Map<String, Long> errors() {
            Map<String, Long> counts = new TreeMap<>();
            errors.forEach((type, count) -> counts.put(type, count.sum()));
            return counts;
        }
    }

    /** What an interval's taker gets. */
    interface Intervals {
        /** The histogram is valid within the call. */
        void take(String phase, Histogram interval);
    }

    private final List<Phase> phases = new CopyOnWriteArrayList<>();
    private final Phase between;
    private final LongAdder successes = new LongAdder();
    private final LongAdder errors = new LongAdder();
    private volatile long windowEndNs;
    private final @Nullable OperationTimes times;
    private @Nullable Phase current;

    Phases(long nowNs) {
        this(nowNs, null);
    }

    /** @param times gets every success of a phase too */
    Phases(long nowNs, @Nullable OperationTimes times) {
        this.times = times;
        windowEndNs = nowNs + FOREVER_NS;
        between = new Phase("", nowNs);
    }

    // ---- The driver

    /** Ends the phase before. */
    Phase begin(String name) {
        end();
        Phase begun = new Phase(name, System.nanoTime());
        phases.add(begun);
        current = begun;
        return begun;
    }

    /** Ends the running phase, if there is one. */
    void end() {
        Phase running = current;
        if (running != null) {
            running.endMs = System.currentTimeMillis();
            running.endNs = System.nanoTime();
            current = null;
        }
    }

    /** No operation is due from now on. */
    void stop() {
        end();
        windowEndNs = System.nanoTime();
    }

    // ---- The load

    @Override
    public long windowEndNs() {
        return windowEndNs;
    }

    @Override
    public void record(OperationKind kind, int amount, long startNs, long endNs, @Nullable String error) {
        Phase phase = phaseOf(startNs);
        if (error == null) {
            successes.increment();
            phase.recorder.recordValue(Math.min(Math.max(endNs - startNs, 0), Measurement.MAX_LATENCY_NS));
            if (times != null && phase != between) {
                times.record(startNs, endNs);
            }
        } else {
            errors.increment();
            phase.errors.computeIfAbsent(error, type -> new LongAdder()).increment();
        }
    }

    private Phase phaseOf(long timeNs) {
        for (int i = phases.size() - 1; i >= 0; i--) {
            Phase phase = phases.get(i);
            if (phase.holds(timeNs)) {
                return phase;
            }
        }
        return between;
    }

    // ---- Results

    /** Successes since the last call, phase by phase, those between phases with an empty name. */
    void takeIntervals(Intervals taker) {
        take(between, taker);
        for (Phase phase : phases) {
            take(phase, taker);
        }
    }

    private static void take(Phase phase, Intervals taker) {
        Histogram taken = phase.recorder.getIntervalHistogram(phase.interval);
        phase.interval = taken;
        phase.total.add(taken);
        taker.take(phase.name, taken);
    }

    /** In the order of their begin. */
    List<Phase> all() {
        return List.copyOf(phases);
    }

    /** Of the whole load. */
    long successes() {
        return successes.sum();
    }

    /** Of the whole load. */
    long errors() {
        return errors.sum();
    }

    private static Recorder newRecorder() {
        return new Recorder(Measurement.MAX_LATENCY_NS, 3);
    }
}
