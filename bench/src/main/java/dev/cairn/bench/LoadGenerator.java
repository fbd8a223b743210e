package dev.cairn.bench;

import dev.cairn.client.CairnClient;
import dev.cairn.client.ServerStatus;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Properties;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
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
    private static final int DEFAULT_OUTSTANDING = 64;
    private static final int DEFAULT_READ_PERCENT = 50;
    private static final int EXIT_FAILED = 1;

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

    @Option(
            names = "--outstanding",
            paramLabel = "N",
            description = "Closed loop: N operations are in flight all the time. Default: 64.")
    private @Nullable Integer outstanding;

    @Option(
            names = "--rate",
            paramLabel = "R",
            description =
                    "Open loop: R operations are started each second whatever the answers do; instead of --outstanding.")
    private @Nullable Integer rate;

    @Option(names = "--seconds", defaultValue = "10", paramLabel = "S", description = "Measured time. Default: 10.")
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
            description = "Different keys. Default: 100000.")
    private int keys;

    @Option(names = "--key-bytes", defaultValue = "16", paramLabel = "N", description = "Length of a key. Default: 16.")
    private int keyBytes;

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
            description = "Clients with a connection and a thread each. Default: 1.")
    private int connections;

    @Option(
            names = "--out",
            paramLabel = "DIR",
            description = "Writes .hlog, .hgrm and .json files here; also the disk whose force time is measured.")
    private @Nullable Path outDirectory;

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
        commandLine.getCommandSpec().version(version());
        return commandLine;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        LoadOptions options = options();
        PrintWriter out = spec.commandLine().getOut();
        Path forceDirectory = forceDirectory();
        List<CairnClient> clients = connect(options);
        try {
            return run(options, clients, forceDirectory, out);
        } finally {
            clients.forEach(CairnClient::close);
        }
    }

    // ---- Options

    private LoadOptions options() {
        try {
            return new LoadOptions(
                    servers,
                    mode,
                    effectiveReadPercent(),
                    outstanding == null && rate == null ? DEFAULT_OUTSTANDING : given("--outstanding", outstanding),
                    given("--rate", rate),
                    seconds,
                    warmup,
                    keys,
                    keyBytes,
                    valueBytes,
                    connections);
        } catch (IllegalArgumentException e) {
            throw usage(e.getMessage());
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

    /** 0 = not given, so a given 0 must be told apart. */
    private int given(String option, @Nullable Integer value) {
        if (value != null && value == 0) {
            throw usage(option + ": 0, allowed are numbers from 1");
        }
        return value == null ? 0 : value;
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

    private List<CairnClient> connect(LoadOptions options) {
        List<CairnClient> clients = new ArrayList<>();
        try {
            for (int i = 0; i < options.connections(); i++) {
                clients.add(CairnClient.builder()
                        .servers(options.servers())
                        .maxOutstanding(Math.max(options.capacity(), KeyFiller.OUTSTANDING))
                        .connect());
            }
        } catch (IllegalArgumentException e) {
            throw usage("--servers: " + e.getMessage());
        }
        return clients;
    }

    // ---- The run

    private Integer run(LoadOptions options, List<CairnClient> clients, Path forceDirectory, PrintWriter out)
            throws IOException, InterruptedException {
        List<ServerStatus> nodes = clients.get(0).status();
        long[] forcesBefore = ForceProbe.run(forceDirectory);
        String durability = Durability.of(nodes);
        String header = header(options, nodes, durability, forcesBefore, forceDirectory);
        out.println(header);
        out.flush();
        if (nodes.stream().allMatch(status -> status.node() == null)) {
            return failed("no server answered");
        }
        SplittableRandom random = new SplittableRandom();
        KeySpace keySpace = new KeySpace(options.keys(), options.keyBytes());
        RandomValues values = new RandomValues(random.split(), options.valueBytes());
        if (options.reads() && !fill(keySpace, values, options, clients, random.split(), out)) {
            return EXIT_FAILED;
        }
        Supplier<Operation> operations = () -> new Operation(keySpace, values, options, random.split());
        try (HistogramFiles files = outDirectory == null
                ? null
                : HistogramFiles.open(outDirectory, fileName(options), Instant.now(), header)) {
            LoadResult result = LoadRun.of(options, clients, operations, options.capacity(), out, files)
                    .run();
            clients.forEach(CairnClient::close);
            long[] forcesAfter = ForceProbe.run(forceDirectory);
            String json = result.json(options, durability, version(), forcesBefore, forcesAfter);
            boolean written = finish(files, result, json, out);
            warn(options, result, out);
            out.println(json);
            out.flush();
            boolean somethingSucceeded = result.latencyCount() > 0 || result.endedInWindow() > 0;
            return written && somethingSucceeded ? 0 : EXIT_FAILED;
        }
    }

    private static String fileName(LoadOptions options) {
        String load = options.openLoop() ? "r" + options.rate() : "o" + options.outstanding();
        return "load-" + options.mode().word() + "-" + load;
    }

    private static String header(
            LoadOptions options, List<ServerStatus> nodes, String durability, long[] forces, Path forceDirectory) {
        StringBuilder text = new StringBuilder();
        long answered = nodes.stream().filter(status -> status.node() != null).count();
        text.append(String.format(
                Locale.ROOT,
                "# cairn load %s, java %s, %s %s %s, %d processors%n",
                version(),
                System.getProperty("java.version"),
                System.getProperty("os.name"),
                System.getProperty("os.version"),
                System.getProperty("os.arch"),
                Runtime.getRuntime().availableProcessors()));
        text.append(String.format(
                Locale.ROOT, "# durability %s (%d of %d servers answered)%n", durability, answered, nodes.size()));
        for (ServerStatus status : nodes) {
            text.append("# server ").append(status.server()).append(' ');
            text.append(
                    status.node() == null
                            ? String.valueOf(status.problem())
                            : "node " + status.node().nodeId() + ' '
                                    + status.node().roleName() + ' ' + Durability.of(status.node()));
            text.append(System.lineSeparator());
        }
        text.append(String.format(
                Locale.ROOT,
                "# mode %s, read-percent %d, %s, seconds %d, warmup %d, keys %d, key-bytes %d, value-bytes %d, connections %d%n",
                options.mode().word(),
                options.readPercent(),
                options.openLoop() ? "rate " + options.rate() : "outstanding " + options.outstanding(),
                options.seconds(),
                options.warmupSeconds(),
                options.keys(),
                options.keyBytes(),
                options.valueBytes(),
                options.connections()));
        text.append(String.format(
                Locale.ROOT,
                "# force p50 %.1f us (%d forces of %d B in %s)",
                ForceProbe.medianUs(forces),
                ForceProbe.FORCES,
                ForceProbe.RECORD_BYTES,
                forceDirectory));
        return text.toString();
    }

    private boolean fill(
            KeySpace keySpace,
            RandomValues values,
            LoadOptions options,
            List<CairnClient> clients,
            SplittableRandom random,
            PrintWriter out)
            throws InterruptedException {
        KeyFiller filler = new KeyFiller(keySpace, values, options.valueBytes());
        filler.start(clients, random);
        while (!filler.await(TimeUnit.SECONDS.toNanos(1))) {
            out.printf(
                    "     fill    %d of %d keys, %d written%n", filler.checked(), keySpace.count(), filler.written());
            out.flush();
        }
        Throwable failure = filler.failure();
        if (failure != null) {
            failed("the keys could not be filled: " + Operation.nameOf(failure) + ": " + failure.getMessage());
            return false;
        }
        out.printf("# filled: %d keys, %d of them written now%n", keySpace.count(), filler.written());
        out.flush();
        return true;
    }

    private boolean finish(@Nullable HistogramFiles files, LoadResult result, String json, PrintWriter out) {
        if (files == null) {
            return true;
        }
        try {
            files.percentiles(result.all(), "");
            files.finish(json);
            out.println("# files " + files.base() + ".{hlog,hgrm,json}");
            return true;
        } catch (IOException e) {
            failed("the files are not complete: " + e);
            return false;
        }
    }

    private static void warn(LoadOptions options, LoadResult result, PrintWriter out) {
        if (result.waited() > 0) {
            out.printf(
                    "# WARNING: %d operations waited because %d were in flight; their wait is counted%n",
                    result.waited(), result.maxInFlight());
        }
        if (result.unstarted() > 0) {
            out.printf(
                    "# WARNING: %d operations were due and never started: the cluster does not keep up with %d/s, and"
                            + " the percentiles are too good%n",
                    result.unstarted(), options.rate());
        }
        if (result.unfinished() > 0) {
            out.printf("# WARNING: %d operations have not ended%n", result.unfinished());
        }
        if (result.errorCount() > 0) {
            out.println("# errors " + result.errors());
        }
    }

    private int failed(String problem) {
        PrintWriter err = spec.commandLine().getErr();
        err.println("cairn load: " + problem);
        err.flush();
        return EXIT_FAILED;
    }

    static String version() {
        Properties properties = new Properties();
        try (InputStream in = LoadGenerator.class.getResourceAsStream("version.properties")) {
            if (in == null) {
                throw new IllegalStateException("version.properties is missing in the jar");
            }
            properties.load(in);
        } catch (IOException e) {
            throw new IllegalStateException("version.properties cannot be read", e);
        }
        return properties.getProperty("version", "unknown");
    }
}
