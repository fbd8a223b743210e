package dev.cairn.bench.measure;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.bench.load.OperationKind;
import dev.cairn.bench.machine.GcLog;
import dev.cairn.bench.machine.LogTail;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The measurements of clusters at a small size, against real processes, without a word about time; and their parts. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
final class MeasureTest {
    @TempDir
    Path directory;

    private record Run(int exitCode, String out, String err) {
        String json() {
            List<String> lines = out.lines().toList();
            return lines.get(lines.size() - 1);
        }
    }

    private Run measure(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine commandLine = MeasureMain.commandLine();
        commandLine.setOut(new PrintWriter(out));
        commandLine.setErr(new PrintWriter(err));
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of(
                "--set",
                "wal.segment.bytes=1MiB",
                "--dir",
                directory.resolve("nodes").toString(),
                "--out",
                directory.resolve("out").toString(),
                "--rate",
                "100",
                "--seconds",
                "1",
                "--warmup",
                "1"));
        int exitCode = commandLine.execute(all.toArray(String[]::new));
        return new Run(exitCode, out.toString(), err.toString());
    }

    @Test
    void aSmallCatchUpIsCutResumedAndReported() throws IOException {
        Run run = measure(
                "snapshot",
                "--keys",
                "8000",
                "--cuts",
                "2",
                "--set",
                "snapshot.log.bytes=2MiB",
                "--set",
                "snapshot.keep.log.bytes=0",
                "--set",
                "snapshot.transfer.bytes.per.s=2MiB");

        assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
        assertThat(run.json())
                .startsWith("{\"measure\":\"snapshot\"")
                .contains("\"cuts\":2,", "\"durability\":\"forced\"", "\"ratio_p99\":", "\"node1_max_rss_mb\":")
                .doesNotContain("\"resumes\":0");
        assertThat(run.out()).contains("equal digests", "# transfer, node1: ", "# catch-up, node");
        assertFiles("-quiet.hgrm", "-during.hgrm", ".hlog", ".json", "-memory.csv");
        assertThat(directory.resolve("nodes")).doesNotExist();
    }

    @Test
    void aSmallScanCountsEverythingAndOneDeleteRemovesIt() throws IOException {
        Run run = measure("scan", "--keys", "20000", "--chunk-bytes", "65536");

        assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
        assertThat(run.json())
                .startsWith("{\"measure\":\"scan\"")
                .contains(
                        "\"scan_1_count\":20000,",
                        "\"scan_2_count\":20000,",
                        "\"delete_entries\":1,",
                        "\"left_after_delete\":0,",
                        "\"scan_1_scanner_anonymous_mb\":");
        assertFiles("-quiet.hgrm", "-scan.hgrm", "-delete.hgrm", ".hlog", ".json", "-memory.csv");
    }

    @Test
    void twoLeadersAreKilledAndEachGapIsReported() throws IOException {
        Run run = measure("failover", "--kills", "2");

        assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
        assertThat(run.out()).contains("# kill 1: node ", "# kill 2: node ", "equal digests");
        assertThat(run.json())
                .startsWith("{\"measure\":\"failover\"")
                .contains(
                        "\"kills\":2,",
                        "\"gap_p50_ms\":",
                        "\"gap_max_ms\":",
                        "\"errors\":0,",
                        "\"durability\":\"forced\"");
        assertFiles("-quiet.hgrm", "-failover.hgrm", ".hlog", ".json", "-memory.csv");
    }

    @Test
    void whatNodesDoBesideIsFoundInTheirLogsAndReported() throws IOException {
        // Some 6 MiB per second in segments of 1 MiB.
        Run run =
                measure("disturbances", "--keys", "100", "--value-bytes", "65536", "--set", "snapshot.log.bytes=1MiB");

        assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
        assertThat(run.out()).contains("durability forced", "equal digests", "# measured, node1: ");
        assertThat(run.json())
                .startsWith("{\"measure\":\"disturbances\"")
                .contains("\"quiet_count\":", "\"compaction_times\":", "\"checkpoint_ratio_p999\":", "\"errors\":0,")
                .doesNotContain("\"roll_times\":0,", "\"checkpoint_times\":0,", "\"flush_times\":0,");
        assertFiles(
                "-quiet.hgrm", "-roll.hgrm", "-compaction.hgrm", "-disturbances.csv", "-node3.log", ".hlog", ".json");
    }

    private void assertFiles(String... ends) throws IOException {
        try (Stream<Path> files = Files.list(directory.resolve("out"))) {
            List<String> names =
                    files.map(file -> file.getFileName().toString()).toList();
            for (String end : ends) {
                assertThat(names).anyMatch(name -> name.endsWith(end));
            }
        }
    }

    @Test
    void aDirectoryThatExistsIsNotTouched() throws IOException {
        Path there = Files.createDirectories(directory.resolve("nodes"));
        Files.writeString(there.resolve("mine"), "x");

        Run run = measure("scan");

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains("--dir", "exists");
        assertThat(there.resolve("mine")).hasContent("x");
    }

    @Test
    void withoutAMeasurementItSaysWhichThereAre() {
        StringWriter err = new StringWriter();
        CommandLine commandLine = MeasureMain.commandLine();
        commandLine.setErr(new PrintWriter(err));

        assertThat(commandLine.execute()).isEqualTo(2);
        assertThat(err.toString()).contains("snapshot", "scan", "failover", "disturbances");
    }

    @Test
    void anOperationCountsInThePhaseInWhichItWasDue() {
        Phases phases = new Phases(System.nanoTime());
        Phases.Phase first = phases.begin("first");
        long inFirst = System.nanoTime();
        Phases.Phase second = phases.begin("second");
        long inSecond = System.nanoTime();
        phases.end();
        long behind = System.nanoTime();

        phases.record(OperationKind.PUT, 0, inFirst, behind + 1_000_000, null);
        phases.record(OperationKind.PUT, 0, inSecond, behind, "Busy");
        phases.record(OperationKind.PUT, 0, behind, behind + 1, null);
        phases.takeIntervals((phase, interval) -> {});

        assertThat(first.total().getTotalCount()).isEqualTo(1);
        assertThat(second.total().getTotalCount()).isZero();
        assertThat(second.errors()).isEqualTo(Map.of("Busy", 1L));
        assertThat(phases.successes()).isEqualTo(2);
        assertThat(phases.errors()).isEqualTo(1);
    }

    @Test
    void pausesOfTheSpanAskedForAreFoundInTheLogOfCollections() throws IOException {
        Path file = directory.resolve("gc.log");
        Files.writeString(file, """
                [1000ms] Using Parallel
                [2000ms] GC(0) Pause Young (Allocation Failure) 64M->3M(245M) 1.250ms
                [3000ms] GC(1) Pause Full (System.gc()) 40M->2M(245M) 7.500ms
                [9000ms] GC(2) Pause Young (Normal) (G1 Evacuation Pause) 99M->9M(245M) 99.000ms
                """);

        GcLog found = GcLog.between(file, 1500, 9000);

        assertThat(found).isEqualTo(new GcLog(2, 8.75, 7.5, 64, 2));
        assertThat(GcLog.between(directory.resolve("none"), 0, 1).lastAfterMb()).isEqualTo(-1);
    }

    @Test
    void aTailReadsWhatCameSinceAndLeavesUnfinishedLines() throws IOException {
        Path file = directory.resolve("node.log");
        Files.writeString(file, "event=old bytes=1\n");
        LogTail tail = new LogTail(file);
        Files.writeString(file, "event=old bytes=1\nevent=new bytes=2 offeredBytes=3\nevent=half byt");

        tail.poll();

        assertThat(tail.has("event=old")).isFalse();
        assertThat(tail.has("event=half")).isFalse();
        assertThat(tail.lastNumber("event=new", "bytes")).hasValue(2);
        assertThat(tail.lastNumber("event=none", "bytes")).isEmpty();
    }
}
