package dev.cairn.testkit.scenario;

import dev.cairn.testkit.ProcessCluster;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Runs the scenarios against real processes and prints a verdict for each: {@code [--nodes 3] [--only A1,B2] [--rounds 1]
 * [--dir DIRECTORY]}. Exit code 0 when all passed, 1 when one failed, 2 for options that make no sense.
 */
public final class ScenarioCommand {
    private static final int MIN_NODES = 3;
    private static final int MAX_NODES = 7;
    private static final int MAX_ROUNDS = 1000;

    private final PrintStream out;
    private int nodes = MIN_NODES;
    private int rounds = 1;
    private List<Scenario> scenarios = List.of(Scenario.values());
    private @Nullable Path directory;
    private int passed;
    private int failed;

    private ScenarioCommand(final PrintStream out) {
        this.out = out;
    }

    public static void main(final String[] arguments) {
        System.exit(run(System.out, arguments));
    }

    /** As the command; returns the exit code. */
    public static int run(final PrintStream out, final String... arguments) {
        final ScenarioCommand command = new ScenarioCommand(out);
        try {
            command.read(arguments);
        } catch (IllegalArgumentException wrong) {
            out.println("scenarios: " + wrong.getMessage());
            return 2;
        }
        command.runAll();
        return command.failed == 0 ? 0 : 1;
    }

    private void read(final String... arguments) {
        for (int i = 0; i < arguments.length; i += 2) {
            final String option = arguments[i];
            if (!List.of("--nodes", "--only", "--rounds", "--dir").contains(option)) {
                throw new IllegalArgumentException("unknown option " + option
                        + "; known are --nodes N, --only A1,B2, --rounds N, --dir DIRECTORY");
            }
            if (i + 1 == arguments.length) {
                throw new IllegalArgumentException(option + " needs a value");
            }
            final String value = arguments[i + 1];
            switch (option) {
                case "--nodes" -> nodes = number(option, value, MIN_NODES, MAX_NODES);
                case "--rounds" -> rounds = number(option, value, 1, MAX_ROUNDS);
                case "--dir" -> directory = Path.of(value);
                default ->
                    scenarios = Stream.of(value.split(",", -1))
                            .map(ScenarioCommand::scenario)
                            .toList();
            }
        }
    }

    private static int number(final String option, final String value, final int min, final int max) {
        if (!value.matches("\\d{1,6}") || Integer.parseInt(value) < min || Integer.parseInt(value) > max) {
            throw new IllegalArgumentException(option + " " + value + ": allowed are " + min + " to " + max);
        }
        return Integer.parseInt(value);
    }

    private static Scenario scenario(final String name) {
        return Arrays.stream(Scenario.values())
                .filter(it -> it.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("unknown scenario '" + name + "'; known are "
                        + Arrays.stream(Scenario.values()).map(Enum::name).collect(Collectors.joining(", "))));
    }

    private void runAll() {
        for (int round = 1; round <= rounds; round++) {
            if (rounds > 1) {
                out.println("round " + round + " of " + rounds);
            }
            scenarios.forEach(this::runOne);
        }
        out.println(passed + " passed, " + failed + " failed");
    }

    private void runOne(final Scenario scenario) {
        final long startNs = System.nanoTime();
        final Throwable problem = problemOf(scenario);
        final long ms = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - startNs);
        out.println((problem == null ? "PASS " : "FAIL ") + scenario + " " + scenario.sentence() + ", " + ms + " ms");
        if (problem == null) {
            passed++;
        } else {
            failed++;
            problem.printStackTrace(out);
        }
    }

    /** A data directory of its own for each; it is kept when the scenario failed. */
    private @Nullable Throwable problemOf(final Scenario scenario) {
        try {
            final Path parent = directory == null ? Path.of(System.getProperty("java.io.tmpdir")) : directory;
            Files.createDirectories(parent);
            final Path own = Files.createTempDirectory(parent, "cairn-" + scenario + "-");
            try (ProcessCluster cluster =
                    ProcessCluster.withLinks(own, nodes, scenario.settings()).startAll()) {
                scenario.run(cluster);
            }
            delete(own);
            return null;
        } catch (Exception | AssertionError problem) {
            return problem;
        }
    }

    /** A directory with all that is in it. */
    static void delete(final Path root) throws IOException {
        final List<Path> all = new ArrayList<>();
        try (Stream<Path> files = Files.walk(root)) {
            files.sorted(Comparator.reverseOrder()).forEach(all::add);
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
        for (final Path file : all) {
            Files.delete(file);
        }
    }
}
