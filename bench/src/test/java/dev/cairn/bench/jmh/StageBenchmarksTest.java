package dev.cairn.bench.jmh;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.covers.Covers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.BenchmarkList;
import org.openjdk.jmh.runner.BenchmarkListEntry;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.VerboseMode;

/** The benchmarks of the stages that need no store run; what they measure is not this test's. */
final class StageBenchmarksTest {
    private static final Path DOCUMENT = Path.of("..", "docs", "benchmarks.md");

    @Test
    @Covers("T32")
    void eachStageIsMeasuredWithWhatItTakesFromTheHeap() throws Exception {
        assertThat(BenchmarkRuns.once("(Frame|Ring|WalRead|RaftCore)Benchmark"))
                .extracting(result -> result.getPrimaryResult().getLabel())
                .containsExactlyInAnyOrder(
                        "encodePut",
                        "receivePut",
                        "encodeReply",
                        "receiveReply",
                        "checksum",
                        "pass",
                        "roundTripAwake",
                        "roundTripParked",
                        "read",
                        "verify",
                        "checkEntry",
                        "leader",
                        "follower");
    }

    @Test
    void theProfilerOfTheHeapRunsUnlessTheCallerNamesAnother() throws Exception {
        RunResult byItself =
                BenchmarkRuns.once("FrameBenchmark.checksum").iterator().next();
        RunResult asked = BenchmarkRuns.once("FrameBenchmark.checksum", "-prof", "cl")
                .iterator()
                .next();

        assertThat(byItself.getPrimaryResult().getScore()).isPositive();
        assertThat(byItself.getSecondaryResults()).containsKey("gc.alloc.rate.norm");
        assertThat(asked.getSecondaryResults()).isNotEmpty().doesNotContainKey("gc.alloc.rate.norm");
    }

    @Test
    void eachBenchmarkStandsInTheDocument() throws Exception {
        Set<BenchmarkListEntry> all = BenchmarkList.defaultList()
                .getAll(OutputFormatFactory.createFormatInstance(System.out, VerboseMode.SILENT), List.of());
        List<String> names = all.stream()
                .map(BenchmarkListEntry::getUsername)
                .map(name -> name.substring("dev.cairn.bench.jmh.".length()))
                .toList();
        List<String> documented;
        try (Stream<String> lines = Files.lines(DOCUMENT)) {
            documented = lines.filter(line -> line.matches("\\| `\\w+Benchmark\\.\\w+` .*"))
                    .map(line -> line.substring(3, line.indexOf('`', 3)))
                    .toList();
        }

        assertThat(documented).containsExactlyInAnyOrderElementsOf(names);
    }
}
