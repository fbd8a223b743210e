package dev.cairn.testkit.scenario;

import dev.cairn.testkit.TestCluster;
import java.util.List;

/**
 * The scenarios by their names, each against a cluster of its own, started and with links. A scenario ends normally or throws
 * what was wrong.
 */
public enum Scenario {
    A1("exactly one leader", ElectionScenarios::exactlyOneLeader),
    A2("no elections while the leader lives", ElectionScenarios::noElectionsWhileTheLeaderLives),
    B1("a write to a follower is refused with a usable hint", WriteScenarios::followerRefusesWithUsableHint),
    B2("a write to the leader commits and is applied everywhere", WriteScenarios::leaderWriteIsAppliedEverywhere),
    C1("each node shows a write to who has made it", WriteScenarios::eachNodeShowsOwnWrites),
    C2("sequential writes stay in order", WriteScenarios::sequentialWritesStayInOrder),
    D1("a follower that was cut off catches up", FailureScenarios::laggingFollowerCatchesUp),
    E1("a conflicting uncommitted tail is replaced", FailureScenarios::uncommittedTailIsReplaced),
    F1("writes commit with one follower down", FailureScenarios::writesCommitWithOneFollowerDown),
    F2("without a majority nothing commits", FailureScenarios::nothingCommitsWithoutMajority),
    G1("a leader crashes, the others go on, it comes back", FailureScenarios::leaderCrashLosesNothing),
    H1("each write is applied once on each node", WriteScenarios::eachWriteIsAppliedOnce),
    P1("a restarted follower catches up", RestartScenarios::restartedFollowerCatchesUp),
    P2("a crashed leader comes back as follower", RestartScenarios::crashedLeaderComesBackAsFollower),
    P3("an uncommitted entry of an isolated leader never appears", RestartScenarios::uncommittedEntryNeverAppears),
    P4("nothing is applied twice across restarts", RestartScenarios::nothingIsAppliedTwiceAcrossRestarts),
    S1(
            "a snapshot survives a restart of all nodes",
            RestartScenarios::snapshotSurvivesRestart,
            "snapshot.log.bytes=1MiB",
            "snapshot.keep.log.bytes=0",
            "wal.segment.bytes=1MiB");

    /** What is done and checked. */
    interface Steps {
        void run(TestCluster cluster) throws Exception;
    }

    private final String sentence;

    @SuppressWarnings("ImmutableEnumChecker") // a method without state
    private final Steps steps;

    @SuppressWarnings("ImmutableEnumChecker") // made by List.of
    private final List<String> settings;

    Scenario(final String sentence, final Steps steps, final String... settings) {
        this.sentence = sentence;
        this.steps = steps;
        this.settings = List.of(settings);
    }

    /** What it shows. */
    public String sentence() {
        return sentence;
    }

    /** What the nodes must be configured with. */
    public String[] settings() {
        return settings.toArray(String[]::new);
    }

    /**
     * Runs it.
     *
     * @param cluster at least three nodes that run, nothing written yet
     * @throws AssertionError saying what was wrong
     */
    public void run(final TestCluster cluster) throws Exception {
        cluster.awaitStableLeader();
        steps.run(cluster);
    }
}
