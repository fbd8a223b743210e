package dev.cairn.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.client.CairnClient;
import dev.cairn.protocol.Limits;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code kvctl} against a node that runs. Each test uses keys of its own. */
@Timeout(60)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Tag("C08")
class KvctlNodeTest {
    private final KvctlConsole console = new KvctlConsole();
    private OneNode node;
    private String server;

    @BeforeAll
    void startNode(@TempDir Path dir) throws IOException {
        node = new OneNode("kvctl", dir.resolve("data"));
        server = node.address();
    }

    @AfterAll
    void stopNode() {
        node.close();
    }

    @Test
    @Tag("K01")
    @Tag("K03")
    void conditionsDecideAndPreviousEntriesArePrinted() {
        ok("put", "c", "1", "--if-absent");
        long revision = revision();
        refused("put", "c", "2", "--if-absent", "--prev");
        assertThat(console.err()).isEqualTo("kvctl: not written: the condition on 'c' does not hold\n");
        assertThat(console.out()).isEqualTo("current: 1  (revision " + revision + ", version 1)\n");
        ok("put", "c", "2", "--if-revision", Long.toString(revision), "--prev");
        assertThat(console.out()).contains("previous: 1  (revision " + revision + ", version 1)\n");
        ok("cas", "c", "2", "3");
        refused("cas", "c", "2", "4");
        ok("getset", "c", "5");
        assertThat(console.out()).isEqualTo("3\n");
        refused("delete", "c", "--if-value", "4");
        ok("-o", "json", "delete", "c", "--if-value", "5", "--prev");
        assertThat(console.out()).startsWith("{\"applied\":true,\"revision\":").contains("\"value\":\"5\"");
        refused("get", "c");
        refused("delete", "c");
    }

    @Test
    @Tag("R28")
    void membersAreListedAddedAndRemoved() {
        ok("member", "list");
        assertThat(console.out().lines().toList().get(1)).startsWith("1     leader  ok ");
        refused("member", "promote", "1");
        assertThat(console.err()).startsWith("kvctl: change of membership: node 1 is a voter already\n");
        refused("member", "remove", "1");
        assertThat(console.err()).contains("the last voter cannot be removed");
        refused("member", "replace", "2", "3", "127.0.0.1:1:2");
        assertThat(console.err()).contains("node 2 is no voter, so it cannot be replaced");
        refused("member", "add", "2", "somewhere");
        assertThat(console.err()).contains("'somewhere' is no address of node 2");
        ok("member", "add", "--learner", "2", "127.0.0.1:1:2");
        assertThat(console.out()).contains("2     learner  unreachable");
        refused("member", "promote", "2");
        assertThat(console.err()).contains("node 2 cannot be reached");
        refused("member", "add", "3", "127.0.0.1:3:4", "--wait", "100ms");
        assertThat(console.err()).contains("node 3 has no vote yet: it cannot be reached at 127.0.0.1:3:4");
        ok("-o", "json", "member", "remove", "3");
        ok("-o", "json", "member", "remove", "2");
        assertThat(console.out())
                .contains("\"changing\":false,\"leader\":1,\"members\":[{\"id\":1,\"voter\":true,\"outgoing\":false,")
                .doesNotContain("\"id\":2");
        assertThat(run("member")).isEqualTo(Kvctl.EXIT_USAGE);
    }

    @Test
    void countersCount() {
        ok("incr", "n");
        assertThat(console.out()).isEqualTo("1\n");
        ok("incr", "n", "41");
        ok("decr", "n", "2");
        ok("add", "n", "-50");
        assertThat(console.out()).isEqualTo("-10\n");
        ok("put", "text", "x");
        refused("incr", "text");
        assertThat(console.err().lines()).hasSize(2);
    }

    @Test
    @Tag("K04")
    void severalKeysAtOnce() {
        ok("mput", "m1", "a", "m2", "b", "m3", "c");
        ok("get", "m1", "m3");
        assertThat(console.out()).isEqualTo("m1\ta\nm3\tc\n");
        refused("get", "m1", "m-none", "--stale");
        assertThat(console.out()).isEqualTo("m1\ta\n");
        assertThat(console.err()).isEqualTo("kvctl: not found: m-none\n");
        input("""
                {"key":"m4","value":"d\\u00e9"}

                {"key_base64":"bTU=","value_base64":"/w=="}
                {"key":"m1","delete":true}
                """);
        assertThat(run("mput")).isEqualTo(Kvctl.EXIT_DONE);
        assertThat(console.out()).contains("keys=3 batches=1");
        ok("list", "m");
        assertThat(console.out()).isEqualTo("m2\tb\nm3\tc\nm4\tdé\nm5\t\\xff\n");
        ok("-o", "json", "get", "m5");
        assertThat(console.out()).contains("\"value_base64\":\"/w==\"");
        input("""
                {"key":"m6","value":"x"}
                nonsense
                """);
        assertThat(run("mput")).isEqualTo(Kvctl.EXIT_USAGE);
        assertThat(console.err()).contains("line 2: no JSON").contains("0 keys");
        refused("get", "m6");
    }

    @Test
    @Tag("K02")
    @Tag("X15")
    @Tag("C09")
    void rangesAreListedCountedAndRemoved(@TempDir Path dir) throws IOException {
        ok("mput", "r/1", "a", "r/2", "b", "r/3", "c", "r0", "d");
        ok("list", "r/", "--reverse", "--keys-only");
        assertThat(console.out()).isEqualTo("r/3\nr/2\nr/1\n");
        ok("list", "r/", "--limit", "2");
        assertThat(console.out()).isEqualTo("r/1\ta\nr/2\tb\n");
        assertThat(console.err()).startsWith("more: --cursor ");
        String cursor = console.err().substring("more: --cursor ".length()).strip();
        ok("scan", "r/", "--limit", "2", "--cursor", cursor);
        assertThat(console.out()).isEqualTo("r/3\tc\n");
        assertThat(console.err()).isEmpty();
        ok("list", "--from", "r/2", "--to", "r0", "-o", "json");
        assertThat(console.out().lines()).hasSize(2).allMatch(line -> line.startsWith("{\"key\":\"r/"));
        ok("count", "r/");
        assertThat(console.out()).isEqualTo("3\n");
        ok("list", "r/", "--count-only");
        assertThat(console.out()).isEqualTo("3\n");
        Path file = dir.resolve("keys.txt");
        ok("list", "r/", "--file", file.toString());
        assertThat(console.out()).isEqualTo("keys=3\n");
        assertThat(Files.readString(file)).isEqualTo("r/1\ta\nr/2\tb\nr/3\tc\n");
        assertThat(run("list", "r/", "--file", file.toString())).isEqualTo(Kvctl.EXIT_USAGE);
        ok("delete-prefix", "r/");
        ok("count", "--from", "r/", "--to", "r1");
        assertThat(console.out()).isEqualTo("1\n");
        ok("delete-range", "r0", "r1");
        ok("count", "--from", "r/", "--to", "r1");
        assertThat(console.out()).isEqualTo("0\n");
    }

    @Test
    void aCursorOfAnotherRangeIsRefused() {
        ok("mput", "ca/1", "a", "ca/2", "b", "cb/1", "c");
        ok("list", "ca/", "--limit", "1");
        String cursor = console.err().substring("more: --cursor ".length()).strip();
        assertThat(run("list", "cb/", "--cursor", cursor)).isEqualTo(Kvctl.EXIT_USAGE);
        assertThat(console.out()).isEmpty();
        assertThat(console.err()).contains("outside of this range");
    }

    @Test
    void linesThatFailTellWhatStandsOfThoseBefore() {
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < Limits.MAX_BATCH_ITEMS; i++) {
            lines.append("{\"key\":\"t/").append(i).append("\",\"value\":\"\"}\n");
        }
        String twice = "{\"key\":\"t/x\",\"value\":\"\"}\n";
        input(lines + twice + twice);
        refused("mput");
        assertThat(console.out()).isEmpty();
        assertThat(console.err()).contains("the batch of lines 16385 to 16386: ");
        assertThat(console.err()).endsWith("16384 keys of lines 1 to 16384 were written; nothing behind them.\n");
        ok("count", "t/");
        assertThat(console.out()).isEqualTo("16384\n");
    }

    @Test
    void inputThatIsTooLongOrNoTextIsRefusedInTwoLines() {
        kvctlInput = new byte[Limits.MAX_VALUE_BYTES + 1];
        assertUsage("longer than a value may be", "put", "long", "-");
        kvctlInput = new byte[Limits.MAX_VALUE_BYTES];
        ok("put", "long", "-");
        kvctlInput = new byte[WriteCommands.MAX_LINE_BYTES + 1];
        assertUsage("line 1: longer than", "mput");
        kvctlInput = new byte[] {'"', (byte) 0xff, '"'};
        assertUsage("no UTF-8", "mput");
        assertUsage("no UTF-8");
        input("{\"key\":\"\\ud800\",\"value\":\"\"}");
        assertUsage("half of a surrogate pair", "mput");
        assertUsage("is not below TO", "delete-range", "b", "a");
        assertUsage("REVISION -5 is below 0", "wait-applied", "-5");
        assertUsage("is no UTF-8", "put", "\uFFFD", "1");
    }

    @Test
    void whatIsWrongWithASnapshotsFileIsToldWithItsName(@TempDir Path dir) throws IOException {
        // A node that has just started has nothing to save.
        ok("put", "key", "value");
        refused("snapshot", "status", dir.toString());
        assertThat(console.err()).contains(dir + ": ");
        Path nowhere = dir.resolve("no/such/backup");
        refused("snapshot", "save", nowhere.toString());
        assertThat(console.err()).contains("no/such/backup", "does not exist");
        Path file = dir.resolve("backup");
        ok("snapshot", "save", file.toString());
        for (String name : List.of("x".repeat(64), "a\u0001b")) {
            Path data = dir.resolve("data");
            assertUsage(
                    "needed is 1 to 63 printable characters",
                    "--cluster-id",
                    name,
                    "snapshot",
                    "restore",
                    file.toString(),
                    "--data-dir",
                    data.toString(),
                    "--node-id",
                    "1");
            assertThat(data).doesNotExist();
        }
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length - 1] ^= 1;
        Files.write(file, bytes);
        refused("snapshot", "status", file.toString());
        assertThat(console.err()).contains("its last").doesNotContain("checksum");
    }

    private void assertUsage(String problem, String... args) {
        assertThat(run(args)).as(console.err()).isEqualTo(Kvctl.EXIT_USAGE);
        assertThat(console.err()).contains(problem);
        assertThat(console.err().lines()).hasSize(2);
    }

    @Test
    void anInputThatFailsIsToldInTwoLines() {
        InputStream directory = new InputStream() {
            @Override
            public int read() throws IOException {
                throw new IOException("Is a directory");
            }

            @Override
            public int read(byte[] bytes, int offset, int length) throws IOException {
                throw new IOException("Is a directory");
            }
        };
        for (String[] args : List.of(
                new String[] {"--servers", server, "put", "k", "-"}, new String[] {"--servers", server, "mput"})) {
            assertThat(console.run(directory, args)).isNotEqualTo(Kvctl.EXIT_DONE);
            assertThat(console.err().lines()).hasSizeLessThanOrEqualTo(2);
            assertThat(console.err()).startsWith("kvctl: ").contains("Is a directory");
        }
    }

    @Test
    void bytesThatAreNoTextPassThrough() {
        byte[] bytes = {0, (byte) 0xff, '\n', 7};
        kvctlInput = bytes;
        assertThat(run("put", "raw", "-")).isEqualTo(Kvctl.EXIT_DONE);
        ok("get", "raw");
        assertThat(console.bytes()).isEqualTo(new byte[] {0, (byte) 0xff, '\n', 7, '\n'});
    }

    @Test
    @Tag("R21")
    void waitingForARevisionEndsOrTimesOut() {
        ok("put", "w", "1");
        ok("wait-applied", Long.toString(revision()));
        assertThat(console.out()).startsWith("applied=");
        assertThat(run("wait-applied", "999999999", "--for", "100ms")).isEqualTo(Kvctl.EXIT_NO_LEADER);
        assertThat(console.err().lines()).hasSize(2);
    }

    @Test
    @Tag("C06")
    void nodesTellAboutThemselves() {
        ok("put", "s", "1");
        ok("status");
        List<String> cells = List.of(console.out().lines().toList().get(1).split(" +"));
        assertThat(cells).hasSize(15).contains("LEADER", "yes");
        assertThat(cells.get(12)).matches("[0-9]+(B|KiB|MiB)");
        ok("raft-status");
        Map<String, ?> details = Json.parseObject(console.out().strip());
        assertThat(details.get("state")).isEqualTo("leader");
        assertThat(details.get("node_id")).isEqualTo(1L);
        assertThat((Long) details.get("lastApplied")).isPositive();
        assertThat(details)
                .containsKeys(
                        "term",
                        "commitIndex",
                        "logLen",
                        "lastLogIndex",
                        "lastLogTerm",
                        "leaderId",
                        "leaderAddr",
                        "peers",
                        "logBaseIndex",
                        "logBaseTerm",
                        "log_bytes",
                        "store_bytes",
                        "snapshot_index");
        ok("health");
        assertThat(console.out()).isEqualTo("healthy: node 1 leads, 1 of 1 servers answer\n");
        ok("watch-leader", "--changes", "1");
        assertThat(console.out()).startsWith("leader=1 term=");
    }

    @Test
    @Tag("C09")
    @Tag("R22")
    void theShellRunsTheSameCommandsOverOneClient() {
        input("""
                # a comment
                put sh "two words"
                get sh
                set read stale
                get sh --linearizable
                get none
                set read sometimes
                help
                get 'unclosed
                -o json get sh
                quit
                put sh never
                """);
        assertThat(run()).isEqualTo(Kvctl.EXIT_DONE);
        assertThat(console.out())
                .contains("revision=")
                .contains("two words\nreads are stale from now on\ntwo words\n")
                .contains("\"value\":\"two words\"")
                .contains("delete-prefix")
                .contains("set read linearizable|follower|lease|stale");
        assertThat(console.err())
                .contains("kvctl: not found: none")
                .contains("known is: set read linearizable")
                .contains("a quote is not closed");
        ok("get", "sh");
        assertThat(console.out()).isEqualTo("two words\n");
    }

    @Test
    @Tag("C09")
    void theShellCompletesCommandsAndOptions() {
        Kvctl kvctl = new Kvctl(System.in, System.out, System.err);
        try (CairnClient client = CairnClient.builder().servers(server).connect()) {
            Shell shell = new Shell(kvctl, client, server);
            assertThat(shell.complete(List.of("de"), 0, 2)).contains("delete", "delete-prefix", "delete-range");
            assertThat(shell.complete(List.of("q"), 0, 1)).containsExactly("quit");
            assertThat(shell.complete(List.of("put", "k", "v", "--if-"), 3, 5))
                    .contains("--if-revision", "--if-value", "--if-absent");
        }
    }

    private byte[] kvctlInput = new byte[0];

    private void input(String text) {
        kvctlInput = text.getBytes(StandardCharsets.UTF_8);
    }

    private void ok(String... args) {
        assertThat(run(args)).as(String.join(" ", args) + ": " + console.err()).isEqualTo(Kvctl.EXIT_DONE);
    }

    private void refused(String... args) {
        assertThat(run(args)).as(String.join(" ", args) + ": " + console.err()).isEqualTo(Kvctl.EXIT_REFUSED);
    }

    private long revision() {
        String line = console.out().lines().findFirst().orElseThrow();
        return Long.parseLong(line.substring("revision=".length()));
    }

    private int run(String... args) {
        String[] all = new String[args.length + 2];
        all[0] = "--servers";
        all[1] = server;
        System.arraycopy(args, 0, all, 2, args.length);
        return console.run(new ByteArrayInputStream(kvctlInput), all);
    }
}
