package dev.cairn.bench.compare;

import dev.cairn.bench.results.BenchVersion;
import dev.cairn.bench.results.JsonNumbers;
import dev.cairn.bench.results.JsonTexts;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * The last step of {@code bin/cairn compare-commits}: reads what both commits have left in {@code base/<n>} and {@code head/<n>}.
 *
 * <p>Exit codes: 0; 1 something has become worse by the rule of {@link CommitJudgement}; 2 usage, or results are missing.
 */
@Command(
        name = "cairn judge",
        description = "Prints the ratios of two commits' results and says what has become worse.",
        mixinStandardHelpOptions = true)
public final class JudgeCommand implements Callable<Integer> {
    private static final int MAX_REPETITIONS = 1000;
    private static final int EXIT_WORSE = 1;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Parameters(paramLabel = "DIR", description = "Holds base/<n>/compare.jsonl and head/<n>/compare.jsonl, n from 1.")
    private Path directory = Path.of("");

    @Option(
            names = "--threshold",
            defaultValue = "0.1",
            paramLabel = "SHARE",
            description = "Changes beyond it count. Default: ${DEFAULT-VALUE}.")
    private double threshold;

    private JudgeCommand() {}

    /** Ends the JVM with the exit code. */
    public static void main(String[] arguments) {
        System.exit(commandLine().execute(arguments));
    }

    static CommandLine commandLine() {
        CommandLine commandLine = new CommandLine(new JudgeCommand());
        commandLine.getCommandSpec().version(BenchVersion.version());
        // 1 is a verdict, so what could not be judged is something else.
        commandLine.getCommandSpec().exitCodeOnExecutionException(CommandLine.ExitCode.USAGE);
        return commandLine;
    }

    @Override
    public Integer call() throws IOException {
        try {
            CommitJudgement judgement = new CommitJudgement(threshold);
            Map<String, List<Map<String, Double>>> base = results("base");
            Map<String, List<Map<String, Double>>> head = results("head");
            if (base.isEmpty() || !base.keySet().equals(head.keySet())) {
                throw new IllegalArgumentException("workloads of the base " + base.keySet() + ", of the head "
                        + head.keySet() + " in " + directory);
            }
            base.forEach((workload, numbers) ->
                    judgement.add(Workload.parse(workload), numbers, Objects.requireNonNull(head.get(workload))));
            Files.writeString(directory.resolve("ratios.md"), judgement.table());
            PrintWriter out = spec.commandLine().getOut();
            out.print(judgement.table());
            out.flush();
            return judgement.hasWorse() ? EXIT_WORSE : 0;
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
        }
    }

    /** By workload the numbers of each repetition. */
    private Map<String, List<Map<String, Double>>> results(String side) throws IOException {
        Map<String, List<Map<String, Double>>> results = new LinkedHashMap<>();
        for (int repetition = 1; repetition <= MAX_REPETITIONS; repetition++) {
            Path file = directory
                    .resolve(side)
                    .resolve(Integer.toString(repetition))
                    .resolve("compare.jsonl");
            if (!Files.exists(file)) {
                break;
            }
            for (String line : Files.readAllLines(file)) {
                String workload = Objects.requireNonNull(JsonTexts.of(line).get("workload"), line);
                results.computeIfAbsent(workload, unused -> new ArrayList<>()).add(JsonNumbers.of(line));
            }
        }
        return results;
    }
}
