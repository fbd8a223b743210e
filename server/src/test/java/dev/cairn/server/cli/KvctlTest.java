package dev.cairn.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.client.KeyValue;
import dev.cairn.covers.Covers;
import dev.cairn.server.cli.TinyServer.Mode;
import java.io.IOException;
import java.io.InputStream;
import java.net.ServerSocket;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class KvctlTest {
    private final KvctlConsole console = new KvctlConsole();

    @Test
    @Covers({"C08", "T02"})
    void putGetAndDeleteAgainstAServer() throws IOException {
        try (TinyServer server = new TinyServer(Mode.SERVES)) {
            String at = server.address();
            assertThat(console.run("--servers", at, "get", "k")).isEqualTo(Kvctl.EXIT_REFUSED);
            assertThat(console.out()).isEmpty();
            assertThat(console.err()).isEqualTo("kvctl: not found: k\n");
            assertThat(console.run("--servers", at, "put", "k", "grün 1")).isEqualTo(Kvctl.EXIT_DONE);
            assertThat(console.out()).isEqualTo("revision=42\n");
            assertThat(console.run("--servers", at, "get", "k")).isEqualTo(Kvctl.EXIT_DONE);
            assertThat(console.out()).isEqualTo("grün 1\n");
            assertThat(console.err()).isEmpty();
            assertThat(console.run("get", "k", "-o", "json", "--servers", at)).isEqualTo(Kvctl.EXIT_DONE);
            assertThat(console.out())
                    .isEqualTo("{\"key\":\"k\",\"value\":\"grün 1\",\"create_revision\":40,\"mod_revision\":42,"
                            + "\"version\":2}\n");
            assertThat(console.run("--servers", at, "delete", "k")).isEqualTo(Kvctl.EXIT_DONE);
            assertThat(console.run("--servers", at, "delete", "k")).isEqualTo(Kvctl.EXIT_REFUSED);
        }
    }

    @Test
    @Covers("C08")
    void statusShowsEveryServerTheUnreachableToo() throws IOException {
        try (TinyServer server = new TinyServer(Mode.SERVES)) {
            String servers = server.address() + "," + unusedAddress();
            assertThat(console.run("--servers", servers, "--timeout", "2s", "status"))
                    .isEqualTo(Kvctl.EXIT_DONE);
            List<String> lines = console.out().lines().toList();
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
            assertThat(console.run("--servers", servers, "-o", "json", "status"))
                    .isEqualTo(Kvctl.EXIT_DONE);
            assertThat(console.out())
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
                assertThat(console.run("--servers", servers, "--timeout", "200ms", "put", "k", "v"))
                        .isEqualTo(Kvctl.EXIT_NO_LEADER);
                assertThat(console.err()).contains("no leader within 200 ms").contains("majority");
                assertThat(console.err().lines()).hasSize(2);
                assertThat(console.out()).isEmpty();
            }
            assertThat(console.run("--servers", unusedAddress(), "--timeout", "200ms", "status"))
                    .isEqualTo(Kvctl.EXIT_NO_LEADER);
        }
    }

    @Test
    void aWriteWithoutAnswerExitsWithThree() throws IOException {
        try (TinyServer server = new TinyServer(Mode.NEVER_ANSWERS_WRITES)) {
            assertThat(console.run("--servers", server.address(), "--timeout", "200ms", "put", "k", "v"))
                    .isEqualTo(Kvctl.EXIT_UNKNOWN);
            assertThat(console.err()).contains("outcome of a put is unknown").contains("Read the key");
            assertThat(console.err().lines()).hasSize(2);
        }
    }

    @Test
    void refusalsExitWithOne() throws IOException {
        try (TinyServer server = new TinyServer(Mode.SERVES);
                TinyServer other = new TinyServer(Mode.OTHER_CLUSTER)) {
            assertThat(console.run("--servers", server.address(), "put", "", "v"))
                    .isEqualTo(Kvctl.EXIT_REFUSED);
            assertThat(console.err()).contains("key of 0 bytes, allowed are 1 to 4096");
            assertThat(console.run("--servers", other.address(), "--cluster-id", "mine", "get", "k"))
                    .isEqualTo(Kvctl.EXIT_REFUSED);
            assertThat(console.err()).contains("WRONG_CLUSTER").contains("--cluster-id");
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
                int exitCode = console.run(new FailingInput(fault), "--servers", server.address(), "put", "k", "-");
                assertThat(exitCode).isEqualTo(Kvctl.EXIT_FAULT).isEqualTo(70);
                assertThat(console.out()).isEmpty();
                assertThat(console.err().lines()).hasSize(2);
                assertThat(console.err())
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
        assertThat(console.run("--help")).isEqualTo(Kvctl.EXIT_DONE);
        assertThat(console.out())
                .contains("--servers")
                .contains("Exit codes")
                .contains("delete-prefix")
                .contains("interactive shell");
        assertThat(console.run("--version")).isEqualTo(Kvctl.EXIT_DONE);
        assertThat(console.out()).startsWith("kvctl ");
    }

    @Test
    void bytesThatAreNoTextAreBase64InJson() {
        String json = KvctlOutput.json(new KeyValue(new byte[] {'"', '\\', 1}, new byte[] {(byte) 0xff}, 1, 2, 3));
        assertThat(json).startsWith("{\"key\":\"\\\"\\\\\\u0001\",\"value_base64\":\"/w==\",");
    }

    private void assertUsage(String message, String... args) {
        assertThat(console.run(args)).isEqualTo(Kvctl.EXIT_USAGE);
        assertThat(console.err()).contains(message);
        assertThat(console.err().lines()).hasSize(2);
        assertThat(console.out()).isEmpty();
    }

    private static String unusedAddress() throws IOException {
        try (ServerSocket free = new ServerSocket(0)) {
            return "127.0.0.1:" + free.getLocalPort();
        }
    }
}
