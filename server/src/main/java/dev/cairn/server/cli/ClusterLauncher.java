package dev.cairn.server.cli;

import dev.cairn.client.CairnClient;
import dev.cairn.client.CairnException;
import dev.cairn.client.ServerStatus;
import dev.cairn.protocol.NodeStatus;
import dev.cairn.server.ConfigException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * {@code cairn cluster}: runs a local cluster, one process per node, until a signal. A node that ends by itself is
 * reported and the others go on; when the launcher dies the nodes stop by themselves.
 *
 * <p>Exit codes: 2 options, a directory of another plan, or a port in use, and then nothing was started; 1 a node ended
 * before the cluster served, it did not serve in time, or all nodes ended.
 */
@Command(
        name = "cairn cluster",
        mixinStandardHelpOptions = true,
        description = "Runs a local cluster, one process per node, until Ctrl-C.")
public final class ClusterLauncher implements Callable<Integer> {
    /** The nodes' JVM flags as the start script sets them, separated by blanks. */
    static final String NODE_FLAGS_PROPERTY = "cairn.node.flags";
    /** Directory of the nodes' native libraries. */
    static final String NODE_LIBRARY_PATH_PROPERTY = "cairn.node.library.path";

    private static final Duration SERVE_TIMEOUT = Duration.ofSeconds(60);
    private static final Duration PROBE_TIMEOUT = Duration.ofSeconds(2);
    private static final long PROBE_PAUSE_MS = 100;
    private static final long STOP_TIMEOUT_NS = TimeUnit.SECONDS.toNanos(20);
    /** Ctrl-C reaches nodes and launcher together; a node may end before the launcher has seen the signal. */
    private static final long SIGNAL_GRACE_MS = 2000;

    @Option(names = "--nodes", paramLabel = "N", description = "number of nodes (default: ${DEFAULT-VALUE})")
    private int nodes = 3;

    @Option(
            names = "--dir",
            paramLabel = "DIR",
            description = "where properties, data and logs stand (default: " + "${DEFAULT-VALUE})")
    private Path dir = Path.of("cairn-data");

    @Option(
            names = "--base-port",
            paramLabel = "P",
            description = "node i serves clients at P+i and peers at P+100+i (default: ${DEFAULT-VALUE})")
    private int basePort = 7400;

    @Option(names = "--preset", paramLabel = "WORD", description = "timings of all nodes: fast, default, debug or demo")
    private String preset = "";

    @Option(names = "--verbose", description = "nodes log at DEBUG")
    private boolean verbose;

    private final PrintStream out;
    private final PrintStream err;
    private final List<NodeProcess> processes = new ArrayList<>();
    private final BlockingQueue<NodeProcess> ended = new LinkedBlockingQueue<>();
    private final AtomicBoolean stopping = new AtomicBoolean();
    private final CountDownLatch stopBegan = new CountDownLatch(1);

    ClusterLauncher(PrintStream out, PrintStream err) {
        this.out = out;
        this.err = err;
    }

    public static void main(String[] args) {
        System.exit(run(args, System.out, System.err));
    }

    static int run(String[] args, PrintStream out, PrintStream err) {
        return new CommandLine(new ClusterLauncher(out, err))
                .setExecutionExceptionHandler((failure, line, parsed) -> {
                    if (failure instanceof ConfigException || failure instanceof UncheckedIOException) {
                        err.println("cairn cluster: " + failure.getMessage());
                        return ConfigException.EXIT_CODE;
                    }
                    throw failure;
                })
                .execute(args);
    }

    @Override
    public Integer call() throws InterruptedException {
        ClusterPlan plan = new ClusterPlan(dir, nodes, basePort);
        plan.checkExistingFiles();
        plan.checkPortsAreFree();
        plan.write();

        Runtime.getRuntime().addShutdownHook(new Thread(this::stop, "stop"));
        start(plan);
        String problem = awaitServing(plan);
        if (problem != null) {
            if (!isStopped()) {
                err.println("cairn cluster: " + problem);
            }
            stop();
            return 1;
        }
        tellHowToTalk(plan);
        return reportEnds();
    }

    private void start(ClusterPlan plan) {
        List<String> flags = List.of(
                        System.getProperty(NODE_FLAGS_PROPERTY, "").strip().split("\\s+"))
                .stream()
                .filter(flag -> !flag.isEmpty())
                .toList();
        String libraryPath = System.getProperty(NODE_LIBRARY_PATH_PROPERTY, "");
        for (int node = 1; node <= plan.nodes(); node++) {
            synchronized (processes) {
                if (stopping.get()) {
                    return;
                }
                NodeProcess process = NodeProcess.start(plan, node, flags, libraryPath, options());
                processes.add(process);
                var unused = process.process().onExit().thenRun(() -> ended.add(process));
            }
        }
    }

    private List<String> options() {
        List<String> options = new ArrayList<>();
        if (!preset.isEmpty()) {
            options.add("--preset=" + preset);
        }
        if (verbose) {
            options.add("--verbose");
        }
        return options;
    }

    /** Null once every node answers and a leader has answered a linearizable read; else what is wrong. */
    private @Nullable String awaitServing(ClusterPlan plan) throws InterruptedException {
        long deadlineNs = System.nanoTime() + SERVE_TIMEOUT.toNanos();
        String state = "no node has answered";
        try (CairnClient client = CairnClient.builder()
                .servers(plan.servers())
                .requestTimeout(PROBE_TIMEOUT)
                .connect()) {
            while (System.nanoTime() < deadlineNs) {
                NodeProcess dead = ended.poll(PROBE_PAUSE_MS, TimeUnit.MILLISECONDS);
                if (dead != null) {
                    awaitSignalIfItWasOne(dead);
                    return dead.obituary();
                }
                state = probe(client);
                if (state.isEmpty()) {
                    return null;
                }
            }
        }
        return "the cluster does not serve after " + SERVE_TIMEOUT.toSeconds() + " s (" + state + "); see the logs "
                + plan.dir().resolve("node<i>").resolve("node.log");
    }

    /** Empty when the cluster serves, else what is missing. */
    private static String probe(CairnClient client) {
        try {
            for (ServerStatus status : client.status()) {
                if (status.node() == null) {
                    return status.server() + ": " + status.problem();
                }
            }
            if (client.status().stream()
                    .map(ServerStatus::node)
                    .filter(Objects::nonNull)
                    .noneMatch(NodeStatus::isLeader)) {
                return "no leader yet";
            }
            // A linearizable read: the leader has committed an entry of its term and a majority hears it.
            client.get("cairn".getBytes(StandardCharsets.UTF_8));
            return "";
        } catch (CairnException e) {
            return String.valueOf(e.getMessage());
        }
    }

    private void tellHowToTalk(ClusterPlan plan) {
        out.println("servers: " + plan.servers());
        out.println("  bin/kvctl --servers " + plan.servers() + " put greeting hello");
        out.println("  bin/kvctl --servers " + plan.servers() + " get greeting");
        out.println("  bin/kvctl --servers " + plan.servers() + " status");
        out.println("data and logs: " + plan.dir() + "; Ctrl-C stops the cluster");
        out.flush();
    }

    /** Returns when all nodes have ended by themselves; a signal ends the process within it. */
    private int reportEnds() throws InterruptedException {
        for (int left = processes.size(); left > 0; left--) {
            NodeProcess process = ended.take();
            awaitSignalIfItWasOne(process);
            if (!isStopped()) {
                err.println("cairn cluster: " + process.obituary());
                err.println(
                        left > 1
                                ? "cairn cluster: the other nodes go on; this one starts again with: bin/cairn server "
                                        + dir.resolve("node" + process.node() + ".properties")
                                : "cairn cluster: no node is left");
            }
        }
        return 1;
    }

    private void awaitSignalIfItWasOne(NodeProcess process) throws InterruptedException {
        if (NodeProcess.isSignal(process.process().exitValue())) {
            var unused = stopBegan.await(SIGNAL_GRACE_MS, TimeUnit.MILLISECONDS);
        }
    }

    private boolean isStopped() {
        return stopping.get();
    }

    /** From the signal, or after a failed start; only the first call does something. */
    private void stop() {
        if (!stopping.compareAndSet(false, true)) {
            return;
        }
        stopBegan.countDown();
        List<NodeProcess> all;
        synchronized (processes) {
            all = List.copyOf(processes);
        }
        List<NodeProcess> alive =
                all.stream().filter(process -> process.process().isAlive()).toList();
        alive.forEach(NodeProcess::requestStop);
        long deadlineNs = System.nanoTime() + STOP_TIMEOUT_NS;
        for (NodeProcess process : all) {
            out.println(process.awaitStop(deadlineNs));
        }
        out.flush();
    }
}
