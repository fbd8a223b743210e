package dev.cairn.bench.scale;

import dev.cairn.bench.load.KeySpace;
import dev.cairn.bench.load.LoadOptions;
import dev.cairn.bench.load.LoadResult;
import dev.cairn.bench.load.LoadRun;
import dev.cairn.bench.load.Operation;
import dev.cairn.bench.load.RandomValues;
import dev.cairn.bench.machine.ForceProbe;
import dev.cairn.bench.machine.ProcessorTime;
import dev.cairn.bench.results.BenchVersion;
import dev.cairn.bench.results.JsonLine;
import dev.cairn.bench.targets.CairnTarget;
import dev.cairn.bench.targets.LoadTarget;
import dev.cairn.bench.targets.TargetKind;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Measures points one after the other, puts and then gets, on clusters that serve as many of them as they can. The load runs in this
 * process, and so do the proxies of delayed links. Used once, by one thread.
 */
final class ScaleRun implements AutoCloseable {
    /** How many warm-ups of puts fresh nodes get. */
    private static final int HEAT = 3;

    private final Path work;
    private final Path forceDirectory;
    private final int seconds;
    private final int warmupSeconds;
    private final List<String> settings;
    private final PrintWriter out;
    private final SplittableRandom random = new SplittableRandom();
    private @Nullable ScaleCluster cluster;
    private int clusters;

    /**
     * @param work for the nodes' directories
     * @param forceDirectory the disk whose force time is told
     * @param settings further configuration of the nodes
     */
    ScaleRun(Path work, Path forceDirectory, int seconds, int warmupSeconds, List<String> settings, PrintWriter out) {
        this.work = work;
        this.forceDirectory = forceDirectory;
        this.seconds = seconds;
        this.warmupSeconds = warmupSeconds;
        this.settings = settings;
        this.out = out;
    }

    /**
     * A point and its JSON line.
     *
     * @param problem what failed, also in the line; empty = nothing
     */
    record Measured(String json, String problem) {}

    /** Measures a point. When something has failed the next one gets fresh nodes. */
    Measured measure(ScalePoint point) throws IOException, InterruptedException {
        JsonLine line = identity(point)
                .put("delay_ms", Math.max(0, point.delayMs()))
                .put("value_bytes", point.valueBytes())
                .put("keys", point.keys())
                .put("connections", point.connections())
                .put("outstanding", point.outstanding())
                .put("secs", seconds)
                .put("warmup_secs", warmupSeconds);
        List<String> problems = new ArrayList<>();
        try {
            ScaleCluster on = clusterFor(point);
            on.fill(point, random.split());
            try (Targets targets = connect(on, point)) {
                measure(on, targets.list(), point, false, line, problems);
                measure(on, targets.list(), point, true, line, problems);
            }
            on.requireAlive();
        } catch (IllegalStateException e) {
            problems.add(String.valueOf(e.getMessage()));
        }
        if (!problems.isEmpty()) {
            close();
        }
        String problem = String.join("; ", problems);
        String json = line.put("window_bound_ops_s", InflightBound.perSecond(point))
                .put("problem", problem)
                .put("force_p50_us", ForceProbe.medianUs(ForceProbe.run(forceDirectory)))
                .put("version", BenchVersion.version())
                .put("java", System.getProperty("java.version", "unknown"))
                .end();
        return new Measured(json, problem);
    }

    /** What tells a point's line from all others; each begins with it. */
    static JsonLine identity(ScalePoint point) {
        return new JsonLine()
                .put("axis", point.axis().word())
                .put("at", point.at())
                .put("nodes", point.nodes())
                .put("proxied", point.proxied());
    }

    private ScaleCluster clusterFor(ScalePoint point) throws IOException, InterruptedException {
        ScaleCluster present = cluster;
        if (present != null && present.serves(point)) {
            return present;
        }
        close();
        ScaleCluster fresh = ScaleCluster.start(point, work.resolve("cluster" + ++clusters), settings);
        cluster = fresh;
        fresh.fill(point, random.split());
        if (warmupSeconds == 0) {
            return fresh;
        }
        // The nodes' code is compiled while they are loaded: what that costs belongs to no point.
        try (Targets targets = connect(fresh, point)) {
            for (boolean reads : new boolean[] {false, true}) {
                LoadResult unused = load(
                        targets.list(),
                        point.load(fresh.servers(), reads, (reads ? 1 : HEAT) * warmupSeconds, 0),
                        point,
                        new ProcessorTime(List.of()));
            }
        }
        return fresh;
    }

    private void measure(
            ScaleCluster on,
            List<LoadTarget> targets,
            ScalePoint point,
            boolean reads,
            JsonLine line,
            List<String> problems)
            throws InterruptedException {
        String prefix = reads ? "get_" : "put_";
        CostWindow costs = new CostWindow(on.members(), on.links());
        LoadOptions options = point.load(on.servers(), reads, seconds, warmupSeconds);
        LoadResult result = load(targets, options, point, new ProcessorTime(List.of(), costs));
        double rate = (double) result.endedInWindow() / seconds;
        line.put(prefix + "ops_s", rate)
                .put(prefix + "p50_us", LoadResult.us(result.all(), 50))
                .put(prefix + "p99_us", LoadResult.us(result.all(), 99))
                .put(prefix + "errors", result.errorCount())
                .put(prefix + "unfinished", result.unfinished());
        costs.write(line, prefix, rate);
        String what = reads ? "gets" : "puts";
        if (result.errorCount() > 0) {
            problems.add(what + " failed: " + result.errors());
        }
        if (result.unfinished() > 0) {
            problems.add(result.unfinished() + " " + what + " did not end");
        }
        if (result.endedInWindow() == 0) {
            problems.add("no " + (reads ? "get" : "put") + " succeeded");
        }
        say(
                "%-18s %s %9.0f/s  p50 %.0f us  p99 %.0f us  %s",
                point,
                what,
                rate,
                LoadResult.us(result.all(), 50),
                LoadResult.us(result.all(), 99),
                !reads && point.delayMs() > 0
                        ? String.format(Locale.ROOT, "the window allows %.0f/s", InflightBound.perSecond(point))
                        : "");
    }

    private LoadResult load(List<LoadTarget> targets, LoadOptions options, ScalePoint point, ProcessorTime window)
            throws InterruptedException {
        KeySpace keys = new KeySpace(point.keys(), ScalePoint.KEY_BYTES);
        RandomValues values = new RandomValues(random.split(), point.valueBytes());
        SplittableRandom own = random.split();
        Supplier<Operation> operations = () -> new Operation(keys, values, options, own.split());
        return LoadRun.of(
                        options,
                        targets,
                        operations,
                        point.outstanding(),
                        new PrintWriter(Writer.nullWriter()),
                        null,
                        window)
                .run();
    }

    /** What a load is put on, and how to end it. */
    private record Targets(List<LoadTarget> list, AutoCloseable owner) implements AutoCloseable {
        @Override
        public void close() {
            try {
                owner.close();
            } catch (Exception e) {
                throw new IllegalStateException("the connections could not be closed", e);
            }
        }
    }

    private static Targets connect(ScaleCluster on, ScalePoint point) throws InterruptedException {
        if (point.axis() == Axis.CONNECTIONS) {
            Crowd crowd = Crowd.open(on.members().get(0).clientPort(), point.connections());
            return new Targets(crowd.targets(), crowd);
        }
        TargetKind.Connected clients =
                new CairnTarget.Kind().connect(on.servers(), point.connections(), point.outstanding());
        return new Targets(clients.targets(), clients);
    }

    private void say(String format, @Nullable Object... values) {
        out.printf(Locale.ROOT, format + "%n", values);
        out.flush();
    }

    /** Ends the nodes that run. */
    @Override
    public void close() {
        ScaleCluster present = cluster;
        cluster = null;
        if (present != null) {
            present.close();
        }
    }
}
