package dev.cairn.bench.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.cairn.bench.machine.ProcessorTime;
import dev.cairn.covers.Covers;
import dev.cairn.protocol.StatusReplyDescriptor;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.HdrHistogram.EncodableHistogram;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.HistogramLogReader;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** The whole program against a server in this process. */
final class LoadGeneratorTest {
    @TempDir
    Path directory;

    private final FakeServer server = new FakeServer();

    @AfterEach
    void stop() {
        server.close();
    }

    private record Run(int exitCode, String out, String err) {
        String lastLine() {
            List<String> lines = out.lines().toList();
            return lines.get(lines.size() - 1);
        }

        double number(String field) {
            Matcher matcher = Pattern.compile("\"" + field + "\":(-?[0-9.]+)").matcher(lastLine());
            assertThat(matcher.find()).as("%s in %s", field, lastLine()).isTrue();
            return Double.parseDouble(matcher.group(1));
        }
    }

    private static Run execute(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine commandLine = LoadGenerator.commandLine();
        commandLine.setOut(new PrintWriter(out));
        commandLine.setErr(new PrintWriter(err));
        int exitCode = commandLine.execute(arguments);
        return new Run(exitCode, out.toString(), err.toString());
    }

    private Run load(String... more) {
        List<String> arguments = new ArrayList<>(List.of("--servers", server.address(), "--seconds", "1"));
        arguments.addAll(List.of(more));
        return execute(arguments.toArray(String[]::new));
    }

    @Test
    @Covers({"L04", "T32"})
    void closedLoopOfPutsCountsWhatTheServerSawAndEndsWithOneJsonLine() {
        Run run = load("--warmup", "1", "--outstanding", "8", "--keys", "50", "--value-bytes", "100");

        assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
        assertThat(run.out())
                .contains("# durability forced (1 of 1 servers answered)")
                .contains("node 1 LEADER forced")
                .contains("outstanding 8")
                .contains("java " + System.getProperty("java.version"))
                .contains(" warm-up ")
                .contains(" measure ");
        assertThat(run.lastLine())
                .startsWith("{\"mode\":\"put\",")
                .endsWith("}")
                .contains(
                        "\"durability\":\"forced\"",
                        "\"servers\":\"" + server.address() + "\"",
                        "\"errors_by_type\":{}");
        assertThat(run.number("ops")).isPositive().isLessThan(server.puts.get());
        assertThat(run.number("latency_count")).isCloseTo(run.number("ops"), within(8.0));
        assertThat(run.number("ops_s")).isEqualTo(run.number("ops"));
        assertThat(run.number("p50_us")).isPositive().isLessThanOrEqualTo(run.number("p99_us"));
        assertThat(run.number("p99_us")).isLessThanOrEqualTo(run.number("max_us"));
        assertThat(run.number("force_p50_us")).isPositive();
        assertThat(server.mostInFlight.get()).isLessThanOrEqualTo(8);
        assertThat(server.values).hasSizeLessThanOrEqualTo(50).hasSizeGreaterThan(1);
        server.values.forEach((key, value) -> {
            assertThat(key).hasSize(16).matches("k0{13}[0-4][0-9]");
            assertThat(value).hasSize(100);
        });
    }

    @Test
    void valueLengthsAreDrawnBetweenTheTwoGiven() {
        Run run = load("--warmup", "0", "--outstanding", "8", "--keys", "500", "--value-bytes", "10-13");

        assertThat(server.values.values().stream().map(value -> value.length).distinct())
                .containsExactlyInAnyOrder(10, 11, 12, 13);
        assertThat(run.number("value_bytes_min")).isEqualTo(10);
        assertThat(run.number("value_bytes")).isEqualTo(13);
    }

    @Test
    void severalProcessesShareALoadAndGiveOneResult() throws IOException {
        Path out = directory.resolve("shared");
        Run run = load(
                "--warmup", "1", "--outstanding", "7", "--keys", "50", "--processes", "2", "--out", out.toString());

        assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
        assertThat(run.out()).contains("outstanding 7", "connections 2, processes 2", " warm-up ", " measure ");
        assertThat(run.lastLine()).contains("\"outstanding\":7,", "\"connections\":2,", "\"processes\":2,");
        assertThat(run.number("ops")).isPositive().isLessThan(server.puts.get());
        assertThat(run.number("latency_count")).isCloseTo(run.number("ops"), within(7.0));
        assertThat(run.number("p99_us")).isPositive();
        assertThat(run.number("errors")).isZero();
        assertThat(server.mostInFlight.get()).as("of both").isLessThanOrEqualTo(7);
        List<Histogram> intervals = intervals(out);
        // The window, and what ended behind it, which takes as long as it takes: an interval for a second, not for a
        // process.
        long ms = intervals.get(intervals.size() - 1).getEndTimeStamp()
                - intervals.get(0).getStartTimeStamp();
        assertThat(intervals).hasSizeLessThanOrEqualTo((int) Math.ceil(ms / 1e3) + 1);
        assertThat(intervals.stream().mapToLong(Histogram::getTotalCount).sum())
                .isEqualTo((long) run.number("latency_count"));
    }

    private static List<Histogram> intervals(Path out) throws IOException {
        Path log;
        try (var listed = Files.list(out)) {
            log = listed.filter(file -> file.toString().endsWith(".hlog"))
                    .findFirst()
                    .orElseThrow();
        }
        List<Histogram> intervals = new ArrayList<>();
        try (HistogramLogReader reader = new HistogramLogReader(log.toFile())) {
            for (EncodableHistogram next = reader.nextIntervalHistogram();
                    next != null;
                    next = reader.nextIntervalHistogram()) {
                intervals.add((Histogram) next);
            }
        }
        return intervals;
    }

    /** One fills the keys for both; gets and puts have figures of their own, from both. */
    @Test
    void aSharedOpenLoopOfGetsAndPutsStartsAllThatIsDue() {
        Run run = load("--warmup", "0", "--mode", "mixed", "--rate", "101", "--keys", "50", "--processes", "2");

        assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
        assertThat(run.out()).contains("# filled: 50 keys, 50 of them written now");
        assertThat(run.number("rate")).isEqualTo(101);
        assertThat(run.number("latency_count")).isEqualTo(101);
        assertThat(run.number("get_count") + run.number("put_count")).isEqualTo(101);
        assertThat(run.number("unstarted")).isZero();
    }

    private static LoadOptions puts(String servers) {
        return new LoadOptions(servers, LoadOptions.Mode.PUT, 0, 4, 0, 60, 1, 50, 16, 10, 2);
    }

    @Test
    void aProcessThatDiesEndsTheOthersAndItsWordsAreTold() {
        LoadProcesses killed = new LoadProcesses(puts(server.address()), 2, "cairn");
        assertThatThrownBy(() -> killed.run(
                        second -> ProcessHandle.of(killed.pids().get(1)).ifPresent(ProcessHandle::destroyForcibly),
                        new ProcessorTime(List.of())))
                .isInstanceOf(LoadProcesses.FailedException.class)
                .hasMessageContaining("process 2 of 2 has ended with exit code 137");
        assertThat(killed.pids()).hasSize(2).noneMatch(LoadGeneratorTest::isAlive);

        LoadProcesses refused = new LoadProcesses(puts(server.address()), 2, "nothing");
        assertThatThrownBy(() -> refused.run(second -> {}, new ProcessorTime(List.of())))
                .isInstanceOf(LoadProcesses.FailedException.class)
                .hasMessageContaining("of 2 has ended with exit code 2: ")
                .hasMessageContaining("--target: nothing");
        assertThat(refused.pids()).hasSize(2).noneMatch(LoadGeneratorTest::isAlive);
    }

    private static boolean isAlive(long pid) {
        return ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--processes 0|--processes: 0, allowed are 1 to 64 processes",
                "--processes 65 --outstanding 99|--processes: 65, allowed are 1 to 64 processes",
                "--processes 3 --outstanding 2|--processes: 3, each needs its share of --outstanding, given is 2",
                "--processes 3 --rate 2|--processes: 3, each needs its share of --rate, given is 2",
                "--processes 3 --connections 2|--processes: 3, each needs its share of --connections, given is 2",
                "--processes 2 --warmup auto|--processes: only with a --warmup of so many seconds",
                "--processes 2 --connections 3 --outstanding 12288|--outstanding: 6144, allowed are 1 to 4096"
            })
    void aLoadThatCannotBeSharedIsRefused(String arguments, String message) {
        Run run = load(arguments.split(" ", -1));

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains(message);
        assertThat(server.puts.get()).isZero();
    }

    @Test
    void sharesAddUpToTheWhole() {
        LoadOptions whole = new LoadOptions("s", LoadOptions.Mode.PUT, 0, 11, 0, 1, 1, 50, 16, 10, 5);
        List<LoadOptions> shares =
                IntStream.range(0, 4).mapToObj(i -> whole.share(i, 4)).toList();

        assertThat(shares).extracting(LoadOptions::outstanding).containsExactly(3, 3, 3, 2);
        assertThat(shares).extracting(LoadOptions::connections).containsExactly(2, 1, 1, 1);
        assertThat(shares).extracting(LoadOptions::rate).containsOnly(0);
    }

    @Test
    void valuesDiffer() {
        load("--warmup", "0", "--outstanding", "1", "--keys", "10");

        assertThat(server.values.values().stream()
                        .map(value -> new String(value, StandardCharsets.ISO_8859_1))
                        .distinct())
                .hasSize(10);
    }

    @Test
    void filesHoldTheSameOperationsAsTheJsonLine() throws IOException {
        Run run = load(
                "--warmup",
                "0",
                "--outstanding",
                "4",
                "--out",
                directory.resolve("new/results").toString());

        List<Path> files;
        try (var listed = Files.list(directory.resolve("new/results"))) {
            files = listed.sorted().toList();
        }
        assertThat(files)
                .extracting(file -> String.valueOf(file.getFileName()))
                .hasSize(3)
                .allMatch(name -> name.matches("load-put-o4-[0-9T]+Z\\.(hgrm|hlog|json)"));
        assertThat(Files.readString(files.get(0)))
                .contains("#[Mean")
                .contains("Total count    = " + String.format("%12d", (long) run.number("latency_count")));
        assertThat(countIn(files.get(1), "")).isEqualTo((long) run.number("latency_count"));
        assertThat(Files.readString(files.get(2))).isEqualTo(run.lastLine() + "\n");
    }

    private static long countIn(Path log, String tag) throws IOException {
        long count = 0;
        try (HistogramLogReader reader = new HistogramLogReader(log.toFile())) {
            for (EncodableHistogram next = reader.nextIntervalHistogram();
                    next != null;
                    next = reader.nextIntervalHistogram()) {
                if (tag.isEmpty() || tag.equals(next.getTag())) {
                    count += ((Histogram) next).getTotalCount();
                }
            }
        }
        return count;
    }

    @Test
    void getFillsOnlyTheKeysThatAreMissingOrOfAnotherLength() {
        KeySpace keys = new KeySpace(300, 16);
        byte[] key = new byte[16];
        for (int i = 0; i < 300; i += 3) {
            keys.encode(i, key);
            server.values.put(new String(key, StandardCharsets.US_ASCII), new byte[i == 0 ? 63 : 64]);
        }

        Run run = load("--mode", "get", "--warmup", "0", "--outstanding", "4", "--keys", "300", "--value-bytes", "64");

        assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
        assertThat(run.out()).contains("# filled: 300 keys, 201 of them written now");
        assertThat(server.puts.get()).isEqualTo(201);
        assertThat(server.values).hasSize(300);
        assertThat(server.gets.get()).isGreaterThanOrEqualTo(300 + (int) run.number("ops"));
        assertThat(run.number("errors")).isZero();
    }

    @Test
    void getOfAMissingKeyIsAnErrorAndARunWithoutSuccessFails() {
        server.loseValues = true;

        Run run = load("--mode", "get", "--warmup", "0", "--outstanding", "4", "--keys", "5");

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.number("ops")).isZero();
        assertThat(run.number("errors")).isPositive();
        assertThat(run.lastLine())
                .contains("\"errors_by_type\":{\"KeyMissing\":")
                .contains("\"p50_us\":null");
    }

    @Test
    void errorsAreCountedByTypeBesideTheSuccesses() {
        server.refuse = key -> key.endsWith("1");

        Run run = load("--warmup", "0", "--outstanding", "4", "--keys", "100");

        assertThat(run.exitCode()).isZero();
        assertThat(run.lastLine()).contains("\"errors_by_type\":{\"RequestRejected:VALUE_TOO_LARGE\":");
        double errors = run.number("errors");
        assertThat(errors / (errors + run.number("latency_count"))).isBetween(0.03, 0.3);
    }

    @Test
    @Covers("T32")
    void mixedModeShowsGetsAndPutsApart() throws IOException {
        Run run = load(
                "--mode",
                "mixed",
                "--read-percent",
                "80",
                "--warmup",
                "0",
                "--keys",
                "20",
                "--out",
                directory.toString());

        double gets = run.number("get_count");
        double puts = run.number("put_count");
        assertThat(gets + puts).isEqualTo(run.number("latency_count"));
        assertThat(gets / (gets + puts)).isCloseTo(0.8, within(0.1));
        assertThat(run.number("get_p50_us")).isPositive();
        assertThat(run.number("put_p50_us")).isPositive();
        Path log;
        try (var listed = Files.list(directory)) {
            log = listed.filter(file -> file.toString().endsWith(".hlog"))
                    .findFirst()
                    .orElseThrow();
        }
        assertThat(countIn(log, "get")).isEqualTo((long) gets);
        assertThat(countIn(log, "put")).isEqualTo((long) puts);
    }

    @Test
    void openLoopStartsTheAskedNumberOfOperations() {
        Run run = load("--warmup", "1", "--rate", "500", "--connections", "2");

        assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
        assertThat(server.puts.get()).isEqualTo(1000);
        assertThat(run.number("latency_count")).isEqualTo(500);
        assertThat(run.number("outstanding")).isZero();
        assertThat(run.number("unstarted")).isZero();
        assertThat(run.number("waited")).isZero();
        assertThat(run.number("max_in_flight")).isEqualTo(8192);
    }

    @Test
    void warmUpEndsWhenTheRateHasSettledAndTheWindowBeginsThen() {
        Run run = load("--warmup", "auto", "--rate", "200");

        assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
        assertThat(run.out()).contains("warmup auto");
        assertThat(run.lastLine())
                .contains("\"warmup_rule\":\"auto: the rate of 2 s")
                .contains("\"warmup_settled\":true");
        assertThat(run.number("warmup_secs")).isBetween(4.0, 60.0);
        assertThat(run.number("latency_count")).isCloseTo(200, within(1.0));
        // What came before the window was due too, and is not counted.
        assertThat((double) server.puts.get()).isCloseTo(200 * (run.number("warmup_secs") + 1), within(40.0));
    }

    @Test
    void weakDurabilityIsSaid() {
        server.durability = StatusReplyDescriptor.DURABILITY_NOT_FORCED;

        Run run = load("--warmup", "0", "--outstanding", "1");

        assertThat(run.out()).contains("# durability not-forced");
        assertThat(run.lastLine()).contains("\"durability\":\"not-forced\"");
    }

    @Test
    void noServerAtAllIsSaidAtOnce() throws IOException {
        String address;
        try (ServerSocket unused = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            address = "127.0.0.1:" + unused.getLocalPort();
        }

        Run run = execute("--servers", address);

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).contains("no server answered");
        assertThat(run.out())
                .contains("# server " + address)
                .contains("# durability unknown (0 of 1 servers answered)");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--outstanding 5 --rate 5   | --outstanding and --rate: give one of them",
                "--outstanding 0            | --outstanding: 0, allowed are numbers from 1",
                "--outstanding 4097         | --outstanding: 4097, allowed are 1 to 4096",
                "--outstanding 300 --value-bytes 1048576 | --outstanding: 300 operations of 1048592 bytes",
                "--rate 1000001             | --rate: 1000001, allowed are 1 to 1000000",
                "--rate -1                  | --rate: -1, allowed are 1 to 1000000",
                "--seconds 0                | --seconds: 0, allowed are 1 to 86400",
                "--warmup -1                | --warmup: -1, allowed are 0 to 86400",
                "--warmup soon              | --warmup: soon, allowed are 0 to 86400 s, or auto",
                "--keys 0                   | --keys: 0, allowed are 1 to 100000000",
                "--keys 1001 --key-bytes 4  | --key-bytes: 4, allowed are 5 to 4096",
                "--key-bytes 4097           | --key-bytes: 4097, allowed are 6 to 4096",
                "--value-bytes 1048577      | --value-bytes: 1048577, allowed are 0 to 1048576",
                "--connections 65           | --connections: 65, allowed are 1 to 64",
                "--read-percent 5           | --read-percent: only with --mode mixed, given is put",
                "--mode mixed --read-percent 101 | --read-percent: 101, allowed are 0 to 100",
                "--mode delete              | 'delete'",
                "--mode ycsb_a              | --mode: ycsb-a is a --workload",
                "--mode get --workload ycsb-a | --mode and --workload: give one of them",
                "--workload ycsb-g          | --workload: ycsb-g, allowed are ycsb-a to ycsb-f",
                "--workload ycsb-d --key-bytes 10 | --key-bytes: 10, allowed are 11 to 4096 bytes where keys are inserted",
                "--scan-entries 5           | --scan-entries: only with --mode scan or --workload ycsb-e, given is put",
                "--mode scan --scan-entries 0 | --scan-entries: 0, allowed are 1 to 10000 entries, or LEAST-MOST",
                "--value-bytes 9-8          | --value-bytes: 9-8, allowed are 0 to 1048576 bytes, or LEAST-MOST",
                "--key-distribution normal  | 'normal'",
                "--target floor --mode scan | --target: floor knows puts and gets only, asked is scan",
                "--seconds ten              | 'ten' is not an int",
                "--colour red               | --colour",
                "--servers nowhere          | server 'nowhere': expected host:port",
            })
    void wrongOptionsAreNamedWithWhatIsAllowed(String options, String message) {
        List<String> arguments = new ArrayList<>(List.of(options.split(" ")));
        if (!arguments.contains("--servers")) {
            arguments.addAll(List.of("--servers", server.address()));
        }

        Run run = execute(arguments.toArray(String[]::new));

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains(message);
        assertThat(run.out()).isEmpty();
    }

    @Test
    void limitsThemselvesAreAllowed() {
        assertThat(new LoadOptions("s:1", LoadOptions.Mode.PUT, 0, 64 * 4096, 0, 1, 0, 1, 2, 0, 64).capacity())
                .isEqualTo(64 * 4096);
        assertThat(new LoadOptions("s:1", LoadOptions.Mode.PUT, 0, 0, 1_000_000, 86_400, 0, 1, 4096, 1 << 20, 1)
                        .capacity())
                .isEqualTo(255);
    }
}
