package dev.cairn.bench.measure;

import dev.cairn.bench.results.BenchVersion;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * {@code bin/cairn measure}: starts a cluster of its own, does something to it under load, and prints what puts felt.
 *
 * <p>Exit codes: 0; 1 the measurement could not be done or what it did was not right; 2 usage.
 */
@Command(
        name = "cairn measure",
        description = "Measurements with a cluster of their own, or of the log alone.",
        mixinStandardHelpOptions = true,
        subcommands = {
            CatchUpMeasure.class,
            DisturbanceMeasure.class,
            FailoverMeasure.class,
            ScanMeasure.class,
            WalMeasure.class
        })
public final class MeasureMain implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    private MeasureMain() {}

    /** Ends the JVM with the exit code. */
    public static void main(String[] arguments) {
        if (System.getProperty("logback.configurationFile") == null) {
            System.setProperty("logback.configurationFile", "logback-cli.xml");
        }
        System.exit(commandLine().execute(arguments));
    }

    static CommandLine commandLine() {
        CommandLine commandLine = new CommandLine(new MeasureMain());
        commandLine.getCommandSpec().version(BenchVersion.version());
        return commandLine.setExecutionExceptionHandler((failure, line, parsed) -> {
            if (failure instanceof IllegalStateException) {
                line.getErr().println("cairn measure: " + failure.getMessage());
                line.getErr().flush();
                return 1;
            }
            throw failure;
        });
    }

    @Override
    public Integer call() {
        throw new ParameterException(spec.commandLine(), "name a measurement");
    }
}
