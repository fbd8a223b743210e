package dev.cairn.bench.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.cairn.bench.results.JsonNumbers;
import dev.cairn.client.CairnClient;
import dev.cairn.client.Scan;
import dev.cairn.covers.Covers;
import dev.cairn.testkit.InProcessCluster;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** Scans, inserts and read-modify-writes on a node in this process. */
final class WorkloadsTest {
    private static final int KEYS = 200;

    @TempDir
    Path directory;

    private static Map<String, Double> load(String servers, String... more) throws IOException {
        List<String> arguments =
                new ArrayList<>(List.of("--servers", servers, "--seconds", "1", "--warmup", "0", "--keys", "" + KEYS));
        arguments.addAll(List.of(more));
        StringWriter out = new StringWriter();
        CommandLine commandLine = LoadGenerator.commandLine();
        commandLine.setOut(new PrintWriter(out));
        commandLine.setErr(new PrintWriter(out));
        int exitCode = commandLine.execute(arguments.toArray(String[]::new));
        assertThat(exitCode).as(out.toString()).isZero();
        List<String> lines = out.toString().lines().toList();
        System.out.println(lines.get(lines.size() - 1));
        return JsonNumbers.of(lines.get(lines.size() - 1));
    }

    private static double number(Map<String, Double> result, String name) {
        return Objects.requireNonNull(result.get(name), name);
    }

    @Test
    @Covers("T32")
    void workloadsDoWhatTheirNamesSay() throws IOException {
        try (InProcessCluster cluster = new InProcessCluster(directory, 1, "wal.segment.bytes=16MiB").startAll();
                CairnClient client = cluster.connect()) {
            String servers = cluster.servers();

            Map<String, Double> d = load(servers, "--workload", "ycsb-d");
            assertThat(number(d, "errors")).isZero();
            assertThat(number(d, "get_count") / number(d, "latency_count")).isCloseTo(0.95, within(0.04));
            double afterD = client.count(Scan.all()).count();
            assertThat(afterD - KEYS).isGreaterThan(0).isCloseTo(number(d, "insert_count"), within(64.0));

            Map<String, Double> e = load(servers, "--workload", "ycsb-e", "--scan-entries", "1-5");
            assertThat(number(e, "errors")).isZero();
            assertThat(number(e, "scan_count") / number(e, "latency_count")).isCloseTo(0.95, within(0.04));
            assertThat(number(e, "scan_entries") / number(e, "scan_count")).isCloseTo(3, within(0.5));

            Map<String, Double> f = load(servers, "--workload", "ycsb-f", "--value-bytes", "250-260");
            assertThat(number(f, "errors")).isZero();
            assertThat(number(f, "rmw_count") / number(f, "latency_count")).isCloseTo(0.5, within(0.1));
            // 64 at once on few popular keys: some lose against another.
            assertThat(number(f, "rmw_conflicts")).isPositive();
        }
    }
}
