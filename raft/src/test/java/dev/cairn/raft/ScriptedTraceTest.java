package dev.cairn.raft;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Scripts in {@code src/test/resources/traces}: comments, commands behind {@code >}, and below each command all that the cores have
 * put out. A change of behaviour shows as a difference of text: {@code -Dtraces=write} writes the files anew, and the
 * difference is reviewed. Commands:
 *
 * <pre>
 *   cluster NODES VOTERS          ticks N                 ticks-of ID N
 *   elect ID                      campaign ID             propose ID N
 *   apart ID...                   rejoin ID...            crash ID
 *   transfer FROM TO              step-down ID            read ID
 *   add-learner AT ID             add-voter AT ID         promote AT ID
 *   remove AT ID                  replace AT OLD NEW      drop-log ID
 *   state
 * </pre>
 */
class ScriptedTraceTest {
    private static final Path TRACES = Path.of("src", "test", "resources", "traces");
    private static final String COMMAND = "> ";
    private static final String OUTPUT = "  ";

    static List<Path> scripts() throws IOException {
        try (Stream<Path> files = Files.list(TRACES)) {
            return files.sorted().toList();
        }
    }

    @ParameterizedTest
    @MethodSource("scripts")
    void theTraceIsAsReviewed(Path script) throws IOException {
        List<String> before = Files.readAllLines(script, UTF_8);
        List<String> now = new Script().run(before);
        if ("write".equals(System.getProperty("traces"))) {
            Files.write(script, now, UTF_8);
            return;
        }
        assertThat(now)
                .as("%s; if the change is meant: -Dtraces=write, and review the difference", script)
                .isEqualTo(before);
    }

    @Test
    void anUnknownCommandIsAnError() {
        assertThat(new Script().run(List.of("> cluster 3 3", "> dance")))
                .containsExactly("> cluster 3 3", "> dance", "  error: unknown command dance");
    }

    /** One run of a script. */
    private static final class Script {
        private final List<String> outputs = new ArrayList<>();
        private TestCluster cluster = TestCluster.of(1, 1);

        /** The same comments and commands with what is put out now. */
        List<String> run(List<String> lines) {
            List<String> result = new ArrayList<>();
            for (String line : lines) {
                if (line.startsWith(OUTPUT)) {
                    continue;
                }
                result.add(line);
                if (line.startsWith(COMMAND)) {
                    execute(line.substring(COMMAND.length()).split(" +"));
                    outputs.forEach(output -> result.add(OUTPUT + output));
                    outputs.clear();
                }
            }
            return result;
        }

        private void execute(String[] words) {
            int[] numbers = Stream.of(words).skip(1).mapToInt(Integer::parseInt).toArray();
            switch (words[0]) {
                case "cluster" -> cluster = TestCluster.traced(numbers[0], numbers[1], outputs::add);
                case "ticks" -> cluster.ticks(numbers[0]);
                case "ticks-of" -> cluster.ticksOf(numbers[0], numbers[1]);
                case "elect" -> cluster.elect(numbers[0]);
                case "campaign" -> outputs.add("leads: " + cluster.campaign(numbers[0]));
                case "propose" -> cluster.propose(numbers[0], numbers[1]);
                case "apart" -> cluster.setApart(boxed(numbers));
                case "rejoin" -> cluster.rejoin(boxed(numbers));
                case "crash" -> cluster.crash(numbers[0]);
                case "transfer" -> {
                    outputs.add("answer: " + cluster.core(numbers[0]).transferLeadership(numbers[1]));
                    cluster.settle();
                }
                case "step-down" -> {
                    cluster.core(numbers[0]).stepDown();
                    cluster.settle();
                }
                case "read" -> cluster.read(numbers[0]);
                case "add-learner" -> change(numbers[0], new MembershipChange.AddLearner(numbers[1]));
                case "add-voter" -> change(numbers[0], new MembershipChange.AddVoter(numbers[1]));
                case "promote" -> change(numbers[0], new MembershipChange.Promote(numbers[1]));
                case "remove" -> change(numbers[0], new MembershipChange.Remove(numbers[1]));
                case "replace" -> change(numbers[0], new MembershipChange.Replace(numbers[1], numbers[2]));
                case "drop-log" ->
                    cluster.core(numbers[0])
                            .truncatePrefix(cluster.core(numbers[0]).appliedIndex());
                case "state" -> state();
                default -> outputs.add("error: unknown command " + words[0]);
            }
        }

        private static Integer[] boxed(int[] ids) {
            return Arrays.stream(ids).boxed().toArray(Integer[]::new);
        }

        private void change(int at, MembershipChange change) {
            outputs.add("refusal: " + cluster.change(at, change));
        }

        private void state() {
            for (int id = 1; id <= cluster.size(); id++) {
                RaftCore core = cluster.core(id);
                outputs.add(id + ": " + core.role() + " term=" + core.currentTerm() + " leader=" + core.leaderId()
                        + " last="
                        + core.lastIndex() + "/" + core.lastTerm() + " commit=" + core.commitIndex() + " "
                        + core.membership());
            }
        }
    }
}
