package dev.cairn.server.cli;

import dev.cairn.client.BusyException;
import dev.cairn.client.CairnClient;
import dev.cairn.client.CairnException;
import dev.cairn.client.ClientClosedException;
import dev.cairn.client.ClientConfig;
import dev.cairn.client.NoLeaderException;
import dev.cairn.client.OutcomeUnknownException;
import dev.cairn.client.RequestRejectedException;
import dev.cairn.client.RequestTimeoutException;
import dev.cairn.client.ServerRefusedException;
import dev.cairn.protocol.Status;
import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Predicate;
import java.util.function.ToIntFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/**
 * {@code kvctl}: one call of the client per run. Keys and values are the arguments' UTF-8 bytes.
 *
 * <p>Exit codes: 0 done; 1 not found or refused; 2 usage; 3 outcome unknown; 4 no leader, or no answer, by the deadline;
 * 70 a fault of its own. Results
 * go to standard output, at most two lines that say what to do to standard error.
 */
@Command(
        name = "kvctl",
        mixinStandardHelpOptions = true,
        versionProvider = Kvctl.Version.class,
        description = "Reads and writes a Cairn cluster.",
        synopsisSubcommandLabel = "[COMMAND]",
        footer = {
            "",
            "Without a command it starts an interactive shell.",
            "Exit codes: 0 done; 1 not found or refused; 2 usage; 3 outcome of a write unknown;",
            "            4 no leader by the deadline; 70 a fault of kvctl itself."
        })
public final class Kvctl implements Callable<Integer> {
    static final int EXIT_DONE = 0;
    static final int EXIT_REFUSED = 1;
    static final int EXIT_USAGE = 2;
    static final int EXIT_UNKNOWN = 3;
    static final int EXIT_NO_LEADER = 4;
    /** As of sysexits.h: a fault of the program, or too little memory. */
    static final int EXIT_FAULT = 70;

    /** How results are written. */
    enum Output {
        text,
        json
    }

    @Option(
            names = "--servers",
            scope = ScopeType.INHERIT,
            defaultValue = "${env:CAIRN_SERVERS:-}",
            paramLabel = "H:P,H:P",
            description = "Client addresses of some or all nodes; without it those in CAIRN_SERVERS.")
    private String servers = "";

    @Option(
            names = "--timeout",
            scope = ScopeType.INHERIT,
            defaultValue = "10s",
            converter = DurationConverter.class,
            paramLabel = "TIME",
            description = "The call ends by then: a number with ms, s or m. Default: ${DEFAULT-VALUE}.")
    private Duration timeout = ClientConfig.DEFAULT_REQUEST_TIMEOUT;

    @Option(
            names = "--cluster-id",
            scope = ScopeType.INHERIT,
            paramLabel = "ID",
            description = "Refuse servers of any other cluster.")
    private String clusterId = "";

    @Option(
            names = "-o",
            scope = ScopeType.INHERIT,
            defaultValue = "text",
            paramLabel = "text|json",
            description = "Form of the results of get and status. Default: ${DEFAULT-VALUE}.")
    private Output output = Output.text;

    @Spec
    private CommandLine.Model.CommandSpec spec = CommandLine.Model.CommandSpec.create();

    private final InputStream in;
    private final PrintStream out;
    private final PrintStream err;
    /** Of an interactive shell, over all its commands. */
    private @Nullable CairnClient shellClient;

    Kvctl(InputStream in, PrintStream out, PrintStream err) {
        this.in = in;
        this.out = out;
        this.err = err;
    }

    public static void main(String[] args) {
        // Results only: the client's log lines are for servers.
        if (System.getProperty("logback.configurationFile") == null) {
            System.setProperty("logback.configurationFile", "logback-cli.xml");
        }
        OutputFile file = new OutputFile(new FileOutputStream(FileDescriptor.out));
        PrintStream err = new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8);
        System.exit(runTo(file, args, System.in, err));
    }

    /** One run whose results go to a file; returns the exit code, which tells when they did not all get there. */
    static int runTo(OutputFile file, String[] args, InputStream in, PrintStream err) {
        PrintStream out = new PrintStream(new BufferedOutputStream(file), true, StandardCharsets.UTF_8);
        int exitCode = run(args, in, out, err);
        // Also flushes.
        if (!out.checkError() || exitCode != EXIT_DONE || file.readerIsGone()) {
            return exitCode;
        }
        err.println("kvctl: standard output could not be written: " + file.failure);
        err.println("The command itself was done; what it printed is lost or cut.");
        return EXIT_REFUSED;
    }

    /** Keeps the reason why it could not be written, which a {@link PrintStream} forgets. */
    static final class OutputFile extends FilterOutputStream {
        private @Nullable IOException failure;

        OutputFile(OutputStream file) {
            super(file);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            try {
                out.write(bytes, offset, length);
            } catch (IOException e) {
                failure = e;
                throw e;
            }
        }

        /** As of {@code kvctl list | head}: whoever ends the pipe wants no more. */
        boolean readerIsGone() {
            return failure != null && "Broken pipe".equals(failure.getMessage());
        }
    }

    /** One run; returns the exit code. */
    static int run(String[] args, InputStream in, PrintStream out, PrintStream err) {
        return new Kvctl(in, out, err).commandLineFor(args).execute(args);
    }

    /** The commands, ready to be executed any number of times. */
    CommandLine commandLine() {
        return commandLine(name -> true);
    }

    /**
     * For one run: of the commands only those that stand among the arguments, as the others take longer to make than most runs.
     * All where their list may be printed, or where a file holds more arguments.
     */
    private CommandLine commandLineFor(String... args) {
        Set<String> given = Set.copyOf(Arrays.asList(args));
        boolean all = given.contains("-h")
                || given.contains("--help")
                || given.stream().anyMatch(argument -> argument.startsWith("@"));
        CommandLine line = commandLine(name -> all || given.contains(name));
        return line.getSubcommands().isEmpty() ? new Kvctl(in, out, err).commandLine() : line;
    }

    private CommandLine commandLine(Predicate<String> wanted) {
        CommandLine line = new CommandLine(this);
        MethodCommands methods =
                new MethodCommands(new ReadCommands(this), new WriteCommands(this), new ClusterCommands(this));
        methods.addTo(line, wanted);
        if (wanted.test("snapshot")) {
            line.addSubcommand("snapshot", new SnapshotCommand(this));
        }
        if (wanted.test("member")) {
            line.addSubcommand("member", new MemberCommand(this));
        }
        line.setExecutionStrategy(methods);
        line.setParameterExceptionHandler((e, arguments) -> usageError(e, err));
        line.setExecutionExceptionHandler((failure, at, parsed) -> {
            if (failure instanceof ParameterException usage) {
                return usageError(usage, err);
            }
            return fault(failure, err);
        });
        line.setOut(new PrintWriter(out, true, StandardCharsets.UTF_8));
        line.setErr(new PrintWriter(err, true, StandardCharsets.UTF_8));
        line.setCaseInsensitiveEnumValuesAllowed(true);
        return line;
    }

    /** Without a command: the interactive shell. */
    @Override
    public Integer call() throws IOException {
        ClientConfig config = config();
        try (CairnClient client = CairnClient.connect(config)) {
            shellClient = client;
            return new Shell(this, client, servers).run();
        } finally {
            shellClient = null;
        }
    }

    /** What the options say, for the commands of a shell, where they are not given again. */
    Map<String, String> given() {
        return Map.of(
                "--servers",
                servers,
                "--timeout",
                timeout.toMillis() + "ms",
                "--cluster-id",
                clusterId,
                "-o",
                output.name());
    }

    private static int usageError(ParameterException e, PrintStream err) {
        String message = String.valueOf(e.getMessage());
        err.println("kvctl: " + message.lines().findFirst().orElse("bad arguments"));
        err.println("Try 'kvctl --help'.");
        return EXIT_USAGE;
    }

    /** Nothing that a user did: where it happened is for those who mend it. */
    private static int fault(Throwable failure, PrintStream err) {
        Throwable cause = failure instanceof CommandLine.ExecutionException && failure.getCause() != null
                ? failure.getCause()
                : failure;
        StackTraceElement[] trace = cause.getStackTrace();
        err.println("kvctl: failed: "
                + String.valueOf(cause).lines().findFirst().orElse("") + (trace.length == 0 ? "" : ", at " + trace[0]));
        err.println("Whether anything was written is unknown.");
        return EXIT_FAULT;
    }

    int notFound(String key) {
        err.println("kvctl: not found: " + key);
        return EXIT_REFUSED;
    }

    /** Writes a value's bytes and a newline, whatever they are. */
    void writeValue(byte[] value) {
        out.write(value, 0, value.length);
        out.write('\n');
        out.flush();
    }

    /** One call of the cluster; in a shell over the shell's client. */
    int call(ToIntFunction<CairnClient> action) {
        try (CairnClient own = shellClient == null ? CairnClient.connect(config()) : null) {
            return action.applyAsInt(own == null ? Objects.requireNonNull(shellClient) : own);
        } catch (CairnException e) {
            err.println("kvctl: " + e.getMessage());
            err.println(advice(e));
            return exitCode(e);
        } catch (UncheckedIOException e) {
            err.println("kvctl: " + e.getCause());
            return EXIT_REFUSED;
        }
    }

    // For commands that stand in classes of their own.

    InputStream in() {
        return in;
    }

    PrintStream out() {
        return out;
    }

    PrintStream err() {
        return err;
    }

    String clusterId() {
        return clusterId;
    }

    boolean isJson() {
        return output == Output.json;
    }

    ParameterException usage(String problem) {
        return new ParameterException(spec.commandLine(), problem);
    }

    ClientConfig config() {
        if (servers.isBlank()) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--servers is missing; give it client addresses, as in --servers 127.0.0.1:7401, or set CAIRN_SERVERS");
        }
        try {
            return ClientConfig.builder()
                    .servers(servers)
                    .clusterId(clusterId)
                    .requestTimeout(timeout)
                    .build();
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
        }
    }

    static int exitCode(CairnException e) {
        if (e instanceof OutcomeUnknownException) {
            return EXIT_UNKNOWN;
        }
        return e instanceof NoLeaderException || e instanceof RequestTimeoutException ? EXIT_NO_LEADER : EXIT_REFUSED;
    }

    private static String advice(CairnException e) {
        if (e instanceof OutcomeUnknownException) {
            return "Read the key: the write may or may not have happened.";
        } else if (e instanceof NoLeaderException || e instanceof RequestTimeoutException) {
            return "Nothing was written. 'kvctl --servers ... status' shows who answers; a majority of the nodes must run.";
        } else if (e instanceof ServerRefusedException) {
            return "Nothing was written. Check --servers and --cluster-id.";
        } else if (e instanceof RequestRejectedException rejected && rejected.status() == Status.NO_SPACE) {
            return "Nothing was written. Writes work again by themselves when there is room on the servers' disks.";
        } else if (e instanceof RequestRejectedException) {
            return "Nothing was written. Change the request as stated.";
        } else if (e instanceof BusyException || e instanceof ClientClosedException) {
            return "Nothing was written. Try again.";
        }
        return e.retrySafe() ? "Nothing was written. Try again." : "See the message; nothing more is known here.";
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** The version that the jar's manifest states. */
    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = Kvctl.class.getPackage().getImplementationVersion();
            return new String[] {"kvctl " + (version == null ? "(unpackaged)" : version)};
        }
    }

    /** {@code 500ms}, {@code 10s}, {@code 2m}. */
    static final class DurationConverter implements ITypeConverter<Duration> {
        private static final Pattern FORM = Pattern.compile("([0-9]{1,7})(ms|s|m)");

        @Override
        public Duration convert(String text) {
            Matcher matcher = FORM.matcher(text);
            if (!matcher.matches()) {
                throw new TypeConversionException(
                        "'" + text + "' is no time; give a number with ms, s or m, as in 10s");
            }
            long number = Long.parseLong(matcher.group(1));
            return switch (matcher.group(2)) {
                case "ms" -> Duration.ofMillis(number);
                case "s" -> Duration.ofSeconds(number);
                default -> Duration.ofMinutes(number);
            };
        }
    }
}
