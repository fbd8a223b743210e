package dev.cairn.bench.compare;

import dev.cairn.bench.load.LoadGenerator;
import dev.cairn.bench.load.LoadOptions;
import dev.cairn.bench.machine.MeasuredNodes;
import dev.cairn.bench.machine.OwnDirectory;
import dev.cairn.bench.machine.ProcessorTime;
import dev.cairn.bench.results.BenchVersion;
import dev.cairn.bench.results.JsonNumbers;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * {@code bin/cairn compare}: the same loads on the floor, on Cairn and on etcd, in turn and within one go; {@code docs/benchmarks.md}
 * explains it. Each system runs in processes of its own, each load in a process of its own.
 *
 * <p>Exit codes: 0; 1 a system or a load failed; 2 usage.
 */
@Command(
        name = "cairn compare",
        description =
                "Runs the same loads on the floor, on Cairn and, when it is installed, on etcd, alternating, and prints"
                        + " tables with medians, spread and ratios.",
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class CompareCommand implements Callable<Integer> {
    /** Where the jars of etcd's adapter are; empty = there are none. */
    private static final String ETCD_ADAPTER_PROPERTY = "cairn.etcd.adapter";

    private static final int MAX_REPETITIONS = 1000;
    private static final int FILL_OUTSTANDING = 256;
    private static final int IDLE_SECONDS = 2;
    private static final int KEY_BYTES = 16;
    private static final int EXIT_FAILED = 1;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Option(
            names = "--systems",
            split = ",",
            paramLabel = "WORD,WORD",
            description = "Of floor, cairn, etcd. Default: all that are there.")
    private List<ComparedSystem.Kind> systems = new ArrayList<>();

    @Option(
            names = "--workloads",
            split = ",",
            defaultValue = "put-o1,put-o64,put-o256,put-r1000,put-r5000,get-o1,get-o64,get-o256",
            paramLabel = "WORD,WORD",
            description = "put-oN, get-oN: N outstanding; put-rN, get-rN: N due per second. Default: ${DEFAULT-VALUE}.")
    private List<String> workloads = new ArrayList<>();

    @Option(
            names = "--repetitions",
            defaultValue = "3",
            paramLabel = "N",
            description = "Rounds of all workloads on all systems, each with fresh servers. Default: ${DEFAULT-VALUE}.")
    private int repetitions;

    @Option(names = "--seconds", defaultValue = "10", paramLabel = "S", description = "Measured time. Default: 10.")
    private int seconds;

    @Option(
            names = "--warmup",
            defaultValue = "5",
            paramLabel = "S",
            description = "Seconds of the same load before it, not counted. Default: 5.")
    private int warmup;

    @Option(
            names = "--keys",
            defaultValue = "100000",
            paramLabel = "N",
            description = "Different keys. Default: 100000.")
    private int keys;

    @Option(
            names = "--value-bytes",
            defaultValue = "256",
            paramLabel = "N",
            description = "Length of a value. Default: 256.")
    private int valueBytes;

    @Option(
            names = "--connections",
            defaultValue = "1",
            paramLabel = "N",
            description = "Connections of a load, with a thread each. Default: 1.")
    private int connections;

    @Option(names = "--set", paramLabel = "KEY=VALUE", description = "Configuration of Cairn's nodes; may be repeated.")
    private List<String> settings = new ArrayList<>();

    @Option(
            names = "--dir",
            defaultValue = "cairn-compare",
            paramLabel = "DIR",
            description =
                    "For the servers' data and output; must not exist, is removed at the end. Put it on the disk that"
                            + " shall be measured. Default: ${DEFAULT-VALUE}.")
    private Path directory = Path.of("cairn-compare");

    @Option(
            names = "--out",
            paramLabel = "DIR",
            description = "Writes the files of each load and compare.md, compare.jsonl here.")
    private @Nullable Path outDirectory;

    private CompareCommand() {}

    /** Ends the JVM with the exit code. */
    public static void main(String[] arguments) {
        if (System.getProperty("logback.configurationFile") == null) {
            System.setProperty("logback.configurationFile", "logback-cli.xml");
        }
        System.exit(commandLine().execute(arguments));
    }

    static CommandLine commandLine() {
        CommandLine commandLine = new CommandLine(new CompareCommand()).setCaseInsensitiveEnumValuesAllowed(true);
        commandLine.getCommandSpec().version(BenchVersion.version());
        return commandLine.setExecutionExceptionHandler((failure, line, parsed) -> {
            if (failure instanceof IllegalStateException) {
                line.getErr().println("cairn compare: " + failure.getMessage());
                line.getErr().flush();
                return EXIT_FAILED;
            }
            throw failure;
        });
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        try {
            List<Workload> loads = workloads.stream().map(Workload::parse).toList();
            checkLoads(loads);
            List<ComparedSystem.Kind> chosen = chosenSystems();
            OwnDirectory own = OwnDirectory.make(directory);
            Path out = outDirectory == null ? own.path().resolve("out") : outDirectory.toAbsolutePath();
            Files.createDirectories(out);
            new Rounds(chosen, loads, own.path(), out).run();
            // Stays after a failure: what the servers have said tells why.
            own.close();
            return 0;
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
        }
    }

    private void checkLoads(List<Workload> loads) {
        if (repetitions < 1 || repetitions > MAX_REPETITIONS) {
            throw new IllegalArgumentException(
                    "--repetitions: " + repetitions + ", allowed are 1 to " + MAX_REPETITIONS);
        }
        for (Workload load : loads) {
            LoadOptions unused = new LoadOptions(
                    "",
                    load.mode(),
                    load.reads() ? 100 : 0,
                    load.open() ? 0 : load.amount(),
                    load.open() ? load.amount() : 0,
                    seconds,
                    warmup,
                    keys,
                    KEY_BYTES,
                    valueBytes,
                    connections);
        }
    }

    // ---- Which systems

    private List<ComparedSystem.Kind> chosenSystems() {
        List<ComparedSystem.Kind> wanted = new ArrayList<>(
                new LinkedHashSet<>(systems.isEmpty() ? Arrays.asList(ComparedSystem.Kind.values()) : systems));
        if (wanted.contains(ComparedSystem.Kind.ETCD)) {
            String missing = whyNoEtcd();
            if (!missing.isEmpty()) {
                say("# etcd is left out: %s", missing);
                wanted.remove(ComparedSystem.Kind.ETCD);
            }
        }
        if (wanted.isEmpty()) {
            throw new IllegalStateException("nothing is left to measure");
        }
        return wanted;
    }

    /** Empty = it can be measured. */
    private static String whyNoEtcd() {
        String path = System.getenv().getOrDefault("PATH", "");
        boolean installed = Arrays.stream(path.split(File.pathSeparator))
                .filter(entry -> !entry.isEmpty())
                .anyMatch(entry -> Files.isExecutable(Path.of(entry, "etcd")));
        if (!installed) {
            return "no etcd in PATH (Debian's package is etcd-server)";
        }
        return System.getProperty(ETCD_ADAPTER_PROPERTY, "").isEmpty()
                ? "its adapter was not built (only in a checkout: mvn -Petcd package)"
                : "";
    }

    private void say(String format, @Nullable Object... values) {
        PrintWriter out = spec.commandLine().getOut();
        out.printf(Locale.ROOT, format + "%n", values);
        out.flush();
    }

    // ---- The rounds

    /** All repetitions of all loads on all systems. */
    private final class Rounds {
        private final List<ComparedSystem.Kind> kinds;
        private final List<Workload> loads;
        private final Path work;
        private final Path out;
        private final Comparison comparison = new Comparison();
        private final List<String> lines = new ArrayList<>();

        Rounds(List<ComparedSystem.Kind> kinds, List<Workload> loads, Path work, Path out) {
            this.kinds = kinds;
            this.loads = loads;
            this.work = work;
            this.out = out;
        }

        void run() throws IOException, InterruptedException {
            String header = header();
            say("%s", header);
            for (int repetition = 1; repetition <= repetitions; repetition++) {
                Map<ComparedSystem.Kind, ComparedSystem> running = new EnumMap<>(ComparedSystem.Kind.class);
                Thread ender = new Thread(() -> closeAll(running));
                Runtime.getRuntime().addShutdownHook(ender);
                try {
                    startAll(repetition, running);
                    round(repetition, running);
                    for (ComparedSystem system : running.values()) {
                        system.keepLogs(files(system, repetition));
                    }
                } finally {
                    closeAll(running);
                    Runtime.getRuntime().removeShutdownHook(ender);
                }
            }
            say("%n%s", comparison.tables());
            if (outDirectory != null) {
                Files.writeString(out.resolve("compare.md"), header + "\n\n" + comparison.tables());
                Files.write(out.resolve("compare.jsonl"), lines);
                say("# files in %s", outDirectory);
            }
        }

        private String header() throws IOException, InterruptedException {
            List<String> header = new ArrayList<>();
            header.add(String.format(
                    Locale.ROOT,
                    "# cairn compare %s, java %s, %s %s, %d processors",
                    BenchVersion.version(),
                    System.getProperty("java.version"),
                    System.getProperty("os.name"),
                    System.getProperty("os.version"),
                    Runtime.getRuntime().availableProcessors()));
            header.add(String.format(
                    Locale.ROOT,
                    "# %d repetitions, seconds %d, warmup %d, keys %d, value-bytes %d, connections %d; median (least..largest)",
                    repetitions,
                    seconds,
                    warmup,
                    keys,
                    valueBytes,
                    connections));
            header.add("# durability forced everywhere: each server forces to disk before it acknowledges");
            if (kinds.contains(ComparedSystem.Kind.ETCD)) {
                header.add("# " + etcdVersion());
            }
            return String.join(System.lineSeparator(), header);
        }

        private String etcdVersion() throws IOException, InterruptedException {
            Process process = new ProcessBuilder("etcd", "--version")
                    .redirectErrorStream(true)
                    .start();
            try (Stream<String> said = process.inputReader().lines()) {
                return said.findFirst().orElse("etcd");
            } finally {
                process.waitFor();
            }
        }

        private void startAll(int repetition, Map<ComparedSystem.Kind, ComparedSystem> running)
                throws IOException, InterruptedException {
            for (ComparedSystem.Kind kind : kinds) {
                Path home = work.resolve("round" + repetition).resolve(kind.word());
                running.put(kind, ComparedSystem.start(kind, home, settings));
            }
            if (loads.stream().anyMatch(Workload::reads)) {
                for (ComparedSystem system : running.values()) {
                    if (system.kind().reads()) {
                        fill(system);
                    }
                }
            }
            sayIdle(repetition, List.copyOf(running.values()));
        }

        /** The systems that are not measured stay up: what that costs the others. */
        private void sayIdle(int repetition, List<ComparedSystem> running) throws InterruptedException {
            List<ProcessorTime> times = running.stream()
                    .map(system -> new ProcessorTime(system.pids()))
                    .toList();
            long idleSeconds = Math.min(IDLE_SECONDS, seconds);
            times.forEach(ProcessorTime::open);
            TimeUnit.SECONDS.sleep(idleSeconds);
            times.forEach(ProcessorTime::close);
            for (int i = 0; i < times.size(); i++) {
                say(
                        "# repetition %d: %s idle uses %.1f %% of a processor",
                        repetition, running.get(i).kind().word(), times.get(i).usedMs() / 10.0 / idleSeconds);
            }
        }

        private void fill(ComparedSystem system) throws IOException, InterruptedException {
            Workload reads = new Workload(LoadOptions.Mode.GET, false, FILL_OUTSTANDING);
            String unused = load(
                    system,
                    reads,
                    List.of("--seconds", "1", "--warmup", "0"),
                    work.resolve("fill-" + system.kind().word()));
        }

        /** Each load on all systems before the next one; who comes first changes from load to load and round to round. */
        private void round(int repetition, Map<ComparedSystem.Kind, ComparedSystem> running)
                throws IOException, InterruptedException {
            for (int i = 0; i < loads.size(); i++) {
                List<ComparedSystem> order = new ArrayList<>(running.values());
                Collections.rotate(order, -(repetition - 1 + i));
                for (ComparedSystem system : order) {
                    if (system.kind().reads() || !loads.get(i).reads()) {
                        measure(repetition, loads.get(i), system);
                    }
                }
            }
        }

        private void measure(int repetition, Workload workload, ComparedSystem system)
                throws IOException, InterruptedException {
            List<String> more = new ArrayList<>(List.of(
                    "--seconds",
                    Integer.toString(seconds),
                    "--warmup",
                    Integer.toString(warmup),
                    "--keys-are-there",
                    "--server-pids",
                    String.join(",", system.pids().stream().map(String::valueOf).toList())));
            String word = system.kind().word();
            String line = load(system, workload, more, files(system, repetition));
            Comparison.Run run = new Comparison.Run(repetition, workload, system.kind(), JsonNumbers.of(line));
            comparison.add(run);
            lines.add(String.format(
                    Locale.ROOT,
                    "{\"repetition\":%d,\"workload\":\"%s\",\"system\":\"%s\",%s",
                    repetition,
                    workload,
                    word,
                    line.substring(1)));
            say(
                    "%d/%d %-9s %-5s %8.0f/s  p50 %.0f us  p99 %.0f us  p99.9 %.0f us  CPU %.1f ms/1000  force %.0f us",
                    repetition,
                    repetitions,
                    workload,
                    word,
                    run.number("ops_s"),
                    run.number("p50_us"),
                    run.number("p99_us"),
                    run.number("p999_us"),
                    run.number("server_cpu_ms_per_1000"),
                    run.number("force_p50_us"));
        }

        private Path files(ComparedSystem system, int repetition) {
            return out.resolve(system.kind().word()).resolve("repetition" + repetition);
        }

        /** Runs the load generator as a process, with the flags of a node; returns its last line. */
        private String load(ComparedSystem system, Workload workload, List<String> more, Path files)
                throws IOException, InterruptedException {
            Files.createDirectories(files);
            List<String> command = new ArrayList<>(MeasuredNodes.javaCommand(work, "load"));
            String classPath = command.remove(command.size() - 1);
            if (system.kind() == ComparedSystem.Kind.ETCD) {
                classPath += File.pathSeparator + System.getProperty(ETCD_ADAPTER_PROPERTY) + "/*";
            }
            // The last word counts: standard output belongs to the figures.
            command.add(command.size() - 1, "-Dlogback.configurationFile=logback-cli.xml");
            command.addAll(List.of(classPath, LoadGenerator.class.getName()));
            command.addAll(List.of(
                    "--target", system.kind().word(),
                    "--servers", system.servers(),
                    "--keys", Integer.toString(keys),
                    "--key-bytes", Integer.toString(KEY_BYTES),
                    "--value-bytes", Integer.toString(valueBytes),
                    "--connections", Integer.toString(connections),
                    "--out", files.toString()));
            command.addAll(workload.arguments());
            command.addAll(more);
            Path output = files.resolve("load-" + workload + ".out");
            Process process = MeasuredNodes.start(command, output);
            int exitCode;
            try {
                exitCode = process.waitFor();
            } finally {
                process.destroyForcibly();
            }
            List<String> said = Files.readAllLines(output);
            if (exitCode != 0) {
                throw new IllegalStateException("the load " + workload + " on "
                        + system.kind().word() + " ended with exit code " + exitCode + ": "
                        + String.join(" / ", said.subList(Math.max(0, said.size() - 3), said.size())));
            }
            return said.get(said.size() - 1);
        }

        private void closeAll(Map<ComparedSystem.Kind, ComparedSystem> running) {
            List.copyOf(running.values()).forEach(ComparedSystem::close);
        }
    }
}
