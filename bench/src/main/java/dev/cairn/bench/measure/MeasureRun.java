package dev.cairn.bench.measure;

import dev.cairn.bench.load.KeySpace;
import dev.cairn.bench.load.LoadOptions;
import dev.cairn.bench.load.LoadResult;
import dev.cairn.bench.load.Measurement;
import dev.cairn.bench.machine.ForceProbe;
import dev.cairn.bench.machine.GcLog;
import dev.cairn.bench.machine.MeasuredNodes;
import dev.cairn.bench.machine.MemorySampler;
import dev.cairn.bench.machine.OwnDirectory;
import dev.cairn.bench.machine.ProcessProbe;
import dev.cairn.bench.results.BenchVersion;
import dev.cairn.bench.results.HistogramFiles;
import dev.cairn.bench.results.JsonLine;
import dev.cairn.bench.targets.Durability;
import dev.cairn.client.CairnClient;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryType;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * What every measurement has: three node processes, a client, the load with its phases, a look at the memory of all processes, the
 * files. One thread.
 */
final class MeasureRun implements AutoCloseable {
    static final String THIS_PROCESS = "load";

    private final String name;
    private final MeasureOptions options;
    private final PrintWriter out;
    private final Path directory;
    private final @Nullable Path outDirectory;
    private final LoadOptions loadOptions;
    private final MeasuredNodes nodes;
    private final MemorySampler memory;
    private final Map<String, Long> pids = new ConcurrentHashMap<>();
    private final Map<String, ProcessProbe.Usage> usageAtBegin = new HashMap<>();
    private final long[] forcesBefore;
    private final SplittableRandom random = new SplittableRandom();
    private @Nullable CairnClient client;
    private @Nullable HistogramFiles files;
    private final List<PhasedLoad> loads = new ArrayList<>();
    private @Nullable PhasedLoad load;
    private Phases.@Nullable Phase phase;

    private MeasureRun(
            String name,
            MeasureOptions options,
            int keys,
            int keyBytes,
            int valueBytes,
            List<String> settings,
            List<String> otherProcesses,
            PrintWriter out)
            throws IOException {
        this.name = name;
        this.options = options;
        this.out = out;
        // Before anything is made: a wrong number is told about now.
        options.load("127.0.0.1:1", keys, keyBytes, valueBytes);
        directory = options.makeDirectory();
        outDirectory = options.out();
        nodes = new MeasuredNodes(directory, MeasureOptions.NODES, options.settings(settings));
        loadOptions = options.load(nodes.servers(), keys, keyBytes, valueBytes);
        forcesBefore = ForceProbe.run(outDirectory == null ? directory : outDirectory);
        Map<String, LongSupplier> sampled = new TreeMap<>();
        pids.put(THIS_PROCESS, ProcessHandle.current().pid());
        sampled.put(THIS_PROCESS, () -> pids.getOrDefault(THIS_PROCESS, 0L));
        for (int id = 1; id <= nodes.size(); id++) {
            String process = process(id);
            sampled.put(process, () -> pids.getOrDefault(process, 0L));
        }
        otherProcesses.forEach(process -> sampled.put(process, () -> pids.getOrDefault(process, 0L)));
        memory = new MemorySampler(sampled);
    }

    /**
     * Starts the nodes and waits until they serve.
     *
     * @param settings configuration of the nodes, which the options may override
     * @param otherProcesses names of further processes whose memory is looked at
     */
    static MeasureRun start(
            String name,
            MeasureOptions options,
            int keys,
            int keyBytes,
            int valueBytes,
            List<String> settings,
            List<String> otherProcesses,
            PrintWriter out)
            throws IOException, InterruptedException {
        MeasureRun run = new MeasureRun(name, options, keys, keyBytes, valueBytes, settings, otherProcesses, out);
        try {
            run.begin(settings);
            return run;
        } catch (IOException | InterruptedException | RuntimeException e) {
            run.close();
            throw e;
        }
    }

    static String process(int node) {
        return "node" + node;
    }

    private void begin(List<String> settings) throws IOException, InterruptedException {
        nodes.startAll();
        for (int id = 1; id <= nodes.size(); id++) {
            pids.put(process(id), nodes.pid(id));
        }
        CairnClient connected = connect();
        client = connected;
        int leader = nodes.awaitServing(connected);
        String header = header(connected, leader, settings);
        out.println(header);
        out.flush();
        if (outDirectory != null) {
            files = HistogramFiles.open(
                    outDirectory, "measure-" + name + "-r" + loadOptions.rate(), Instant.now(), header);
        }
    }

    private String header(CairnClient connected, int leader, List<String> settings) {
        return String.format(
                Locale.ROOT,
                "# cairn measure %s %s, java %s, %s %s %s, %d processors%n"
                        + "# durability %s, %d nodes, node %d leads, settings %s%n"
                        + "# rate %d, keys %d, key-bytes %d, value-bytes %d, heap of this process at most %d MiB%n"
                        + "# force p50 %.1f us",
                name,
                BenchVersion.version(),
                System.getProperty("java.version"),
                System.getProperty("os.name"),
                System.getProperty("os.version"),
                System.getProperty("os.arch"),
                Runtime.getRuntime().availableProcessors(),
                Durability.of(connected.status()),
                nodes.size(),
                leader,
                options.settings(settings),
                loadOptions.rate(),
                loadOptions.keys(),
                loadOptions.keyBytes(),
                loadOptions.valueBytes(),
                Runtime.getRuntime().maxMemory() >> 20,
                ForceProbe.medianUs(forcesBefore));
    }

    // ---- What the measurement uses

    /** A further client; the caller closes it. */
    CairnClient connect() {
        return CairnClient.builder()
                .servers(nodes.servers())
                .maxOutstanding(2 * LoadOptions.MAX_PER_CONNECTION)
                .connect();
    }

    MeasuredNodes nodes() {
        return nodes;
    }

    CairnClient client() {
        CairnClient connected = client;
        if (connected == null) {
            throw new IllegalStateException("not connected");
        }
        return connected;
    }

    Path directory() {
        return directory;
    }

    SplittableRandom random() {
        return random;
    }

    /** A line of the report. */
    void say(String format, Object... arguments) {
        out.printf(Locale.ROOT, format + "%n", arguments);
        out.flush();
    }

    PrintWriter out() {
        return out;
    }

    /** From now on this is the process of that name; 0 = it has ended. */
    void setProcess(String process, long pid) {
        pids.put(process, pid);
    }

    // ---- Load and phases

    /** Begins the load of puts on these keys. */
    PhasedLoad startLoad(KeySpace keys) {
        return startLoad(keys, null);
    }

    /** @param times gets the operations of all phases one by one; null = nobody does */
    PhasedLoad startLoad(KeySpace keys, @Nullable OperationTimes times) {
        PhasedLoad started = PhasedLoad.start(loadOptions, client(), keys, random.split(), out, files, times);
        load = started;
        loads.add(started);
        return started;
    }

    /** The load goes on for so long. How long a measurement takes is given: there is no condition to wait for. */
    void loadFor(int seconds) throws InterruptedException {
        TimeUnit.SECONDS.sleep(seconds);
    }

    void warmUp() throws InterruptedException {
        loadFor(options.warmup);
    }

    /** A phase in which nothing is done to the cluster beside the load. */
    Phases.Phase quietPhase(String phaseName) throws InterruptedException {
        Phases.Phase quiet = beginPhase(phaseName);
        loadFor(options.seconds);
        endPhase();
        return quiet;
    }

    /** Ends the phase before and begins this one. */
    Phases.Phase beginPhase(String phaseName) {
        PhasedLoad running = load;
        if (running == null) {
            throw new IllegalStateException("no load");
        }
        endPhase();
        usageAtBegin.clear();
        pids.forEach((process, pid) -> usageAtBegin.put(process, ProcessProbe.usage(pid)));
        Phases.Phase begun = running.phase(phaseName);
        phase = begun;
        return begun;
    }

    /** Ends the running phase and says what the processes did in it. */
    void endPhase() {
        PhasedLoad running = load;
        Phases.Phase ended = phase;
        if (ended == null || running == null) {
            return;
        }
        running.endPhase();
        phase = null;
        for (Map.Entry<String, Long> process : new TreeMap<>(pids).entrySet()) {
            ProcessProbe.Usage after = ProcessProbe.usage(process.getValue());
            ProcessProbe.Usage before = usageAtBegin.getOrDefault(process.getKey(), ProcessProbe.Usage.NONE);
            GcLog gc = gcLog(process.getKey(), ended.beginMs(), ended.endMs());
            if (!after.threadTicks().isEmpty()) {
                say(
                        "# %s, %s: %s; gc pauses %d, %.0f ms, longest %.1f ms",
                        ended.name(),
                        process.getKey(),
                        after.since(before, ended.seconds()),
                        gc.pauses(),
                        gc.pausedMs(),
                        gc.longestMs());
            }
        }
    }

    GcLog gcLog(String process, long fromMs, long toMs) {
        return GcLog.between(directory.resolve(process + ".gc.log"), fromMs, toMs);
    }

    ProcessProbe.Memory maxMemory(String process, long fromMs, long toMs) {
        return memory.max(process, fromMs, toMs);
    }

    // ---- Results

    JsonLine json() {
        return new JsonLine()
                .put("measure", name)
                .put("rate", loadOptions.rate())
                .put("keys", loadOptions.keys())
                .put("key_bytes", loadOptions.keyBytes())
                .put("value_bytes", loadOptions.valueBytes());
    }

    /** Latencies of some phases together. */
    static Histogram together(List<Phases.Phase> phases) {
        Histogram all = Measurement.newHistogram();
        phases.forEach(each -> all.add(each.total()));
        return all;
    }

    static void putLatencies(JsonLine line, String prefix, Histogram histogram) {
        line.put(prefix + "_count", histogram.getTotalCount())
                .put(prefix + "_p50_us", LoadResult.us(histogram, 50))
                .put(prefix + "_p99_us", LoadResult.us(histogram, 99))
                .put(prefix + "_p999_us", LoadResult.us(histogram, 99.9))
                .put(prefix + "_max_us", LoadResult.us(histogram, 100));
    }

    static double ratio(Histogram part, Histogram quiet, double percentile) {
        return LoadResult.us(part, percentile) / LoadResult.us(quiet, percentile);
    }

    /** A file of the result, beside the others and by its own name's end; null = no files are written. */
    @Nullable
    Path file(String end) {
        HistogramFiles opened = files;
        return opened == null ? null : Path.of(opened.base() + end);
    }

    /** Memory of all processes, errors, the disk; prints the line and writes the files. Call it last. */
    void finish(JsonLine line, Map<String, Histogram> parts) throws IOException {
        for (String process : new TreeMap<>(pids).keySet()) {
            ProcessProbe.Memory max = maxMemory(process, 0, Long.MAX_VALUE);
            line.put(process + "_max_rss_mb", max.rssKb() / 1024)
                    .put(process + "_max_anonymous_mb", max.anonymousKb() / 1024);
            if (process.equals(THIS_PROCESS)) {
                line.put(process + "_max_heap_mb", ownMaxHeapMb());
                continue;
            }
            GcLog gc = gcLog(process, 0, Long.MAX_VALUE);
            line.put(process + "_max_heap_mb", gc.maxBeforeMb())
                    .put(process + "_last_live_heap_mb", gc.lastAfterMb())
                    .put(process + "_longest_gc_ms", gc.longestMs());
        }
        line.put("errors", loads.stream().mapToLong(PhasedLoad::errors).sum())
                .put(
                        "unfinished",
                        loads.stream().mapToLong(PhasedLoad::unfinished).sum())
                .put(
                        "unstarted",
                        loads.stream().mapToLong(PhasedLoad::unstarted).sum());
        long[] forcesAfter = ForceProbe.run(outDirectory == null ? directory : outDirectory);
        String json = line.put("durability", Durability.of(client().status()))
                .put("force_before_p50_us", ForceProbe.medianUs(forcesBefore))
                .put("force_after_p50_us", ForceProbe.medianUs(forcesAfter))
                .put("processors", Runtime.getRuntime().availableProcessors())
                .put("version", BenchVersion.version())
                .put("java", System.getProperty("java.version", "unknown"))
                .end();
        HistogramFiles opened = files;
        if (opened != null && outDirectory != null) {
            for (Map.Entry<String, Histogram> part : parts.entrySet()) {
                opened.percentiles(part.getValue(), part.getKey());
            }
            opened.finish(json);
            memory.write(Path.of(opened.base() + "-memory.csv"));
            nodes.keepLogs(opened.base() + '-');
            say("# files %s*", opened.base());
        }
        say("%s", json);
    }

    /** The pools' peaks together, which is a little more than was ever used at once. */
    private static long ownMaxHeapMb() {
        return ManagementFactory.getMemoryPoolMXBeans().stream()
                        .filter(pool -> pool.getType() == MemoryType.HEAP)
                        .mapToLong(pool -> pool.getPeakUsage().getUsed())
                        .sum()
                >> 20;
    }

    /** Stops everything and removes the data. */
    @Override
    public void close() {
        CairnClient connected = client;
        if (connected != null) {
            connected.close();
        }
        HistogramFiles opened = files;
        if (opened != null) {
            opened.close();
        }
        memory.close();
        nodes.close();
        if (!options.keep()) {
            removeData();
        }
    }

    private void removeData() {
        try {
            OwnDirectory.remove(directory);
        } catch (IOException e) {
            say("# WARNING: %s could not be removed: %s", directory, e);
        }
    }
}
