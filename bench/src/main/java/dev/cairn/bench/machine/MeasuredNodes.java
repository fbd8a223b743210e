package dev.cairn.bench.machine;

import dev.cairn.client.CairnClient;
import dev.cairn.client.ServerStatus;
import dev.cairn.protocol.NodeStatus;
import dev.cairn.server.ParentWatch;
import dev.cairn.testkit.ProcessCluster;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The node processes of a measurement on loopback, numbered from 1, with the JVM flags of {@code bin/cairn server}, a log of their
 * garbage collections, and their output in {@code node<i>.log}. One thread.
 */
public final class MeasuredNodes implements AutoCloseable {
    /** The nodes' JVM flags as the start script sets them, separated by blanks. */
    private static final String FLAGS_PROPERTY = "cairn.node.flags";
    /** Directory of the nodes' native libraries. */
    private static final String LIBRARY_PATH_PROPERTY = "cairn.node.library.path";

    private static final Duration SERVE_DEADLINE = Duration.ofSeconds(60);
    private static final Duration STOP_DEADLINE = Duration.ofSeconds(60);
    private static final long POLL_MS = 50;

    private final Path directory;
    private final int size;
    private final List<String> settings;
    private final int[] peerPorts;
    private final int[] clientPorts;
    private final Map<Integer, Process> processes = new TreeMap<>();

    /** @param settings further {@code key=value} configuration of every node */
    public MeasuredNodes(Path directory, int size, List<String> settings) {
        this.directory = directory;
        this.size = size;
        this.settings = List.copyOf(settings);
        int[] ports = freePorts(2 * size);
        peerPorts = Arrays.copyOf(ports, size);
        clientPorts = Arrays.copyOfRange(ports, size, 2 * size);
    }

    /** Free now, on loopback. */
    public static int[] freePorts(int count) {
        List<ServerSocket> sockets = new ArrayList<>();
        try {
            for (int i = 0; i < count; i++) {
                sockets.add(new ServerSocket(0, 1, InetAddress.getLoopbackAddress()));
            }
            int[] ports = sockets.stream().mapToInt(ServerSocket::getLocalPort).toArray();
            for (ServerSocket socket : sockets) {
                socket.close();
            }
            return ports;
        } catch (IOException e) {
            throw new UncheckedIOException("no free port on loopback: " + e.getMessage(), e);
        }
    }

    public int size() {
        return size;
    }

    public int peerPort(int id) {
        return peerPorts[id - 1];
    }

    /** Of nodes 1, 2, ... */
    public int[] peerPorts() {
        return peerPorts.clone();
    }

    public int clientPort(int id) {
        return clientPorts[id - 1];
    }

    /** {@code host:port} of all nodes for a client. */
    public String servers() {
        return Arrays.stream(clientPorts).mapToObj(port -> "127.0.0.1:" + port).collect(Collectors.joining(","));
    }

    /** Copies the logs of all nodes to {@code <base>node<i>.log}, for the report, which shows their events. */
    public void keepLogs(String base) throws IOException {
        for (int id = 1; id <= size; id++) {
            if (Files.exists(log(id))) {
                Files.copy(log(id), Path.of(base + "node" + id + ".log"), StandardCopyOption.REPLACE_EXISTING);
            }
        }
    }

    public Path log(int id) {
        return directory.resolve("node" + id + ".log");
    }

    /** Where the node's JVM tells about its garbage collections; a restarted node begins it anew. */
    Path gcLog(int id) {
        return directory.resolve("node" + id + ".gc.log");
    }

    public Path data(int id) {
        return directory.resolve("node" + id);
    }

    public long pid(int id) {
        return process(id).pid();
    }

    public void startAll() {
        IntStream.rangeClosed(1, size).forEach(this::start);
    }

    public void start(int id) {
        start(id, peerPorts);
    }

    /**
     * Starts a node.
     *
     * @param ports the peer ports of nodes 1, 2, ... as this node shall see them
     */
    public void start(int id, int[] ports) {
        start(id, ports, List.of());
    }

    /**
     * Starts a node that sees its peers at other ports.
     *
     * @param own further configuration of this node
     */
    public void start(int id, int[] ports, List<String> own) {
        List<String> command = new ArrayList<>(javaCommand(directory, "node" + id));
        command.add("dev.cairn.server.NodeMain");
        // Rolls, flushes and compactions are looked at.
        command.add("--verbose");
        List<String> given = new ArrayList<>(List.of(
                "cluster.id=measure",
                "node.id=" + id,
                "cluster.members=" + members(ports),
                "peer.listen=127.0.0.1:" + peerPort(id),
                "data.dir=" + data(id)));
        given.addAll(settings);
        given.addAll(own);
        for (String setting : given) {
            command.add("--set");
            command.add(setting);
        }
        processes.put(id, start(command, log(id)));
    }

    private String members(int[] ports) {
        return IntStream.range(0, size)
                .mapToObj(i -> (i + 1) + "=127.0.0.1:" + ports[i] + ":" + clientPorts[i])
                .collect(Collectors.joining(","));
    }

    /**
     * A JVM with the flags of a node, without the main class; it ends when this process does, if it watches its parent.
     *
     * @param name of its log of garbage collections
     */
    public static List<String> javaCommand(Path directory, String name) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        String flags = System.getProperty(FLAGS_PROPERTY, "").strip();
        if (flags.isEmpty()) {
            // Without the start script, as in tests: what this JVM was told about modules.
            ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                    .filter(argument -> argument.startsWith("--"))
                    .forEach(command::add);
            command.addAll(List.of("-Xmx256m", "-XX:MaxDirectMemorySize=1152m"));
            Arrays.stream(System.getProperty(ProcessCluster.NODE_FLAGS_PROPERTY, "")
                            .split("\\s+"))
                    .filter(flag -> !flag.isEmpty())
                    .forEach(command::add);
        } else {
            command.addAll(List.of(flags.split("\\s+")));
        }
        String libraryPath = System.getProperty(LIBRARY_PATH_PROPERTY, "");
        if (!libraryPath.isEmpty()) {
            command.add("-Djava.library.path=" + libraryPath);
        }
        command.add("-D" + ParentWatch.PROPERTY + "=" + ProcessHandle.current().pid());
        command.add("-Xlog:gc:file=" + directory.resolve(name + ".gc.log") + ":tm:filecount=0");
        // Also where the class path has another configuration for tests: the events in the logs are looked at.
        command.add("-Dlogback.configurationFile=logback.xml");
        command.add("-XX:ErrorFile=" + directory.resolve("hs_err_%p.log"));
        command.add("-cp");
        command.add(System.getProperty("java.class.path"));
        return command;
    }

    /** Starts a process whose output, errors too, goes to the end of a file. */
    public static Process start(List<String> command, Path output) {
        try {
            return new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(output.toFile()))
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException(command.get(0) + " cannot be started: " + e, e);
        }
    }

    private Process process(int id) {
        return Objects.requireNonNull(processes.get(id), "the node was never started");
    }

    /** A clean stop. */
    public void stop(int id) throws InterruptedException {
        Process process = process(id);
        process.destroy();
        if (!process.waitFor(STOP_DEADLINE.toSeconds(), TimeUnit.SECONDS)) {
            throw new IllegalStateException("node " + id + " does not stop; see " + log(id));
        }
    }

    /** As {@code kill -9}. */
    public void kill(int id) throws InterruptedException {
        process(id).destroyForcibly().waitFor();
    }

    /** Fails when a node that was started has ended; {@code except} = one that was stopped on purpose, 0 = none. */
    public void requireAlive(int except) {
        processes.forEach((id, process) -> {
            if (id != except && !process.isAlive()) {
                throw new IllegalStateException(
                        "node " + id + " ended with exit code " + process.exitValue() + "; see " + log(id));
            }
        });
    }

    /** Waits until every node answers and follows the same leader; returns that one's id. */
    public int awaitServing(CairnClient client) throws InterruptedException {
        await(
                client,
                0,
                "a leader that all nodes know",
                SERVE_DEADLINE,
                nodes -> nodes.size() == size
                        && nodes.stream()
                                        .mapToInt(NodeStatus::leaderId)
                                        .distinct()
                                        .count()
                                == 1
                        && nodes.get(0).leaderId() != 0);
        return leader(client).nodeId();
    }

    /** Waits until what the nodes answer is as wanted. */
    public List<NodeStatus> await(
            CairnClient client, int stopped, String what, Duration deadline, Predicate<List<NodeStatus>> wanted)
            throws InterruptedException {
        long deadlineNs = System.nanoTime() + deadline.toNanos();
        while (true) {
            List<NodeStatus> nodes = statuses(client);
            if (wanted.test(nodes)) {
                return nodes;
            }
            requireAlive(stopped);
            if (System.nanoTime() - deadlineNs > 0) {
                throw new IllegalStateException("not within " + deadline.toSeconds() + " s: " + what + "; " + nodes);
            }
            TimeUnit.MILLISECONDS.sleep(POLL_MS);
        }
    }

    /** Of the nodes that answer, ascending ids. */
    public static List<NodeStatus> statuses(CairnClient client) {
        return client.status().stream()
                .map(ServerStatus::node)
                .filter(Objects::nonNull)
                .sorted(Comparator.comparingInt(NodeStatus::nodeId))
                .toList();
    }

    public static NodeStatus leader(CairnClient client) {
        return leaderOf(statuses(client));
    }

    public static NodeStatus leaderOf(List<NodeStatus> nodes) {
        return nodes.stream()
                .filter(NodeStatus::isLeader)
                .max(Comparator.comparingLong(NodeStatus::term))
                .orElseThrow(() -> new IllegalStateException("no leader: " + nodes));
    }

    public static @Nullable NodeStatus find(List<NodeStatus> nodes, int id) {
        return nodes.stream().filter(node -> node.nodeId() == id).findFirst().orElse(null);
    }

    /** Waits until all nodes have applied the same entries, which is so some time after the last write. */
    public List<NodeStatus> awaitEqual(CairnClient client, Duration deadline) throws InterruptedException {
        return await(
                client,
                0,
                "equal nodes",
                deadline,
                nodes -> nodes.size() == size
                        && nodes.stream()
                                        .mapToLong(NodeStatus::appliedIndex)
                                        .distinct()
                                        .count()
                                == 1
                        && nodes.stream()
                                        .mapToLong(NodeStatus::digest)
                                        .distinct()
                                        .count()
                                == 1);
    }

    /** Asks all to stop, waits, kills what stays. */
    @Override
    public void close() {
        processes.values().forEach(Process::destroy);
        for (Process process : processes.values()) {
            try {
                if (!process.waitFor(STOP_DEADLINE.toSeconds(), TimeUnit.SECONDS)) {
                    process.destroyForcibly().waitFor();
                }
            } catch (InterruptedException e) {
                process.destroyForcibly();
                Thread.currentThread().interrupt();
            }
        }
    }
}
