package dev.cairn.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.client.CairnClient;
import dev.cairn.covers.Covers;
import dev.cairn.server.Await;
import dev.cairn.server.ConfigException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The launcher and its nodes as the processes that a user gets, on loopback ports of their own. */
class ClusterLauncherTest {
    private static final long DEADLINE_SECONDS = 60;
    private static final byte[] KEY = "key".getBytes(StandardCharsets.UTF_8);
    private static final byte[] VALUE = "value".getBytes(StandardCharsets.UTF_8);

    @TempDir
    Path dir;

    private final List<ProcessHandle> started = new ArrayList<>();
    private int runs;

    @AfterEach
    void leaveNoProcessBehind() {
        started.forEach(ProcessHandle::destroyForcibly);
    }

    @Test
    @Covers({"C19", "O01", "W07"})
    void clusterServesSurvivesANodeStopsCleanlyAndFindsItsDataAgain() throws Exception {
        ClusterPlan plan = new ClusterPlan(dir.resolve("cluster"), 3, freeBasePort());

        Process first = launch(plan);
        awaitOutput(first, "servers: " + plan.servers());
        List<ProcessHandle> nodes = nodes(plan);
        try (CairnClient client = CairnClient.builder().servers(plan.servers()).connect()) {
            client.put(KEY, VALUE);
            nodes.get(1).destroyForcibly();
            awaitOutput(first, "node 2 (pid " + nodes.get(1).pid() + ") ended with exit code 137 (killed)");
            assertThat(client.get(KEY).orElseThrow().value()).isEqualTo(VALUE);
        }
        first.destroy();
        assertThat(first.waitFor(DEADLINE_SECONDS, TimeUnit.SECONDS)).isTrue();
        assertThat(nodes).noneMatch(ProcessHandle::isAlive);
        assertThat(output()).contains("node 1 stopped\n", "node 3 stopped\n");
        assertThat(plan.nodeDir(1).resolve("node.log")).content().contains("event=stop.done");
        assertThat(plan.nodeDir(1).resolve("node.pid")).doesNotExist();

        Process second = launch(plan);
        awaitOutput(second, "servers: " + plan.servers());
        List<ProcessHandle> again = nodes(plan);
        try (CairnClient client = CairnClient.builder().servers(plan.servers()).connect()) {
            assertThat(client.get(KEY).orElseThrow().value()).isEqualTo(VALUE);
        }
        second.destroyForcibly();
        Await.until(
                "the nodes of a killed launcher stop",
                () -> again.stream().noneMatch(ProcessHandle::isAlive),
                this::output);
        assertThat(plan.nodeDir(1).resolve("node.log")).content().contains("event=stop.parent");
    }

    @Test
    void nodeThatCannotStartEndsTheLaunchWithItsLastLines() throws Exception {
        ClusterPlan plan = new ClusterPlan(dir.resolve("cluster"), 1, freeBasePort());
        plan.write();
        Files.writeString(plan.propertiesFile(1), Files.readString(plan.propertiesFile(1)) + "raft.colour=red\n");

        Process launcher = launch(plan);

        assertThat(launcher.waitFor(DEADLINE_SECONDS, TimeUnit.SECONDS)).isTrue();
        assertThat(launcher.exitValue()).isEqualTo(1);
        assertThat(output())
                .contains("node 1 (pid ", "ended with exit code 2", "unknown key raft.colour=red")
                .doesNotContain("servers:");
    }

    @Test
    void wrongOptionsAreOneLineAndExitCode2() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (PrintStream err = new PrintStream(bytes, true, StandardCharsets.UTF_8)) {
            int code = ClusterLauncher.run(
                    new String[] {"--dir", dir.resolve("none").toString(), "--nodes", "99"}, err, err);

            assertThat(code).isEqualTo(ConfigException.EXIT_CODE);
        }
        assertThat(bytes.toString(StandardCharsets.UTF_8))
                .isEqualTo("cairn cluster: configuration: --nodes 99 is not within 1-15" + System.lineSeparator());
        assertThat(dir.resolve("none")).doesNotExist();
    }

    private Process launch(ClusterPlan plan) throws IOException {
        runs++;
        String flags = ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(flag -> flag.startsWith("--"))
                .collect(Collectors.joining(" "));
        List<String> quick =
                List.of(System.getProperty("cairn.testkit.node.flags", "").split(" ", -1));
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("-D" + ClusterLauncher.NODE_FLAGS_PROPERTY + "=" + flags + " " + String.join(" ", quick)
                + " -Xmx128m -XX:MaxDirectMemorySize=1152m -Dlogback.configurationFile=logback.xml");
        command.addAll(quick.stream().filter(flag -> !flag.isEmpty()).toList());
        command.addAll(List.of(
                "-Xmx64m",
                "-Dlogback.configurationFile=logback-cli.xml",
                "-cp",
                System.getProperty("java.class.path"),
                ClusterLauncher.class.getName(),
                "--nodes",
                Integer.toString(plan.nodes()),
                "--dir",
                plan.dir().toString(),
                "--base-port",
                Integer.toString(plan.basePort())));
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(outputFile().toFile());
        builder.environment().put("CAIRN_WAL_SEGMENT_BYTES", "4MiB");
        // A node's file decides who it is, not what happens to stand in the launcher's environment.
        builder.environment().put("CAIRN_NODE_ID", "77");
        Process process = builder.start();
        started.add(process.toHandle());
        return process;
    }

    private Path outputFile() {
        return dir.resolve("launcher-" + runs + ".out");
    }

    private String output() {
        try {
            return Files.readString(outputFile());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private List<ProcessHandle> nodes(ClusterPlan plan) throws IOException {
        List<ProcessHandle> handles = new ArrayList<>();
        for (int node = 1; node <= plan.nodes(); node++) {
            String pid =
                    Files.readString(plan.nodeDir(node).resolve("node.pid")).strip();
            handles.add(ProcessHandle.of(Long.parseLong(pid)).orElseThrow());
        }
        started.addAll(handles);
        return handles;
    }

    private void awaitOutput(Process launcher, String text) throws IOException, InterruptedException {
        Await.until(
                "the launcher prints '" + text + "'",
                () -> output().contains(text),
                () -> "launcher alive: " + launcher.isAlive() + ", its output:\n" + output());
        assertThat(launcher.isAlive()).isTrue();
    }

    /** Below the ports that the system gives out by itself; other test runs on this machine begin elsewhere. */
    private int freeBasePort() {
        int first = (int) (ProcessHandle.current().pid() % 50);
        return IntStream.range(first, first + 50)
                .map(i -> 10_000 + 400 * (i % 50))
                .filter(base -> isFree(new ClusterPlan(dir, 3, base)))
                .findFirst()
                .orElseThrow();
    }

    private static boolean isFree(ClusterPlan plan) {
        try {
            plan.checkPortsAreFree();
            return true;
        } catch (ConfigException inUse) {
            return false;
        }
    }
}
