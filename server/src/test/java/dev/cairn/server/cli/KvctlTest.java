package dev.cairn.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.client.KeyValue;
import dev.cairn.covers.Covers;
import dev.cairn.server.cli.TinyServer.Mode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class KvctlTest {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    @Test
    @Covers({"C08", "T02"})
    void putGetAndDeleteAgainstAServer() throws IOException {
        try (TinyServer server = new TinyServer(Mode.SERVES)) {
            String at = server.address();
            assertThat(run("--servers", at, "get", "k")).isEqualTo(Kvctl.EXIT_REFUSED);
            assertThat(out()).isEmpty();
            assertThat(err()).isEqualTo("kvctl: not found: k\n");
            assertThat(run("--servers", at, "put", "k", "grün 1")).isEqualTo(Kvctl.EXIT_DONE);
            assertThat(out()).isEqualTo("revision=42\n");
            assertThat(run("--servers", at, "get", "k")).isEqualTo(Kvctl.EXIT_DONE);
            assertThat(out()).isEqualTo("grün 1\n");
            assertThat(err()).isEmpty();
            assertThat(run("get", "k", "-o", "json", "--servers", at)).isEqualTo(Kvctl.EXIT_DONE);
            assertThat(out())
                    .isEqualTo("{\"key\":\"k\",\"value\":\"grün 1\",\"create_revision\":40,\"mod_revision\":42,"
                            + "\"version\":2}\n");
            assertThat(run("--servers", at, "delete", "k")).isEqualTo(Kvctl.EXIT_DONE);
            assertThat(run("--servers", at, "delete", "k")).isEqualTo(Kvctl.EXIT_REFUSED);
        }
    }

    @Test
    @Covers("C08")
    void statusShowsEveryServerTheUnreachableToo() throws IOException {
        try (TinyServer server = new TinyServer(Mode.SERVES)) {
            String servers = server.address() + "," + unusedAddress();
            assertThat(run("--servers", servers, "--timeout", "2s", "status")).isEqualTo(Kvctl.EXIT_DONE);
            List<String> lines = out().lines().toList();
            assertThat(lines).hasSize(3);
            assertThat(lines.get(0).split(" +"))
                    .containsExactly(
                            "SERVER",
                            "ID",
                            "ROLE",
                            "TERM",
                            "COMMIT",
                            "APPLIED",
                            "LAST",
                            "DURABLE",
                            "FORCED",
                            "LEADER",
                            "LEADER-ADDRESS",
                            "LAG",
                            "LOG",
                            "STORE",
                            "SNAPSHOT");
            assertThat(lines.get(1).split(" +"))
                    .containsExactly(
                            server.address(),
                            "1",
                            "LEADER",
                            "3",
                            "10",
                            "9",
                            "12",
                            "11",
                            "yes",
                            "1",
                            server.address(),
                            "-",
                            "-",
                            "-",
                            "-");
            assertThat(lines.get(2)).contains("unreachable: ").contains("refused");
            assertThat(run("--servers", servers, "-o", "json", "status")).isEqualTo(Kvctl.EXIT_DONE);
            assertThat(out())
                    .startsWith(
                            "[{\"server\":\"" + server.address() + "\",\"reachable\":true,\"id\":1,\"role\":\"LEADER\"")
                    .contains("\"digest\":\"abc\"")
                    .contains("\"reachable\":false");
        }
    }

    @Test
    void withoutALeaderTheExitCodeIsFour() throws IOException {
        try (TinyServer follower = new TinyServer(Mode.DOES_NOT_LEAD)) {
            for (String servers : List.of(follower.address(), unusedAddress())) {
                assertThat(run("--servers", servers, "--timeout", "200ms", "put", "k", "v"))
                        .isEqualTo(Kvctl.EXIT_NO_LEADER);
                assertThat(err()).contains("no leader within 200 ms").contains("majority");
                assertThat(err().lines()).hasSize(2);
                assertThat(out()).isEmpty();
            }
            assertThat(run("--servers", unusedAddress(), "--timeout", "200ms", "status"))
                    .isEqualTo(Kvctl.EXIT_NO_LEADER);
        }
    }

    @Test
    void aWriteWithoutAnswerExitsWithThree() throws IOException {
        try (TinyServer server = new TinyServer(Mode.NEVER_ANSWERS_WRITES)) {
            assertThat(run("--servers", server.address(), "--timeout", "200ms", "put", "k", "v"))
                    .isEqualTo(Kvctl.EXIT_UNKNOWN);
            assertThat(err()).contains("outcome of a put is unknown").contains("Read the key");
            assertThat(err().lines()).hasSize(2);
        }
    }

    @Test
    void refusalsExitWithOne() throws IOException {
        try (TinyServer server = new TinyServer(Mode.SERVES);
                TinyServer other = new TinyServer(Mode.OTHER_CLUSTER)) {
            assertThat(run("--servers", server.address(), "put", "", "v")).isEqualTo(Kvctl.EXIT_REFUSED);
            assertThat(err()).contains("key of 0 bytes, allowed are 1 to 4096");
            assertThat(run("--servers", other.address(), "--cluster-id", "mine", "get", "k"))
                    .isEqualTo(Kvctl.EXIT_REFUSED);
            assertThat(err()).contains("WRONG_CLUSTER").contains("--cluster-id");
        }
    }

    @Test
    void wrongUsageExitsWithTwoAndSaysWhatIsWrong() {
        assertUsage("--servers is missing");
        assertUsage("--servers is missing", "get", "k");
        assertUsage("host:port", "--servers", "nonsense", "get", "k");
        assertUsage("'10' is no time", "--servers", "a:1", "--timeout", "10", "get", "k");
        assertUsage("requestTimeout: 0 ms", "--servers", "a:1", "--timeout", "0s", "get", "k");
        assertUsage("KEY", "--servers", "a:1", "get");
        assertUsage("frobnicate", "--servers", "a:1", "frobnicate");
        assertUsage("--sorvers", "--sorvers", "a:1", "get", "k");
        assertUsage("xml", "--servers", "a:1", "-o", "xml", "get", "k");
        assertUsage("delete-range --all", "--servers", "a:1", "delete-range", "--all");
        assertUsage("takes FROM and TO", "--servers", "a:1", "delete-range", "a");
        assertUsage("has no value", "--servers", "a:1", "mput", "a", "b", "c");
        assertUsage("--if-revision -1", "--servers", "a:1", "put", "a", "b", "--if-revision", "-1");
        assertUsage("mutually exclusive", "--servers", "a:1", "put", "a", "b", "--if-absent", "--if-value", "x");
        assertUsage("is not below", "--servers", "a:1", "list", "--from", "b", "--to", "a");
        assertUsage("--limit -1", "--servers", "a:1", "list", "--limit", "-1");
        assertUsage("not one of a scan", "--servers", "a:1", "list", "--cursor", "?");
    }

    @Test
    void aFaultOfItsOwnIsTwoLinesAndExitCode70() throws IOException {
        for (Throwable fault : List.of(new IllegalStateException("planted\nin two lines"), new OutOfMemoryError())) {
            try (TinyServer server = new TinyServer(Mode.SERVES)) {
                out.reset();
                err.reset();
                int exitCode = Kvctl.run(
                        new String[] {"--servers", server.address(), "put", "k", "-"},
                        new FailingInput(fault),
                        new PrintStream(out, true, StandardCharsets.UTF_8),
                        new PrintStream(err, true, StandardCharsets.UTF_8));
                assertThat(exitCode).isEqualTo(Kvctl.EXIT_FAULT).isEqualTo(70);
                assertThat(out()).isEmpty();
                assertThat(err().lines()).hasSize(2);
                assertThat(err())
                        .startsWith("kvctl: failed: "
                                + fault.toString().lines().findFirst().orElseThrow() + ", at ")
                        .contains(KvctlTest.class.getName())
                        .endsWith("Whether anything was written is unknown.\n");
            }
        }
    }

    /** What no user can cause, where a command meets it. */
    private static final class FailingInput extends InputStream {
        private final Throwable fault;

        FailingInput(Throwable fault) {
            this.fault = fault;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) {
            return read();
        }

        @Override
        public int read() {
            if (fault instanceof Error error) {
                throw error;
            }
            throw (RuntimeException) fault;
        }
    }

    @Test
    void helpIsNoError() {
        assertThat(run("--help")).isEqualTo(Kvctl.EXIT_DONE);
        assertThat(out())
                .contains("--servers")
                .contains("Exit codes")
                .contains("delete-prefix")
                .contains("interactive shell");
        assertThat(run("--version")).isEqualTo(Kvctl.EXIT_DONE);
        assertThat(out()).startsWith("kvctl ");
    }

    @Test
    void bytesThatAreNoTextAreBase64InJson() {
        String json = KvctlOutput.json(new KeyValue(new byte[] {'"', '\\', 1}, new byte[] {(byte) 0xff}, 1, 2, 3));
        assertThat(json).startsWith("{\"key\":\"\\\"\\\\\\u0001\",\"value_base64\":\"/w==\",");
    }

    private void assertUsage(String message, String... args) {
        assertThat(run(args)).isEqualTo(Kvctl.EXIT_USAGE);
        assertThat(err()).contains(message);
        assertThat(err().lines()).hasSize(2);
        assertThat(out()).isEmpty();
    }

    private int run(String... args) {
        out.reset();
        err.reset();
        return Kvctl.run(
                args,
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8));
    }

    private String out() {
        return out.toString(StandardCharsets.UTF_8).replace("\r\n", "\n");
    }

    private String err() {
        return err.toString(StandardCharsets.UTF_8).replace("\r\n", "\n");
    }

    private static String unusedAddress() throws IOException {
        try (ServerSocket free = new ServerSocket(0)) {
            return "127.0.0.1:" + free.getLocalPort();
        }
    }
}
