package dev.cairn.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.covers.Covers;
import dev.cairn.testkit.scenario.Scenario;
import dev.cairn.testkit.scenario.ScenarioCommand;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The scenarios that {@code bin/cairn scenarios} runs against processes, here against nodes in this JVM. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class ScenarioTest {
    @TempDir
    Path directory;

    private void run(final Scenario scenario) throws Exception {
        try (InProcessCluster cluster = new InProcessCluster(directory, 3, scenario.settings()).startAll()) {
            scenario.run(cluster);
        }
    }

    @Test
    @Covers("T11")
    void exactlyOneLeader() throws Exception {
        run(Scenario.A1);
    }

    @Test
    @Covers("T12")
    void noElectionsWhileTheLeaderLives() throws Exception {
        run(Scenario.A2);
    }

    @Test
    @Covers({"T13", "K08"})
    void followerRefusesWithUsableHint() throws Exception {
        run(Scenario.B1);
    }

    @Test
    @Covers({"T14", "K07"})
    void leaderWriteIsAppliedEverywhere() throws Exception {
        run(Scenario.B2);
    }

    @Test
    @Covers({"T15", "K19"})
    void eachNodeShowsOwnWrites() throws Exception {
        run(Scenario.C1);
    }

    @Test
    @Covers("T16")
    void sequentialWritesStayInOrder() throws Exception {
        run(Scenario.C2);
    }

    @Test
    @Covers({"T17", "R13"})
    void laggingFollowerCatchesUp() throws Exception {
        run(Scenario.D1);
    }

    @Test
    @Covers("T18")
    void uncommittedTailIsReplaced() throws Exception {
        run(Scenario.E1);
    }

    @Test
    @Covers("T19")
    void writesCommitWithOneFollowerDown() throws Exception {
        run(Scenario.F1);
    }

    @Test
    @Covers({"T20", "K14"})
    void nothingCommitsWithoutMajority() throws Exception {
        run(Scenario.F2);
    }

    @Test
    @Covers({"T21", "X06"})
    void leaderCrashLosesNothing() throws Exception {
        run(Scenario.G1);
    }

    @Test
    @Covers({"T22", "K05"})
    void eachWriteIsAppliedOnce() throws Exception {
        run(Scenario.H1);
    }

    @Test
    @Covers({"T23", "W16"})
    void restartedFollowerCatchesUp() throws Exception {
        run(Scenario.P1);
    }

    @Test
    @Covers("T24")
    void crashedLeaderComesBackAsFollower() throws Exception {
        run(Scenario.P2);
    }

    @Test
    @Covers("T25")
    void uncommittedEntryNeverAppears() throws Exception {
        run(Scenario.P3);
    }

    @Test
    @Covers({"T26", "W16"})
    void nothingIsAppliedTwiceAcrossRestarts() throws Exception {
        run(Scenario.P4);
    }

    @Test
    @Covers({"T27", "W09"})
    void snapshotSurvivesRestart() throws Exception {
        run(Scenario.S1);
    }

    /** The command line, its verdicts and its exit code, with real processes. */
    @Test
    @Covers({"T37", "C19"})
    void commandRunsScenariosAgainstProcesses() {
        final ByteArrayOutputStream out = new ByteArrayOutputStream();
        final int exit = ScenarioCommand.run(
                new PrintStream(out, true, StandardCharsets.UTF_8), "--only", "B1,P2", "--dir", directory.toString());

        assertThat(out.toString(StandardCharsets.UTF_8))
                .containsPattern("PASS +B1 .* \\d+ ms")
                .containsPattern("PASS +P2 .* \\d+ ms")
                .contains("2 passed, 0 failed");
        assertThat(exit).isZero();
    }

    @Test
    void wrongOptionsAreOneLineAndExitCode2() {
        for (final String[] arguments : new String[][] {
            {"--only", "Z9"}, {"--nodes", "2"}, {"--nodes", "x"}, {"--nodes"}, {"--rounds", "0"}, {"--what"}
        }) {
            final ByteArrayOutputStream out = new ByteArrayOutputStream();
            final int exit = ScenarioCommand.run(new PrintStream(out, true, StandardCharsets.UTF_8), arguments);
            assertThat(exit).as(arguments[0]).isEqualTo(2);
            assertThat(out.toString(StandardCharsets.UTF_8).strip())
                    .hasLineCount(1)
                    .startsWith("scenarios: ");
        }
    }
}
