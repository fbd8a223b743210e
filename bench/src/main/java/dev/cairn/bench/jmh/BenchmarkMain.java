package dev.cairn.bench.jmh;

import java.util.Collection;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.NoBenchmarksException;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.OptionsBuilder;

/**
 * JMH with its own options, but for two things: a benchmark that fails, or a pattern that matches none, ends
 * with exit code 1, where JMH itself exits with 0; and without a profiler of the caller's choice its {@code gc} runs, so each score has
 * beside it what an operation took from the heap. Forked JVMs get the flags that this one was started with.
 */
public final class BenchmarkMain {
    /** Exit codes: 0, 1 failed or nothing ran, 2 usage. Options that only list or explain are JMH's own affair. */
    public static void main(String[] arguments) throws Exception {
        CommandLineOptions options;
        try {
            options = new CommandLineOptions(arguments);
        } catch (CommandLineOptionException e) {
            System.err.println("cairn bench: " + e.getMessage());
            System.exit(2);
            return;
        }
        if (options.shouldHelp()
                || options.shouldList()
                || options.shouldListWithParams()
                || options.shouldListProfilers()
                || options.shouldListResultFormats()) {
            org.openjdk.jmh.Main.main(arguments);
            return;
        }
        try {
            if (run(options).isEmpty()) {
                System.err.println("cairn bench: no benchmark gave a result");
                System.exit(1);
            }
        } catch (NoBenchmarksException e) {
            System.err.println("cairn bench: no benchmark matches; -l lists them");
            System.exit(1);
        } catch (RunnerException e) {
            System.err.println("cairn bench: " + e.getMessage());
            System.exit(1);
        }
    }

    static Collection<RunResult> run(CommandLineOptions options) throws RunnerException {
        ChainedOptionsBuilder all = new OptionsBuilder().parent(options).shouldFailOnError(true);
        if (options.getProfilers().isEmpty()) {
            all.addProfiler(GCProfiler.class);
        }
        return new Runner(all.build()).run();
    }

    private BenchmarkMain() {}
}
