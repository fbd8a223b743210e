package dev.cairn.bench.jmh;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Collection;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.results.RunResult;

/** The benchmarks run; what they measure is not this test's. */
final class ApplyBenchmarkTest {
    @Test
    void putsAndGetsAreMeasured() throws Exception {
        Collection<RunResult> results = BenchmarkRuns.once("ApplyBenchmark", "-p", "batch=64", "-p", "keys=1000");

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
