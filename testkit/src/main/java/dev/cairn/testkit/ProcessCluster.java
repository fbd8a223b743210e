package dev.cairn.testkit;

import dev.cairn.server.NodeMain;
import dev.cairn.server.ParentWatch;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A cluster of real node processes on loopback, for tests: started, killed at any moment, restarted on the same data.
 * Nodes are numbered from 1. They run on the class path and with the module flags and native libraries of the calling JVM;
 * the system property {@value #NODE_FLAGS_PROPERTY} adds flags of its own, divided by blanks. Not thread-safe.
 *
 * <p>Segments of the log have 4 MiB unless {@code settings} say otherwise: a node writes whole segments of zeros before it
 * serves, and with the default's 64 MiB that is most of its start.
 */
public final class ProcessCluster implements TestCluster {
    /** Further flags of the nodes' JVMs. */
    public static final String NODE_FLAGS_PROPERTY = "cairn.testkit.node.flags";

    private static final int TAIL_LINES = 25;

    private final Path directory;
    private final int size;
    private final ClusterNetwork network;
    private final List<String> settings;
    private final Map<Integer, Process> processes = new TreeMap<>();

    /**
     * Nodes and clients dial each other as they are: {@link #network} has no links.
     *
     * @param directory for the nodes' data and logs; kept on {@link #close}
     * @param settings further {@code key=value} configuration of every node
     */
    public ProcessCluster(final Path directory, final int size, final String... settings) {
        this(directory, size, ClusterNetwork.direct(size), settings);
    }

    private ProcessCluster(
            final Path directory, final int size, final ClusterNetwork network, final String... settings) {
        this.directory = directory;
        this.size = size;
        this.network = network;
        this.settings = List.of(settings);
    }

    /** As the constructor, with a {@link FaultProxy} on each link. */
    public static ProcessCluster withLinks(final Path directory, final int size, final String... settings) {
        return new ProcessCluster(directory, size, ClusterNetwork.throughProxies(size), settings);
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public ClusterNetwork network() {
        return network;
    }

    /** Starts all nodes that do not run. */
    public ProcessCluster startAll() {
        startMissing();
        return this;
    }

    /** Starts one node; its output is appended to {@link #log}. */
    @Override
    public void start(final int id) {
        start(id, Map.of());
    }

    /** Starts one node with settings of its own, which win over those of the cluster. */
    public void start(final int id, final Map<String, String> own) {
        final List<String> given = new ArrayList<>(List.of(
                "cluster.id=process-cluster", "node.id=" + id, "data.dir=" + data(id), "wal.segment.bytes=4MiB"));
        given.addAll(network.settings(id));
        given.addAll(settings);
        final Map<String, String> byKey = new LinkedHashMap<>();
        for (final String setting : given) {
            final int equals = setting.indexOf('=');
            byKey.put(setting.substring(0, equals), setting.substring(equals + 1));
        }
        byKey.putAll(own);
        final List<String> last = new ArrayList<>();
        byKey.forEach((key, value) -> last.add(key + "=" + value));
        try {
            Files.createDirectories(directory);
            processes.put(
                    id,
                    command(last)
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
                .filter(argument -> argument.startsWith("--") || argument.startsWith("-Djava.library.path="))
                .forEach(command::add);
        command.addAll(List.of("-Xmx256m", "-XX:MaxDirectMemorySize=1152m"));
        command.addAll(furtherFlags());
        // However this JVM ends, no node outlives it.
        command.add("-D" + ParentWatch.PROPERTY + "=" + ProcessHandle.current().pid());
        // The calling tests may have a configuration of their own in the class path.
        command.add("-Dlogback.configurationFile=logback.xml");
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), NodeMain.class.getName()));
        for (final String setting : settings) {
            command.add("--set");
            command.add(setting);
        }
        return new ProcessBuilder(command).redirectErrorStream(true);
    }

    static List<String> furtherFlags() {
        return Stream.of(System.getProperty(NODE_FLAGS_PROPERTY, "").split(" "))
                .filter(flag -> !flag.isEmpty())
                .toList();
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

    @Override
    public Path data(final int id) {
        return directory.resolve("node" + id);
    }

    public Path log(final int id) {
        return directory.resolve("node" + id + ".log");
    }

    public int peerPort(final int id) {
        return network.peerPort(id);
    }

    @Override
    public boolean isAlive(final int id) {
        final Process process = processes.get(id);
        return process != null && process.isAlive();
    }

    /** Process id of a node that was started. */
    public long pid(final int id) {
        return process(id).pid();
    }

    /** SIGKILL: returns when the processes are gone. */
    @Override
    public void kill(final int... ids) {
        for (final int id : ids) {
            process(id).destroyForcibly();
        }
        for (final int id : ids) {
            awaitExit(id);
        }
    }

    @Override
    public void stop(final int id) {
        terminate(id);
    }

    /** SIGTERM, a clean stop: returns the exit code. */
    public int terminate(final int id) {
        process(id).destroy();
        return awaitExit(id);
    }

    /** SIGSTOP. */
    @Override
    public void pause(final int id) {
        signal("STOP", id);
    }

    /** SIGCONT. */
    @Override
    public void resume(final int id) {
        signal("CONT", id);
    }

    private void signal(final String name, final int id) {
        try {
            final int exit = new ProcessBuilder(
                            "kill", "-" + name, Long.toString(process(id).pid()))
                    .inheritIO()
                    .start()
                    .waitFor();
            if (exit != 0) {
                throw new IllegalStateException("kill -" + name + " of node " + id + " ended with " + exit);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("no signal can be sent: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
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
            if (!process.waitFor(DEADLINE.toSeconds(), TimeUnit.SECONDS)) {
                throw new IllegalStateException("node " + id + " does not end" + describe());
            }
            return process.exitValue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    /** The last lines of every node's log, for messages of failed tests. */
    @Override
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
        network.close();
    }
}
