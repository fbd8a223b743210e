package dev.cairn.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.client.FakeServer.Command;
import dev.cairn.client.FakeServer.Connection;
import dev.cairn.client.FakeServer.ScanAsked;
import dev.cairn.client.FakeServer.Script;
import dev.cairn.covers.Covers;
import dev.cairn.protocol.Limits;
import dev.cairn.protocol.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Scans, counts, several keys at once, read modes and waits. The fake server sends three entries per chunk. */
@Timeout(180)
class RangeReadsTest {
    private static final byte[] VALUE = Text.bytes("value");

    private final FakeServer.Group group = new FakeServer.Group();
    private final KvModel model = new KvModel();
    private final FakeServer server = group.start(model);
    private final CairnClient client = CairnClient.builder()
            .servers(server.address())
            .requestTimeout(Duration.ofSeconds(60))
            .connect();

    @BeforeEach
    void fill() {
        for (char c = 'a'; c <= 'j'; c++) {
            client.put(Text.bytes("p" + c), VALUE);
        }
        client.put(Text.bytes("other"), VALUE);
        client.put(Text.bytes("q"), VALUE);
    }

    @AfterEach
    void stop() {
        client.close();
        group.close();
    }

    @Test
    @Covers("K02")
    void scansGiveTheirRangeInOrderInBothDirections() {
        assertThat(keys(Scan.all()))
                .containsExactly("other", "pa", "pb", "pc", "pd", "pe", "pf", "pg", "ph", "pi", "pj", "q");
        List<String> prefix = keys(Scan.prefix(Text.bytes("p")));
        assertThat(prefix).hasSize(10).startsWith("pa").endsWith("pj");
        Collections.reverse(prefix);
        assertThat(keys(Scan.prefix(Text.bytes("p")).reverse())).isEqualTo(prefix);
        assertThat(keys(Scan.range(Text.bytes("pb"), Text.bytes("pd")))).containsExactly("pb", "pc");
        assertThat(keys(Scan.all().reverse().limit(4))).containsExactly("q", "pj", "pi", "ph");
        assertThat(keys(Scan.prefix(Text.bytes("nothing")))).isEmpty();
    }

    @Test
    @Covers("X15")
    void entriesCarryValuesAndRevisionsUnlessKeysAreEnough() {
        try (ScanCursor cursor = client.scan(Scan.prefix(Text.bytes("q")))) {
            KeyValue entry = cursor.next();
            assertThat(Text.of(entry.value())).isEqualTo("value");
            assertThat(entry.modRevision()).isEqualTo(cursor.revision());
            assertThat(cursor.hasNext()).isFalse();
            assertThatThrownBy(cursor::next).isInstanceOf(NoSuchElementException.class);
        }
        try (ScanCursor cursor = client.scan(Scan.prefix(Text.bytes("q")).keysOnly())) {
            KeyValue entry = cursor.next();
            assertThat(entry.value()).isEmpty();
            assertThat(entry.version()).isEqualTo(1);
        }
    }

    @Test
    @Covers("X15")
    void aClosedScanGivesItsCursorBack() {
        try (ScanCursor cursor = client.scan(Scan.all());
                Stream<KeyValue> stream = client.scan(Scan.all()).stream()) {
            assertThat(cursor.hasNext()).isTrue();
            assertThat(stream.limit(2)).hasSize(2);
        }
        Await.until(() -> openCursors() == 0, () -> openCursors() + " cursors are open");
        ScanCursor twice = client.scan(Scan.all());
        twice.close();
        twice.close();
        assertThat(twice.hasNext()).isFalse();
        Await.until(() -> openCursors() == 0, () -> openCursors() + " cursors are open");
    }

    @Test
    @Covers("X15")
    void pagesGoOnWhereTheLastOneEnded() {
        for (Scan scan : List.of(
                Scan.prefix(Text.bytes("p")).limit(4),
                Scan.prefix(Text.bytes("p")).limit(2).reverse(),
                Scan.prefix(Text.bytes("p")))) {
            List<String> expected = keys(scan.limit(0));
            List<String> found = new ArrayList<>();
            Scan page = scan;
            for (int i = 0; i < 20; i++) {
                ScanPage result = client.scanPage(page);
                result.entries().forEach(entry -> found.add(Text.of(entry.key())));
                assertThat(result.revision()).isPositive();
                if (result.next().isEmpty()) {
                    break;
                }
                assertThat(result.entries()).isNotEmpty();
                page = scan.after(result.next().get());
            }
            assertThat(found).isEqualTo(expected);
        }
        assertThat(client.scanPage(Scan.prefix(Text.bytes("q")).limit(1)).next())
                .as("a page that ends with the range")
                .isEmpty();
        Await.until(() -> openCursors() == 0, () -> openCursors() + " cursors are open");
    }

    @Test
    void theConsumerGetsEveryChunkAndMayEndTheScan() {
        List<Integer> sizes = new ArrayList<>();
        long all = Await.result(client.scanAsync(Scan.all(), (entries, revision) -> {
            sizes.add(entries.size());
            return true;
        }));
        assertThat(all).isEqualTo(12);
        assertThat(sizes).containsExactly(3, 3, 3, 3);
        long some = Await.result(client.scanAsync(Scan.all(), (entries, revision) -> false));
        assertThat(some).isEqualTo(3);
        CompletableFuture<Long> failing = client.scanAsync(Scan.all(), (entries, revision) -> {
            throw new IllegalStateException("mine");
        });
        assertThat(Await.failure(failing, IllegalStateException.class)).hasMessage("mine");
        Await.until(() -> openCursors() == 0, () -> openCursors() + " cursors are open");
    }

    @Test
    void countsAreMadeByTheServer() {
        assertThat(client.count(Scan.all()).count()).isEqualTo(12);
        CountResult prefix = client.count(Scan.prefix(Text.bytes("p")));
        assertThat(prefix.count()).isEqualTo(10);
        assertThat(prefix.revision()).isPositive();
        assertThat(client.count(Scan.all().limit(5)).count()).isEqualTo(5);
    }

    @Test
    void aRangeThatIsNoneIsRefusedBeforeItIsSent() {
        Scan reversed = Scan.range(Text.bytes("b"), Text.bytes("a"));
        assertThat(Await.failure(client.scanPageAsync(reversed), RequestRejectedException.class)
                        .status())
                .isEqualTo(Status.BAD_REQUEST);
        Scan huge = Scan.prefix(new byte[Limits.MAX_KEY_BYTES + 1]);
        assertThat(Await.failure(client.countAsync(huge), RequestRejectedException.class)
                        .status())
                .isEqualTo(Status.KEY_TOO_LARGE);
        assertThatThrownBy(() -> Scan.all().limit(-1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Scan.all().chunkBytes(Limits.MAX_SCAN_CHUNK_BYTES + 1))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void anExpiredCursorSaysWhereToGoOn() {
        ScanCursor cursor = client.scan(Scan.all());
        assertThat(Text.of(cursor.next().key())).isEqualTo("other");
        // The second chunk is on its way already; the third one finds no cursor.
        Await.until(() -> openCursors() == 1, () -> openCursors() + " cursors are open");
        List<String> seen = new ArrayList<>();
        seen.add("other");
        ScanInterruptedException interrupted = null;
        try {
            while (cursor.hasNext()) {
                seen.add(Text.of(cursor.next().key()));
                group.run(model.cursors::clear);
            }
        } catch (ScanInterruptedException e) {
            interrupted = e;
        }
        assertThat(interrupted).isNotNull();
        assertThat(interrupted.retrySafe()).isTrue();
        seen.addAll(keys(Scan.all().after(interrupted.token().orElseThrow())));
        assertThat(seen).isEqualTo(keys(Scan.all()));
    }

    @Test
    void aResumingScanGoesOnByItself() {
        for (Scan scan : List.of(Scan.all(), Scan.all().reverse(), Scan.all().limit(8))) {
            List<String> seen = new ArrayList<>();
            try (ScanCursor cursor = client.scan(scan.resuming())) {
                while (cursor.hasNext()) {
                    seen.add(Text.of(cursor.next().key()));
                    group.run(model.cursors::clear);
                }
            }
            assertThat(seen).isEqualTo(keys(scan));
        }
    }

    @Test
    void aLostConnectionInterruptsAScanAndNothingElse() {
        ScanCursor cursor = client.scan(Scan.all());
        cursor.next();
        group.run(() -> server.script(new Script() {
            @Override
            public void onScanNext(Connection connection, long requestId, long cursorId) {
                server.script(model);
                connection.drop();
            }
        }));
        assertThatThrownBy(() -> cursor.forEachRemaining(entry -> {}))
                .isInstanceOf(ScanInterruptedException.class)
                .hasMessageContaining("cursor");
        assertThat(client.get(Text.bytes("q"))).isPresent();
    }

    @Test
    void aScanStaysWithItsServerWhenTheLeaderChanges() {
        FakeServer next = group.start(model);
        try (ScanCursor cursor = client.scan(Scan.all())) {
            cursor.next();
            server.script(new Script() {
                @Override
                public void onCommand(Connection connection, Command command) {
                    connection.error(command.requestId(), Status.NOT_LEADER, next.address());
                }

                @Override
                public void onScanNext(Connection connection, long requestId, long cursorId) {
                    model.onScanNext(connection, requestId, cursorId);
                }
            });
            client.put(Text.bytes("elsewhere"), VALUE);
            assertThat(next.connections).hasSize(1);
            int rest = 0;
            while (cursor.hasNext()) {
                cursor.next();
                rest++;
            }
            assertThat(rest).as("all of the moment at which it began").isEqualTo(11);
        }
        Await.until(() -> server.connections.isEmpty(), () -> "the old connection is kept");
    }

    @Test
    void severalKeysAreReadAtOnceInTheOrderAsked() {
        MultiGetResult read =
                client.multiGet(List.of(Text.bytes("q"), Text.bytes("none"), Text.bytes("pa"), Text.bytes("q")));
        assertThat(read.entries()).hasSize(4);
        assertThat(Text.of(read.entries().get(0).orElseThrow().key())).isEqualTo("q");
        assertThat(read.entries().get(1)).isEmpty();
        assertThat(Text.of(read.entries().get(2).orElseThrow().value())).isEqualTo("value");
        assertRejected(client.multiGetAsync(List.of()), Status.BAD_REQUEST);
        assertRejected(client.multiGetAsync(List.of(new byte[0])), Status.KEY_EMPTY);
        List<byte[]> many = Collections.nCopies(Limits.MAX_MULTI_GET_KEYS, Text.bytes("q"));
        assertThat(client.multiGet(many).entries()).hasSize(Limits.MAX_MULTI_GET_KEYS);
        List<byte[]> more = Collections.nCopies(Limits.MAX_MULTI_GET_KEYS + 1, Text.bytes("q"));
        assertRejected(client.multiGetAsync(more), Status.BAD_REQUEST);
        List<byte[]> long4 = Collections.nCopies(Limits.MAX_MULTI_GET_KEYS, new byte[Limits.MAX_KEY_BYTES]);
        assertRejected(client.multiGetAsync(long4), Status.BAD_REQUEST);
    }

    @Test
    void aResultThatIsTooLargeIsSaidSo() {
        server.script(new Script() {
            @Override
            public void onMultiGet(Connection connection, long requestId, int readMode, List<String> keys) {
                connection.error(requestId, Status.RESULT_TOO_LARGE, "");
            }
        });
        assertRejected(client.multiGetAsync(List.of(VALUE)), Status.RESULT_TOO_LARGE);
    }

    @Test
    @Covers("R22")
    void theDefaultReadModeIsLinearizableAndSwitchedAtRunTime() {
        List<Integer> modes = new ArrayList<>();
        server.script(new Script() {
            @Override
            public void onGet(Connection connection, long requestId, int readMode, long minRevision, String key) {
                modes.add(readMode);
                connection.getReplyNotFound(requestId);
            }

            @Override
            public void onScan(Connection connection, ScanAsked scan) {
                modes.add(scan.readMode());
                model.onScan(connection, scan);
            }

            @Override
            public void onMultiGet(Connection connection, long requestId, int readMode, List<String> keys) {
                modes.add(readMode);
                model.onMultiGet(connection, requestId, readMode, keys);
            }
        });
        assertThat(client.defaultReadMode()).isEqualTo(ReadMode.LINEARIZABLE);
        client.get(VALUE);
        client.defaultReadMode(ReadMode.STALE);
        client.get(VALUE);
        client.multiGet(List.of(VALUE));
        client.scanPage(Scan.all());
        client.get(VALUE, ReadMode.LINEARIZABLE);
        client.scanPage(Scan.all().readMode(ReadMode.LINEARIZABLE));
        client.defaultReadMode(ReadMode.LINEARIZABLE);
        client.get(VALUE);
        group.run(() -> assertThat(modes).containsExactly(1, 2, 2, 2, 1, 1, 1));
    }

    @Test
    @Covers("R22")
    void staleReadsNeedNoLeader() {
        server.script(new Script() {
            @Override
            public void onCommand(Connection connection, Command command) {
                connection.error(command.requestId(), Status.NOT_LEADER, "");
            }

            @Override
            public void onGet(Connection connection, long requestId, int readMode, long minRevision, String key) {
                if (readMode == 2) {
                    model.onGet(connection, requestId, readMode, minRevision, key);
                } else {
                    connection.error(requestId, Status.NOT_LEADER, "");
                }
            }
        });
        CompletableFuture<PutResult> write = client.putAsync(Text.bytes("w"), VALUE);
        for (int i = 0; i < 10; i++) {
            assertThat(client.get(Text.bytes("q"), ReadMode.STALE)).isPresent();
        }
        assertThat(write).isNotDone();
        server.script(model);
        Await.result(write);
    }

    @Test
    @Covers("R21")
    void waitAppliedReturnsWhenTheServerIsThereOrTheTimeIsUp() {
        long revision = client.put(VALUE, VALUE).revision();
        assertThat(client.waitApplied(revision, Duration.ofSeconds(5))).isGreaterThanOrEqualTo(revision);
        long startNs = System.nanoTime();
        CompletableFuture<Long> never = client.waitAppliedAsync(revision + 1000, Duration.ofMillis(200));
        // Others are not held up by it, nor it by them.
        assertThat(client.get(VALUE)).isPresent();
        RequestTimeoutException late = Await.failure(never, RequestTimeoutException.class);
        assertThat(System.nanoTime() - startNs).isBetween(190_000_000L, 2_000_000_000L);
        assertThat(late).hasMessageContaining("wait until applied");
        assertThatThrownBy(() -> client.waitApplied(-1, Duration.ofSeconds(1)))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> client.waitApplied(1, Duration.ofHours(1)))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void nodeDetailsComeFromEveryServer() {
        FakeServer other = group.start(new Script() {
            @Override
            public void onNodeDetails(Connection connection, long requestId) {
                connection.error(requestId, Status.INTERNAL, "");
            }
        });
        try (CairnClient both = CairnClient.builder()
                .servers(List.of(server.address(), other.address()))
                .connect()) {
            List<ServerDetails> details = both.nodeDetails();
            assertThat(details.get(0).json()).isEqualTo("{\"nodeId\":1}");
            assertThat(details.get(1).json()).isNull();
            assertThat(details.get(1).problem()).contains("INTERNAL");
        }
    }

    private List<String> keys(Scan scan) {
        List<String> keys = new ArrayList<>();
        try (Stream<KeyValue> entries = client.scan(scan).stream()) {
            entries.forEach(entry -> keys.add(Text.of(entry.key())));
        }
        return keys;
    }

    private int openCursors() {
        int[] count = new int[1];
        group.run(() -> count[0] = model.cursors.size());
        return count[0];
    }

    private static void assertRejected(CompletableFuture<?> call, Status status) {
        assertThat(Await.failure(call, RequestRejectedException.class).status()).isEqualTo(status);
    }
}
