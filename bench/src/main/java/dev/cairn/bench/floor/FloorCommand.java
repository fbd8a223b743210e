package dev.cairn.bench.floor;

import dev.cairn.bench.load.LoadOptions;
import dev.cairn.bench.load.LoadProgram;
import dev.cairn.bench.load.LoadShape;
import dev.cairn.bench.machine.OwnDirectory;
import dev.cairn.bench.results.BenchVersion;
import dev.cairn.bench.targets.TargetKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
 * {@code bin/cairn floor}: the load of {@code load --mode put} on {@link FloorNode three processes} that do no more than they must,
 * with the same counting and the same result line. This process is the fourth.
 *
 * <p>Exit codes: 0; 1 the floor could not be measured; 2 usage.
 */
@Command(
        name = "cairn floor",
        description =
                "What replicated puts cost on this machine without a store: three processes that check, send on, write,"
                        + " force and answer at a majority. The last line printed is one JSON object, as load prints it.",
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class FloorCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private LoadShape shape = new LoadShape();

    @Option(
            names = "--dir",
            defaultValue = "cairn-floor",
            paramLabel = "DIR",
            description = "For the three files; must not exist, is removed at the end. Put it on the disk that shall be"
                    + " measured. Default: ${DEFAULT-VALUE}.")
    private Path directory = Path.of("cairn-floor");

    @Option(names = "--no-force", description = "Nothing is forced to disk; shows what the forces cost.")
    private boolean notForced;

    @Option(names = "--out", paramLabel = "DIR", description = "Writes .hlog, .hgrm and .json files here.")
    private @Nullable Path outDirectory;

    private FloorCommand() {}

    /** Ends the JVM with the exit code. */
    public static void main(String[] arguments) {
        System.exit(commandLine().execute(arguments));
    }

    static CommandLine commandLine() {
        CommandLine commandLine = new CommandLine(new FloorCommand());
        commandLine.getCommandSpec().version(BenchVersion.version());
        return commandLine;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (outDirectory != null) {
            Files.createDirectories(outDirectory);
        }
        FloorNodes nodes = new FloorNodes();
        LoadOptions options = shape.options(spec, nodes.leader(), LoadOptions.Mode.PUT, 0);
        try {
            OwnDirectory own = OwnDirectory.make(directory);
            int exitCode = run(nodes, options, own.path());
            // Stays after a failure: what the nodes have said tells why.
            own.close();
            return exitCode;
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
        }
    }

    private int run(FloorNodes nodes, LoadOptions options, Path home) throws IOException, InterruptedException {
        try (nodes) {
            nodes.start(home, !notForced);
            LoadProgram program = new LoadProgram(
                    "cairn floor",
                    options,
                    home,
                    outDirectory,
                    true,
                    nodes.pids(),
                    spec.commandLine().getOut(),
                    spec.commandLine().getErr());
            try (TargetKind.Connected connected =
                    new FloorTarget.Kind().connect(nodes.leader(), options.connections(), options.capacity())) {
                return program.run(connected);
            }
        }
    }
}
