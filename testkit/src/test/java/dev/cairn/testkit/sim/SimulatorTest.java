package dev.cairn.testkit.sim;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.cairn.covers.Covers;
import dev.cairn.raft.PlantedBug;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Whole clusters under swarms of faults, one seed after the other.
 *
 * <p>{@code -Dseed=N} runs that seed alone and writes its full trace; {@code -Dseeds=N} says how many; {@code -Dsim.from=N}
 * where they begin; {@code -Dsim.seconds=N} goes on for so long, whatever the number, from a seed that nobody has chosen;
 * {@code -Pstress} for half an hour.
 */
@Covers("R33")
final class SimulatorTest {
    private static final int DEFAULT_SEEDS = 2000;
    private static final int STRESS_SECONDS = 1800;
    private static final int THREADS = 2;
    private static final Path GOLDEN = Path.of("src", "test", "resources", "sim-golden.txt");
    private static final List<Long> GOLDEN_SEEDS = List.of(1L, 2L, 3L, 5L, 8L);

    @Test
    @Covers({"R23", "T34"})
    void everySeedKeepsAllInvariants() throws InterruptedException {
        String only = System.getProperty("seed", "");
        if (!only.isEmpty()) {
            check(runWithTrace(Long.parseLong(only)));
            return;
        }
        long seconds = Long.getLong("sim.seconds", Boolean.getBoolean("cairn.stress") ? STRESS_SECONDS : 0);
        long from = Long.getLong("sim.from", seconds > 0 ? System.nanoTime() & 0xFFFF_FFFFFFL : 1);
        long count = Long.getLong("seeds", seconds > 0 ? Long.MAX_VALUE : DEFAULT_SEEDS);
        SeedRun run = new SeedRun(from, count, seconds);
        run.run(Math.min(THREADS, Runtime.getRuntime().availableProcessors()));
        SimTotals totals = run.totals();
        System.out.println("simulator: from=" + from + " " + totals.describe());
        SimReport failed = run.failed();
        if (failed != null) {
            check(failed);
        }
        long seeds = totals.seeds();
        assertTrue(totals.operations() >= 100 * seeds, "operations per seed: " + totals.operations() / seeds);
        assertTrue(totals.faults() >= 10 * seeds, "faults per seed: " + totals.faults() / seeds);
        assertTrue(2 * totals.committed() >= totals.operations() / 2, "little was committed: " + totals.committed());
        if (seeds >= DEFAULT_SEEDS) {
            assertTrue(totals.installed() >= seeds / 20, "installed snapshots: " + totals.installed());
            for (SimFault fault : SimFault.values()) {
                assertTrue(totals.count(fault) > 0, fault + " never happened");
            }
        }
    }

    private static void check(SimReport report) {
        if (report.failed()) {
            fail(FailedSeed.shrink(report, chosen()).describe());
        }
    }

    /** {@code -Dsim.without=KIND,...} leaves kinds of trouble out, as the report of a failure says. */
    private static SimOptions chosen() {
        String without = System.getProperty("sim.without", "");
        return without.isEmpty()
                ? SimOptions.NONE
                : FaultKinds.without(List.of(without.split(",", -1)), SimOptions.NONE);
    }

    private static SimReport runWithTrace(long seed) {
        Path trace = Path.of("target", "sim-" + seed + ".trace");
        try (Writer writer = Files.newBufferedWriter(trace)) {
            SimReport report = SimCluster.run(seed, chosen(), writer);
            System.out.println("trace=" + trace.toAbsolutePath() + " " + report);
            return report;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    @Covers("R35")
    void sameSeedGivesSameTraceByteForByte() {
        for (long seed : GOLDEN_SEEDS) {
            StringBuilder first = new StringBuilder();
            StringBuilder second = new StringBuilder();
            SimReport report = SimCluster.run(seed, first);
            SimReport again = SimCluster.run(seed, second);
            assertTrue(first.length() > 10_000, "trace of " + first.length() + " characters");
            assertEquals(first.toString(), second.toString());
            assertEquals(report, again);
        }
    }

    @Test
    void aFailureIsToldWithItsShortestTrace() {
        SimOptions planted = SimOptions.planted(PlantedBug.LEADER_COUNTS_UNFORCED, knobs -> {});
        SimReport report = SimCluster.run(1, planted, null);
        for (long seed = 2; !report.failed(); seed++) {
            report = SimCluster.run(seed, planted, null);
        }
        FailedSeed failed = FailedSeed.shrink(report, planted);
        assertTrue(failed.shortest().events() <= report.events(), "longer than before");
        assertTrue(failed.without().size() >= 10, "left out: " + failed.without());
        assertEquals(
                failed.shortest(), SimCluster.run(report.seed(), FaultKinds.without(failed.without(), planted), null));
        String text = failed.describe();
        assertTrue(text.startsWith("seed " + report.seed() + " at commit "), text);
        assertTrue(text.contains(" broke commit-durable after " + report.events() + " events"), text);
        assertTrue(text.contains("-Dseed=" + report.seed() + " "), text);
        assertTrue(text.contains("-Dsim.without=" + String.join(",", failed.without())), text);
    }

    @Test
    void theCommandRunsSeedsAndPrintsTotals() throws InterruptedException {
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        PrintStream out = new PrintStream(printed, true, UTF_8);
        assertEquals(0, SimulateCommand.run(out, "--from", "7", "--seeds", "3", "--threads", "2"));
        String text = printed.toString(UTF_8);
        assertTrue(text.startsWith("from=7 threads=2\nseeds=3 "), text);
        assertTrue(text.contains("\nfaults: lost-frame="), text);
        assertEquals(2, SimulateCommand.run(out, "--seeds"));
        assertEquals(2, SimulateCommand.run(out, "--seeds", "0"));
        assertEquals(2, SimulateCommand.run(out, "--nodes", "3"));
    }

    /** 50142: the history was undecided, for all the operations in it that never took effect. */
    @Test
    void seedsThatOnceFailedHold() {
        check(SimCluster.run(50142));
    }

    @Test
    void differentSeedsGiveDifferentRuns() {
        assertTrue(SimCluster.run(1).hash() != SimCluster.run(2).hash());
    }

    /**
     * The same on every release of Java and on every machine. Each change of behaviour of core, log, engine, replica or
     * simulator changes the hashes: {@code -Dsim.golden=write} writes the new ones, and the next run must find them.
     */
    @Test
    void hashesAreThoseOfTheGoldenFile() throws IOException {
        List<String> lines = new ArrayList<>();
        for (long seed : GOLDEN_SEEDS) {
            lines.add(seed + " " + Long.toHexString(SimCluster.run(seed).hash()));
        }
        if ("write".equals(System.getProperty("sim.golden"))) {
            Files.write(GOLDEN, lines);
        }
        assertEquals(
                Files.readAllLines(GOLDEN),
                lines,
                "the behaviour of the cluster has changed; if that is meant: mvn -pl testkit -am -Dsim.golden=write"
                        + " -Dsurefire.failIfNoSpecifiedTests=false -Dtest=SimulatorTest test");
    }
}
