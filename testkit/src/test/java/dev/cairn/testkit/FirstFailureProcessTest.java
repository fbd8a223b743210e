package dev.cairn.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.client.CairnClient;
import dev.cairn.client.CairnException;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.opentest4j.TestAbortedException;

/** A process whose log cannot be written ends at once, says what to do, and has an exit code for it. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class FirstFailureProcessTest {
    @TempDir
    Path directory;

    @Test
    @Tag("W12")
    void aSegmentThatIsCutUnderItsMappingEndsTheNode() throws Exception {
        try (ProcessCluster cluster = new ProcessCluster(directory, 1, "wal.writer=mapped").startAll()) {
            cluster.awaitLeader();
            try (CairnClient client = cluster.connect(Duration.ofSeconds(2))) {
                client.put(new byte[] {1}, new byte[] {2});
                try (FileChannel segment =
                        FileChannel.open(current(cluster.data(1).resolve("wal")), StandardOpenOption.WRITE)) {
                    segment.truncate(4096);
                }
                assertThatThrownBy(() -> client.put(new byte[] {1}, new byte[64 * 1024]))
                        .isInstanceOf(CairnException.class);
            }
            assertThat(cluster.awaitExit(1)).as(cluster.describe()).isEqualTo(5);
            final List<String> lines = cluster.logLines(1);
            assertThat(lines)
                    .filteredOn(line -> line.contains("event=fatal"))
                    .singleElement()
                    .asString()
                    .contains("thread=loop", "advice=\"check the disk and its space, then start the node again");
            assertThat(lines).anyMatch(line -> line.contains("java.lang.InternalError"));
        }
    }

    /** The system call is made to fail by {@code strace}, which also writes down that there was no second one. */
    @Test
    @Tag("W12")
    void aForceThatFailsEndsTheNodeAndIsNotTriedAgain() throws Exception {
        try (ProcessCluster cluster = new ProcessCluster(directory, 1).startAll()) {
            cluster.awaitLeader();
            final Path trace = directory.resolve("trace");
            try (CairnClient client = cluster.connect(Duration.ofSeconds(2))) {
                client.put(new byte[] {1}, new byte[] {2});
                final Process strace =
                        failForces(cluster.pid(1), current(cluster.data(1).resolve("wal")), trace);
                try {
                    assertThatThrownBy(() -> client.put(new byte[] {1}, new byte[] {3}))
                            .isInstanceOf(CairnException.class);
                    assertThat(cluster.awaitExit(1)).as(cluster.describe()).isEqualTo(5);
                    assertThat(strace.waitFor(60, TimeUnit.SECONDS)).isTrue();
                } finally {
                    strace.destroyForcibly();
                }
            }
            assertThat(cluster.logLines(1))
                    .filteredOn(line -> line.contains("event=fatal"))
                    .singleElement()
                    .asString()
                    .contains("thread=log-sync", "advice=\"check the disk and its space, then start the node again");
            assertThat(Files.readAllLines(trace))
                    .filteredOn(line -> line.contains("fdatasync("))
                    .singleElement()
                    .asString()
                    .contains("EIO");
            cluster.startAll();
            cluster.awaitLeader();
            try (CairnClient client = cluster.connect()) {
                assertThat(client.get(new byte[] {1}).orElseThrow().value()).isIn(new byte[] {2}, new byte[] {3});
            }
        }
    }

    /** From now on each force of this file fails; skips the test with the reason where that is not possible. */
    private static Process failForces(final long pid, final Path file, final Path trace)
            throws IOException, InterruptedException {
        final Process strace;
        try {
            strace = new ProcessBuilder(
                            "strace",
                            "-f",
                            "-P",
                            file.toRealPath().toString(),
                            "-e",
                            "trace=fdatasync,fsync,msync",
                            "-e",
                            "inject=fdatasync,fsync,msync:error=EIO",
                            "-o",
                            trace.toString(),
                            "-p",
                            Long.toString(pid))
                    .redirectErrorStream(true)
                    .start();
        } catch (IOException e) {
            throw skipped(e.toString());
        }
        final BufferedReader output = strace.inputReader();
        final StringBuilder said = new StringBuilder();
        for (String line = output.readLine(); line != null; line = output.readLine()) {
            if (line.contains(" attached")) {
                return strace;
            }
            said.append(line);
        }
        strace.waitFor();
        throw skipped(said.toString());
    }

    private static TestAbortedException skipped(final String reason) {
        System.out.println("skipped, forces cannot be made to fail here: " + reason);
        return new TestAbortedException("forces cannot be made to fail here: " + reason);
    }

    private static Path current(final Path log) throws IOException {
        try (Stream<Path> files = Files.list(log)) {
            return files.filter(file -> file.toString().endsWith(".wal"))
                    .max(Comparator.naturalOrder())
                    .orElseThrow();
        }
    }
}
