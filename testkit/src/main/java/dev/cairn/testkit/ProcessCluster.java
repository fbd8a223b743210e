package dev.cairn.testkit;

import dev.cairn.client.CairnClient;
import dev.cairn.client.ClientConfig;
import dev.cairn.client.ServerStatus;
import dev.cairn.protocol.NodeStatus;
import dev.cairn.server.NodeMain;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.IntUnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A cluster of real node processes on loopback, for tests: started, killed at any moment, restarted on the same data.
 * Nodes are numbered from 1. They run on the class path and with the module flags of the calling JVM. Not thread-safe.
 */
public final class ProcessCluster implements AutoCloseable {
    /** How long {@link #awaitLeader} waits. Generous: test machines stall. */
    public static final Duration SERVE_DEADLINE = Duration.ofSeconds(60);

    private static final int TAIL_LINES = 25;

    private final Path directory;
    private final int size;
    private final int[] peerPorts;
    private final int[] clientPorts;
    private final String members;
    private final List<String> settings;
    private final Map<Integer, Process> processes = new TreeMap<>();

    /**
     * @param directory for the nodes' data and logs; kept on {@link #close}
     * @param settings further {@code key=value} configuration of every node
     */
    public ProcessCluster(final Path directory, final int size, final String... settings) {
        this.directory = directory;
        this.size = size;
        this.settings = List.of(settings);
        final int[] ports = freePorts(2 * size);
        peerPorts = new int[size + 1];
        clientPorts = new int[size + 1];
        final List<String> entries = new ArrayList<>();
        for (int id = 1; id <= size; id++) {
            peerPorts[id] = ports[2 * id - 2];
            clientPorts[id] = ports[2 * id - 1];
            entries.add(id + "=127.0.0.1:" + peerPorts[id] + ":" + clientPorts[id]);
        }
        members = String.join(",", entries);
    }

    private static int[] freePorts(final int count) {
        final List<ServerSocket> sockets = new ArrayList<>();
        try {
            for (int i = 0; i < count; i++) {
                sockets.add(new ServerSocket(0, 1, InetAddress.getLoopbackAddress()));
            }
            final int[] ports =
                    sockets.stream().mapToInt(ServerSocket::getLocalPort).toArray();
            for (final ServerSocket socket : sockets) {
                socket.close();
            }
            return ports;
        } catch (IOException e) {
            throw new UncheckedIOException("no free port on loopback: " + e.getMessage(), e);
        }
    }

    /** Starts all nodes that do not run. */
    public ProcessCluster startAll() {
        IntStream.rangeClosed(1, size).filter(id -> !isAlive(id)).forEach(this::start);
        return this;
    }

    /** Starts one node; its output is appended to {@link #log}. */
    public void start(final int id) {
        start(id, Map.of());
    }

    /**
     * The list of members in which every other node's peer port is another one, for a node whose links go through proxies.
     *
     * @param peerPortOf maps node id to port
     */
    public String membersVia(final int self, final IntUnaryOperator peerPortOf) {
        return IntStream.rangeClosed(1, size)
                .mapToObj(id -> id + "=127.0.0.1:" + (id == self ? peerPorts[id] : peerPortOf.applyAsInt(id)) + ":"
                        + clientPorts[id])
                .collect(Collectors.joining(","));
    }

    /** Starts one node with settings of its own, which win over those of the cluster. */
    public void start(final int id, final Map<String, String> own) {
        final List<String> given = new ArrayList<>(List.of(
                "cluster.id=process-cluster", "node.id=" + id, "cluster.members=" + members, "data.dir=" + data(id)));
        given.addAll(settings);
        given.removeIf(setting -> own.containsKey(setting.substring(0, setting.indexOf('='))));
        own.forEach((key, value) -> given.add(key + "=" + value));
        try {
            Files.createDirectories(directory);
            processes.put(
                    id,
                    command(given)
                            .redirectOutput(ProcessBuilder.Redirect.appendTo(log(id).toFile()))
                            .start());
        } catch (IOException e) {
            throw new UncheckedIOException("node " + id + " cannot be started: " + e.getMessage(), e);
        }
    }

    /** A node with this configuration alone, in the class path and with the module flags of this JVM. */
    private static ProcessBuilder command(final List<String> settings) {
        final List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument -> argument.startsWith("--"))
                .forEach(command::add);
        command.add("-Xmx256m");
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), NodeMain.class.getName()));
        for (final String setting : settings) {
            command.add("--set");
            command.add(setting);
        }
        return new ProcessBuilder(command).redirectErrorStream(true);
    }

    /** How a process ended and what it printed. */
    public record Run(int exitCode, List<String> lines) {}

    /** Runs a node that is expected to refuse its configuration or surroundings, to its end. */
    public static Run run(final String... settings) throws IOException, InterruptedException {
        final Process process = command(List.of(settings)).start();
        try (BufferedReader output = process.inputReader()) {
            final List<String> lines = output.lines().toList();
            return new Run(process.waitFor(), lines);
        } finally {
            process.destroyForcibly();
        }
    }

    public Path data(final int id) {
        return directory.resolve("node" + id);
    }

    public Path log(final int id) {
        return directory.resolve("node" + id + ".log");
    }

    public int clientPort(final int id) {
        return clientPorts[id];
    }

    public int peerPort(final int id) {
        return peerPorts[id];
    }

    /** {@code host:port} of all nodes for a client. */
    public String servers() {
        return IntStream.rangeClosed(1, size)
                .mapToObj(id -> "127.0.0.1:" + clientPorts[id])
                .collect(Collectors.joining(","));
    }

    /** A client of the whole cluster. */
    public CairnClient connect() {
        return ClientConfig.builder()
                .servers(servers())
                .requestTimeout(Duration.ofSeconds(30))
                .connect();
    }

    public boolean isAlive(final int id) {
        final Process process = processes.get(id);
        return process != null && process.isAlive();
    }

    /** SIGKILL: returns when the process is gone. */
    public void kill(final int... ids) {
        for (final int id : ids) {
            process(id).destroyForcibly();
        }
        for (final int id : ids) {
            awaitExit(id);
        }
    }

    /** SIGTERM, a clean stop: returns the exit code. */
    public int stop(final int id) {
        process(id).destroy();
        return awaitExit(id);
    }

    private Process process(final int id) {
        final Process process = processes.get(id);
        if (process == null) {
            throw new IllegalArgumentException("node " + id + " was never started");
        }
        return process;
    }

    /** Waits for a node to end by itself; returns its exit code. */
    public int awaitExit(final int id) {
        try {
            final Process process = process(id);
            if (!process.waitFor(SERVE_DEADLINE.toSeconds(), TimeUnit.SECONDS)) {
                throw new IllegalStateException("node " + id + " does not end" + describe());
            }
            return process.exitValue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    /** Waits until a leader answers; returns its id. Fails with the cluster's state when none does in time. */
    public int awaitLeader() {
        return await("a leader", ProcessCluster::leader);
    }

    /** Waits until every node answers and knows a leader: then any one of three may be lost again. */
    public void awaitAllServe() {
        await("a leader known to all nodes", client -> {
            final boolean all = client.status().stream()
                    .map(ServerStatus::node)
                    .allMatch(node -> node != null && node.leaderId() != 0);
            return all ? leader(client) : Optional.empty();
        });
    }

    private int await(final String what, final Function<CairnClient, Optional<Integer>> look) {
        final long deadlineNs = System.nanoTime() + SERVE_DEADLINE.toNanos();
        try (CairnClient client = connect()) {
            while (System.nanoTime() - deadlineNs < 0) {
                final Optional<Integer> found = look.apply(client);
                if (found.isPresent()) {
                    return found.get();
                }
                TimeUnit.MILLISECONDS.sleep(20);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
        throw new IllegalStateException("not within " + SERVE_DEADLINE + ": " + what + describe());
    }

    /** The node that calls itself leader in the highest term. */
    private static Optional<Integer> leader(final CairnClient client) {
        return client.status().stream()
                .map(ServerStatus::node)
                .filter(Objects::nonNull)
                .filter(NodeStatus::isLeader)
                .max(Comparator.comparingLong(NodeStatus::term))
                .map(NodeStatus::nodeId);
    }

    /** The last lines of every node's log, for messages of failed tests. */
    public String describe() {
        final StringBuilder text = new StringBuilder();
        for (int id = 1; id <= size; id++) {
            text.append("\n-- node ").append(id).append(isAlive(id) ? " (runs)" : " (ended)");
            for (final String line : tail(id)) {
                text.append("\n   ").append(line);
            }
        }
        return text.toString();
    }

    private List<String> tail(final int id) {
        final List<String> lines = logLines(id);
        return lines.subList(Math.max(0, lines.size() - TAIL_LINES), lines.size());
    }

    /** Everything that a node has printed since the cluster object was made. */
    public List<String> logLines(final int id) {
        try {
            return Files.exists(log(id)) ? Files.readAllLines(log(id)) : List.of();
        } catch (IOException e) {
            throw new UncheckedIOException("log of node " + id + ": " + e.getMessage(), e);
        }
    }

    /** Kills what still runs. */
    @Override
    public void close() {
        kill(processes.keySet().stream().mapToInt(Integer::intValue).toArray());
    }
}
