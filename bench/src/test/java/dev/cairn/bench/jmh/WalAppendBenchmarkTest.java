package dev.cairn.bench.jmh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.covers.Covers;
import java.util.Collection;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.RunnerException;

/** The benchmarks run; what they measure is not this test's. */
final class WalAppendBenchmarkTest {
    @Test
    @Covers({"T32", "X11"})
    void eachWriterAppends() throws Exception {
        Collection<RunResult> results = BenchmarkRuns.once("WalAppendBenchmark.append$");

        assertThat(results).hasSize(4).allSatisfy(result -> {
            assertThat(result.getPrimaryResult().getScore()).isPositive();
            assertThat(result.getPrimaryResult().getScoreUnit()).isEqualTo("ns/op");
        });
    }

    @Test
    void smallestAndLargestForcedGroupsFitIntoTheLog() throws Exception {
        assertThat(BenchmarkRuns.once("WalForceBenchmark", "-p", "entries=1,256"))
                .hasSize(4)
                .allSatisfy(result ->
                        assertThat(result.getPrimaryResult().getScoreUnit()).isEqualTo("us/op"));
    }

    @Test
    void failedBenchmarkIsAFailure() {
        assertThatThrownBy(() -> BenchmarkRuns.once("WalAppendBenchmark.append$", "-p", "writer=quill"))
                .isInstanceOf(RunnerException.class);
    }
}
