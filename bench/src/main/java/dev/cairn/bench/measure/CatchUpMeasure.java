package dev.cairn.bench.measure;

import dev.cairn.bench.load.KeySpace;
import dev.cairn.bench.load.LoadResult;
import dev.cairn.bench.machine.LogTail;
import dev.cairn.bench.machine.MeasuredNodes;
import dev.cairn.bench.results.JsonLine;
import dev.cairn.client.CairnClient;
import dev.cairn.protocol.NodeStatus;
import dev.cairn.testkit.FaultProxy;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.HdrHistogram.Histogram;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * {@code cairn measure snapshot}: what puts feel while a node that was away for too long is brought back by a snapshot whose
 * transfer is cut several times. {@code docs/benchmarks.md} explains phases and figures.
 */
@Command(
        name = "snapshot",
        description = "Latency of puts while a node catches up by a snapshot, cut and resumed. The last line is JSON.",
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class CatchUpMeasure implements Callable<Integer> {
    private static final Duration DEADLINE = Duration.ofMinutes(10);
    private static final Duration EQUAL_DEADLINE = Duration.ofSeconds(60);
    private static final int EXIT_FAILED = 1;
    private static final long POLL_MS = 50;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private MeasureOptions options = new MeasureOptions();

    @Option(
            names = "--keys",
            defaultValue = "1000000",
            paramLabel = "N",
            description = "Keys in the store. Default: ${DEFAULT-VALUE}.")
    private int keys;

    @Option(
            names = "--key-bytes",
            defaultValue = "16",
            paramLabel = "N",
            description = "Length of a key. Default: ${DEFAULT-VALUE}.")
    private int keyBytes;

    @Option(
            names = "--value-bytes",
            defaultValue = "1024",
            paramLabel = "N",
            description = "Length of a value. Default: ${DEFAULT-VALUE}.")
    private int valueBytes;

    @Option(
            names = "--cuts",
            defaultValue = "5",
            paramLabel = "N",
            description = "How often the transfer is cut. Default: ${DEFAULT-VALUE}.")
    private int cuts;

    @Override
    public Integer call() throws IOException, InterruptedException {
        try (MeasureRun run = MeasureRun.start(
                "snapshot",
                options,
                keys,
                keyBytes,
                valueBytes,
                List.of("snapshot.log.bytes=64MiB", "snapshot.keep.log.bytes=16MiB"),
                List.of(),
                spec.commandLine().getOut())) {
            try (Scenario scenario = new Scenario(run, new KeySpace(keys, keyBytes))) {
                return scenario.run();
            }
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
        }
    }

    /** One run, from top to bottom. */
    private final class Scenario implements AutoCloseable {
        private final MeasureRun run;
        private final KeySpace keySpace;
        private final MeasuredNodes nodes;
        private final CairnClient client;

        /** Between the node that comes back and the others, until the run ends. */
        private final List<FaultProxy> proxies = new ArrayList<>();

        private final MultiThreadIoEventLoopGroup proxyThread =
                new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());

        private final List<Phases.Phase> during = new ArrayList<>();
        private int cutsMade;
        private long transferBytes;
        private long offeredBytes;
        private double transferSeconds;
        private double caughtUpSeconds;

        Scenario(MeasureRun run, KeySpace keySpace) {
            this.run = run;
            this.keySpace = keySpace;
            this.nodes = run.nodes();
            this.client = run.client();
        }

        @Override
        public void close() {
            proxies.forEach(FaultProxy::close);
            proxyThread.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
        }

        int run() throws IOException, InterruptedException {
            BulkFill.run(client, keySpace, valueBytes, 0, keys, run.random(), run.out());
            PhasedLoad load = run.startLoad(keySpace);
            run.warmUp();
            Phases.Phase quiet = run.quietPhase("quiet");
            NodeStatus leader = MeasuredNodes.leader(client);
            int away = leader.nodeId() == nodes.size() ? 1 : nodes.size();
            stopAndOutrun(away);
            run.warmUp();
            Phases.Phase quietTwo = run.quietPhase("quiet-two");
            LogTail log = comeBack(away);
            Phases.Phase after = run.quietPhase("after");
            load.stop();
            nodes.awaitEqual(client, EQUAL_DEADLINE);
            run.say("# all nodes have applied the same entries: equal digests");
            report(quiet, quietTwo, after, log);
            return cutsMade == cuts ? 0 : EXIT_FAILED;
        }

        /** Stops a node and writes until the others no longer have the log that it would need. */
        private void stopAndOutrun(int away) throws InterruptedException {
            NodeStatus status = MeasuredNodes.find(MeasuredNodes.statuses(client), away);
            long lastIndex = status == null ? 0 : status.lastLogIndex();
            List<LogTail> others = new ArrayList<>();
            for (int id = 1; id <= nodes.size(); id++) {
                if (id != away) {
                    others.add(new LogTail(nodes.log(id)));
                }
            }
            nodes.stop(away);
            run.setProcess(MeasureRun.process(away), 0);
            run.say("# node %d was stopped at index %d", away, lastIndex);
            long deadlineNs = System.nanoTime() + DEADLINE.toNanos();
            int portion = Math.max(1, Math.min(keys, (8 << 20) / (keyBytes + valueBytes)));
            for (int from = 0; !others.stream().allMatch(log -> dropped(log) > lastIndex + 1); from += portion) {
                if (System.nanoTime() - deadlineNs > 0) {
                    throw new IllegalStateException("the log is not dropped; see " + nodes.log(1));
                }
                nodes.requireAlive(away);
                int begin = from % keys;
                BulkFill.run(
                        client, keySpace, valueBytes, begin, Math.min(keys, begin + portion), run.random(), run.out());
            }
            run.say("# the others have dropped the log behind it");
        }

        private static long dropped(LogTail log) {
            return log.poll().lastNumber("event=log.dropped", "firstIndex").orElse(0);
        }

        /** Starts the node behind proxies, cuts the transfer, returns when it is caught up. */
        private LogTail comeBack(int away) throws InterruptedException {
            int[] ports = new int[nodes.size()];
            for (int id = 1; id <= nodes.size(); id++) {
                ports[id - 1] = nodes.peerPort(id);
                if (id != away) {
                    FaultProxy proxy = new FaultProxy(proxyThread.next(), nodes.peerPort(id));
                    proxies.add(proxy);
                    ports[id - 1] = proxy.port();
                }
            }
            LogTail log = new LogTail(nodes.log(away));
            long startNs = System.nanoTime();
            during.add(run.beginPhase("start"));
            nodes.start(away, ports);
            run.setProcess(MeasureRun.process(away), nodes.pid(away));
            long transferNs = 0;
            boolean installed = false;
            boolean done = false;
            long leaderIndex = Long.MAX_VALUE;
            while (true) {
                log.poll();
                if (transferNs == 0 && log.has("event=snapshot.transfer.start")) {
                    transferNs = System.nanoTime();
                    offeredBytes = log.lastNumber("event=snapshot.transfer.start", "bytes")
                            .orElseThrow();
                    during.add(run.beginPhase("transfer"));
                }
                if (transferNs != 0 && cutsMade < cuts && isTimeToCut(away)) {
                    proxies.forEach(FaultProxy::reset);
                    cutsMade++;
                    run.say("# cut %d at %d of %d bytes", cutsMade, stagedBytes(away), offeredBytes);
                }
                if (!done && log.has("event=snapshot.transfer.done")) {
                    done = true;
                    transferSeconds = (System.nanoTime() - transferNs) / 1e9;
                    transferBytes = log.lastNumber("event=snapshot.transfer.done", "bytes")
                            .orElse(0);
                    during.add(run.beginPhase("install"));
                }
                if (!installed && log.has("event=snapshot.installed")) {
                    installed = true;
                    during.add(run.beginPhase("catch-up"));
                }
                if (installed) {
                    // Caught up = it has applied what the leader had committed at the look before.
                    List<NodeStatus> statuses = MeasuredNodes.statuses(client);
                    NodeStatus node = MeasuredNodes.find(statuses, away);
                    if (node != null && node.appliedIndex() >= leaderIndex) {
                        break;
                    }
                    leaderIndex = MeasuredNodes.leaderOf(statuses).commitIndex();
                }
                nodes.requireAlive(0);
                if (System.nanoTime() - startNs > DEADLINE.toNanos()) {
                    throw new IllegalStateException("node " + away + " did not catch up; see " + nodes.log(away));
                }
                TimeUnit.MILLISECONDS.sleep(POLL_MS);
            }
            caughtUpSeconds = (System.nanoTime() - startNs) / 1e9;
            run.endPhase();
            run.say("# node %d is caught up %.1f s after its start", away, caughtUpSeconds);
            return log;
        }

        /** The cuts divide the transfer into equal parts. */
        private boolean isTimeToCut(int away) {
            return stagedBytes(away) >= offeredBytes * (cutsMade + 1) / (cuts + 1);
        }

        private long stagedBytes(int node) {
            Path staging = nodes.data(node).resolve("staging");
            if (!Files.exists(staging)) {
                return 0;
            }
            try (Stream<Path> files = Files.walk(staging)) {
                return files.filter(Files::isRegularFile)
                        .mapToLong(file -> file.toFile().length())
                        .sum();
            } catch (IOException | UncheckedIOException movedMeanwhile) {
                return 0;
            }
        }

        private void report(Phases.Phase quiet, Phases.Phase quietTwo, Phases.Phase after, LogTail log)
                throws IOException {
            Histogram all = MeasureRun.together(during);
            Histogram transfer = MeasureRun.together(during.stream()
                    .filter(phase -> phase.name().equals("transfer"))
                    .toList());
            JsonLine line = run.json()
                    .put("quiet_secs", quiet.seconds())
                    .put("during_secs", caughtUpSeconds)
                    .put("transfer_secs", transferSeconds)
                    .put("transfer_bytes", transferBytes)
                    .put("cuts", cutsMade)
                    .put(
                            "cuts_in_log",
                            log.lastNumber("event=snapshot.transfer.done", "cuts")
                                    .orElse(0))
                    .put("resumes", log.with("resumed=true").size())
                    .putRatio("ratio_p50", MeasureRun.ratio(all, quiet.total(), 50))
                    .putRatio("ratio_p99", MeasureRun.ratio(all, quiet.total(), 99))
                    .putRatio("ratio_p999", MeasureRun.ratio(all, quiet.total(), 99.9))
                    .putRatio("ratio_p99_transfer", MeasureRun.ratio(transfer, quiet.total(), 99))
                    .putRatio("ratio_p99_to_quiet_two", MeasureRun.ratio(all, quietTwo.total(), 99));
            Map<String, Histogram> parts = new LinkedHashMap<>();
            parts.put("quiet", quiet.total());
            parts.put("quiet-two", quietTwo.total());
            parts.put("during", all);
            parts.put("transfer", transfer);
            parts.put("after", after.total());
            parts.forEach((name, histogram) -> MeasureRun.putLatencies(line, name.replace('-', '_'), histogram));
            for (Phases.Phase phase : during) {
                run.say(
                        "# phase %-9s %6.1f s  p50 %.0f us  p99 %.0f us  p99.9 %.0f us  max %.0f us",
                        phase.name(),
                        phase.seconds(),
                        LoadResult.us(phase.total(), 50),
                        LoadResult.us(phase.total(), 99),
                        LoadResult.us(phase.total(), 99.9),
                        LoadResult.us(phase.total(), 100));
            }
            run.finish(line, parts);
        }
    }
}
