package dev.cairn.testkit.sim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.cairn.covers.Covers;
import java.io.IOException;
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
 * where they begin; {@code -Dsim.seconds=N} goes on for so long, whatever the number, from a seed that nobody has chosen.
 */
@Covers("R33")
final class SimulatorTest {
    private static final int DEFAULT_SEEDS = 500;
    private static final Path GOLDEN = Path.of("src", "test", "resources", "sim-golden.txt");
    private static final List<Long> GOLDEN_SEEDS = List.of(1L, 2L, 3L, 5L, 8L);

    private long runs;
    private long operations;
    private long unknown;
    private long crashes;
    private long faults;
    private long committed;
    private long events;

    @Test
    @Covers({"R23", "T34"})
    void everySeedKeepsAllInvariants() {
        String only = System.getProperty("seed", "");
        if (!only.isEmpty()) {
            check(runWithTrace(Long.parseLong(only)));
            return;
        }
        long seconds = Long.getLong("sim.seconds", 0);
        long from = Long.getLong("sim.from", seconds > 0 ? System.nanoTime() & 0xFFFF_FFFFFFL : 1);
        long count = seconds > 0 ? Long.MAX_VALUE - from : Long.getLong("seeds", DEFAULT_SEEDS);
        long startNs = System.nanoTime();
        for (long seed = from; seed < from + count; seed++) {
            check(SimCluster.run(seed));
            if (seconds > 0 && System.nanoTime() - startNs > seconds * 1_000_000_000L) {
                break;
            }
        }
        System.out.printf(
                "simulator: from=%d seeds=%d ms=%d events=%d operations=%d unknown=%d committed=%d crashes=%d faults=%d%n",
                from,
                runs,
                (System.nanoTime() - startNs) / 1_000_000,
                events,
                operations,
                unknown,
                committed,
                crashes,
                faults);
        assertTrue(operations >= 100 * runs, "operations per seed: " + operations / runs);
        assertTrue(faults >= 10 * runs, "faults per seed: " + faults / runs);
        assertTrue(2 * committed >= operations / 2, "little was committed: " + committed + " of " + operations);
    }

    private void check(SimReport report) {
        runs++;
        operations += report.operations();
        unknown += report.unknown();
        crashes += report.crashes();
        faults += report.faults();
        committed += report.committed();
        events += report.events();
        if (report.failed()) {
            fail(describe(report));
        }
    }

    private static String describe(SimReport report) {
        return "seed " + report.seed() + " broke " + report.check() + "\n" + report.violation() + "\nlast lines:\n"
                + report.tail() + "\nagain, with the whole trace in testkit/target/sim-" + report.seed() + ".trace:\n"
                + "  mvn -pl testkit -am -Dseed=" + report.seed()
                + " -Dsurefire.failIfNoSpecifiedTests=false -Dtest=SimulatorTest test\n";
    }

    private static SimReport runWithTrace(long seed) {
        Path trace = Path.of("target", "sim-" + seed + ".trace");
        try (Writer writer = Files.newBufferedWriter(trace)) {
            SimReport report = SimCluster.run(seed, writer);
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
