package dev.cairn.bench.jmh;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.options.CommandLineOptions;

/** Runs benchmarks to see that they run: once, briefly, in this process. */
final class BenchmarkRuns {
    /** @param options of JMH: a pattern, parameters */
    static Collection<RunResult> once(String... options) throws Exception {
        List<String> all = new ArrayList<>(List.of(options));
        all.addAll(List.of("-f", "0", "-wi", "0", "-i", "1", "-r", "50ms", "-v", "SILENT"));
        return BenchmarkMain.run(new CommandLineOptions(all.toArray(String[]::new)));
    }

    private BenchmarkRuns() {}
}
