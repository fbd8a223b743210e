package dev.cairn.bench.measure;

import static java.util.Objects.requireNonNull;

import dev.cairn.bench.load.KeySpace;
import dev.cairn.bench.machine.LogTail;
import dev.cairn.bench.machine.MeasuredNodes;
import dev.cairn.bench.results.JsonLine;
import dev.cairn.client.CairnClient;
import dev.cairn.client.Scan;
import dev.cairn.protocol.NodeStatus;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * {@code cairn measure scan}: what puts feel while a client scans everything, whether memory grows by it, and how long the deletion
 * of everything takes. {@code docs/benchmarks.md} explains phases and figures.
 */
@Command(
        name = "scan",
        description = "Latency of puts while a client scans all keys; then one delete of all. The last line is JSON.",
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class ScanMeasure implements Callable<Integer> {
    private static final Duration EQUAL_DEADLINE = Duration.ofMinutes(2);
    private static final int EXIT_FAILED = 1;
    private static final char SCANNED = 'k';
    private static final char OTHERS = 'p';
    private static final String SCANNER = "scanner";

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private MeasureOptions options = new MeasureOptions();

    @Option(
            names = "--keys",
            defaultValue = "5000000",
            paramLabel = "N",
            description = "Keys in the store. Default: ${DEFAULT-VALUE}.")
    private int keys;

    @Option(
            names = "--key-bytes",
            defaultValue = "16",
            paramLabel = "N",
            description = "Length of a key. Default: ${DEFAULT-VALUE}.")
    private int keyBytes;

    @Option(
            names = "--value-bytes",
            defaultValue = "64",
            paramLabel = "N",
            description = "Length of a value. Default: ${DEFAULT-VALUE}.")
    private int valueBytes;

    @Option(
            names = "--scans",
            defaultValue = "2",
            paramLabel = "N",
            description = "Scans, each with a quiet phase before it. Default: ${DEFAULT-VALUE}.")
    private int scans;

    @Option(
            names = "--chunk-bytes",
            defaultValue = "0",
            paramLabel = "N",
            description = "Bytes that a server sends at once; 0 = its default. Default: ${DEFAULT-VALUE}.")
    private int chunkBytes;

    @Override
    public Integer call() throws IOException, InterruptedException {
        try (MeasureRun run = MeasureRun.start(
                "scan",
                options,
                keys,
                keyBytes,
                valueBytes,
                List.of(),
                List.of(SCANNER),
                spec.commandLine().getOut())) {
            return new Scenario(run).run();
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
        }
    }

    /** One scan as the client saw it; {@code liveKb} = its heap after a collection at the end. */
    private record ScanOutcome(Phases.Phase phase, long count, long ms, long liveKb) {}

    /** What the deletion of everything was like; {@code extraEntries} = log entries beside the puts, -1 = the leader changed. */
    private record Deletion(Phases.Phase phase, double ms, long extraEntries, long left, double countMs) {}

    /** One run, from top to bottom. */
    private final class Scenario {
        private final MeasureRun run;
        private final MeasuredNodes nodes;
        private final CairnClient client;
        private final List<Phases.Phase> quiet = new ArrayList<>();
        private final List<ScanOutcome> outcomes = new ArrayList<>();
        private Phases.@Nullable Phase warmUpScan;

        Scenario(MeasureRun run) {
            this.run = run;
            this.nodes = run.nodes();
            this.client = run.client();
        }

        int run() throws IOException, InterruptedException {
            KeySpace all = new KeySpace(keys, keyBytes, SCANNED);
            BulkFill.run(client, all, valueBytes, 0, keys, run.random(), run.out());
            PhasedLoad load = run.startLoad(all);
            scanRepeatedly();
            load.stop();
            nodes.awaitEqual(client, EQUAL_DEADLINE);
            Deletion deletion = deleteAll();
            nodes.awaitEqual(client, EQUAL_DEADLINE);
            run.say("# all nodes have applied the same entries: equal digests");
            report(deletion);
            boolean counted = outcomes.stream().allMatch(outcome -> outcome.count() == keys);
            // -1: the leader changed meanwhile, and its own entry is among them.
            boolean oneEntry = deletion.extraEntries() == 1 || deletion.extraEntries() == -1;
            return counted && oneEntry && deletion.left() == 0 ? 0 : EXIT_FAILED;
        }

        private void scanRepeatedly() throws IOException, InterruptedException {
            List<String> command = MeasuredNodes.javaCommand(run.directory(), SCANNER);
            command.addAll(List.of(
                    ScanProcess.class.getName(),
                    nodes.servers(),
                    String.valueOf(SCANNED),
                    Integer.toString(chunkBytes)));
            Process scanner = new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.appendTo(
                            run.directory().resolve(SCANNER + ".log").toFile()))
                    .start();
            run.setProcess(SCANNER, scanner.pid());
            try (BufferedReader answers = scanner.inputReader(StandardCharsets.UTF_8);
                    OutputStream commands = scanner.getOutputStream()) {
                run.warmUp();
                // As the load, what scans run is compiled before it is measured.
                ScanOutcome first = scan("warm-up", answers, commands);
                warmUpScan = first.phase();
                for (int i = 1; i <= scans; i++) {
                    quiet.add(run.quietPhase("quiet-" + i));
                    outcomes.add(scan(Integer.toString(i), answers, commands));
                }
            } finally {
                run.setProcess(SCANNER, 0);
                scanner.destroy();
                scanner.waitFor();
            }
        }

        private ScanOutcome scan(String number, BufferedReader answers, OutputStream commands) throws IOException {
            Phases.Phase phase = run.beginPhase("scan-" + number);
            commands.write('\n');
            commands.flush();
            String answer = answers.readLine();
            run.endPhase();
            if (answer == null) {
                throw new IllegalStateException(
                        "the scanner has ended; see " + run.directory().resolve(SCANNER + ".log"));
            }
            run.say("# scan %s: %s", number, answer);
            return new ScanOutcome(
                    phase,
                    LogTail.number(answer, "count").orElse(-1),
                    LogTail.number(answer, "ms").orElse(-1),
                    LogTail.number(answer, "liveKb").orElse(-1));
        }

        /** Puts on other keys go on meanwhile. */
        private Deletion deleteAll() throws InterruptedException {
            try (CairnClient deleter = run.connect()) {
                // Its session is opened, and its connection found, before anything is counted.
                deleter.put(new byte[] {'z'}, new byte[0]);
                NodeStatus before = MeasuredNodes.leader(client);
                PhasedLoad load = run.startLoad(new KeySpace(keys, keyBytes, OTHERS));
                run.loadFor(1);
                Phases.Phase phase = run.beginPhase("delete");
                long beginNs = System.nanoTime();
                deleter.deletePrefix(new byte[] {SCANNED});
                double ms = (System.nanoTime() - beginNs) / 1e6;
                run.say("# delete of all keys with prefix %c: %.2f ms", SCANNED, ms);
                run.loadFor(options.seconds);
                run.endPhase();
                load.stop();
                NodeStatus after = MeasuredNodes.leader(client);
                long extra = after.term() == before.term()
                        ? after.lastLogIndex() - before.lastLogIndex() - load.acknowledged()
                        : -1;
                beginNs = System.nanoTime();
                long left = deleter.count(Scan.prefix(new byte[] {SCANNED})).count();
                double countMs = (System.nanoTime() - beginNs) / 1e6;
                run.say("# log entries beside the puts: %d; keys left: %d, counted in %.1f ms", extra, left, countMs);
                return new Deletion(phase, ms, extra, left, countMs);
            }
        }

        private void report(Deletion deletion) throws IOException {
            Histogram quietAll = MeasureRun.together(quiet);
            Histogram scanAll = MeasureRun.together(
                    outcomes.stream().map(ScanOutcome::phase).toList());
            Histogram delete = deletion.phase().total();
            JsonLine line = run.json()
                    .put("scans", outcomes.size())
                    .put(
                            "quiet_secs",
                            quiet.stream().mapToDouble(Phases.Phase::seconds).sum())
                    .putRatio("ratio_p50", MeasureRun.ratio(scanAll, quietAll, 50))
                    .putRatio("ratio_p99", MeasureRun.ratio(scanAll, quietAll, 99))
                    .putRatio("ratio_p999", MeasureRun.ratio(scanAll, quietAll, 99.9))
                    .putRatio(
                            "ratio_p99_warm_up",
                            MeasureRun.ratio(requireNonNull(warmUpScan).total(), quietAll, 99))
                    .putRatio("ratio_p99_delete", MeasureRun.ratio(delete, quietAll, 99));
            for (int i = 0; i < outcomes.size(); i++) {
                putScan(line, "scan_" + (i + 1), quiet.get(i), outcomes.get(i));
            }
            line.put("delete_ms", deletion.ms())
                    .put("delete_entries", deletion.extraEntries())
                    .put("left_after_delete", deletion.left())
                    .put("count_after_delete_ms", deletion.countMs());
            Map<String, Histogram> parts = new LinkedHashMap<>();
            parts.put("quiet", quietAll);
            parts.put("scan", scanAll);
            parts.put("delete", delete);
            parts.forEach((name, histogram) -> MeasureRun.putLatencies(line, name, histogram));
            run.finish(line, parts);
        }

        private void putScan(JsonLine line, String prefix, Phases.Phase before, ScanOutcome outcome) {
            line.put(prefix + "_count", outcome.count())
                    .put(prefix + "_ms", outcome.ms())
                    .putRatio(
                            prefix + "_ratio_p99",
                            MeasureRun.ratio(outcome.phase().total(), before.total(), 99))
                    .put(prefix + "_scanner_live_kb", outcome.liveKb());
            List<String> processes = new ArrayList<>(List.of(SCANNER));
            for (int id = 1; id <= nodes.size(); id++) {
                processes.add(MeasureRun.process(id));
            }
            for (String process : processes) {
                // Most anonymous memory in the quiet phase before it, and during it.
                line.put(prefix + "_" + process + "_anonymous_mb_before", anonymousMb(process, before))
                        .put(prefix + "_" + process + "_anonymous_mb", anonymousMb(process, outcome.phase()))
                        .put(
                                prefix + "_" + process + "_rss_mb",
                                run.maxMemory(
                                                        process,
                                                        outcome.phase().beginMs(),
                                                        outcome.phase().endMs())
                                                .rssKb()
                                        / 1024)
                        .put(
                                prefix + "_" + process + "_live_heap_mb",
                                run.gcLog(process, 0, outcome.phase().endMs()).lastAfterMb());
            }
        }

        private long anonymousMb(String process, Phases.Phase phase) {
            return run.maxMemory(process, phase.beginMs(), phase.endMs()).anonymousKb() / 1024;
        }
    }
}
