package dev.cairn.testkit.sim;

import static dev.cairn.testkit.sim.SwarmKnobs.MS;
import static dev.cairn.testkit.sim.SwarmKnobs.SECOND;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.cairn.raft.PlantedBug;
import dev.cairn.wal.WalFault;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The simulator would find these mistakes: each is switched on and must be found within a number of seeds that is several
 * times the usual one. Knobs are turned towards the interleavings that a mistake needs; the checks are the ordinary ones.
 * {@code docs/testing.md} has the table.
 */
final class PlantedBugTest {
    /** @param withinSeeds far above the median, so that a miss means that the simulator has become blind */
    record Planted(String id, SimOptions options, int withinSeeds) {
        @Override
        public String toString() {
            return id + " " + options.plantedBugs() + options.walFaults();
        }
    }

    static Stream<Planted> planted() {
        return Stream.of(
                new Planted("M01", SimOptions.planted(PlantedBug.DURABILITY_AS_INDEX, knobs -> {}), 80),
                new Planted("M02", SimOptions.planted(PlantedBug.REPLY_NOT_CAPPED_BY_MATCH, knobs -> {}), 80),
                new Planted(
                        "M03",
                        SimOptions.planted(PlantedBug.HARD_STATE_COMPLETION_BY_TERM, PlantedBugTest::manyElections),
                        120),
                new Planted(
                        "M04", SimOptions.planted(WalFault.NO_COPY_AT_RECOVERY, PlantedBugTest::crashAfterCrash), 30),
                new Planted(
                        "M05", SimOptions.planted(PlantedBug.COMMIT_OLD_TERM_BY_COUNTING, PlantedBugTest::figure8), 80),
                new Planted(
                        "M06",
                        SimOptions.planted(PlantedBug.READ_BEFORE_OWN_TERM_COMMIT, PlantedBugTest::newLeadersAreRead),
                        100),
                new Planted("M07", SimOptions.planted(WalFault.CURSOR_IN_PHYSICAL_ORDER, knobs -> {}), 120));
    }

    @ParameterizedTest
    @MethodSource("planted")
    void isFoundWithinItsSeeds(Planted planted) {
        for (int seed = 1; seed <= planted.withinSeeds; seed++) {
            SimReport report = SimCluster.run(seed, planted.options, null);
            if (report.failed()) {
                System.out.println("planted: " + planted + " seed=" + seed + " check=" + report.check());
                return;
            }
        }
        throw new AssertionError(planted + " was not found within " + planted.withinSeeds + " seeds");
    }

    /** The same knobs find nothing where nothing is planted. */
    @ParameterizedTest
    @MethodSource("planted")
    void knobsAloneBreakNothing(Planted planted) {
        SimOptions sound = new SimOptions(Set.of(), Set.of(), planted.options.tuning(), 0);
        for (int seed = 1; seed <= 12; seed++) {
            SimReport report = SimCluster.run(seed, sound, null);
            assertEquals("", report.check(), () -> "seed " + report.seed() + ": " + report.violation());
        }
    }

    @Test
    void everyKnownMistakeIsInTheList() {
        List<Planted> all = planted().toList();
        assertTrue(Arrays.stream(PlantedBug.values())
                .allMatch(bug -> all.stream()
                        .anyMatch(planted -> planted.options.plantedBugs().contains(bug))));
        assertTrue(Arrays.stream(WalFault.values())
                .allMatch(fault -> all.stream()
                        .anyMatch(planted -> planted.options.walFaults().contains(fault))));
    }

    /** Votes of one term compete, while hard states take long to write. */
    private static void manyElections(SwarmKnobs knobs) {
        knobs.nodes = 5;
        knobs.electionMaxTicks = knobs.electionMinTicks + 2;
        knobs.forceNs = 8 * MS;
        knobs.crashEveryNs = 200 * MS;
        knobs.pauseEveryNs = 300 * MS;
        knobs.pauseForNs = 200 * MS;
    }

    /** Process and host in turn: what the first leaves unforced, the second takes. */
    private static void crashAfterCrash(SwarmKnobs knobs) {
        knobs.crashEveryNs = 100 * MS;
        knobs.hostCrashes = 0.5;
        knobs.downForNs = 5 * MS;
        knobs.forceNs = 8 * MS;
        knobs.writeBackEveryNs = 0;
        knobs.clientPauseNs = 5 * MS;
    }

    /** Figure 8 of the paper: short-lived leaders with a backlog of old entries that travels one by one. */
    private static void figure8(SwarmKnobs knobs) {
        knobs.nodes = 3;
        knobs.heartbeatTicks = 2;
        knobs.electionMinTicks = 10;
        knobs.electionMaxTicks = 14;
        knobs.maxAppendBytes = 256;
        knobs.maxInflightBytes = 256;
        knobs.maxInflightEntries = 1;
        knobs.ordered = true;
        knobs.delayNs = 6 * MS;
        knobs.slowMessages = 0;
        knobs.drop = 0;
        knobs.duplicate = 0;
        knobs.forceNs = 3 * MS;
        knobs.slowForces = 0;
        knobs.pauseEveryNs = 0;
        knobs.crashEveryNs = 120 * MS;
        knobs.downForNs = 60 * MS;
        knobs.allCrash = 0;
        knobs.recoveryCrashes = 0;
        knobs.forceFailures = 0;
        knobs.partitionEveryNs = 80 * MS;
        knobs.partitionForNs = 100 * MS;
        knobs.faultsNs = 4 * SECOND;
        knobs.clients = 5;
        knobs.operationsPerClient = 60;
        knobs.maxInFlight = 8;
        knobs.getShare = 0;
        knobs.clientPauseNs = 2 * MS;
        knobs.deadlineNs = 400 * MS;
    }

    /** Leaders change often and clients read much. */
    private static void newLeadersAreRead(SwarmKnobs knobs) {
        knobs.nodes = 3;
        knobs.getShare = 0.6;
        knobs.staleShare = 0;
        knobs.keys = 2;
        knobs.clientPauseNs = 5 * MS;
        knobs.crashEveryNs = 250 * MS;
        knobs.hostCrashes = 0.5;
        knobs.storeFlushEveryNs = 3 * SECOND;
        knobs.forceNs = 5 * MS;
    }
}
