package dev.cairn.bench.measure;

import dev.cairn.bench.load.KeySpace;
import dev.cairn.bench.load.LoadResult;
import dev.cairn.bench.machine.Disturbance;
import dev.cairn.bench.machine.MeasuredNodes;
import dev.cairn.bench.machine.NodeEvent;
import dev.cairn.bench.results.JsonLine;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * {@code cairn measure disturbances}: what puts feel while nodes take checkpoints, roll their logs, flush and compact their stores,
 * against what they feel while nothing of that is under way, in one run. {@code docs/benchmarks.md} explains the figures.
 */
@Command(
        name = "disturbances",
        description =
                "Latency of puts during checkpoints, rolls of the log, flushes and compactions of the store, against"
                        + " the rest of the same run. The last line is JSON.",
        defaultValueProvider = DisturbanceMeasure.Defaults.class,
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class DisturbanceMeasure implements Callable<Integer> {
    private static final Duration EQUAL_DEADLINE = Duration.ofMinutes(1);
    private static final int EXIT_FAILED = 1;
    private static final int KEY_BYTES = 16;

    /** The 99.9th percentile of fewer operations is the largest of them. */
    private static final int ENOUGH_OPERATIONS = 1000;

    /** More than this between the two clocks at begin and end, and operations are held against the wrong moments. */
    private static final long MAX_DRIFT_US = TimeUnit.MILLISECONDS.toMicros(2);

    /** So small that a run of a minute has several of each kind on each node. */
    private static final List<String> SETTINGS =
            List.of("wal.segment.bytes=16MiB", "snapshot.log.bytes=32MiB", "snapshot.keep.log.bytes=16MiB");

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private MeasureOptions options = new MeasureOptions();

    @Option(
            names = "--keys",
            defaultValue = "100000",
            paramLabel = "N",
            description = "Keys in the store. Default: ${DEFAULT-VALUE}.")
    private int keys;

    @Option(
            names = "--value-bytes",
            defaultValue = "256",
            paramLabel = "N",
            description = "Length of a value. Default: ${DEFAULT-VALUE}.")
    private int valueBytes;

    /** Where this measurement's differ from those of the others. */
    static final class Defaults implements IDefaultValueProvider {
        @Override
        public @Nullable String defaultValue(ArgSpec argument) {
            if (!(argument instanceof OptionSpec option)) {
                return null;
            }
            return switch (option.longestName()) {
                case "--rate" -> "5000";
                case "--seconds" -> "60";
                default -> null;
            };
        }
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        try {
            // A second more than asked for: the phase ends a little late. Wrong numbers are told about below.
            long operations = Math.max(0, (long) options.rate * (options.seconds + 1L));
            OperationTimes times = new OperationTimes((int) Math.min(Integer.MAX_VALUE, operations));
            try (MeasureRun run = MeasureRun.start(
                    "disturbances",
                    options,
                    keys,
                    KEY_BYTES,
                    valueBytes,
                    SETTINGS,
                    List.of(),
                    spec.commandLine().getOut())) {
                return new Scenario(run, times).run();
            }
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
        }
    }

    /** One run, from top to bottom. */
    private final class Scenario {
        private final MeasureRun run;
        private final MeasuredNodes nodes;
        private final OperationTimes times;

        /** Of the same moment: nodes log by the clock of the wall, operations are timed by the other one. */
        private final long anchorNs = System.nanoTime();

        private final long anchorUs = wallUs();

        Scenario(MeasureRun run, OperationTimes times) {
            this.run = run;
            this.nodes = run.nodes();
            this.times = times;
        }

        int run() throws IOException, InterruptedException {
            run.say(
                    "# a roll lasts %d ms longer than the wait for the segment; what is under way on any node counts",
                    TimeUnit.MICROSECONDS.toMillis(Disturbance.BEHIND_ROLL_US));
            KeySpace keySpace = new KeySpace(keys, KEY_BYTES);
            BulkFill.run(run.client(), keySpace, valueBytes, 0, keys, run.random(), run.out());
            PhasedLoad load = run.startLoad(keySpace, times);
            run.warmUp();
            Phases.Phase phase = run.quietPhase("measured");
            load.stop();
            nodes.awaitEqual(run.client(), EQUAL_DEADLINE);
            run.say("# all nodes have applied the same entries: equal digests");
            report(phase);
            return load.errors() == 0 && load.unfinished() == 0 ? 0 : EXIT_FAILED;
        }

        private void report(Phases.Phase phase) throws IOException {
            long fromUs = TimeUnit.MILLISECONDS.toMicros(phase.beginMs());
            long toUs = TimeUnit.MILLISECONDS.toMicros(phase.endMs());
            List<NodeEvent> events = new ArrayList<>();
            for (int id = 1; id <= nodes.size(); id++) {
                events.addAll(NodeEvent.read(nodes.log(id)));
            }
            List<Disturbance> during = Disturbance.in(events).stream()
                    .filter(each -> each.beginUs() < toUs && each.endUs() > fromUs)
                    .toList();
            DisturbedLatencies latencies = new DisturbedLatencies(during);
            for (int i = 0; i < times.size(); i++) {
                long latencyNs = times.endNs(i) - times.dueNs(i);
                latencies.add(microseconds(times.dueNs(i)), microseconds(times.endNs(i)), latencyNs);
            }
            warn(events, latencies, fromUs, toUs);
            writeDisturbances(during, fromUs);
            JsonLine line = run.json().put("secs", phase.seconds());
            Map<String, Histogram> parts = new LinkedHashMap<>();
            parts.put("quiet", latencies.quiet());
            MeasureRun.putLatencies(line, "quiet", latencies.quiet());
            run.say(
                    "# kind          times    secs     puts   p50 us   p99 us  p99.9 us   max us  to quiet: p50   p99  p99.9");
            run.say("# %-11s %7s %7s %s", "quiet", "", "", figures(latencies.quiet()));
            for (Disturbance.Kind kind : Disturbance.Kind.values()) {
                Histogram histogram = latencies.of(kind);
                long count = during.stream().filter(each -> each.kind() == kind).count();
                double seconds = latencies.seconds(kind, fromUs, toUs);
                String name = kind.word();
                parts.put(name, histogram);
                line.put(name + "_times", count).put(name + "_secs", seconds);
                MeasureRun.putLatencies(line, name, histogram);
                line.putRatio(name + "_ratio_p50", MeasureRun.ratio(histogram, latencies.quiet(), 50))
                        .putRatio(name + "_ratio_p99", MeasureRun.ratio(histogram, latencies.quiet(), 99))
                        .putRatio(name + "_ratio_p999", MeasureRun.ratio(histogram, latencies.quiet(), 99.9));
                run.say(
                        "# %-11s %7d %7.1f %s          %5.2f %5.2f  %5.2f",
                        name,
                        count,
                        seconds,
                        figures(histogram),
                        MeasureRun.ratio(histogram, latencies.quiet(), 50),
                        MeasureRun.ratio(histogram, latencies.quiet(), 99),
                        MeasureRun.ratio(histogram, latencies.quiet(), 99.9));
            }
            run.finish(line, parts);
        }

        private String figures(Histogram histogram) {
            return String.format(
                    Locale.ROOT,
                    "%8d %8.0f %8.0f  %8.0f %8.0f",
                    histogram.getTotalCount(),
                    LoadResult.us(histogram, 50),
                    LoadResult.us(histogram, 99),
                    LoadResult.us(histogram, 99.9),
                    LoadResult.us(histogram, 100));
        }

        /** What makes the figures worth less than they look. */
        private void warn(List<NodeEvent> events, DisturbedLatencies latencies, long fromUs, long toUs) {
            warnOfFew("quiet", latencies.quiet());
            for (Disturbance.Kind kind : Disturbance.Kind.values()) {
                warnOfFew(kind.word(), latencies.of(kind));
            }
            long elections = events.stream()
                    .filter(event ->
                            event.name().equals("role") && event.numbers().contains(" role=LEADER"))
                    .mapToLong(event -> ChronoUnit.MICROS.between(Instant.EPOCH, event.time()))
                    .filter(timeUs -> timeUs >= fromUs && timeUs < toUs)
                    .count();
            if (elections > 0) {
                run.say("# WARNING: %d times another leader, whose election is in the figures too", elections);
            }
            if (times.lost() > 0) {
                run.say(
                        "# WARNING: the phase was longer than asked for; its last %d puts are not counted",
                        times.lost());
            }
            long driftUs = Math.abs(wallUs() - microseconds(System.nanoTime()));
            if (driftUs > MAX_DRIFT_US) {
                run.say("# WARNING: the clock was set by %d us meanwhile, and moments do not fit", driftUs);
            }
        }

        private void warnOfFew(String name, Histogram histogram) {
            if (histogram.getTotalCount() < ENOUGH_OPERATIONS) {
                run.say(
                        "# WARNING: %s: %d puts, too few for a p99.9; a longer run has more",
                        name, histogram.getTotalCount());
            }
        }

        private void writeDisturbances(List<Disturbance> during, long fromUs) throws IOException {
            Path file = run.file("-disturbances.csv");
            if (file == null) {
                return;
            }
            try (PrintWriter out = new PrintWriter(Files.newBufferedWriter(file))) {
                out.println("kind,node,begin_s,end_s");
                for (Disturbance each : during) {
                    out.printf(
                            Locale.ROOT,
                            "%s,%s,%.3f,%s%n",
                            each.kind().word(),
                            each.node(),
                            (each.beginUs() - fromUs) / 1e6,
                            each.endUs() == Long.MAX_VALUE
                                    ? ""
                                    : String.format(Locale.ROOT, "%.3f", (each.endUs() - fromUs) / 1e6));
                }
                if (out.checkError()) {
                    throw new IOException("could not write all of " + file);
                }
            }
        }

        private long microseconds(long timeNs) {
            return anchorUs + TimeUnit.NANOSECONDS.toMicros(timeNs - anchorNs);
        }

        private static long wallUs() {
            return ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now());
        }
    }
}
