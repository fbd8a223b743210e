package dev.cairn.server.cli;

import dev.cairn.client.BusyException;
import dev.cairn.client.CairnClient;
import dev.cairn.client.CairnException;
import dev.cairn.client.ClientClosedException;
import dev.cairn.client.ClientConfig;
import dev.cairn.client.DeleteResult;
import dev.cairn.client.KeyValue;
import dev.cairn.client.NoLeaderException;
import dev.cairn.client.OutcomeUnknownException;
import dev.cairn.client.PutResult;
import dev.cairn.client.RequestRejectedException;
import dev.cairn.client.RequestTimeoutException;
import dev.cairn.client.ServerRefusedException;
import dev.cairn.client.ServerStatus;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.ToIntFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/**
 * {@code kvctl}: one call of the client per run. Keys and values are the arguments' UTF-8 bytes.
 *
 * <p>Exit codes: 0 done; 1 not found or refused; 2 usage; 3 outcome unknown; 4 no leader, or no answer, by the deadline. Results
 * go to standard output, at most two lines that say what to do to standard error.
 */
@Command(
        name = "kvctl",
        mixinStandardHelpOptions = true,
        versionProvider = Kvctl.Version.class,
        description = "Reads and writes a Cairn cluster.",
        synopsisSubcommandLabel = "(put KEY VALUE | get KEY | delete KEY | status | snapshot ...)",
        footer = {
            "",
            "Exit codes: 0 done; 1 not found or refused; 2 usage; 3 outcome of a write unknown;",
            "            4 no leader by the deadline."
        })
public final class Kvctl {
    static final int EXIT_DONE = 0;
    static final int EXIT_REFUSED = 1;
    static final int EXIT_USAGE = 2;
    static final int EXIT_UNKNOWN = 3;
    static final int EXIT_NO_LEADER = 4;

    /** How results are written. */
    enum Output {
        text,
        json
    }

    @Option(
            names = "--servers",
            scope = ScopeType.INHERIT,
            paramLabel = "H:P,H:P",
            description = "Client addresses of some or all nodes (required).")
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

    private final PrintStream out;
    private final PrintStream err;

    Kvctl(PrintStream out, PrintStream err) {
        this.out = out;
        this.err = err;
    }

    public static void main(String[] args) {
        // Results only: the client's log lines are for servers.
        if (System.getProperty("logback.configurationFile") == null) {
            System.setProperty("logback.configurationFile", "logback-cli.xml");
        }
        int exitCode = run(args, System.out, System.err);
        System.out.flush();
        System.exit(exitCode);
    }

    /** One run; returns the exit code. */
    static int run(String[] args, PrintStream out, PrintStream err) {
        Kvctl kvctl = new Kvctl(out, err);
        CommandLine line = new CommandLine(kvctl);
        line.addSubcommand("snapshot", new SnapshotCommand(kvctl));
        line.setParameterExceptionHandler((e, arguments) -> usageError(e, err));
        line.setOut(new PrintWriter(out, true, StandardCharsets.UTF_8));
        line.setErr(new PrintWriter(err, true, StandardCharsets.UTF_8));
        line.setCaseInsensitiveEnumValuesAllowed(true);
        if (args.length == 0) {
            err.println("kvctl: a command is missing: put, get, delete or status");
            err.println("Try 'kvctl --help'.");
            return EXIT_USAGE;
        }
        return line.execute(args);
    }

    private static int usageError(ParameterException e, PrintStream err) {
        String message = String.valueOf(e.getMessage());
        err.println("kvctl: " + message.lines().findFirst().orElse("bad arguments"));
        err.println("Try 'kvctl --help'.");
        return EXIT_USAGE;
    }

    @Command(mixinStandardHelpOptions = true, description = "Writes a key; prints its revision.")
    int put(@Parameters(paramLabel = "KEY") String key, @Parameters(paramLabel = "VALUE") String value) {
        return call(client -> {
            PutResult result = client.put(bytes(key), bytes(value));
            out.println("revision=" + result.revision());
            return EXIT_DONE;
        });
    }

    @Command(mixinStandardHelpOptions = true, description = "Prints the value of a key and a newline, nothing else.")
    int get(@Parameters(paramLabel = "KEY") String key) {
        return call(client -> {
            Optional<KeyValue> read = client.get(bytes(key));
            if (read.isEmpty()) {
                return notFound(key);
            }
            if (output == Output.json) {
                out.println(KvctlOutput.json(read.get()));
            } else {
                byte[] value = read.get().value();
                out.write(value, 0, value.length);
                out.write('\n');
                out.flush();
            }
            return EXIT_DONE;
        });
    }

    @Command(mixinStandardHelpOptions = true, description = "Removes a key; prints the revision of the removal.")
    int delete(@Parameters(paramLabel = "KEY") String key) {
        return call(client -> {
            DeleteResult result = client.delete(bytes(key));
            if (!result.found()) {
                return notFound(key);
            }
            out.println("revision=" + result.revision());
            return EXIT_DONE;
        });
    }

    @Command(mixinStandardHelpOptions = true, description = "Asks each of the servers about itself.")
    int status() {
        return call(client -> {
            List<ServerStatus> all = client.status();
            out.println(output == Output.json ? KvctlOutput.json(all) : KvctlOutput.table(all));
            if (all.stream().anyMatch(server -> server.node() != null)) {
                return EXIT_DONE;
            }
            err.println("kvctl: no server answered; start the nodes, or correct --servers");
            return EXIT_NO_LEADER;
        });
    }

    private int notFound(String key) {
        err.println("kvctl: not found: " + key);
        return EXIT_REFUSED;
    }

    private int call(ToIntFunction<CairnClient> action) {
        try (CairnClient client = CairnClient.connect(config())) {
            return action.applyAsInt(client);
        } catch (CairnException e) {
            err.println("kvctl: " + e.getMessage());
            err.println(advice(e));
            return exitCode(e);
        }
    }

    // For commands that stand in classes of their own.

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
                    "--servers is missing; give it client addresses, as in --servers 127.0.0.1:7401");
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

    private static int exitCode(CairnException e) {
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
        } else if (e instanceof RequestRejectedException) {
            return "Nothing was written. Change the request as stated.";
        } else if (e instanceof BusyException || e instanceof ClientClosedException) {
            return "Nothing was written. Try again.";
        }
        throw new IllegalStateException("an exception without advice", e);
    }

    private static byte[] bytes(String text) {
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
