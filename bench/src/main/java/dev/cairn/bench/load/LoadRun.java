package dev.cairn.bench.load;

import dev.cairn.bench.machine.ProcessorTime;
import dev.cairn.bench.results.HistogramFiles;
import dev.cairn.bench.targets.LoadTarget;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/** Warm-up, window and end of one load, with a live line each second. Used once, by one thread. */
public final class LoadRun {
    private static final long SECOND_NS = TimeUnit.SECONDS.toNanos(1);

    /** How long operations may take to end after the window: a client's deadline and something on top. */
    private static final long DRAIN_NS = TimeUnit.SECONDS.toNanos(20);

    private final LoadSecond.Taker seconds;
    private final long beginNs;
    private final long windowNs;
    private final @Nullable WarmUp warmUp;
    private final Measurement measurement;
    private final Load load;
    private final ProcessorTime processors;
    private final Map<OperationKind, Histogram> latencies = new EnumMap<>(OperationKind.class);

    private LoadRun(
            LoadSecond.Taker seconds,
            long beginNs,
            LoadOptions options,
            Measurement measurement,
            Load load,
            ProcessorTime processors) {
        this.seconds = seconds;
        this.beginNs = beginNs;
        this.windowNs = options.seconds() * SECOND_NS;
        this.warmUp = options.warmsUpUntilSettled() ? new WarmUp() : null;
        this.measurement = measurement;
        this.load = load;
        this.processors = processors;
        options.mix().kinds().forEach(kind -> latencies.put(kind, Measurement.newHistogram()));
    }

    /**
     * Prepares a load.
     *
     * @param operations makes one operation; called by whoever issues
     * @param maxInFlight limit of an open loop, number of operations of a closed one
     * @param processors is opened and closed with the window
     */
    public static LoadRun of(
            LoadOptions options,
            List<LoadTarget> targets,
            Supplier<Operation> operations,
            int maxInFlight,
            PrintWriter out,
            @Nullable HistogramFiles files,
            ProcessorTime processors) {
        return of(options, targets, operations, maxInFlight, new SecondsOutput(out, files), processors);
    }

    /** As above, for somebody else who takes the seconds. */
    static LoadRun of(
            LoadOptions options,
            List<LoadTarget> targets,
            Supplier<Operation> operations,
            int maxInFlight,
            LoadSecond.Taker seconds,
            ProcessorTime processors) {
        List<Operation> made = new ArrayList<>();
        while (!options.openLoop() && made.size() < maxInFlight) {
            made.add(operations.get());
        }
        // The schedule begins when everything is prepared.
        long beginNs = System.nanoTime();
        // One that ends by itself moves the window when it does; until then it lies behind any moment at which it can.
        long warmupSeconds = options.warmsUpUntilSettled() ? 2L * WarmUp.MAX_SECONDS : options.warmupSeconds();
        long startNs = beginNs + warmupSeconds * SECOND_NS;
        Measurement measurement = new Measurement(startNs, startNs + options.seconds() * SECOND_NS);
        Load load = options.openLoop()
                ? new OpenLoop(targets, options.rate(), beginNs, maxInFlight, operations, measurement)
                : new ClosedLoop(targets, made, measurement);
        return new LoadRun(seconds, beginNs, options, measurement, load, processors);
    }

    /** Runs to the end. */
    public LoadResult run() throws InterruptedException {
        load.start();
        long lastNs = beginNs;
        if (beginNs - measurement.windowStartNs() >= 0) {
            processors.open();
        }
        boolean ended = false;
        long secondsNs = beginNs;
        while (!ended && lastNs - measurement.windowEndNs() < DRAIN_NS) {
            long nextNs = secondsNs + ((lastNs - secondsNs) / SECOND_NS + 1) * SECOND_NS;
            ended = load.await(Math.max(0, nextNs - System.nanoTime()));
            long now = System.nanoTime();
            lookAtProcessors(lastNs, now);
            double rate = takeInterval(lastNs, now);
            lastNs = now;
            if (warmUp != null && now - measurement.windowStartNs() < 0 && warmUp.second(rate)) {
                // The seconds count from here on, so that window and intervals begin and end together.
                secondsNs = System.nanoTime();
                lastNs = secondsNs;
                measurement.moveWindow(secondsNs, secondsNs + windowNs);
                processors.open();
            }
        }
        if (lastNs - measurement.windowEndNs() < 0) {
            // The last operation of an open loop is due, and may end, before the window does.
            processors.close();
        }
        return result(ended ? 0 : load.inFlight());
    }

    /** Window and intervals begin on whole seconds, so this comes within a wake-up of the window's begin and end. */
    private void lookAtProcessors(long fromNs, long toNs) {
        if (fromNs - measurement.windowStartNs() < 0 && toNs - measurement.windowStartNs() >= 0) {
            processors.open();
        }
        if (fromNs - measurement.windowEndNs() < 0 && toNs - measurement.windowEndNs() >= 0) {
            processors.close();
        }
    }

    /** Returns the successes per second. */
    private double takeInterval(long fromNs, long toNs) {
        Histogram outside = measurement.takeOutside();
        long ended = outside.getTotalCount();
        Map<OperationKind, Histogram> counted = new EnumMap<>(OperationKind.class);
        for (Map.Entry<OperationKind, Histogram> kind : latencies.entrySet()) {
            Histogram interval = measurement.take(kind.getKey());
            kind.getValue().add(interval);
            counted.put(kind.getKey(), interval);
            ended += interval.getTotalCount();
        }
        double rate = ended / Math.max(1e-3, (toNs - fromNs) / (double) SECOND_NS);
        seconds.take(new LoadSecond(
                (toNs - beginNs) / (double) SECOND_NS,
                phase(fromNs),
                rate,
                counted,
                outside,
                load.inFlight(),
                measurement.allErrors()));
        return rate;
    }

    private String phase(long fromNs) {
        return fromNs - measurement.windowStartNs() < -SECOND_NS / 2
                ? "warm-up"
                : fromNs - measurement.windowEndNs() < -SECOND_NS / 2 ? "measure" : "ending";
    }

    private LoadResult result(int unfinished) {
        OpenLoop open = load instanceof OpenLoop paced ? paced : null;
        Map<OperationKind, Long> amounts = new EnumMap<>(OperationKind.class);
        latencies.keySet().forEach(kind -> amounts.put(kind, measurement.amount(kind)));
        return new LoadResult(
                measurement.endedInWindow(),
                latencies,
                amounts,
                measurement.errors(),
                unfinished,
                open == null ? 0 : open.maxInFlight(),
                open == null ? 0 : open.mostInFlight(),
                open == null ? 0 : open.waited(),
                open == null ? 0 : open.unstarted(),
                processors.usedMs(),
                warmUp);
    }
}
