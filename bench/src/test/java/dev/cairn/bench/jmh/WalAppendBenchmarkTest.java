package dev.cairn.bench.jmh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.covers.Covers;
import java.util.Collection;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.CommandLineOptions;

/** The benchmarks run; what they measure is not this test's. */
final class WalAppendBenchmarkTest {
    private static Collection<RunResult> run(String... more) throws Exception {
        String[] arguments = new String[more.length + 8];
        String[] once = {"-f", "0", "-wi", "0", "-i", "1", "-v", "SILENT"};
        System.arraycopy(once, 0, arguments, 0, once.length);
        System.arraycopy(more, 0, arguments, once.length, more.length);
        return BenchmarkMain.run(new CommandLineOptions(arguments));
    }

    @Test
    @Covers({"T32", "X11"})
    void eachWriterAppends() throws Exception {
        Collection<RunResult> results = run("WalAppendBenchmark.append$");

        assertThat(results).hasSize(4).allSatisfy(result -> {
            assertThat(result.getPrimaryResult().getScore()).isPositive();
            assertThat(result.getPrimaryResult().getScoreUnit()).isEqualTo("ns/op");
        });
    }

    @Test
    void largestForcedGroupsFitIntoTheLog() throws Exception {
        Collection<RunResult> results =
                run("WalAppendBenchmark.appendAndForce", "-p", "entries=256", "-p", "pages=cold");

        assertThat(results)
                .hasSize(2)
                .allSatisfy(result ->
                        assertThat(result.getPrimaryResult().getScoreUnit()).isEqualTo("us/op"));
    }

    @Test
    void failedBenchmarkIsAFailure() {
        assertThatThrownBy(() -> run("WalAppendBenchmark.append$", "-p", "writer=quill"))
                .isInstanceOf(RunnerException.class);
    }
}
