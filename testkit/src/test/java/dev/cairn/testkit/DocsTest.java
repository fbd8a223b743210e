package dev.cairn.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.server.NodeMain;
import dev.cairn.server.cli.ClusterLauncher;
import dev.cairn.server.cli.Kvctl;
import dev.cairn.server.cli.WalTool;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Runs every command of the pages: blocks marked {@code console} hold commands behind {@code $ } and the output that follows, in
 * which {@code *} stands for anything within a line and a line {@code ...} for any lines. A block marked {@code console background}
 * has one command, which goes on until the page ends; its output is awaited. One shell and one directory per page.
 */
@Timeout(600)
@DisabledOnOs(OS.WINDOWS)
class DocsTest {
    private static final Path DOCS = Path.of("..", "docs");
    private static final long BACKGROUND_NS = TimeUnit.SECONDS.toNanos(90);
    private static final String END = "--- end of a command";

    @TempDir
    private Path dir;

    @ParameterizedTest
    @ValueSource(strings = {"getting-started.md", "kvctl.md", "operations.md", "demo.md"})
    @Tag("O09")
    @Tag("C19")
    void everyCommandOfThePageDoesWhatThePageSays(String page) throws IOException, InterruptedException {
        run(Files.readString(DOCS.resolve(page)));
    }

    @Test
    void everyPageWithCommandsIsRun() throws IOException {
        try (Stream<Path> pages = Files.list(DOCS)) {
            List<String> withCommands = pages.filter(page -> page.toString().endsWith(".md"))
                    .filter(page -> read(page).contains("```console"))
                    .map(page -> page.getFileName().toString())
                    .toList();
            assertThat(withCommands)
                    .containsExactlyInAnyOrder("getting-started.md", "kvctl.md", "operations.md", "demo.md");
        }
    }

    @Test
    void outputMatchesWithWildcardsOnly() {
        assertThat(matches(List.of("a*c", "...", "end"), List.of("abc", "x", "y", "end")))
                .isTrue();
        assertThat(matches(List.of("a*c", "...", "end"), List.of("abc", "end"))).isTrue();
        assertThat(matches(List.of("..."), List.of())).isTrue();
        assertThat(matches(List.of("a*c"), List.of("abd"))).isFalse();
        assertThat(matches(List.of("a"), List.of("a", "b"))).isFalse();
        assertThat(matches(List.of("a", "b"), List.of("a"))).isFalse();
    }

    private void run(String text) throws IOException, InterruptedException {
        // Those of four nodes, of a base that ends in 0, so that port numbers read as on the pages.
        try (PortLease ports = PortLease.above(20, List.of(0, 1, 2, 3, 4, 101, 102, 103, 104, 201, 202, 203, 204))) {
            run(text, ports.port(0));
        }
    }

    private void run(String text, int basePort) throws IOException, InterruptedException {
        writeShims(basePort);
        // The pages use the default ports; here others may be busy on them.
        String page = text.replaceAll("\\b740([1-4$])", Integer.toString(basePort / 10) + "$1")
                .replaceAll("\\b750([1-4])", Integer.toString(basePort / 10 + 10) + "$1");
        List<Background> started = new ArrayList<>();
        try (Shell shell = new Shell(dir)) {
            for (Block block : blocks(page)) {
                if (block.background()) {
                    started.add(0, Background.start(dir, shell, block));
                } else {
                    for (Step step : block.steps()) {
                        List<String> output = shell.run(step.command());
                        assertThat(matches(step.expected(), output))
                                .as("$ " + step.command() + "\nexpected:\n" + String.join("\n", step.expected())
                                        + "\nwas:\n" + String.join("\n", output) + "\nnodes:\n" + logs())
                                .isTrue();
                    }
                }
            }
        } finally {
            for (Background process : started) {
                process.stop();
            }
        }
    }

    /** bin/cairn and bin/kvctl as in a distribution, but on the class path of this test and with other ports. */
    private void writeShims(int basePort) throws IOException {
        String flags = ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument -> argument.startsWith("--"))
                .collect(Collectors.joining(" "));
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        String quick = System.getProperty(ProcessCluster.NODE_FLAGS_PROPERTY, "");
        String run = "exec '" + java + "' " + quick + " -Xmx256m -XX:MaxDirectMemorySize=1152m -cp '"
                + System.getProperty("java.class.path") + "' ";
        Path bin = Files.createDirectories(dir.resolve("bin"));
        executable(
                bin.resolve("kvctl"),
                "#!/bin/sh\n" + run + "-Dlogback.configurationFile=logback-cli.xml " + Kvctl.class.getName()
                        + " \"$@\"\n");
        String node = "-Dlogback.configurationFile=logback.xml";
        executable(
                bin.resolve("cairn"),
                "#!/bin/sh\ncommand=$1\nshift\ncase $command in\ncluster) " + run
                        + "-Dlogback.configurationFile=logback-cli.xml '-Dcairn.node.flags=" + flags + " " + node
                        + " " + quick + " -Xmx256m -XX:MaxDirectMemorySize=1152m' " + ClusterLauncher.class.getName()
                        + " --base-port " + basePort
                        + " \"$@\" ;;\nserver) " + run + flags + " " + node + " " + NodeMain.class.getName()
                        + " \"$@\" ;;\nwal) " + run + flags + " -Dlogback.configurationFile=logback-cli.xml "
                        + WalTool.class.getName() + " \"$@\" ;;\n*) exit 2 ;;\nesac\n");
    }

    private static void executable(Path file, String text) throws IOException {
        Files.writeString(file, text);
        assertThat(file.toFile().setExecutable(true)).isTrue();
    }

    private String logs() {
        StringBuilder all = new StringBuilder();
        for (int node = 1; node <= 3; node++) {
            Path log = dir.resolve("cairn-data/node" + node + "/node.log");
            if (Files.exists(log)) {
                List<String> lines = read(log).lines().toList();
                all.append("node ").append(node).append('\n');
                lines.subList(Math.max(0, lines.size() - 8), lines.size())
                        .forEach(line -> all.append("  ").append(line).append('\n'));
            }
        }
        return all.toString();
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    // ---- pages ---------------------------------------------------------------------------------------------------

    private record Step(String command, List<String> expected) {}

    private record Block(boolean background, List<Step> steps) {}

    private static List<Block> blocks(String page) {
        List<Block> blocks = new ArrayList<>();
        Block block = null;
        for (String line : page.lines().toList()) {
            if (block == null) {
                if (line.startsWith("```console")) {
                    block = new Block(line.contains("background"), new ArrayList<>());
                }
            } else if (line.equals("```")) {
                assertThat(block.steps()).as("commands of a block").isNotEmpty();
                blocks.add(block);
                block = null;
            } else if (line.startsWith("$ ")) {
                block.steps().add(new Step(line.substring(2), new ArrayList<>()));
            } else {
                block.steps().get(block.steps().size() - 1).expected().add(line);
            }
        }
        assertThat(blocks).isNotEmpty();
        return blocks;
    }

    private static boolean matches(List<String> expected, List<String> output) {
        StringBuilder pattern = new StringBuilder();
        for (String line : expected) {
            if (line.equals("...")) {
                pattern.append("(?:.*\n)*?");
            } else {
                for (String part : line.split("(?=\\*)|(?<=\\*)", -1)) {
                    pattern.append(part.equals("*") ? ".*" : Pattern.quote(part));
                }
                pattern.append('\n');
            }
        }
        String text = output.stream().map(line -> line + "\n").collect(Collectors.joining());
        return Pattern.matches(pattern.toString(), text);
    }

    // ---- processes -----------------------------------------------------------------------------------------------

    /** Nothing of the surroundings of this test, and small segments: those of the default are most of a node's start. */
    private static void surround(ProcessBuilder builder) {
        builder.environment().keySet().removeIf(name -> name.startsWith("CAIRN_"));
        builder.environment().put("CAIRN_WAL_SEGMENT_BYTES", "4MiB");
    }

    /** Reads a process's lines, with deadlines. */
    private static BlockingQueue<String> linesOf(Process process) {
        BlockingQueue<String> lines = new LinkedBlockingQueue<>();
        Thread reader = new Thread(
                () -> {
                    try (BufferedReader output = process.inputReader(StandardCharsets.UTF_8)) {
                        output.lines().forEach(lines::add);
                    } catch (IOException | java.io.UncheckedIOException ended) {
                        lines.add("(no further output: " + ended + ")");
                    }
                },
                "output");
        reader.setDaemon(true);
        reader.start();
        return lines;
    }

    /** One shell for all commands of a page, so that variables stay. */
    private static final class Shell implements AutoCloseable {
        private final Process process;
        private final Writer input;
        private final BlockingQueue<String> lines;

        Shell(Path dir) throws IOException {
            ProcessBuilder builder =
                    new ProcessBuilder("sh").directory(dir.toFile()).redirectErrorStream(true);
            surround(builder);
            process = builder.start();
            input = new OutputStreamWriter(process.getOutputStream(), StandardCharsets.UTF_8);
            lines = linesOf(process);
        }

        List<String> run(String command) throws IOException, InterruptedException {
            // A command's last line may have no end; the mark begins a line of its own.
            input.write("{ " + command + "\n} < /dev/null\nprintf '\\n" + END + "\\n'\n");
            input.flush();
            List<String> output = new ArrayList<>();
            for (String line = next(command); !line.equals(END); line = next(command)) {
                output.add(line);
            }
            assertThat(output.remove(output.size() - 1)).isEmpty();
            return output;
        }

        private String next(String command) throws InterruptedException {
            String line = lines.poll(60, TimeUnit.SECONDS);
            return Objects.requireNonNull(line, () -> "no end within 60 s: " + command);
        }

        @Override
        public void close() {
            process.destroy();
        }
    }

    /** A command that goes on; stopped as by Ctrl-C's stronger sister, SIGTERM. */
    private record Background(Process process) {
        static Background start(Path dir, Shell shell, Block block) throws IOException, InterruptedException {
            Step step = block.steps().get(0);
            // The shell knows the variables.
            String command =
                    shell.run("printf '%s\\n' \"" + step.command() + "\"").get(0);
            ProcessBuilder builder = new ProcessBuilder("sh", "-c", "exec " + command)
                    .directory(dir.toFile())
                    .redirectErrorStream(true);
            surround(builder);
            Process process = builder.start();
            BlockingQueue<String> lines = linesOf(process);
            List<String> output = new ArrayList<>();
            long deadlineNs = System.nanoTime() + BACKGROUND_NS;
            String first = step.expected().get(0);
            @Nullable String line;
            do {
                line = lines.poll(Math.max(1, deadlineNs - System.nanoTime()), TimeUnit.NANOSECONDS);
                if (line == null) {
                    process.destroy();
                    throw new AssertionError(
                            "$ " + command + "\nexpected: " + first + "\nwas:\n" + String.join("\n", output));
                }
                output.add(line);
            } while (!matches(List.of(first), List.of(line)));
            return new Background(process);
        }

        void stop() throws InterruptedException {
            process.destroy();
            if (!process.waitFor(30, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
        }
    }
}
