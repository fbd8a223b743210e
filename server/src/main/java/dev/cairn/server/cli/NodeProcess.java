package dev.cairn.server.cli;

import dev.cairn.server.ParentWatch;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** One node of a local cluster as a process of its own: its output goes to {@code node.log}, its pid to {@code node.pid}. */
final class NodeProcess {
    private static final int MAX_TAIL_BYTES = 16 << 10;
    private static final int MAX_TAIL_LINES = 12;

    /** These say who a node is; from the launcher's environment they would say the same to each. */
    private static final Set<String> VARIABLES_OF_ONE_NODE = Set.of(
            "CAIRN_CLUSTER_ID",
            "CAIRN_NODE_ID",
            "CAIRN_CLUSTER_MEMBERS",
            "CAIRN_DATA_DIR",
            "CAIRN_PEER_LISTEN",
            "CAIRN_CLIENT_LISTEN",
            "CAIRN_HTTP_LISTEN");

    private final int node;
    private final Path log;
    private final Path pidFile;
    private final Process process;

    private NodeProcess(int node, Path log, Path pidFile, Process process) {
        this.node = node;
        this.log = log;
        this.pidFile = pidFile;
        this.process = process;
    }

    /**
     * Starts the node.
     *
     * @param flags of the node's JVM
     * @param options of the node, behind its properties file
     * @param libraryPath directory of native libraries, empty = the platform's default
     */
    static NodeProcess start(ClusterPlan plan, int node, List<String> flags, String libraryPath, List<String> options) {
        Path dir = plan.nodeDir(node);
        Path log = dir.resolve("node.log");
        Path pidFile = dir.resolve("node.pid");
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(flags);
        if (!libraryPath.isEmpty()) {
            command.add("-Djava.library.path=" + libraryPath);
        }
        command.add("-XX:ErrorFile=" + dir.resolve("hs_err_%p.log"));
        command.add("-D" + ParentWatch.PROPERTY + "=" + ProcessHandle.current().pid());
        command.add("-cp");
        command.add(System.getProperty("java.class.path"));
        command.add("dev.cairn.server.NodeMain");
        command.add(plan.propertiesFile(node).toString());
        command.addAll(options);
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
        Map<String, String> environment = builder.environment();
        environment.keySet().removeAll(VARIABLES_OF_ONE_NODE);
        try {
            Process process = builder.start();
            Files.writeString(pidFile, process.pid() + "\n");
            return new NodeProcess(node, log, pidFile, process);
        } catch (IOException e) {
            throw new UncheckedIOException("node " + node + " cannot be started: " + e, e);
        }
    }

    int node() {
        return node;
    }

    Process process() {
        return process;
    }

    /** Asks for a clean stop: SIGTERM. */
    void requestStop() {
        process.destroy();
    }

    /** Waits for the end; one that takes longer is killed. Returns what there is to say about it. */
    String awaitStop(long deadlineNs) {
        try {
            if (!process.waitFor(Math.max(0, deadlineNs - System.nanoTime()), TimeUnit.NANOSECONDS)) {
                process.destroyForcibly().waitFor();
                return "node " + node + " did not stop in time and was killed; see " + log;
            }
            Files.deleteIfExists(pidFile);
            int code = process.exitValue();
            // 128 + SIGINT or SIGTERM: the JVM's code after its shutdown hooks have run.
            return code == 0 || isSignal(code)
                    ? "node " + node + " stopped"
                    : "node " + node + " stopped with exit code " + code + "; see " + log;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "node " + node + ": the wait for its end was interrupted";
        } catch (IOException e) {
            return "node " + node + " stopped, but " + pidFile + " cannot be deleted: " + e.getMessage();
        }
    }

    static boolean isSignal(int exitCode) {
        return exitCode == 130 || exitCode == 143;
    }

    /** What a user needs when the node ended by itself. */
    String obituary() {
        int code = process.exitValue();
        return "node " + node + " (pid " + process.pid() + ") ended with exit code " + code
                + (code == 137 ? " (killed)" : "") + "; last lines of " + log + ":\n" + tail(log);
    }

    static String tail(Path log) {
        try (FileChannel channel = FileChannel.open(log)) {
            long start = Math.max(0, channel.size() - MAX_TAIL_BYTES);
            ByteBuffer bytes = ByteBuffer.allocate((int) (channel.size() - start));
            while (bytes.hasRemaining() && channel.read(bytes, start + bytes.position()) >= 0) {}
            List<String> lines = new String(bytes.array(), 0, bytes.position(), StandardCharsets.UTF_8)
                    .lines()
                    .toList();
            List<String> last = lines.subList(Math.max(0, lines.size() - MAX_TAIL_LINES), lines.size());
            return last.isEmpty() ? "  (empty)" : "  " + String.join("\n  ", last);
        } catch (IOException e) {
            return "  (cannot be read: " + e.getMessage() + ")";
        }
    }
}
