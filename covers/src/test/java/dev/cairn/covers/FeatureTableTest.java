package dev.cairn.covers;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Covers({"O14", "X12"})
class FeatureTableTest {
    @TempDir
    Path directory;

    private Path table() {
        return directory.resolve("features.md");
    }

    private Path module() {
        return directory.resolve("raft");
    }

    @BeforeEach
    void makeModule() throws IOException {
        Files.createDirectories(module().resolve("target"));
        Files.createFile(module().resolve("pom.xml"));
        ran("now", "R01 dev.cairn.raft.VoteTest#oneWins", "R02 dev.cairn.raft.VoteTest#staleIsRefused");
    }

    private void ran(String... lines) throws IOException {
        Files.write(module().resolve("target/covered-tests.txt"), List.of(lines));
    }

    private List<String> problems(String... rows) throws IOException {
        Files.write(table(), List.of(rows));
        return FeatureTable.problems(table(), rows.length, FeatureTable.modulesOf(directory), "now");
    }

    @Test
    void tableWithATestForEachIdIsRight() throws IOException {
        assertThat(problems(
                        "| R01 | elections | `raft` | `VoteTest.oneWins` |",
                        "| R02 | vote rules | `raft` | `VoteTest.staleIsRefused` |",
                        "| X07 | encryption | - | open |"))
                .isEmpty();
    }

    @Test
    void idWithoutATestThatPassedIsFound() throws IOException {
        assertThat(problems(
                        "| R01 | elections | `raft` | `VoteTest.oneWins` |",
                        "| R02 | vote rules | `raft` | `VoteTest.staleIsRefused` |",
                        "| R03 | stale replies | `raft` | `VoteTest.staleReply` |"))
                .containsExactly("R03 (stale replies) has no test that ran and passed");
    }

    @Test
    void testThatIsNamedButDidNotPassIsFound() throws IOException {
        assertThat(problems(
                        "| R01 | elections | `raft` | `VoteTest.oneWins`, `VoteTest.other` |",
                        "| R02 | vote rules | `raft` | |"))
                .hasSize(2)
                .anyMatch(problem -> problem.startsWith("R01 names VoteTest.other"))
                .anyMatch(problem -> problem.startsWith("R02 names ,"));
    }

    @Test
    void recordOfAnotherBuildDoesNotCount() throws IOException {
        ran("before", "R01 dev.cairn.raft.VoteTest#oneWins");

        assertThat(problems("| R01 | elections | `raft` | `VoteTest.oneWins` |"))
                .containsExactly(
                        "the tests of raft did not run in this build",
                        "R01 (elections) has no test that ran and passed");
    }

    @Test
    void moduleWithoutARecordIsFound() throws IOException {
        Files.delete(module().resolve("target/covered-tests.txt"));

        assertThat(problems("| X07 | encryption | - | open |"))
                .containsExactly("the tests of raft did not run in this build");
    }

    @Test
    void recordsOfSeveralJvmsCountTogetherAndStaleOnesDoNot() throws IOException {
        Files.write(
                module().resolve("target/covered-tests-2.txt"),
                List.of("now", "R03 dev.cairn.raft.OtherTest#repliesAreChecked"));
        Files.write(
                module().resolve("target/covered-tests-3.txt"), List.of("before", "R04 dev.cairn.raft.OtherTest#gone"));

        assertThat(problems(
                        "| R01 | elections | `raft` | `VoteTest.oneWins` |",
                        "| R02 | vote rules | `raft` | `VoteTest.staleIsRefused` |",
                        "| R03 | replies | `raft` | `OtherTest.repliesAreChecked` |",
                        "| R04 | gone | `raft` | `OtherTest.gone` |"))
                .containsExactly("R04 (gone) has no test that ran and passed");
    }

    @Test
    void plansOfOneBuildAddToTheRecordOfTheirJvm() throws IOException {
        Path record = directory.resolve("record");
        CoveredTests.write(record, "before", Set.of("R01 A#a"));
        CoveredTests.write(record, "now", Set.of("R02 B#b"));
        CoveredTests.write(record, "now", Set.of("R03 C#c", "R02 B#b"));

        assertThat(Files.readAllLines(record)).containsExactly("now", "R02 B#b", "R03 C#c");
    }

    @Test
    void idThatTheTableLacksIsFound() throws IOException {
        assertThat(problems("| R01 | elections | `raft` | `VoteTest.oneWins` |"))
                .singleElement()
                .asString()
                .startsWith("R02 is on [dev.cairn.raft.VoteTest#staleIsRefused] and not in ");
    }

    @Test
    void rowThatIsMissingOrTwiceIsFound() throws IOException {
        Files.write(table(), List.of("| R01 | elections | `raft` | open |", "| R01 | elections | `raft` | open |"));
        ran("now");

        assertThat(FeatureTable.problems(table(), 2, List.of(module()), "now"))
                .hasSize(2)
                .anyMatch(problem -> problem.startsWith("R01 stands twice"))
                .anyMatch(problem -> problem.endsWith("has 1 rows instead of 2"));
    }

    @Test
    void classWhoseTestsAllCarryTheIdIsNamedAsAWhole() throws IOException {
        ran("now", "R01 dev.cairn.raft.VoteTest#");

        assertThat(problems("| R01 | elections | `raft` | `VoteTest` |")).isEmpty();
    }

    @Test
    void updateNamesTheTestsThatRan() throws IOException {
        Files.write(
                table(), List.of("# Features", "| R01 | elections | `raft` | |", "| X07 | encryption | - | open |"));

        FeatureTable.update(table(), List.of(module()), "now");

        assertThat(Files.readAllLines(table()))
                .containsExactly(
                        "# Features",
                        "| R01 | elections | `raft` | `VoteTest.oneWins` |",
                        "| X07 | encryption | - | open |");
    }
}
