package dev.cairn.bench.jmh;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Collection;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.options.CommandLineOptions;

/** The benchmarks run; what they measure is not this test's. */
final class ApplyBenchmarkTest {
    @Test
    void putsAndGetsAreMeasured() throws Exception {
        String[] arguments = {
            "ApplyBenchmark",
            "-f",
            "0",
            "-wi",
            "0",
            "-i",
            "1",
            "-r",
            "50ms",
            "-v",
            "SILENT",
            "-p",
            "batch=64",
            "-p",
            "keys=1000"
        };
        Collection<RunResult> results = BenchmarkMain.run(new CommandLineOptions(arguments));

        assertThat(results)
                .hasSize(2)
                .allSatisfy(result ->
                        assertThat(result.getPrimaryResult().getScore()).isPositive());
        assertThat(results.stream()
                        .filter(result -> result.getPrimaryResult().getLabel().equals("put")))
                .singleElement()
                .satisfies(result -> assertThat(result.getSecondaryResults())
                        .hasEntrySatisfying(
                                "cpuNs", cpu -> assertThat(cpu.getScore()).isPositive()));
    }
}
