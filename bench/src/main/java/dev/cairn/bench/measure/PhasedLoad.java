package dev.cairn.bench.measure;

import dev.cairn.bench.load.KeySpace;
import dev.cairn.bench.load.LoadOptions;
import dev.cairn.bench.load.LoadResult;
import dev.cairn.bench.load.Measurement;
import dev.cairn.bench.load.OpenLoop;
import dev.cairn.bench.load.Operation;
import dev.cairn.bench.load.RandomValues;
import dev.cairn.bench.results.HistogramFiles;
import dev.cairn.bench.targets.CairnTarget;
import dev.cairn.client.CairnClient;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * An open-loop load of puts that runs from {@link #start} to {@link #stop} while its owner does something to the cluster and names
 * the phases. A thread of its own prints a live line each second and writes the intervals.
 */
final class PhasedLoad {
    private static final long SECOND_NS = TimeUnit.SECONDS.toNanos(1);

    /** How long operations may take to end after the last was due. */
    private static final long DRAIN_NS = TimeUnit.SECONDS.toNanos(20);

    private final PrintWriter out;
    private final @Nullable HistogramFiles files;
    private final long beginNs = System.nanoTime();
    private final Phases phases;
    private final OpenLoop load;
    private final Thread ticker = new Thread(this::tick, "load-ticker");
    private volatile boolean stopped;
    private volatile String phaseName = "";
    private boolean drained;

    private PhasedLoad(
            LoadOptions options,
            CairnClient client,
            KeySpace keys,
            SplittableRandom random,
            PrintWriter out,
            @Nullable HistogramFiles files,
            @Nullable OperationTimes times) {
        this.out = out;
        this.files = files;
        phases = new Phases(beginNs, times);
        RandomValues values = new RandomValues(random.split(), options.valueBytes());
        load = new OpenLoop(
                List.of(new CairnTarget(client)),
                options.rate(),
                beginNs,
                options.capacity(),
                () -> new Operation(keys, values, options, random.split()),
                phases);
        ticker.setDaemon(true);
    }

    /**
     * Begins.
     *
     * @param options of a load of puts with a rate; its seconds do not count
     * @param times gets the operations of all phases one by one; null = nobody does
     */
    static PhasedLoad start(
            LoadOptions options,
            CairnClient client,
            KeySpace keys,
            SplittableRandom random,
            PrintWriter out,
            @Nullable HistogramFiles files,
            @Nullable OperationTimes times) {
        PhasedLoad started = new PhasedLoad(options, client, keys, random, out, files, times);
        started.load.start();
        started.ticker.start();
        return started;
    }

    /** Begins a phase and ends the one before. */
    Phases.Phase phase(String name) {
        phaseName = name;
        return phases.begin(name);
    }

    void endPhase() {
        phaseName = "";
        phases.end();
    }

    /** Ends the load, waits for what is in flight, and makes the phases' totals whole. */
    void stop() throws InterruptedException {
        phaseName = "ending";
        phases.stop();
        drained = load.await(DRAIN_NS);
        stopped = true;
        LockSupport.unpark(ticker);
        ticker.join();
    }

    /** Puts that were acknowledged, of the whole load. After its end. */
    long acknowledged() {
        return phases.successes();
    }

    long errors() {
        return phases.errors();
    }

    /** Operations that had not ended when the load was given up. */
    int unfinished() {
        return drained ? 0 : load.inFlight();
    }

    /** Operations that were due and never started. */
    long unstarted() {
        return load.unstarted();
    }

    List<Phases.Phase> phases() {
        return phases.all();
    }

    private void tick() {
        long nextNs = beginNs + SECOND_NS;
        while (!stopped) {
            long leftNs = nextNs - System.nanoTime();
            if (leftNs > 0) {
                LockSupport.parkNanos(leftNs);
            } else {
                takeIntervals();
                nextNs += SECOND_NS;
            }
        }
        takeIntervals();
    }

    private void takeIntervals() {
        Histogram all = Measurement.newHistogram();
        phases.takeIntervals((phase, interval) -> {
            if (files != null && !phase.isEmpty()) {
                files.interval(interval, phase);
            }
            all.add(interval);
        });
        out.printf(
                Locale.ROOT,
                "%4d s %-11s %7d puts  p50 %.0f us  p99 %.0f us  max %.0f us  in flight %d  errors %d%n",
                Math.round((System.nanoTime() - beginNs) / 1e9),
                phaseName,
                all.getTotalCount(),
                LoadResult.us(all, 50),
                LoadResult.us(all, 99),
                LoadResult.us(all, 100),
                load.inFlight(),
                phases.errors());
        out.flush();
    }
}
