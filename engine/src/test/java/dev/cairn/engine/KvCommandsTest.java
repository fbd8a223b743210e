package dev.cairn.engine;

import static dev.cairn.engine.TestCommands.batch;
import static dev.cairn.engine.TestCommands.bytes;
import static dev.cairn.engine.TestCommands.number;
import static java.nio.ByteOrder.BIG_ENDIAN;
import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.covers.Covers;
import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.protocol.ResolvedAnswerDescriptor;
import dev.cairn.protocol.ResultEntryDescriptor;
import dev.cairn.protocol.Status;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every kind of command by example, alone and behind others in the open batch; random logs against a model are testkit's. */
final class KvCommandsTest {
    private static final int PUT = CommandDescriptor.KIND_PUT;
    private static final int DELETE = CommandDescriptor.KIND_DELETE;
    private static final int ADD = CommandDescriptor.KIND_ADD;
    private static final int BATCH = CommandDescriptor.KIND_PUT_BATCH;
    private static final int RANGE = CommandDescriptor.KIND_DELETE_RANGE;
    private static final int RESOLVE = CommandDescriptor.KIND_RESOLVE;
    private static final int WANT = CommandDescriptor.FLAG_WANT_PREVIOUS;
    private static final int IF_REVISION = CommandDescriptor.FLAG_IF_REVISION;
    private static final int IF_VALUE = CommandDescriptor.FLAG_IF_VALUE;
    private static final byte[] NONE = new byte[0];

    /** Window 64, 3 sessions, evictable after 100 ms, expired after 1000; 100 bytes of results per session, 250 in all. */
    private static final SessionLimits LIMITS = new SessionLimits(64, 3, 100, 1_000, 100, 250);

    @TempDir
    Path directory;

    private RocksStore store;
    private KvStateMachine machine;
    private long index;
    private long now = 5_000;
    private long session;
    private long sequence;
    private long lowestOpen = 1;
    private byte[] lastSent = NONE;

    @BeforeEach
    void open() {
        store = RocksStore.open(RocksStoreConfig.of(directory.resolve("kv")));
        machine = new KvStateMachine(store, 64, LIMITS);
        session = openSession("");
    }

    @AfterEach
    void close() {
        store.close();
    }

    @Test
    @Tag("K03")
    void aPutIfTheRevisionIsTheExpectedOne() {
        assertThat(one(PUT, IF_REVISION, "k", 1, "", "no")).isEqualTo("CONDITION_FAILED 0");
        assertThat(one(PUT, IF_REVISION, "k", 0, "", "new")).isEqualTo("OK 3");
        assertThat(one(PUT, IF_REVISION, "k", 0, "", "again")).isEqualTo("CONDITION_FAILED 0");
        assertThat(one(PUT, IF_REVISION, "k", 3, "", "next")).isEqualTo("OK 5");
        assertThat(one(PUT, IF_REVISION, "k", 3, "", "late")).isEqualTo("CONDITION_FAILED 0");
        assertThat(row("k")).isEqualTo("create=3 mod=5 version=2 next");
        assertThat(one(DELETE, IF_REVISION, "k", 3, "", "")).isEqualTo("CONDITION_FAILED 0");
        assertThat(one(DELETE, IF_REVISION, "k", 5, "", "")).isEqualTo("OK 8");
        assertThat(one(DELETE, IF_REVISION, "k", 5, "", "")).isEqualTo("CONDITION_FAILED 0");
        assertThat(one(DELETE, IF_REVISION, "k", 0, "", "")).isEqualTo("NOT_FOUND 0");
    }

    @Test
    @Tag("K03")
    void aPutIfTheValueIsTheExpectedOne() {
        assertThat(one(PUT, IF_VALUE, "k", 0, "", "no")).isEqualTo("CONDITION_FAILED 0");
        send(PUT, "k", "one");
        assertThat(one(PUT, IF_VALUE, "k", 0, "on", "two")).isEqualTo("CONDITION_FAILED 0");
        assertThat(one(PUT, IF_VALUE, "k", 0, "onf", "two")).isEqualTo("CONDITION_FAILED 0");
        assertThat(one(PUT, IF_VALUE, "k", 0, "one", "two")).isEqualTo("OK 6");
        assertThat(one(PUT, IF_VALUE, "k", 0, "two", "")).isEqualTo("OK 7");
        assertThat(one(PUT, IF_VALUE, "k", 0, "", "four")).isEqualTo("OK 8");
        assertThat(one(DELETE, IF_VALUE, "k", 0, "x", "")).isEqualTo("CONDITION_FAILED 0");
        assertThat(one(DELETE, IF_VALUE, "k", 0, "four", "")).isEqualTo("OK 10");
        assertThat(row("k")).isEqualTo("none");
    }

    @Test
    void thePreviousEntryComesWithTheResult() {
        assertThat(one(PUT, WANT, "k", 0, "", "one")).isEqualTo("OK 2");
        assertThat(one(PUT, WANT, "k", 0, "", "two")).isEqualTo("OK 3 (create=2 mod=2 version=1 one)");
        assertThat(one(PUT, WANT | IF_REVISION, "k", 9, "", "no"))
                .isEqualTo("CONDITION_FAILED 0 (create=2 mod=3 version=2 two)");
        assertThat(one(PUT, WANT | IF_VALUE, "k", 0, "no", "no"))
                .isEqualTo("CONDITION_FAILED 0 (create=2 mod=3 version=2 two)");
        lowestOpen = sequence + 1;
        assertThat(one(DELETE, WANT, "k", 0, "", "")).isEqualTo("OK 6 (create=2 mod=3 version=2 two)");
        assertThat(one(DELETE, WANT, "k", 0, "", "")).isEqualTo("NOT_FOUND 0");
        assertThat(one(PUT, WANT | IF_VALUE, "k", 0, "no", "no")).isEqualTo("CONDITION_FAILED 0");
        assertThat(repeat()).isEqualTo("CONDITION_FAILED 0");
    }

    @Test
    @Tag("K05")
    void aRepeatGetsTheResultBytesTooAlsoAfterARestart() {
        send(PUT, "k", "one");
        assertThat(one(PUT, WANT, "k", 0, "", "two")).isEqualTo("OK 3 (create=2 mod=2 version=1 one)");
        byte[] first = lastSent;
        send(PUT, "k", "three");
        assertThat(repeat(first)).isEqualTo("OK 3 (create=2 mod=2 version=1 one)");
        reload();
        assertThat(repeat(first)).isEqualTo("OK 3 (create=2 mod=2 version=1 one)");
        assertThat(row("k")).isEqualTo("create=2 mod=4 version=3 three");
    }

    @Test
    void whatTheOpenBatchWroteIsSeenByItsLaterCommands() {
        send(PUT, "k", "old");
        apply(PUT, 0, "k", 0, "", bytes("new"));
        apply(PUT, WANT, "k", 0, "", bytes("newer"));
        apply(PUT, IF_VALUE, "k", 0, "newer", bytes("5"));
        apply(ADD, 0, "k", 0, "", number(2));
        apply(ADD, 0, "k", 0, "", number(3));
        apply(DELETE, WANT, "k", 0, "", NONE);
        apply(DELETE, WANT, "k", 0, "", NONE);
        apply(ADD, 0, "k", 0, "", number(-1));
        assertThat(commit())
                .isEqualTo("OK 3, OK 4 (create=2 mod=3 version=2 new), OK 5, OK 6 [7], OK 7 [10],"
                        + " OK 8 (create=2 mod=7 version=6 10), NOT_FOUND 0, OK 10 [-1]");
        assertThat(row("k")).isEqualTo("create=10 mod=10 version=1 -1");
    }

    @Test
    void aKeyWithoutASlotIsSeenInTheOpenBatchToo() {
        String key = "k".repeat(HeaderCache.MAX_KEY_BYTES + 1);
        apply(PUT, 0, key, 0, "", bytes("1"));
        apply(ADD, 0, key, 0, "", number(1));
        apply(PUT, WANT, key, 0, "", bytes("x"));
        apply(RANGE, 0, "", 0, "", NONE);
        apply(PUT, WANT, key, 0, "", bytes("y"));
        assertThat(commit()).isEqualTo("OK 2, OK 3 [2], OK 4 (create=2 mod=3 version=2 2), OK 5, OK 6");
    }

    @Test
    void countersCountAndRefuseWhatIsNoNumber() {
        assertThat(add("c", 5)).isEqualTo("OK 2 [5]");
        assertThat(add("c", -12)).isEqualTo("OK 3 [-7]");
        assertThat(add("c", 0)).isEqualTo("OK 4 [-7]");
        assertThat(row("c")).isEqualTo("create=2 mod=4 version=3 -7");
        assertThat(repeat()).isEqualTo("OK 4 [-7]");
        lowestOpen = sequence + 1;
        for (String text : new String[] {
            "",
            "-",
            "+1",
            " 1",
            "1 ",
            "1.0",
            "0x1",
            "\u0661",
            "9223372036854775808",
            "-9223372036854775809",
            "99999999999999999999"
        }) {
            send(PUT, "c", text);
            assertThat(add("c", 1)).as("'%s'", text).isEqualTo("NOT_A_NUMBER 0");
            lowestOpen = sequence + 1;
        }
        send(PUT, "c", "007");
        assertThat(add("c", 1)).isEqualTo("OK " + index + " [8]");
        send(PUT, "c", "-0");
        assertThat(add("c", 0)).isEqualTo("OK " + index + " [0]");
        assertThat(row("c")).endsWith(" 0");
    }

    @Test
    void countersStopAtTheEndOfTheRange() {
        assertThat(add("c", Long.MAX_VALUE)).isEqualTo("OK 2 [9223372036854775807]");
        assertThat(add("c", 1)).isEqualTo("NUMBER_OVERFLOW 0");
        assertThat(add("c", Long.MIN_VALUE)).isEqualTo("OK 4 [-1]");
        assertThat(add("c", Long.MIN_VALUE)).isEqualTo("NUMBER_OVERFLOW 0");
        assertThat(add("c", -Long.MAX_VALUE)).isEqualTo("OK 6 [-9223372036854775808]");
        assertThat(add("c", -1)).isEqualTo("NUMBER_OVERFLOW 0");
        assertThat(row("c")).isEqualTo("create=2 mod=6 version=3 -9223372036854775808");
    }

    @Test
    @Tag("K04")
    @Covers("X08")
    void aBatchIsOneRevision() {
        send(PUT, "b", "old");
        send(PUT, "d", "old");
        apply(BATCH, 0, "", 0, "", batch("c", "1", "b", "2", "d", null, "never", null, "a", ""));
        apply(PUT, WANT, "b", 0, "", bytes("3"));
        assertThat(commit()).isEqualTo("OK 4, OK 5 (create=2 mod=4 version=2 2)");
        assertThat(row("a")).isEqualTo("create=4 mod=4 version=1 ");
        assertThat(row("b")).isEqualTo("create=2 mod=5 version=3 3");
        assertThat(row("c")).isEqualTo("create=4 mod=4 version=1 1");
        assertThat(row("d")).isEqualTo("none");
        assertThat(row("never")).isEqualTo("none");
    }

    @Test
    void aMalformedBatchStopsTheNode() {
        byte[] items = batch("a", "1");
        for (int length : new int[] {7, items.length - 1}) {
            byte[] cut = Arrays.copyOf(items, length);
            assertThatThrownBy(() -> apply(BATCH, 0, "", 0, "", cut))
                    .isInstanceOf(BrokenInvariantException.class)
                    .hasMessageContaining("batch item at 0");
            index--;
            reload();
        }
    }

    @Test
    void aRangeIsGoneInItsBatchAndAfter() {
        for (String key : List.of("a", "b", "c", "d")) {
            send(PUT, key, "old");
        }
        apply(PUT, 0, "bb", 0, "", bytes("batch"));
        apply(RANGE, 0, "b", 0, "", bytes("d"));
        for (String key : List.of("a", "b", "bb", "c", "d")) {
            apply(DELETE, IF_REVISION, key, 0, "", NONE);
        }
        apply(PUT, 0, "c", 0, "", bytes("new"));
        assertThat(commit())
                .isEqualTo("OK 6, OK 7, CONDITION_FAILED 0, NOT_FOUND 0, NOT_FOUND 0, NOT_FOUND 0,"
                        + " CONDITION_FAILED 0, OK 13");
        assertThat(row("b")).isEqualTo("none");
        assertThat(row("bb")).isEqualTo("none");
        assertThat(row("c")).isEqualTo("create=13 mod=13 version=1 new");
        lowestOpen = sequence + 1;
        assertThat(one(PUT, IF_REVISION, "b", 0, "", "again")).isEqualTo("OK 14");
        send(PUT, "a", "more");
        assertThat(row("a")).isEqualTo("create=2 mod=15 version=2 more");
    }

    @Test
    void manyRangesLeaveTheHeadersExact() {
        for (int round = 0; round < 3 * HeaderCache.MAX_KEPT_RANGES; round++) {
            lowestOpen = sequence + 1;
            apply(PUT, 0, "in", 0, "", bytes("v"));
            apply(PUT, 0, "out", 0, "", bytes("v"));
            apply(RANGE, 0, "i", 0, "", bytes("j"));
            if (round % 2 == 0) {
                commit();
            }
            apply(PUT, IF_REVISION, "in", 0, "", bytes("w"));
            assertThat(commit()).as("round %d", round).endsWith("OK " + index);
        }
        assertThat(row("out")).endsWith("version=" + 3 * HeaderCache.MAX_KEPT_RANGES + " v");
    }

    @Test
    @Tag("K05")
    void resolveFindsTheStoredAnswer() {
        send(PUT, "k", "one");
        apply(PUT, WANT, "k", 0, "", bytes("two"));
        long asked = sequence;
        assertThat(commit()).isEqualTo("OK 3 (create=2 mod=2 version=1 one)");
        assertThat(resolve(asked)).isEqualTo("OK 0 {OK 3 (create=2 mod=2 version=1 one)}");
        assertThat(resolve(asked - 1)).isEqualTo("OK 0 {OK 2}");
        reload();
        assertThat(resolve(asked)).isEqualTo("OK 0 {OK 3 (create=2 mod=2 version=1 one)}");
    }

    @Test
    void resolveCancelsWhatWasNotExecuted() {
        assertThat(resolve(3)).isEqualTo("NOT_EXECUTED 0");
        assertThat(resolve(3)).isEqualTo("NOT_EXECUTED 0");
        reload();
        assertThat(resolve(3)).isEqualTo("NOT_EXECUTED 0");
        sequence = 2;
        assertThat(one(PUT, 0, "k", 0, "", "late")).isEqualTo("CANCELLED 0");
        assertThat(row("k")).isEqualTo("none");
        assertThat(one(PUT, 0, "k", 0, "", "next")).isEqualTo("OK 6");
    }

    @Test
    void resolveCannotKnowWhatIsSettled() {
        send(PUT, "k", "v");
        lowestOpen = 2;
        send(PUT, "k", "w");
        lowestOpen = 1;
        assertThat(resolve(1)).isEqualTo("SEQUENCE_OUT_OF_WINDOW 0");
        session = 77;
        assertThat(resolve(1)).isEqualTo("SESSION_EXPIRED 0");
    }

    @Test
    void aSessionAtItsResultCapTakesNoCommandThatMayHaveAResult() {
        String value = "x".repeat(100 - ResultEntryDescriptor.VALUE_OFFSET);
        send(PUT, "k", value.substring(1));
        assertThat(one(PUT, WANT, "k", 0, "", value)).startsWith("OK 3 (");
        // 99 of 100 bytes: one more result may begin.
        assertThat(one(PUT, WANT, "k", 0, "", value)).startsWith("OK 4 (");
        assertThat(one(PUT, WANT, "k", 0, "", "no")).isEqualTo("SESSION_FULL 0");
        byte[] refused = lastSent;
        assertThat(add("c", 1)).isEqualTo("SESSION_FULL 0");
        assertThat(one(DELETE, WANT, "none", 0, "", "")).isEqualTo("SESSION_FULL 0");
        assertThat(one(PUT, 0, "plain", 0, "", "goes on")).isEqualTo("OK 8");
        assertThat(repeat(refused)).isEqualTo("SESSION_FULL 0");
        reload();
        assertThat(repeat(refused)).isEqualTo("SESSION_FULL 0");
        // The command that needs room brings it.
        lowestOpen = 3;
        assertThat(add("c", 1)).isEqualTo("SESSION_FULL 0");
        lowestOpen = 4;
        assertThat(add("c", 1)).isEqualTo("OK 12 [1]");
        assertThat(repeat(refused)).startsWith("OK 13 (");
    }

    @Test
    void theCapOverAllSessionsHoldsToo() {
        String value = "x".repeat(76);
        send(PUT, "k", value);
        long first = session;
        for (int i = 0; i < 2; i++) {
            apply(PUT, WANT, "k", 0, "", bytes(value));
        }
        assertThat(commit()).contains("SESSION_FULL");
        session = openSession("");
        apply(PUT, WANT, "k", 0, "", bytes(value));
        session = openSession("");
        apply(PUT, WANT, "k", 0, "", bytes(value));
        apply(ADD, 0, "c", 0, "", number(1));
        assertThat(commit()).endsWith("SESSION_FULL 0");
        long third = session;
        session = first;
        lowestOpen = 4;
        sequence = 3;
        assertThat(add("c", 1)).startsWith("OK ");
        session = third;
        lowestOpen = 1;
        sequence = 20;
        assertThat(one(CommandDescriptor.KIND_CLOSE_SESSION, 0, "", 0, "", "")).startsWith("OK");
        session = openSession("");
        sequence = 0;
        assertThat(one(PUT, WANT, "k", 0, "", value)).startsWith("OK ");
    }

    @Test
    void sessionsExpireInLogTimeByWhateverEntry() {
        assertThat(machine.nextExpiryLogTimeMs()).isEqualTo(6_000);
        now = 5_500;
        long other = openSession("");
        assertThat(machine.nextExpiryLogTimeMs()).isEqualTo(6_000);
        send(PUT, "k", "v");
        assertThat(machine.nextExpiryLogTimeMs()).isEqualTo(6_500);
        now = 6_499;
        clock();
        assertThat(machine.sessionCount()).isEqualTo(2);
        reload();
        assertThat(machine.nextExpiryLogTimeMs()).isEqualTo(6_500);
        send(PUT, "k", "v");
        now = 6_500;
        clock();
        assertThat(machine.sessionCount()).isEqualTo(1);
        assertThat(machine.nextExpiryLogTimeMs()).isEqualTo(7_499);
        now = 7_499;
        assertThat(one(PUT, 0, "k", 0, "", "too late")).isEqualTo("SESSION_EXPIRED 0");
        assertThat(machine.nextExpiryLogTimeMs()).isEqualTo(Long.MAX_VALUE);
        reload();
        assertThat(machine.sessionCount()).isZero();
        session = other;
        assertThat(one(PUT, 0, "k", 0, "", "too late")).isEqualTo("SESSION_EXPIRED 0");
    }

    @Test
    void aNameChoosesItsSession() {
        long named = openSession("client-1");
        // SHA-256 of "client-1", computed elsewhere.
        assertThat(named).isEqualTo(CLIENT_1_ID).isNegative();
        session = named;
        sequence = 0;
        assertThat(one(PUT, WANT, "k", 0, "", "v")).isEqualTo("OK 3");
        byte[] first = lastSent;
        reload();
        assertThat(openSession("client-1")).isEqualTo(named);
        assertThat(repeat(first)).isEqualTo("OK 3");
        assertThat(openSession("client-2")).isNotEqualTo(named);
    }

    private static final long CLIENT_1_ID = 0xE44560FC18DE0457L;

    @Test
    void anotherNameWithTheSameIdIsRefused() {
        long named = openSession("client-1");
        byte[] row = sessionRow(named);
        row[SessionRowDescriptor.BLOCK_LENGTH] = 'X';
        UnsafeBuffer key = new UnsafeBuffer(new byte[8]);
        key.putLong(0, named, BIG_ENDIAN);
        store.valueBuffer(row.length).putBytes(0, row);
        store.put(RowKind.SESSION, key, 0, 8, row.length);
        store.write();
        reload();
        apply(0, 0, 0, CommandDescriptor.KIND_OPEN_SESSION, 0, bytes("client-1"), 0, NONE, NONE);
        assertThat(commit()).isEqualTo("SESSION_NAME_TAKEN 0");
        apply(0, 0, 0, CommandDescriptor.KIND_OPEN_SESSION, 0, bytes("Xlient-1"), 0, NONE, NONE);
        assertThat(commit()).startsWith("OK ");
    }

    private byte[] sessionRow(long id) {
        List<byte[]> found = new ArrayList<>();
        store.scan(RowKind.SESSION, (key, keyOffset, keyLength, value, valueOffset, valueLength) -> {
            if (key.getLong(keyOffset, BIG_ENDIAN) == id) {
                byte[] row = new byte[valueLength];
                value.getBytes(valueOffset, row);
                found.add(row);
            }
        });
        return found.get(0);
    }

    @Test
    void applySaysHowLongTheResultWillBe() {
        send(PUT, "k", "value");
        assertThat(apply(PUT, WANT, "k", 0, "", bytes("v"))).isEqualTo(ResultEntryDescriptor.VALUE_OFFSET + 5);
        assertThat(apply(ADD, 0, "c", 0, "", number(1))).isEqualTo(8);
        assertThat(apply(PUT, 0, "k", 0, "", bytes("v"))).isZero();
        commit();
        byte[] put = TestCommands.command(1, 1, 1, PUT, WANT, bytes("k"), 0, NONE, NONE);
        assertThat(CommandFlyweight.maxResultBytes(new UnsafeBuffer(put), 0, put.length))
                .isEqualTo(StateMachine.MAX_STORED_RESULT_BYTES);
    }

    private long openSession(String name) {
        apply(0, 0, 0, CommandDescriptor.KIND_OPEN_SESSION, 0, bytes(name), 0, NONE, NONE);
        String result = commit();
        result = result.substring(result.lastIndexOf("OK"));
        return Long.parseLong(result.substring(3));
    }

    private String add(String key, long difference) {
        apply(ADD, 0, key, 0, "", number(difference));
        return commit();
    }

    private String resolve(long asked) {
        apply(session, asked, lowestOpen, RESOLVE, 0, NONE, 0, NONE, NONE);
        return commit();
    }

    private void send(int kind, String key, String value) {
        assertThat(one(kind, 0, key, 0, "", value)).isEqualTo("OK " + index);
    }

    private String one(int kind, int flags, String key, long expectedRevision, String expected, String value) {
        apply(kind, flags, key, expectedRevision, expected, bytes(value));
        return commit();
    }

    private String repeat() {
        return repeat(lastSent);
    }

    private String repeat(byte[] command) {
        applyBytes(command);
        return commit();
    }

    private void clock() {
        machine.apply(++index, 1, now, StateMachine.ENTRY_CLOCK, 0, new UnsafeBuffer(NONE), 0, 0, index);
        commit();
    }

    private int apply(int kind, int flags, String key, long expectedRevision, String expected, byte[] value) {
        sequence++;
        return apply(session, sequence, lowestOpen, kind, flags, bytes(key), expectedRevision, bytes(expected), value);
    }

    private int apply(
            long inSession,
            long withSequence,
            long low,
            int kind,
            int flags,
            byte[] key,
            long expectedRevision,
            byte[] expected,
            byte[] value) {
        lastSent =
                TestCommands.command(inSession, withSequence, low, kind, flags, key, expectedRevision, expected, value);
        return applyBytes(lastSent);
    }

    private int applyBytes(byte[] command) {
        index++;
        return machine.apply(
                index,
                1,
                now,
                StateMachine.ENTRY_COMMAND,
                (int) index * 31,
                new UnsafeBuffer(command),
                0,
                command.length,
                index);
    }

    private String commit() {
        List<String> results = new ArrayList<>();
        machine.commit((slot, status, revision, result, offset, length) ->
                results.add(describe(status, revision, result, offset, length)));
        return String.join(", ", results);
    }

    private static String describe(Status status, long revision, DirectBuffer result, int offset, int length) {
        String text = status + " " + revision;
        if (length == 0) {
            return text;
        }
        if (length == Long.BYTES) {
            return text + " [" + result.getLong(offset, LITTLE_ENDIAN) + "]";
        }
        // An entry begins with its create revision, which is never 0; a resolved answer here with OK and padding, which
        // are.
        if (result.getLong(offset, LITTLE_ENDIAN) == 0) {
            int at = offset + ResolvedAnswerDescriptor.RESULT_OFFSET;
            return text + " {"
                    + describe(
                            Status.of(result.getShort(offset + ResolvedAnswerDescriptor.STATUS_OFFSET, LITTLE_ENDIAN)),
                            result.getLong(offset + ResolvedAnswerDescriptor.REVISION_OFFSET, LITTLE_ENDIAN),
                            result,
                            at,
                            length - ResolvedAnswerDescriptor.RESULT_OFFSET)
                    + "}";
        }
        return text + " (create=" + result.getLong(offset + ResultEntryDescriptor.CREATE_REVISION_OFFSET, LITTLE_ENDIAN)
                + " mod=" + result.getLong(offset + ResultEntryDescriptor.MOD_REVISION_OFFSET, LITTLE_ENDIAN)
                + " version=" + result.getLong(offset + ResultEntryDescriptor.VERSION_OFFSET, LITTLE_ENDIAN) + " "
                + result.getStringWithoutLengthAscii(
                        offset + ResultEntryDescriptor.VALUE_OFFSET, length - ResultEntryDescriptor.VALUE_OFFSET)
                + ")";
    }

    private void reload() {
        store.close();
        store = RocksStore.open(RocksStoreConfig.of(directory.resolve("kv")));
        machine = new KvStateMachine(store, 64, LIMITS);
    }

    private String row(String key) {
        UnsafeBuffer keyBytes = new UnsafeBuffer(bytes(key));
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
