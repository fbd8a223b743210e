package dev.cairn.bench.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** When two commits' figures say that something has become worse, on figures that are made here. */
final class CommitJudgementTest {
    private static final Workload CLOSED = Workload.parse("put-o64");
    private static final Workload OPEN = Workload.parse("put-r1000");

    @TempDir
    Path directory;

    private static Map<String, Double> numbers(double rate, double p50, double cpu, double p99) {
        return Map.of("ops_s", rate, "p50_us", p50, "server_cpu_ms_per_1000", cpu, "p99_us", p99);
    }

    private static List<Map<String, Double>> rates(double... rates) {
        return Arrays.stream(rates)
                .mapToObj(rate -> numbers(rate, 100, 10, 900))
                .toList();
    }

    private static boolean worse(Workload workload, List<Map<String, Double>> base, List<Map<String, Double>> head) {
        CommitJudgement judgement = new CommitJudgement(0.1);
        judgement.add(workload, base, head);
        return judgement.hasWorse();
    }

    @Test
    void aMedianBeyondTheThresholdCountsWhenEachRepetitionIsOnTheWrongSide() {
        assertThat(worse(CLOSED, rates(100, 100, 100), rates(85, 99, 80))).isTrue();
        // One repetition in which the head was faster: it may be chance.
        assertThat(worse(CLOSED, rates(100, 100, 100), rates(85, 101, 80))).isFalse();
        // All are slower, but by less than counts.
        assertThat(worse(CLOSED, rates(100, 100, 100), rates(95, 91, 60))).isFalse();
        assertThat(worse(CLOSED, rates(100, 100, 100), rates(140, 130, 120))).isFalse();
    }

    @Test
    void aMachineThatSlowsDownForBothIsNoLoss() {
        assertThat(worse(CLOSED, rates(100, 50, 25), rates(101, 49, 26))).isFalse();
        assertThat(worse(CLOSED, rates(100, 50, 25), rates(80, 40, 20))).isTrue();
    }

    @Test
    void processorTimeIsHeldEverywhereAndTheMedianInOpenLoops() {
        List<Map<String, Double>> base =
                List.of(numbers(9, 100, 10, 1), numbers(9, 100, 10, 1), numbers(9, 100, 10, 1));
        List<Map<String, Double>> dear =
                List.of(numbers(9, 100, 12, 1), numbers(9, 100, 13, 1), numbers(9, 100, 12, 1));
        List<Map<String, Double>> slow =
                List.of(numbers(9, 120, 10, 1), numbers(9, 130, 10, 1), numbers(9, 120, 10, 1));
        List<Map<String, Double>> tail =
                List.of(numbers(9, 100, 10, 9), numbers(9, 100, 10, 9), numbers(9, 100, 10, 9));
        for (Workload workload : List.of(CLOSED, OPEN)) {
            assertThat(worse(workload, base, dear)).isTrue();
            assertThat(worse(workload, dear, base)).isFalse();
            assertThat(worse(workload, base, tail)).isFalse();
        }
        assertThat(worse(OPEN, base, slow)).isTrue();
        // The rate of an open loop is given, and the latency of a closed one follows from its rate.
        assertThat(worse(CLOSED, base, slow)).isFalse();
        assertThat(worse(OPEN, rates(100, 100, 100), rates(50, 50, 50))).isFalse();
    }

    @Test
    void theTableShowsRatiosWithTheirSpread() {
        CommitJudgement judgement = new CommitJudgement(0.1);
        judgement.add(CLOSED, rates(100, 100, 200), rates(80, 85, 180));
        assertThat(judgement.table().lines())
                .contains("| put-o64 | per second | 0.85 (0.80..0.90) | WORSE |")
                .contains("| put-o64 | servers' CPU per 1 000 | 1.00 (1.00..1.00) |  |")
                .contains("| put-o64 | p99 | 1.00 (1.00..1.00) | not held |");
    }

    @Test
    void tooFewRepetitionsAndMissingFiguresAreNotJudged() {
        assertThatThrownBy(() -> worse(CLOSED, rates(1, 1), rates(1, 1))).hasMessageContaining("at least 3");
        assertThatThrownBy(() -> worse(CLOSED, rates(1, 1, 1, 1), rates(1, 1, 1)))
                .hasMessageContaining("4 repetitions of the base and 3 of the head");
        assertThatThrownBy(() -> worse(CLOSED, rates(1, 1, 0), rates(1, 1, 1))).hasMessageContaining("no ops_s");
        assertThatThrownBy(() -> new CommitJudgement(1)).hasMessageContaining("--threshold");
    }

    private void write(String side, int repetition, double rate) throws IOException {
        Path home = Files.createDirectories(directory.resolve(side).resolve(Integer.toString(repetition)));
        Files.writeString(
                home.resolve("compare.jsonl"),
                "{\"repetition\":1,\"workload\":\"put-o64\",\"system\":\"cairn\",\"ops_s\":" + rate
                        + ",\"p99_us\":5.0,\"server_cpu_ms_per_1000\":7.0}\n");
    }

    private record Ended(int exitCode, String out, String err) {}

    private Ended judge(String... more) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine commandLine = JudgeCommand.commandLine();
        commandLine.setOut(new PrintWriter(out));
        commandLine.setErr(new PrintWriter(err));
        String[] arguments = Arrays.copyOf(new String[] {directory.toString()}, 1 + more.length);
        System.arraycopy(more, 0, arguments, 1, more.length);
        return new Ended(commandLine.execute(arguments), out.toString(), err.toString());
    }

    @Test
    void theExitCodeIsTheVerdict() throws IOException {
        assertThat(judge().exitCode()).isEqualTo(2);
        for (int repetition = 1; repetition <= 3; repetition++) {
            write("base", repetition, 1000);
        }
        assertThat(judge().exitCode()).isEqualTo(2);
        for (int repetition = 1; repetition <= 3; repetition++) {
            write("head", repetition, 800 + repetition);
        }
        Ended worse = judge();
        assertThat(worse.exitCode()).as(worse.err()).isEqualTo(1);
        assertThat(worse.out()).contains("| put-o64 | per second | 0.80 (0.80..0.80) | WORSE |");
        assertThat(directory.resolve("ratios.md")).hasContent(worse.out());
        assertThat(judge("--threshold", "0.3").exitCode()).isZero();
        Files.writeString(directory.resolve("head/2/compare.jsonl"), "no json\n");
        assertThat(judge().exitCode()).isEqualTo(2);
    }
}
