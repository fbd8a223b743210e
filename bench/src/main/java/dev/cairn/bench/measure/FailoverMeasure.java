package dev.cairn.bench.measure;

import dev.cairn.bench.load.KeySpace;
import dev.cairn.bench.load.LoadResult;
import dev.cairn.bench.machine.MeasuredNodes;
import dev.cairn.bench.results.JsonLine;
import dev.cairn.client.CairnClient;
import dev.cairn.protocol.NodeStatus;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * {@code cairn measure failover}: how long puts wait when the leader is killed. {@code docs/benchmarks.md} explains phases and
 * figures.
 */
@Command(
        name = "failover",
        description = "Kills the leader again and again; how long puts wait then. The last line is JSON.",
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class FailoverMeasure implements Callable<Integer> {
    private static final Duration DEADLINE = Duration.ofMinutes(2);
    private static final int EXIT_FAILED = 1;
    private static final int KEY_BYTES = 16;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private MeasureOptions options = new MeasureOptions();

    @Option(
            names = "--kills",
            defaultValue = "30",
            paramLabel = "N",
            description = "How often the leader is killed. Default: ${DEFAULT-VALUE}.")
    private int kills;

    @Option(
            names = "--keys",
            defaultValue = "10000",
            paramLabel = "N",
            description = "Keys that are written. Default: ${DEFAULT-VALUE}.")
    private int keys;

    @Option(
            names = "--value-bytes",
            defaultValue = "256",
            paramLabel = "N",
            description = "Length of a value. Default: ${DEFAULT-VALUE}.")
    private int valueBytes;

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (kills < 1) {
            throw new ParameterException(spec.commandLine(), "--kills " + kills + " is not positive");
        }
        try (MeasureRun run = MeasureRun.start(
                "failover",
                options,
                keys,
                KEY_BYTES,
                valueBytes,
                List.of(),
                List.of(),
                spec.commandLine().getOut())) {
            return new Scenario(run).run();
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
        }
    }

    /** One run, from top to bottom. */
    private final class Scenario {
        private final MeasureRun run;
        private final MeasuredNodes nodes;
        private final CairnClient client;
        private final List<Phases.Phase> failovers = new ArrayList<>();

        Scenario(MeasureRun run) {
            this.run = run;
            this.nodes = run.nodes();
            this.client = run.client();
        }

        int run() throws IOException, InterruptedException {
            PhasedLoad load = run.startLoad(new KeySpace(keys, KEY_BYTES));
            run.warmUp();
            Phases.Phase quiet = run.quietPhase("quiet");
            for (int kill = 1; kill <= kills; kill++) {
                killLeader(load, kill);
            }
            load.stop();
            nodes.awaitEqual(client, DEADLINE);
            run.say("# all nodes have applied the same entries: equal digests");
            report(quiet);
            return load.errors() == 0 && load.unfinished() == 0 ? 0 : EXIT_FAILED;
        }

        /** At any moment of a second; the killed node is back and has caught up when this returns. */
        private void killLeader(PhasedLoad load, int kill) throws InterruptedException {
            // Not a wait: heartbeats and forces shall be met at all of their moments.
            TimeUnit.MILLISECONDS.sleep(run.random().nextInt(1000));
            NodeStatus before = MeasuredNodes.leader(client);
            int killed = before.nodeId();
            failovers.add(load.phase("failover"));
            nodes.kill(killed);
            run.setProcess(MeasureRun.process(killed), 0);
            List<NodeStatus> after = nodes.await(
                    client,
                    killed,
                    "another leader that has committed something",
                    DEADLINE,
                    statuses -> statuses.stream()
                            .anyMatch(node -> node.isLeader()
                                    && node.term() > before.term()
                                    && node.commitIndex() > before.lastLogIndex()
                                    && node.appliedIndex() > before.lastLogIndex()));
            load.endPhase();
            NodeStatus leader = MeasuredNodes.leaderOf(after);
            nodes.start(killed);
            run.setProcess(MeasureRun.process(killed), nodes.pid(killed));
            nodes.await(
                    client,
                    0,
                    "the killed node has caught up",
                    DEADLINE,
                    statuses -> statuses.size() == nodes.size()
                            && statuses.stream().allMatch(node -> node.appliedIndex() >= leader.commitIndex())
                            && statuses.stream()
                                    .allMatch(node -> node.leaderId()
                                            == MeasuredNodes.leaderOf(statuses).nodeId()));
            run.say("# kill %d: node %d, then node %d led", kill, killed, leader.nodeId());
        }

        private void report(Phases.Phase quiet) throws IOException {
            double[] gapsMs = failovers.stream()
                    .mapToDouble(phase -> LoadResult.us(phase.total(), 100) / 1000)
                    .toArray();
            run.say(
                    "# longest put of each failover, ms: %s",
                    Arrays.toString(Arrays.stream(gapsMs).mapToLong(Math::round).toArray()));
            Arrays.sort(gapsMs);
            Histogram all = MeasureRun.together(failovers);
            JsonLine line = run.json()
                    .put("kills", kills)
                    .put("gap_min_ms", gapsMs[0])
                    .put("gap_p50_ms", gapsMs[(gapsMs.length - 1) / 2])
                    .put("gap_max_ms", gapsMs[gapsMs.length - 1]);
            MeasureRun.putLatencies(line, "quiet", quiet.total());
            Map<String, Histogram> parts = new LinkedHashMap<>();
            parts.put("quiet", quiet.total());
            parts.put("failover", all);
            run.finish(line, parts);
        }
    }
}
