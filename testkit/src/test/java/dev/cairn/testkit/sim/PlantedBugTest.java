package dev.cairn.testkit.sim;

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
 * The simulator would find these mistakes: each is switched on and must be found within a number of seeds that is many
 * times the usual one. Some run with the mixture of faults that they need; the checks are the ordinary ones.
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
                new Planted("M01", SimOptions.planted(PlantedBug.DURABILITY_AS_INDEX, knobs -> {}), 40),
                new Planted("M02", SimOptions.planted(PlantedBug.REPLY_NOT_CAPPED_BY_MATCH, knobs -> {}), 40),
                new Planted("M03", SimOptions.planted(PlantedBug.HARD_STATE_COMPLETION_BY_TERM, SwarmKnobs::duels), 40),
                new Planted("M04", SimOptions.planted(WalFault.NO_COPY_AT_RECOVERY, SwarmKnobs::crashesInARow), 30),
                new Planted(
                        "M05", SimOptions.planted(PlantedBug.COMMIT_OLD_TERM_BY_COUNTING, SwarmKnobs::backlogs), 100),
                new Planted("M06", SimOptions.planted(PlantedBug.READ_BEFORE_OWN_TERM_COMMIT, knobs -> {}), 100),
                new Planted("M07", SimOptions.planted(WalFault.CURSOR_IN_PHYSICAL_ORDER, knobs -> {}), 60));
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
}
