package dev.cairn.bench.load;

import dev.cairn.bench.results.BenchVersion;
import dev.cairn.bench.targets.TargetKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
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
            defaultValue = "put",
            paramLabel = "put|get|mixed",
            description = "Kind of load; get and mixed first write the keys that are missing. Default: put.")
    private LoadOptions.Mode mode = LoadOptions.Mode.PUT;

    @Option(
            names = "--read-percent",
            paramLabel = "P",
            description = "Share of gets of mode mixed, 0 to 100. Default: 50.")
    private @Nullable Integer readPercent;

    @Mixin
    private LoadShape shape = new LoadShape();

    @Option(
            names = "--out",
            paramLabel = "DIR",
            description = "Writes .hlog, .hgrm and .json files here; also the disk whose force time is measured.")
    private @Nullable Path outDirectory;

    // What `compare` says to the processes that it starts.

    @Option(names = "--target", hidden = true, defaultValue = "cairn")
    private String target = "cairn";

    @Option(names = "--keys-are-there", hidden = true)
    private boolean keysAreThere;

    @Option(names = "--server-pids", hidden = true, split = ",")
    private List<Long> serverPids = new ArrayList<>();

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
        LoadOptions options = shape.options(spec, servers, mode, effectiveReadPercent());
        Path forceDirectory = forceDirectory();
        LoadProgram program = new LoadProgram(
                "cairn load",
                options,
                forceDirectory,
                outDirectory,
                keysAreThere,
                serverPids,
                spec.commandLine().getOut(),
                spec.commandLine().getErr());
        try (TargetKind.Connected connected = connect(options)) {
            return program.run(connected);
        }
    }

    private int effectiveReadPercent() {
        if (readPercent != null && mode != LoadOptions.Mode.MIXED) {
            throw usage("--read-percent: only with --mode mixed, given is " + mode.word());
        }
        return switch (mode) {
            case PUT -> 0;
            case GET -> 100;
            case MIXED -> readPercent == null ? DEFAULT_READ_PERCENT : readPercent;
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

    private TargetKind.Connected connect(LoadOptions options) {
        try {
            return kind().connect(
                            options.servers(),
                            options.connections(),
                            Math.max(options.capacity(), KeyFiller.OUTSTANDING));
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
