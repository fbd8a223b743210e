package dev.cairn.bench.load;

import dev.cairn.bench.results.BenchVersion;
import dev.cairn.bench.targets.TargetKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.ServiceLoader;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * {@code bin/cairn load}: puts a load on a cluster and prints how it did; {@code docs/benchmarks.md} explains options and figures.
 *
 * <p>Exit codes: 0; 1 nothing succeeded, no server answered, or the files could not be written; 2 usage.
 */
@Command(
        name = "cairn load",
        description = "Puts a load on a Cairn cluster. The last line printed is one JSON object.",
        sortOptions = false,
        mixinStandardHelpOptions = true)
public final class LoadGenerator implements Callable<Integer> {
    private static final int DEFAULT_READ_PERCENT = 50;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Option(
            names = "--servers",
            required = true,
            paramLabel = "H:P,H:P",
            description = "Client addresses of some or all nodes.")
    private String servers = "";

    @Option(
            names = "--mode",
            paramLabel = "put|get|mixed|scan",
            description = "Kind of load; all but put first write the keys that are missing. Default: put.")
    private LoadOptions.@Nullable Mode givenMode;

    @Option(
            names = "--workload",
            paramLabel = "ycsb-a..ycsb-f",
            description = "Instead of --mode: operations and keys of a workload of YCSB.")
    private @Nullable String workload;

    @Option(
            names = "--read-percent",
            paramLabel = "P",
            description = "Share of gets of mode mixed, 0 to 100. Default: 50.")
    private @Nullable Integer readPercent;

    @Option(
            names = "--scan-entries",
            paramLabel = "N|N-N",
            description = "Entries that a scan asks for, or two numbers between which it is drawn. Default: 1-100.")
    private @Nullable String scanEntries;

    @Mixin
    private LoadShape shape = new LoadShape();

    @Option(
            names = "--out",
            paramLabel = "DIR",
            description = "Writes .hlog, .hgrm and .json files here; also the disk whose force time is measured.")
    private @Nullable Path outDirectory;

    @Option(
            names = "--processes",
            defaultValue = "1",
            paramLabel = "N",
            description = "Processes that share the load: outstanding operations or rate, and connections. Default: 1.")
    private int processes;

    // What `compare`, and a load of several processes, say to the processes that they start.

    @Option(names = "--target", hidden = true, defaultValue = "cairn")
    private String target = "cairn";

    @Option(names = "--keys-are-there", hidden = true)
    private boolean keysAreThere;

    @Option(names = "--server-pids", hidden = true, split = ",")
    private List<Long> serverPids = new ArrayList<>();

    @Option(names = "--share", hidden = true)
    private @Nullable String share;

    private LoadGenerator() {}

    /** Ends the JVM with the exit code. */
    public static void main(String[] arguments) {
        if (System.getProperty("logback.configurationFile") == null) {
            // As the start script does: standard output belongs to the figures.
            System.setProperty("logback.configurationFile", "logback-cli.xml");
        }
        System.exit(commandLine().execute(arguments));
    }

    static CommandLine commandLine() {
        CommandLine commandLine = new CommandLine(new LoadGenerator()).setCaseInsensitiveEnumValuesAllowed(true);
        commandLine.getCommandSpec().version(BenchVersion.version());
        return commandLine;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        LoadOptions.Mode mode = mode();
        LoadOptions options = shape.options(
                spec,
                servers,
                mode,
                effectiveReadPercent(mode),
                effectiveScanEntries(mode),
                Math.min(Math.max(1, processes), LoadProcesses.MAX_PROCESSES));
        if (share != null) {
            try (TargetKind.Connected connected = connect(options, options.connections())) {
                return share(options, share).run(connected, System.in, System.out);
            }
        }
        LoadProcesses several = several(options);
        LoadProgram program = new LoadProgram(
                "cairn load",
                options,
                forceDirectory(),
                outDirectory,
                keysAreThere,
                serverPids,
                several,
                spec.commandLine().getOut(),
                spec.commandLine().getErr());
        try (TargetKind.Connected connected = connect(options, several == null ? options.connections() : 1)) {
            return program.run(connected);
        }
    }

    /** Null = this one alone. */
    private @Nullable LoadProcesses several(LoadOptions options) {
        if (processes == 1) {
            return null;
        }
        try {
            return new LoadProcesses(options, processes, target);
        } catch (IllegalArgumentException e) {
            throw usage(e.getMessage());
        }
    }

    private LoadShare share(LoadOptions options, String text) {
        if (!text.matches("\\d{1,3}/\\d{1,3}")) {
            throw usage("--share: " + text + ", wanted is NUMBER/OF");
        }
        int slash = text.indexOf('/');
        return new LoadShare(
                options, Integer.parseInt(text.substring(0, slash)), Integer.parseInt(text.substring(slash + 1)));
    }

    private LoadOptions.Mode mode() {
        if (workload == null) {
            if (givenMode != null && givenMode.isWorkload()) {
                throw usage("--mode: " + givenMode.word() + " is a --workload");
            }
            return givenMode == null ? LoadOptions.Mode.PUT : givenMode;
        }
        if (givenMode != null) {
            throw usage("--mode and --workload: give one of them, not both");
        }
        return Arrays.stream(LoadOptions.Mode.values())
                .filter(mode -> mode.isWorkload() && mode.word().equals(workload))
                .findFirst()
                .orElseThrow(() -> usage("--workload: " + workload + ", allowed are ycsb-a to ycsb-f"));
    }

    private String effectiveScanEntries(LoadOptions.Mode mode) {
        if (scanEntries != null && mode != LoadOptions.Mode.SCAN && mode != LoadOptions.Mode.YCSB_E) {
            throw usage("--scan-entries: only with --mode scan or --workload ycsb-e, given is " + mode.word());
        }
        return scanEntries == null ? LoadOptions.DEFAULT_SCAN_ENTRIES.toString() : scanEntries;
    }

    private int effectiveReadPercent(LoadOptions.Mode mode) {
        if (readPercent != null && mode != LoadOptions.Mode.MIXED) {
            throw usage("--read-percent: only with --mode mixed, given is " + mode.word());
        }
        return switch (mode) {
            case MIXED -> readPercent == null ? DEFAULT_READ_PERCENT : readPercent;
            case GET -> 100;
            default -> 0;
        };
    }

    private ParameterException usage(@Nullable String message) {
        return new ParameterException(spec.commandLine(), String.valueOf(message));
    }

    private Path forceDirectory() {
        if (outDirectory == null) {
            return Path.of(System.getProperty("java.io.tmpdir", "."));
        }
        try {
            return Files.createDirectories(outDirectory);
        } catch (IOException e) {
            throw usage("--out: " + outDirectory + " cannot be made a directory: " + e);
        }
    }

    private TargetKind.Connected connect(LoadOptions options, int connections) {
        TargetKind kind = kind();
        if (!kind.scansAndSwaps()
                && (options.mix().has(OperationKind.SCAN) || options.mix().has(OperationKind.READ_MODIFY_WRITE))) {
            throw usage("--target: " + target + " knows puts and gets only, asked is "
                    + options.mode().word());
        }
        try {
            return kind.connect(options.servers(), connections, Math.max(options.capacity(), KeyFiller.OUTSTANDING));
        } catch (IllegalArgumentException e) {
            throw usage("--servers: " + e.getMessage());
        }
    }

    private TargetKind kind() {
        List<TargetKind> kinds = new ArrayList<>();
        ServiceLoader.load(TargetKind.class).forEach(kinds::add);
        return kinds.stream()
                .filter(kind -> kind.word().equals(target))
                .findFirst()
                .orElseThrow(() -> usage("--target: " + target + ", there are "
                        + kinds.stream().map(TargetKind::word).toList()));
    }
}
