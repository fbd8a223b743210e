package dev.cairn.bench.scale;

import dev.cairn.bench.load.LoadOptions;
import dev.cairn.bench.machine.OwnDirectory;
import dev.cairn.bench.results.BenchVersion;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * {@code bin/cairn scale}: how rates and costs move with one size, number or distance at a time; {@code docs/benchmarks.md} explains it.
 *
 * <p>Exit codes: 0, also when points failed, which is a result; 1 when no point succeeded; 2 usage.
 */
@Command(
        name = "cairn scale",
        description =
                "Changes one thing at a time, from value size to network delay, and measures rates, latencies and what they"
                        + " cost. cairn report plots it.",
        sortOptions = false,
        mixinStandardHelpOptions = true)
public final class ScaleCommand implements Callable<Integer> {
    private static final int EXIT_FAILED = 1;
    private static final int MAX_SECONDS = 3600;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Option(
            names = "--axes",
            split = ",",
            paramLabel = "WORD,WORD",
            description = "Of value, keys, connections, outstanding, nodes, delay. Default: all.")
    private List<Axis> axes = new ArrayList<>(Arrays.asList(Axis.values()));

    @Option(
            names = "--points",
            split = ",",
            paramLabel = "N,N",
            description = "Only these values of the axes. Default: all.")
    private List<Integer> points = new ArrayList<>();

    @Option(names = "--seconds", defaultValue = "4", paramLabel = "S", description = "Measured time. Default: 4.")
    private int seconds;

    @Option(
            names = "--warmup",
            defaultValue = "3",
            paramLabel = "S",
            description = "Seconds of the same load before it, not counted. Default: 3.")
    private int warmup;

    @Option(
            names = "--keys",
            defaultValue = "100000",
            paramLabel = "N",
            description = "Different keys, on axes other than keys. Default: 100000.")
    private int keys;

    @Option(names = "--set", paramLabel = "KEY=VALUE", description = "Configuration of the nodes; may be repeated.")
    private List<String> settings = new ArrayList<>();

    @Option(
            names = "--dir",
            defaultValue = "cairn-scale",
            paramLabel = "DIR",
            description =
                    "Data and output of the nodes; must not exist, is removed at the end. Put it on the disk that shall be"
                            + " measured. Default: ${DEFAULT-VALUE}.")
    private Path directory = Path.of("cairn-scale");

    @Option(
            names = "--out",
            required = true,
            paramLabel = "DIR",
            description = "Writes scale-AXIS.jsonl here, a line per point; those of other axes stay.")
    private Path outDirectory = Path.of("");

    private ScaleCommand() {}

    /** Ends the JVM with the exit code. */
    public static void main(String[] arguments) {
        if (System.getProperty("logback.configurationFile") == null) {
            System.setProperty("logback.configurationFile", "logback-cli.xml");
        }
        System.exit(commandLine().execute(arguments));
    }

    static CommandLine commandLine() {
        CommandLine commandLine = new CommandLine(new ScaleCommand()).setCaseInsensitiveEnumValuesAllowed(true);
        commandLine.getCommandSpec().version(BenchVersion.version());
        return commandLine;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        try {
            check();
            OwnDirectory own = OwnDirectory.make(directory);
            Files.createDirectories(outDirectory);
            int succeeded = 0;
            for (Axis axis : axes) {
                succeeded += measure(axis, own.path());
            }
            own.close();
            return succeeded > 0 ? 0 : EXIT_FAILED;
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
        }
    }

    private void check() {
        require("--seconds", seconds, 1, MAX_SECONDS);
        require("--warmup", warmup, 0, MAX_SECONDS);
        require("--keys", keys, 1, LoadOptions.MAX_KEYS);
        for (int point : points) {
            if (axes.stream().noneMatch(axis -> axis.steps().contains(point))) {
                throw new IllegalArgumentException("--points: " + point + " is on none of the axes; there are "
                        + axes.stream()
                                .map(axis -> axis.word() + ' ' + axis.steps())
                                .toList());
            }
        }
    }

    private static void require(String option, int value, int least, int most) {
        if (value < least || value > most) {
            throw new IllegalArgumentException(option + ": " + value + ", allowed are " + least + " to " + most);
        }
    }

    /** Returns how many points had no problem. */
    private int measure(Axis axis, Path work) throws IOException, InterruptedException {
        Path file = outDirectory.resolve("scale-" + axis.word() + ".jsonl");
        int succeeded = 0;
        try (ScaleRun run = new ScaleRun(
                Files.createDirectories(work.resolve(axis.word())), work, seconds, warmup, settings, out())) {
            for (ScalePoint point : axis.points(keys)) {
                if (points.isEmpty() || points.contains(point.at())) {
                    ScaleRun.Measured measured = run.measure(point);
                    replace(file, axis, point, measured.json());
                    succeeded += measured.problem().isEmpty() ? 1 : 0;
                    if (!measured.problem().isEmpty()) {
                        out().printf(Locale.ROOT, "%-18s FAILED: %s%n", point, measured.problem());
                        out().flush();
                    }
                }
            }
        }
        return succeeded;
    }

    /** Puts a point's line where it belongs; lines of other points stay, so that an axis may be measured in parts. */
    private void replace(Path file, Axis axis, ScalePoint measured, String json) throws IOException {
        List<String> before = Files.exists(file) ? Files.readAllLines(file) : List.of();
        List<String> lines = new ArrayList<>();
        for (ScalePoint point : axis.points(keys)) {
            String begin = ScaleRun.identity(point).end().replaceFirst("}$", ",");
            if (point.equals(measured)) {
                lines.add(json);
            } else {
                before.stream().filter(line -> line.startsWith(begin)).forEach(lines::add);
            }
        }
        Files.write(file, lines);
    }

    private PrintWriter out() {
        return spec.commandLine().getOut();
    }
}
