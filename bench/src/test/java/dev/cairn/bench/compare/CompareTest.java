package dev.cairn.bench.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.bench.results.JsonNumbers;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The comparison's parts, and one round of it with processes at the smallest size. */
@Timeout(value = 2, unit = TimeUnit.MINUTES)
final class CompareTest {
    private static final Workload PUT = Workload.parse("put-o256");

    @TempDir
    Path directory;

    private record Ended(int exitCode, String out, String err) {}

    private static Ended compare(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine commandLine = CompareCommand.commandLine();
        commandLine.setOut(new PrintWriter(out));
        commandLine.setErr(new PrintWriter(err));
        int exitCode = commandLine.execute(arguments);
        return new Ended(exitCode, out.toString(), err.toString());
    }

    private static Comparison.Run run(int repetition, ComparedSystem.Kind system, double rate, double p99) {
        return new Comparison.Run(repetition, PUT, system, Map.of("ops_s", rate, "p99_us", p99, "errors", 0.0));
    }

    @Test
    void workloadsAreNamedAsTheFilesOfTheLoadGenerator() {
        for (String name : new String[] {"put-o1", "get-o4096", "put-r1000", "get-r5"}) {
            assertThat(Workload.parse(name)).hasToString(name);
        }
        assertThat(Workload.parse("put-r1000").arguments()).containsExactly("--mode", "put", "--rate", "1000");
        for (String wrong : new String[] {"", "put", "put-o0", "mixed-o1", "put-x1", "put-o1 "}) {
            assertThatThrownBy(() -> Workload.parse(wrong)).hasMessageContaining("--workloads: " + wrong);
        }
    }

    @Test
    void ratiosAreTakenWithinARepetition() {
        Comparison comparison = new Comparison();
        // The machine is twice as slow in the second repetition: rates halve, the ratio stays.
        for (int repetition = 1; repetition <= 2; repetition++) {
            comparison.add(run(repetition, ComparedSystem.Kind.FLOOR, 200_000.0 / repetition, 5_000));
            comparison.add(run(repetition, ComparedSystem.Kind.CAIRN, 100_000.0 / repetition, 8_000));
            comparison.add(run(repetition, ComparedSystem.Kind.ETCD, 10_000.0 / repetition, 56_000));
        }
        comparison.add(run(3, ComparedSystem.Kind.CAIRN, 90_000, 8_000));
        assertThat(comparison.tables().lines())
                .contains("| put-o256 | floor | 150000 (100000..200000) | - | 5000 (5000..5000) | - | - | - |")
                .contains("| put-o256 | cairn | 90000 (50000..100000) | - | 8000 (8000..8000) | - | - | - |")
                .contains("| put-o256 | 10.00 (10.00..10.00) | - | 0.14 (0.14..0.14) | - |")
                .contains("| put-o256 | 0.50 (0.50..0.50) | - | 1.60 (1.60..1.60) | - |")
                .noneMatch(line -> line.startsWith("WARNING"));
    }

    @Test
    void whatFailedIsSaid() {
        Comparison comparison = new Comparison();
        comparison.add(new Comparison.Run(
                2, PUT, ComparedSystem.Kind.ETCD, Map.of("ops_s", 1.0, "errors", 3.0, "unstarted", 7.0)));
        assertThat(comparison.tables())
                .contains("WARNING: etcd put-o256, repetition 2: errors 3")
                .contains("WARNING: etcd put-o256, repetition 2: unstarted 7");
    }

    @Test
    void spreadIsMedianLeastAndLargest() {
        assertThat(Comparison.spread(DoubleStream.of(5, 1, 3), 0)).isEqualTo("3 (1..5)");
        assertThat(Comparison.spread(DoubleStream.of(1, 2), 1)).isEqualTo("1.5 (1.0..2.0)");
        assertThat(Comparison.spread(DoubleStream.of(4, Double.NaN), 2)).isEqualTo("4.00");
        assertThat(Comparison.spread(DoubleStream.empty(), 0)).isEqualTo("-");
    }

    @Test
    void numbersOfAResultAreRead() throws IOException {
        assertThat(JsonNumbers.of("{\"mode\":\"put\",\"ops_s\":1.5,\"by\":{\"x\":1},\"p50_us\":null,\"ops\":3}"))
                .isEqualTo(Map.of("ops_s", 1.5, "ops", 3.0));
    }

    @Test
    void wrongOptionsAreRefused() {
        assertThat(compare("--workloads", "put-o5000").err()).contains("--outstanding: 5000");
        assertThat(compare("--repetitions", "0").err()).contains("--repetitions: 0");
        assertThat(compare("--systems", "floor", "--dir", directory.toString()).err())
                .contains("--dir: " + directory + " exists");
        assertThat(compare("--systems", "redis").exitCode()).isEqualTo(2);
    }

    @Test
    void etcdIsLeftOutWithALineWhereItOrItsAdapterIsMissing() {
        // This process was not told of an adapter, so it is missing wherever this runs.
        Ended ended = compare(
                "--systems", "etcd", "--dir", directory.resolve("servers").toString());
        assertThat(ended.out()).contains("# etcd is left out: ");
        assertThat(ended.err()).contains("cairn compare: nothing is left to measure");
        assertThat(ended.exitCode()).isEqualTo(1);
    }

    @Test
    void oneRoundMeasuresAFreshClusterAndKeepsTheRawFiles() throws IOException {
        Path out = directory.resolve("out");
        Path servers = directory.resolve("servers");
        Ended ended = compare(
                "--systems", "cairn",
                "--workloads", "put-o8",
                "--repetitions", "1",
                "--seconds", "1",
                "--warmup", "0",
                "--keys", "100",
                "--dir", servers.toString(),
                "--out", out.toString());

        assertThat(ended.exitCode()).as(ended.out() + ended.err()).isZero();
        assertThat(ended.out()).contains("durability forced everywhere", "1/1 put-o8", "cairn idle uses");
        assertThat(Files.readString(out.resolve("compare.md"))).contains("| put-o8 | cairn | ");
        assertThat(Files.readAllLines(out.resolve("compare.jsonl")))
                .hasSize(1)
                .allMatch(line -> line.startsWith("{\"repetition\":1,\"workload\":\"put-o8\",\"system\":\"cairn\""))
                .allMatch(line -> line.contains("\"durability\":\"forced\""))
                .allMatch(line -> line.contains("\"errors\":0,"))
                .allMatch(line -> line.contains("\"server_cpu_ms_per_1000\":"));
        try (var files = Files.list(out.resolve("cairn").resolve("repetition1"))) {
            assertThat(files.map(Path::toString))
                    .anyMatch(file -> file.endsWith(".hgrm"))
                    .anyMatch(file -> file.endsWith(".hlog"))
                    .anyMatch(file -> file.endsWith(".json"))
                    .anyMatch(file -> file.endsWith("node3.log"));
        }
        assertThat(servers).doesNotExist();
    }
}
