package dev.cairn.engine;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.covers.Covers;
import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.protocol.Status;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The rules of sessions by example, and the layouts as bytes; random logs against a model are testkit's. */
@Covers("T03")
final class KvStateMachineTest {
    private static final int PUT = CommandDescriptor.KIND_PUT;
    private static final int DELETE = CommandDescriptor.KIND_DELETE;
    private static final int WINDOW = SessionLimits.REPLICATED.window();

    private final List<String> results = new ArrayList<>();
    private final UnsafeBuffer buffer = new UnsafeBuffer(new byte[8192]);

    @TempDir
    Path directory;

    private RocksStore store;
    private KvStateMachine machine;
    private long index;
    private long now = 1_000;

    @BeforeEach
    void open() {
        store = RocksStore.open(RocksStoreConfig.of(directory.resolve("kv")));
        machine = new KvStateMachine(store, 64, SessionLimits.REPLICATED);
    }

    @AfterEach
    void close() {
        store.close();
    }

    @Test
    @Covers({"K05", "T04"})
    void aRepeatGetsTheStoredAnswerAndChangesNothing() {
        long session = openSession();
        assertThat(send(session, 1, 1, PUT, "k", "one")).isEqualTo("OK 2");
        assertThat(send(session, 2, 1, PUT, "k", "two")).isEqualTo("OK 3");
        assertThat(send(session, 1, 1, PUT, "k", "one")).isEqualTo("OK 2");
        assertThat(row("k")).isEqualTo("create=2 mod=3 version=2 two");
    }

    @Test
    @Covers({"K05", "T04", "X08"})
    void aRepeatInTheSameBatchIsOneToo() {
        long session = openSession();
        apply(session, 1, 1, DELETE, "k", "");
        apply(session, 2, 1, PUT, "k", "v");
        apply(session, 1, 1, DELETE, "k", "");
        assertThat(commit()).isEqualTo("NOT_FOUND 0, OK 3, NOT_FOUND 0");
        assertThat(row("k")).isEqualTo("create=3 mod=3 version=1 v");
    }

    /** Through tables too, for those bring memory near on a hint: of what comes, of what never comes, of no command. */
    @Test
    void hintsOfAnyBytesChangeNothing() {
        store.close();
        KvStore tables = new WriteBackStore(RocksStore.open(RocksStoreConfig.of(directory.resolve("kv"))), 1 << 16);
        machine = new KvStateMachine(tables, 64, SessionLimits.REPLICATED);
        long session = openSession();
        Random random = new Random(TestCommands.seed());
        UnsafeBuffer hint = new UnsafeBuffer(new byte[512]);
        for (int sequence = 1; sequence <= 500; sequence++) {
            for (int i = random.nextInt(40); i > 0; i--) {
                random.nextBytes(hint.byteArray());
                int length = random.nextBoolean()
                        ? TestCommands.block(hint, 0, session, sequence, 1, PUT, random.nextInt(100), 100)
                        : random.nextInt(hint.capacity());
                machine.expect(hint, 0, length);
            }
            assertThat(send(session, sequence, sequence, PUT, "k" + sequence % 50, "value"))
                    .isEqualTo("OK " + (sequence + 1));
        }
        tables.close();
        store = RocksStore.open(RocksStoreConfig.of(directory.resolve("kv")));
        assertThat(row("k7")).isEqualTo("create=8 mod=458 version=10 value");
    }

    @Test
    void aRepeatMayCarryAHigherLowestOpenSequence() {
        long session = openSession();
        assertThat(send(session, 1, 1, PUT, "k", "v")).isEqualTo("OK 2");
        assertThat(send(session, 5, 1, PUT, "k", "v")).isEqualTo("OK 3");
        assertThat(send(session, 5, 4, PUT, "k", "v")).isEqualTo("OK 3");
    }

    @Test
    void theSameSequenceWithOtherBytesIsRefused() {
        long session = openSession();
        send(session, 1, 1, PUT, "k", "v");
        assertThat(send(session, 1, 1, PUT, "k", "w")).isEqualTo("SEQUENCE_REUSED 0");
        assertThat(send(session, 1, 1, PUT, "kv", "")).isEqualTo("SEQUENCE_REUSED 0");
        assertThat(send(session, 1, 1, DELETE, "k", "")).isEqualTo("SEQUENCE_REUSED 0");
        assertThat(row("k")).isEqualTo("create=2 mod=2 version=1 v");
    }

    @Test
    void aLaterSequenceDoesNotDropAnEarlierAnswer() {
        long session = openSession();
        assertThat(send(session, 7, 1, PUT, "k", "seven")).isEqualTo("OK 2");
        assertThat(send(session, 5, 1, PUT, "k", "five")).isEqualTo("OK 3");
        assertThat(send(session, 7, 1, PUT, "k", "seven")).isEqualTo("OK 2");
        assertThat(send(session, 5, 1, PUT, "k", "five")).isEqualTo("OK 3");
    }

    @Test
    void belowTheLowestOpenSequenceNothingIsExecuted() {
        long session = openSession();
        send(session, 1, 1, PUT, "k", "v");
        send(session, 3, 3, PUT, "other", "v");
        assertThat(send(session, 1, 1, PUT, "k", "v")).isEqualTo("SEQUENCE_OUT_OF_WINDOW 0");
        assertThat(send(session, 2, 1, PUT, "k", "w")).isEqualTo("SEQUENCE_OUT_OF_WINDOW 0");
        assertThat(row("k")).isEqualTo("create=2 mod=2 version=1 v");
    }

    @Test
    void theWindowEndsWhereItSays() {
        long session = openSession();
        assertThat(send(session, WINDOW, 1, PUT, "k", "last")).isEqualTo("OK 2");
        assertThat(send(session, WINDOW + 1, 1, PUT, "k", "no")).isEqualTo("SEQUENCE_OUT_OF_WINDOW 0");
        assertThat(send(session, Long.MAX_VALUE, 1, PUT, "k", "no")).isEqualTo("SEQUENCE_OUT_OF_WINDOW 0");
        assertThat(send(session, WINDOW + 1, 2, PUT, "k", "yes")).isEqualTo("OK 5");
        assertThat(send(session, Long.MAX_VALUE, Long.MAX_VALUE, PUT, "k", "far"))
                .isEqualTo("OK 6");
        reload();
        assertThat(send(session, Long.MAX_VALUE, Long.MAX_VALUE, PUT, "k", "far"))
                .isEqualTo("OK 6");
    }

    @Test
    @Covers({"K06", "X02"})
    void aFullWindowSurvivesARestart() {
        long session = openSession();
        for (long sequence = 1; sequence <= WINDOW; sequence++) {
            apply(session, sequence, 1, PUT, "k" + sequence % 10, "v");
        }
        commit();
        reload();
        for (long sequence : new long[] {1, 2, 100, WINDOW - 1, WINDOW}) {
            assertThat(send(session, sequence, 1, PUT, "k" + sequence % 10, "v"))
                    .isEqualTo("OK " + (sequence + 1));
        }
    }

    @Test
    void anUnknownOrClosedSessionExecutesNothing() {
        assertThat(send(99, 1, 1, PUT, "k", "v")).isEqualTo("SESSION_EXPIRED 0");
        long session = openSession();
        send(session, 1, 1, PUT, "k", "v");
        assertThat(send(session, 2, 2, CommandDescriptor.KIND_CLOSE_SESSION, "", ""))
                .isEqualTo("OK 4");
        assertThat(send(session, 1, 1, PUT, "k", "v")).isEqualTo("SESSION_EXPIRED 0");
        assertThat(send(session, 2, 2, CommandDescriptor.KIND_CLOSE_SESSION, "", ""))
                .isEqualTo("SESSION_EXPIRED 0");
        reload();
        assertThat(machine.sessionCount()).isZero();
        assertThat(send(session, 3, 1, PUT, "k", "w")).isEqualTo("SESSION_EXPIRED 0");
        assertThat(row("k")).isEqualTo("create=3 mod=3 version=1 v");
    }

    @Test
    void beyondTheBoundTheIdlestSessionMakesRoomIfItWasIdleLongEnough() {
        machine = new KvStateMachine(store, 64, limits(2, 100));
        long first = openSession();
        now += 10;
        long second = openSession();
        now += 89;
        assertThat(send(0, 0, 0, CommandDescriptor.KIND_OPEN_SESSION, "", "")).isEqualTo("BUSY 0");
        send(first, 1, 1, PUT, "k", "v");
        now += 10;
        assertThat(send(0, 0, 0, CommandDescriptor.KIND_OPEN_SESSION, "", "")).isEqualTo("BUSY 0");
        now += 1;
        assertThat(send(0, 0, 0, CommandDescriptor.KIND_OPEN_SESSION, "", "")).isEqualTo("OK 6");
        assertThat(send(second, 1, 1, PUT, "k", "v")).isEqualTo("SESSION_EXPIRED 0");
        assertThat(send(first, 1, 1, PUT, "k", "v")).isEqualTo("OK 4");
    }

    @Test
    void amongEquallyIdleSessionsTheLowestIdGoesAlsoAfterARestart() {
        machine = new KvStateMachine(store, 64, limits(3, 0));
        long first = openSession();
        long second = openSession();
        long third = openSession();
        // Touched in another order than opened, at one and the same log time.
        send(third, 1, 1, PUT, "k", "v");
        send(first, 1, 1, PUT, "k", "v");
        send(second, 1, 1, PUT, "k", "v");
        openSession();
        assertThat(send(first, 1, 1, PUT, "k", "v")).isEqualTo("SESSION_EXPIRED 0");
        machine = new KvStateMachine(store, 64, limits(3, 0));
        openSession();
        assertThat(send(second, 1, 1, PUT, "k", "v")).isEqualTo("SESSION_EXPIRED 0");
        assertThat(send(third, 1, 1, PUT, "k", "v")).isEqualTo("OK 4");
    }

    @Test
    @Covers("K01")
    void aDeletedKeyBeginsAgain() {
        long session = openSession();
        send(session, 1, 1, PUT, "k", "1");
        send(session, 2, 1, PUT, "k", "2");
        assertThat(send(session, 3, 1, DELETE, "k", "")).isEqualTo("OK 4");
        assertThat(row("k")).isEqualTo("none");
        assertThat(send(session, 4, 1, DELETE, "k", "")).isEqualTo("NOT_FOUND 0");
        send(session, 5, 1, PUT, "k", "3");
        assertThat(row("k")).isEqualTo("create=6 mod=6 version=1 3");
    }

    @Test
    @Covers("R30")
    void logTimeNeverGoesBack() {
        openSession();
        now = 5;
        openSession();
        assertThat(machine.lastLogTimeMs()).isEqualTo(1_000);
    }

    @Test
    @Covers("R18")
    void onlyACommitMovesWhatIsPublished() {
        long session = openSession();
        long digest = machine.digest();
        apply(session, 1, 1, PUT, "k", "v");
        assertThat(machine.appliedIndex()).isEqualTo(1);
        assertThat(machine.digest()).isEqualTo(digest);
        assertThat(row("k")).isEqualTo("none");
        commit();
        assertThat(machine.appliedIndex()).isEqualTo(2);
        assertThat(machine.digest()).isNotEqualTo(digest);
        machine.commit((slot, status, revision, result, offset, length) -> {
            throw new AssertionError("nothing was applied");
        });
    }

    @Test
    void theDigestTellsIndexTermAndChecksumApart() {
        long base = Mix.digest(0, 1, 1, 1);
        assertThat(base).isEqualTo(Mix.digest(0, 1, 1, 1));
        assertThat(List.of(
                        base,
                        Mix.digest(0, 2, 1, 1),
                        Mix.digest(0, 1, 2, 1),
                        Mix.digest(0, 1, 1, 2),
                        Mix.digest(1, 1, 1, 1),
                        Mix.digest(Mix.digest(0, 1, 1, 1), 2, 1, 2),
                        Mix.digest(Mix.digest(0, 1, 1, 2), 2, 1, 1)))
                .doesNotHaveDuplicates();
        // Stored in every database: it must not change from release to release.
        assertThat(base).isEqualTo(3430535511449492561L);
    }

    @Test
    @Covers("R18")
    void aGapAStepBackOrAnUnknownEntryStopsTheNode() {
        openSession();
        assertThatThrownBy(() -> machine.apply(3, 1, 0, StateMachine.ENTRY_NOOP, 0, buffer, 0, 0, -1))
                .isInstanceOf(BrokenInvariantException.class)
                .hasMessageContaining("(3, 1) after (1, 1)");
        assertThatThrownBy(() -> machine.apply(1, 1, 0, StateMachine.ENTRY_NOOP, 0, buffer, 0, 0, -1))
                .isInstanceOf(BrokenInvariantException.class);
        assertThatThrownBy(() -> machine.apply(2, 0, 0, StateMachine.ENTRY_NOOP, 0, buffer, 0, 0, -1))
                .isInstanceOf(BrokenInvariantException.class);
        assertThatThrownBy(() -> machine.apply(2, 1, 0, 5, 0, buffer, 0, 0, -1))
                .isInstanceOf(BrokenInvariantException.class)
                .hasMessageContaining("unknown type 5");
    }

    @Test
    void aMalformedCommandStopsTheNode() {
        assertThatThrownBy(() -> machine.apply(1, 1, 0, StateMachine.ENTRY_COMMAND, 0, buffer, 0, 39, -1))
                .isInstanceOf(BrokenInvariantException.class)
                .hasMessageContaining("malformed command of 39 bytes");
    }

    @Test
    void anUnknownKindStopsTheNode() {
        long session = openSession();
        assertThatThrownBy(() -> apply(session, 1, 1, 9, "k", ""))
                .isInstanceOf(BrokenInvariantException.class)
                .hasMessageContaining("unknown command kind 9");
    }

    @Test
    void aConfigurationEntryIsKeptVerbatimWithItsIndex() {
        assertThat(machine.configuration().index()).isZero();
        buffer.putStringWithoutLengthAscii(0, "members");
        machine.apply(++index, 1, now, StateMachine.ENTRY_CONFIG, 0, buffer, 0, 7, -1);
        commit();
        DirectBuffer name = KvStateMachine.CONFIG_NAME;
        assertThat(store.get(RowKind.META, name, 0, name.capacity())).isEqualTo(15);
        assertThat(store.row().getLong(0, ByteOrder.LITTLE_ENDIAN)).isEqualTo(index);
        assertThat(store.row().getStringWithoutLengthAscii(8, 7)).isEqualTo("members");
        AppliedConfiguration found = new KvStateMachine(store).configuration();
        assertThat(found.index()).isEqualTo(index);
        assertThat(found.payload()
                        .getStringWithoutLengthAscii(0, found.payload().capacity()))
                .isEqualTo("members");
    }

    @Test
    void rowsHaveTheLayoutThatOtherReleasesRead() {
        long session = openSession();
        send(session, 2, 2, PUT, "k", "v");
        send(session, 4, 2, DELETE, "none", "");
        List<String> rows = new ArrayList<>();
        for (byte kind : new byte[] {RowKind.DATA, RowKind.SESSION, RowKind.META}) {
            store.scan(
                    kind,
                    (key, keyOffset, keyLength, value, valueOffset, valueLength) -> rows.add(
                            (char) kind + hex(key, keyOffset, keyLength) + "=" + hex(value, valueOffset, valueLength)));
        }
        assertThat(rows)
                .containsExactly(
                        "d6b=" + "0200000000000000" + "0200000000000000" + "0100000000000000" + "0000000000000000"
                                + "76",
                        "s0000000000000001="
                                + "0100" + "2800" + "02000000" + "0200000000000000" + "e803000000000000"
                                + "e803000000000000" + "00000000" + "00000000"
                                + "0000" + "0000" + "2166309c" + "0200000000000000"
                                + "0200" + "0100" + "832d3830" + "0000000000000000",
                        "m6170706c696564="
                                + "0300000000000000" + "0100000000000000" + "e803000000000000" + "d138a6e9d4aaaa75"
                                + "01000000" + "00000000");
    }

    private static SessionLimits limits(int maxSessions, long evictableIdleMs) {
        return new SessionLimits(8, maxSessions, evictableIdleMs, 1_000, 100, 1_000);
    }

    private static String hex(DirectBuffer buffer, int offset, int length) {
        byte[] bytes = new byte[length];
        buffer.getBytes(offset, bytes);
        return HexFormat.of().formatHex(bytes);
    }

    private long openSession() {
        String result = send(0, 0, 0, CommandDescriptor.KIND_OPEN_SESSION, "", "");
        assertThat(result).isEqualTo("OK " + index);
        return index;
    }

    private String send(long session, long sequence, long lowestOpen, int kind, String key, String value) {
        apply(session, sequence, lowestOpen, kind, key, value);
        return commit();
    }

    private void apply(long session, long sequence, long lowestOpen, int kind, String key, String value) {
        byte[] keyBytes = key.getBytes(StandardCharsets.US_ASCII);
        byte[] valueBytes = value.getBytes(StandardCharsets.US_ASCII);
        int length =
                TestCommands.block(buffer, 0, session, sequence, lowestOpen, kind, keyBytes.length, valueBytes.length);
        buffer.putBytes(CommandDescriptor.BLOCK_LENGTH, keyBytes);
        buffer.putBytes(CommandDescriptor.BLOCK_LENGTH + keyBytes.length, valueBytes);
        index++;
        machine.apply(index, 1, now, StateMachine.ENTRY_COMMAND, (int) index * 31, buffer, 0, length, index);
    }

    private String commit() {
        results.clear();
        machine.commit((slot, status, revision, result, offset, length) -> results.add(describe(status, revision)));
        return String.join(", ", results);
    }

    private static String describe(Status status, long revision) {
        return status + " " + revision;
    }

    private void reload() {
        store.close();
        open();
    }

    private String row(String key) {
        UnsafeBuffer keyBytes = new UnsafeBuffer(key.getBytes(StandardCharsets.US_ASCII));
        try (KvReader reader = store.newReader()) {
            int length = reader.get(keyBytes, 0, keyBytes.capacity(), false);
            if (length == KvReader.NOT_FOUND) {
                return "none";
            }
            DirectBuffer row = reader.buffer();
            return "create=" + row.getLong(ValueDescriptor.CREATE_REVISION_OFFSET, LITTLE_ENDIAN) + " mod="
                    + row.getLong(ValueDescriptor.MOD_REVISION_OFFSET, LITTLE_ENDIAN) + " version="
                    + row.getLong(ValueDescriptor.VERSION_OFFSET, LITTLE_ENDIAN) + " "
                    + row.getStringWithoutLengthAscii(
                            ValueDescriptor.HEADER_LENGTH, length - ValueDescriptor.HEADER_LENGTH);
        }
    }
}
