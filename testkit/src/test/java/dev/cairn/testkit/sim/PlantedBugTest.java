package dev.cairn.testkit.sim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.cairn.raft.PlantedBug;
import dev.cairn.wal.WalFault;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The simulator would find these mistakes: each is switched on and must be found within a number of seeds that is many
 * times the usual one. Some run with the mixture of faults that they need; the checks are the ordinary ones.
 * {@code docs/testing.md} has the table; {@code -Dsim.samples=N} looks for each so often, from other seeds each time, and
 * prints a row of it.
 */
final class PlantedBugTest {
    private static final long SEEDS_BETWEEN_SAMPLES = 1000;

    /** @param withinSeeds far above the median, so that a miss means that the simulator has become blind */
    record Planted(String id, String name, SimOptions options, int withinSeeds) {
        @Override
        public String toString() {
            return id + " " + name;
        }
    }

    /** By {@code LeaseClusterTest} of module raft, whose nodes sleep while the time of leases goes on. */
    private static final Set<PlantedBug> FOUND_BY_RANDOM_CLUSTERS = Set.of(
            PlantedBug.LEASE_ACROSS_PAUSE,
            PlantedBug.LEASE_BEFORE_OWN_TERM_COMMIT,
            PlantedBug.LEASE_FROM_CONFIRMATION,
            PlantedBug.LEASE_KEPT_IN_TRANSFER);

    static Stream<Planted> planted() {
        return PLANTED.stream();
    }

    @ParameterizedTest
    @MethodSource("planted")
    void isFoundWithinItsSeeds(Planted planted) {
        int samples = Integer.getInteger("sim.samples", 1);
        int[] needed = new int[samples];
        StringBuilder checks = new StringBuilder();
        for (int sample = 0; sample < samples; sample++) {
            SimReport found = find(planted, 1 + sample * SEEDS_BETWEEN_SAMPLES);
            needed[sample] = (int) (found.seed() - sample * SEEDS_BETWEEN_SAMPLES);
            checks.append(' ').append(found.check());
        }
        Arrays.sort(needed);
        System.out.println("planted: " + planted + " median=" + needed[samples / 2] + " most=" + needed[samples - 1]
                + " within=" + planted.withinSeeds + " checks=" + checks);
    }

    private static SimReport find(Planted planted, long from) {
        for (long seed = from; seed < from + planted.withinSeeds; seed++) {
            SimReport report = SimCluster.run(seed, planted.options, null);
            if (report.failed()) {
                return report;
            }
        }
        throw new AssertionError(planted + " was not found within " + planted.withinSeeds + " seeds from " + from);
    }

    /** The mixtures alone find nothing where nothing is planted. */
    @ParameterizedTest
    @MethodSource("mixtures")
    void mixturesAloneBreakNothing(Consumer<SwarmKnobs> mixture) {
        for (int seed = 1; seed <= 12; seed++) {
            SimReport report = SimCluster.run(seed, SimOptions.tuned(mixture), null);
            assertEquals("", report.check(), () -> "seed " + report.seed() + ": " + report.violation());
        }
    }

    static Stream<Consumer<SwarmKnobs>> mixtures() {
        return Stream.of(
                SwarmKnobs::backlogs,
                SwarmKnobs::duels,
                SwarmKnobs::crashesInARow,
                SwarmKnobs::compaction,
                SwarmKnobs::oldLeaders,
                SwarmKnobs::memberships,
                SwarmKnobs::damage,
                SwarmKnobs::damageAmongChanges,
                SwarmKnobs::expiries);
    }

    @Test
    void everyKnownMistakeIsInTheList() {
        assertTrue(EnumSet.allOf(PlantedBug.class).stream()
                .filter(bug -> !FOUND_BY_RANDOM_CLUSTERS.contains(bug))
                .allMatch(bug -> PLANTED.stream()
                        .anyMatch(planted -> planted.options.plantedBugs().contains(bug))));
        assertTrue(Arrays.stream(WalFault.values())
                .allMatch(fault -> PLANTED.stream()
                        .anyMatch(planted -> planted.options.walFaults().contains(fault))));
        assertTrue(Arrays.stream(SimBug.values())
                .allMatch(bug -> PLANTED.stream()
                        .anyMatch(planted -> planted.options.simBugs().contains(bug))));
    }

    /** The build holds the simulator to at least so many. */
    @Test
    void thereAreAtLeastTwentyFive() {
        assertTrue(PLANTED.size() >= 25, "planted: " + PLANTED.size());
        assertEquals(
                PLANTED.size(), PLANTED.stream().map(Planted::id).distinct().count());
    }

    private static Planted of(int id, PlantedBug bug, Consumer<SwarmKnobs> tuning, int within) {
        return new Planted(name(id), bug.name(), SimOptions.planted(bug, tuning), within);
    }

    private static Planted of(int id, WalFault fault, Consumer<SwarmKnobs> tuning, int within) {
        return new Planted(name(id), fault.name(), SimOptions.planted(fault, tuning), within);
    }

    private static Planted of(int id, SimBug bug, Consumer<SwarmKnobs> tuning, int within) {
        return new Planted(name(id), bug.name(), SimOptions.planted(bug, tuning), within);
    }

    private static String name(int id) {
        return (id < 10 ? "M0" : "M") + id;
    }

    private static final List<Planted> PLANTED = List.of(
            of(1, PlantedBug.DURABILITY_AS_INDEX, SwarmKnobs::asDrawn, 40),
            of(2, PlantedBug.REPLY_NOT_CAPPED_BY_MATCH, SwarmKnobs::asDrawn, 40),
            of(3, PlantedBug.HARD_STATE_COMPLETION_BY_TERM, SwarmKnobs::duels, 40),
            of(4, WalFault.NO_COPY_AT_RECOVERY, SwarmKnobs::crashesInARow, 30),
            of(5, PlantedBug.COMMIT_OLD_TERM_BY_COUNTING, SwarmKnobs::backlogs, 100),
            of(6, PlantedBug.READ_BEFORE_OWN_TERM_COMMIT, SwarmKnobs::asDrawn, 150),
            of(7, WalFault.CURSOR_IN_PHYSICAL_ORDER, SwarmKnobs::asDrawn, 60),
            of(42, PlantedBug.CONFIGURATION_WHEN_APPLIED, SwarmKnobs::memberships, 400),
            of(43, PlantedBug.CHANGE_BEFORE_OWN_TERM_COMMIT, SwarmKnobs::memberships, 100),
            of(8, PlantedBug.VOTE_BEFORE_HARD_STATE, SwarmKnobs::asDrawn, 20),
            of(9, PlantedBug.TWO_VOTES_IN_A_TERM, SwarmKnobs::asDrawn, 60),
            of(10, PlantedBug.VOTE_FOR_OLDER_LOG, SwarmKnobs::asDrawn, 60),
            of(11, PlantedBug.CAMPAIGN_BEFORE_HARD_STATE, SwarmKnobs::asDrawn, 20),
            of(12, PlantedBug.REPLY_BEFORE_HARD_STATE, SwarmKnobs::asDrawn, 20),
            of(13, PlantedBug.VOTES_OF_OLDER_TERMS, SwarmKnobs::duels, 120),
            of(14, PlantedBug.SHORT_APPEND_TRUNCATES, SwarmKnobs::asDrawn, 20),
            of(15, PlantedBug.CONFLICT_KEPT, SwarmKnobs::asDrawn, 60),
            of(16, PlantedBug.OLD_LEADER_OBEYED, SwarmKnobs::asDrawn, 100),
            of(17, PlantedBug.VERIFIED_KEPT_OVER_TERMS, SwarmKnobs::asDrawn, 400),
            of(18, PlantedBug.ACK_BEFORE_FORCE, SwarmKnobs::asDrawn, 20),
            of(19, PlantedBug.STALE_REPLY_COUNTS, SwarmKnobs::oldLeaders, 400),
            of(20, PlantedBug.MATCH_FROM_VERIFIED, SwarmKnobs::asDrawn, 30),
            of(21, PlantedBug.MATCH_FROM_NEXT, SwarmKnobs::asDrawn, 20),
            of(22, PlantedBug.LEADER_COUNTS_UNFORCED, SwarmKnobs::asDrawn, 30),
            of(23, PlantedBug.FOLLOWER_COMMIT_NOT_CAPPED, SwarmKnobs::asDrawn, 150),
            of(24, PlantedBug.APPLY_BEYOND_DURABLE, SwarmKnobs::asDrawn, 60),
            of(25, PlantedBug.READ_WITHOUT_ROUND, SwarmKnobs::oldLeaders, 200),
            of(26, PlantedBug.READ_INDEX_OF_APPLIED, SwarmKnobs::asDrawn, 30),
            of(27, SimBug.LOG_NOT_FORCED, SwarmKnobs::asDrawn, 10),
            of(28, SimBug.HARD_STATE_NOT_FORCED, SwarmKnobs::asDrawn, 60),
            of(29, SimBug.NAMES_NOT_FORCED, SwarmKnobs::asDrawn, 10),
            of(30, SimBug.FAILED_FORCE_IGNORED, SwarmKnobs::asDrawn, 60),
            of(31, SimBug.REPLY_TO_WRONG_REQUEST, SwarmKnobs::asDrawn, 20),
            of(32, SimBug.ANSWERS_LOST_AT_RESTART, SwarmKnobs::asDrawn, 20),
            of(33, SimBug.SNAPSHOT_WITHOUT_SESSIONS, SwarmKnobs::asDrawn, 30),
            of(34, SimBug.SNAPSHOT_INDEX_FROM_NOTE, SwarmKnobs::asDrawn, 30),
            of(35, SimBug.LOG_DROPPED_AHEAD, SwarmKnobs::compaction, 200),
            of(36, SimBug.PIECES_OF_TWO_SNAPSHOTS, SwarmKnobs::compaction, 120),
            of(37, SimBug.INSTALL_WITHOUT_INTENT, SwarmKnobs::compaction, 60),
            of(38, PlantedBug.VOTE_WHILE_REPAIRING, SwarmKnobs::damage, 30),
            of(39, PlantedBug.MATCH_KEPT_OVER_EPOCH, SwarmKnobs::damage, 200),
            of(40, PlantedBug.REPAIR_TARGET_PLAIN_COMMIT, SwarmKnobs::damage, 60),
            of(41, PlantedBug.REPAIR_ENDS_BEFORE_DURABLE, SwarmKnobs::damage, 250));
}
