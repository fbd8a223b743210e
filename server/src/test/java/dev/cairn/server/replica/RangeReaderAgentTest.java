package dev.cairn.server.replica;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.engine.KvReader;
import dev.cairn.engine.KvSnapshot;
import dev.cairn.engine.KvStoreException;
import dev.cairn.engine.RocksStore;
import dev.cairn.engine.RocksStoreConfig;
import dev.cairn.engine.RowKind;
import dev.cairn.engine.ValueDescriptor;
import dev.cairn.protocol.Limits;
import dev.cairn.protocol.MessageType;
import dev.cairn.protocol.MultiGetReplyDescriptor;
import dev.cairn.protocol.ScanDescriptor;
import dev.cairn.protocol.ScanReplyDescriptor;
import dev.cairn.protocol.Status;
import dev.cairn.server.metrics.ReplicaMetrics;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.agrona.DirectBuffer;
import org.agrona.ExpandableArrayBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("X15")
@Tag("K02")
class RangeReaderAgentTest {
    private static final long SECOND = 1_000_000_000L;
    private static final long STEP_NS = 1_000_000;

    @TempDir
    Path directory;

    private RocksStore store;
    private KvReader reader;
    private RangeReaderAgent agent;
    private long lastId;

    /** Each look at the clock takes a step, so a chunk takes one. */
    private long clockNs;

    /** One reply, copied out of the ring. */
    private record Reply(int type, DirectBuffer body) {
        long cursorId() {
            return body.getLong(ScanReplyDescriptor.CURSOR_ID_OFFSET, LITTLE_ENDIAN);
        }

        long count() {
            return body.getLong(ScanReplyDescriptor.COUNT_OFFSET, LITTLE_ENDIAN);
        }

        Status refusal() {
            assertThat(type).isEqualTo(RangeReaderAgent.REFUSAL_MESSAGE);
            return Status.of(body.getShort(0, LITTLE_ENDIAN));
        }

        List<String> keys() {
            final List<String> keys = new ArrayList<>();
            int entry = ScanReplyDescriptor.BLOCK_LENGTH;
            for (int i = 0; i < body.getInt(ScanReplyDescriptor.ENTRY_COUNT_OFFSET, LITTLE_ENDIAN); i++) {
                final int keyLength = body.getInt(entry + ScanReplyDescriptor.ENTRY_KEY_LENGTH_OFFSET, LITTLE_ENDIAN);
                final int valueLength =
                        body.getInt(entry + ScanReplyDescriptor.ENTRY_VALUE_LENGTH_OFFSET, LITTLE_ENDIAN);
                keys.add(body.getStringWithoutLengthUtf8(entry + ScanReplyDescriptor.ENTRY_KEY_OFFSET, keyLength));
                entry += ScanReplyDescriptor.ENTRY_KEY_OFFSET + keyLength + valueLength;
            }
            assertThat(entry).as("the entries fill the reply").isEqualTo(body.capacity());
            return keys;
        }
    }

    @BeforeEach
    void open() {
        store = RocksStore.open(RocksStoreConfig.of(directory));
        reader = store.newReader();
        agent = new RangeReaderAgent(
                reader, () -> {}, Capacities.NODE, () -> ++lastId, new ReplicaMetrics(() -> clockNs += STEP_NS));
    }

    @AfterEach
    void close() {
        agent.close();
        reader.close();
        store.close();
    }

    /** Rows that a full disk keeps the store from taking in would be missing: the client is told, and asks again. */
    @Test
    void aStoreWithoutRoomRefusesScansForTheTimeBeing() {
        agent.close();
        final AtomicBoolean full = new AtomicBoolean(true);
        final KvReader refusing = new KvReader() {
            @Override
            public int get(final DirectBuffer key, final int offset, final int length, final boolean memoryOnly) {
                return reader.get(key, offset, length, memoryOnly);
            }

            @Override
            public DirectBuffer buffer() {
                return reader.buffer();
            }

            @Override
            public KvSnapshot snapshot() {
                if (full.get()) {
                    throw new KvStoreException("planted", true, null);
                }
                return reader.snapshot();
            }

            @Override
            public void close() {
                throw new AssertionError("not the agent's");
            }
        };
        agent = new RangeReaderAgent(
                refusing, () -> {}, Capacities.NODE, () -> ++lastId, new ReplicaMetrics(() -> clockNs += STEP_NS));
        write("a", 1);

        assertThat(scan("", "", 0, 0, 0).refusal()).isEqualTo(Status.NO_SPACE);
        full.set(false);
        assertThat(scan("", "", 0, 0, 0).keys()).containsExactly("a");
    }

    private void write(final String key, final int valueLength) {
        final MutableDirectBuffer row = store.valueBuffer(ValueDescriptor.HEADER_LENGTH + valueLength);
        row.setMemory(0, ValueDescriptor.HEADER_LENGTH + valueLength, (byte) 7);
        final byte[] bytes = key.getBytes(UTF_8);
        store.put(RowKind.DATA, new UnsafeBuffer(bytes), 0, bytes.length, ValueDescriptor.HEADER_LENGTH + valueLength);
        store.write();
    }

    private Reply ask(final int type, final long nowNs, final DirectBuffer request, final int length) {
        assertThat(agent.offer(type, 5, 6, nowNs, request, 0, length)).isTrue();
        assertThat(agent.doWork()).isEqualTo(1);
        final List<Reply> replies = replies();
        assertThat(replies).hasSize(1);
        return replies.get(0);
    }

    private List<Reply> replies() {
        final List<Reply> replies = new ArrayList<>();
        agent.pollReplies((replyType, buffer, offset, replyLength) -> {
            assertThat(buffer.getLong(offset + RangeReaderAgent.CONNECTION_ID_OFFSET))
                    .isEqualTo(5);
            assertThat(buffer.getLong(offset + RangeReaderAgent.REQUEST_ID_OFFSET))
                    .isEqualTo(6);
            final byte[] copy = new byte[replyLength - RangeReaderAgent.BODY_OFFSET];
            buffer.getBytes(offset + RangeReaderAgent.BODY_OFFSET, copy);
            replies.add(new Reply(replyType, new UnsafeBuffer(copy)));
        });
        return replies;
    }

    private Reply scan(final String from, final String to, final int flags, final int chunkBytes, final long limit) {
        final ExpandableArrayBuffer request = new ExpandableArrayBuffer();
        request.putByte(ScanDescriptor.FLAGS_OFFSET, (byte) flags);
        request.putInt(ScanDescriptor.CHUNK_BYTES_OFFSET, chunkBytes, LITTLE_ENDIAN);
        request.putLong(ScanDescriptor.LIMIT_OFFSET, limit, LITTLE_ENDIAN);
        request.putInt(ScanDescriptor.FROM_LENGTH_OFFSET, from.length(), LITTLE_ENDIAN);
        request.putInt(ScanDescriptor.TO_LENGTH_OFFSET, to.length(), LITTLE_ENDIAN);
        request.putStringWithoutLengthUtf8(ScanDescriptor.BLOCK_LENGTH, from + to);
        return ask(MessageType.SCAN, 0, request, ScanDescriptor.BLOCK_LENGTH + from.length() + to.length());
    }

    private Reply next(final int type, final long cursorId, final long count, final long nowNs) {
        return ask(type, nowNs, cursorRequest(cursorId, count), 16);
    }

    private static UnsafeBuffer cursorRequest(final long cursorId, final long count) {
        final UnsafeBuffer request = new UnsafeBuffer(new byte[16]);
        request.putLong(0, cursorId, LITTLE_ENDIAN);
        request.putLong(8, count, LITTLE_ENDIAN);
        return request;
    }

    private Reply next(final Reply last) {
        return next(MessageType.SCAN_NEXT, last.cursorId(), last.count(), 0);
    }

    private List<String> all(final Reply first) {
        final List<String> keys = new ArrayList<>(first.keys());
        Reply reply = first;
        while (reply.cursorId() != 0) {
            reply = next(reply);
            keys.addAll(reply.keys());
        }
        return keys;
    }

    private List<String> writeKeys(final int count) {
        final List<String> keys = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            keys.add("k%05d".formatted(i));
            write(keys.get(i), 100);
        }
        return keys;
    }

    @Test
    void chunksTogetherAreTheRangeInBothDirections() {
        final List<String> keys = writeKeys(500);

        assertThat(all(scan("", "", 0, 1000, 0))).isEqualTo(keys);
        assertThat(all(scan("k00100", "k00200", 0, 1000, 0))).isEqualTo(keys.subList(100, 200));
        final List<String> backwards = new ArrayList<>(keys.subList(100, 200));
        java.util.Collections.reverse(backwards);
        assertThat(all(scan("k00100", "k00200", ScanDescriptor.FLAG_REVERSE, 1000, 0)))
                .isEqualTo(backwards);
    }

    @Test
    void limitHoldsOverAllChunks() {
        writeKeys(500);

        assertThat(all(scan("", "", 0, 1000, 123))).hasSize(123);
        assertThat(all(scan("", "", ScanDescriptor.FLAG_KEYS_ONLY, 0, 1))).containsExactly("k00000");
    }

    @Test
    void chunkEndsAtItsRows() {
        final List<String> keys = writeKeys(RangeReaderAgent.ROWS_PER_CHUNK + 1);

        final Reply first = scan("", "", ScanDescriptor.FLAG_KEYS_ONLY, Limits.MAX_SCAN_CHUNK_BYTES, 0);

        assertThat(first.keys()).hasSize(RangeReaderAgent.ROWS_PER_CHUNK);
        assertThat(next(first).keys()).containsExactly(keys.get(keys.size() - 1));
    }

    @Test
    void countTakesAsManyRequestsAsItNeeds() {
        writeKeys(RangeReaderAgent.ROWS_PER_COUNT + 10);

        final Reply first = scan("", "", ScanDescriptor.FLAG_COUNT_ONLY, 0, 0);
        final Reply second = next(first);

        assertThat(first.count()).isEqualTo(RangeReaderAgent.ROWS_PER_COUNT);
        assertThat(second.count()).isEqualTo(RangeReaderAgent.ROWS_PER_COUNT + 10);
        assertThat(second.cursorId()).isZero();
    }

    @Test
    void chunkWithTheLargestValuesHasOneEntry() {
        write("a", Limits.MAX_VALUE_BYTES);
        write("b", Limits.MAX_VALUE_BYTES);

        final Reply first = scan("", "", 0, 1, 0);

        assertThat(first.keys()).containsExactly("a");
        assertThat(next(first).keys()).containsExactly("b");
    }

    @Test
    void scanShowsTheMomentOfItsBeginning() {
        writeKeys(100);
        final Reply first = scan("", "", 0, 1000, 0);
        write("k00050a", 10);
        write("z", 10);

        assertThat(all(first)).hasSize(100).doesNotContain("k00050a", "z");
    }

    @Test
    void requestThatComesTwiceSkipsNothing() {
        writeKeys(100);
        final Reply first = scan("", "", 0, 1000, 0);
        next(first);

        assertThat(next(first).refusal()).isEqualTo(Status.CURSOR_EXPIRED);
    }

    @Test
    void cursorEndsWhenNobodyAsks() {
        writeKeys(100);
        final Reply first = scan("", "", 0, 1000, 0);
        final Reply second =
                next(MessageType.SCAN_NEXT, first.cursorId(), first.count(), RangeReaderAgent.CURSOR_IDLE_NS);
        assertThat(second.type()).as("just in time").isEqualTo(MessageType.SCAN_REPLY);

        final long tooLate = 2 * RangeReaderAgent.CURSOR_IDLE_NS + SECOND;
        assertThat(agent.offerTime(tooLate)).isTrue();
        agent.doWork();

        assertThat(agent.offerTime(tooLate)).as("no cursor is open").isFalse();
        assertThat(next(MessageType.SCAN_NEXT, second.cursorId(), second.count(), tooLate)
                        .refusal())
                .isEqualTo(Status.CURSOR_EXPIRED);
    }

    @Test
    void closedOrUnknownCursorsAreRefusedAndClosingTwiceIsHarmless() {
        writeKeys(100);
        final Reply first = scan("", "", 0, 1000, 0);

        assertThat(next(MessageType.SCAN_CLOSE, first.cursorId(), 0, 0).cursorId())
                .isZero();
        assertThat(next(MessageType.SCAN_CLOSE, first.cursorId(), 0, 0).cursorId())
                .isZero();
        assertThat(next(first).refusal()).isEqualTo(Status.CURSOR_EXPIRED);
    }

    @Test
    void oneScanTooManyIsRefusedUntilAnotherEnds() {
        writeKeys(100);
        final List<Reply> open = new ArrayList<>();
        for (int i = 0; i < RangeReaderAgent.MAX_CURSORS; i++) {
            open.add(scan("", "", 0, 1000, 0));
        }

        assertThat(scan("", "", 0, 1000, 0).refusal()).isEqualTo(Status.BUSY);
        next(MessageType.SCAN_CLOSE, open.get(0).cursorId(), 0, 0);
        assertThat(scan("", "", 0, 1000, 0).type()).isEqualTo(MessageType.SCAN_REPLY);
    }

    private Reply multiGet(final String... keys) {
        final ExpandableArrayBuffer request = new ExpandableArrayBuffer();
        request.putInt(4, keys.length, LITTLE_ENDIAN);
        int end = 16;
        for (final String key : keys) {
            request.putInt(end, key.length(), LITTLE_ENDIAN);
            end += 4 + request.putStringWithoutLengthUtf8(end + 4, key);
        }
        return ask(MessageType.MULTI_GET, 0, request, end);
    }

    @Test
    void multiGetAnswersInTheOrderAskedAndNamesWhatIsAbsent() {
        write("a", 10);
        write("b", 0);

        final DirectBuffer body = multiGet("b", "nothing", "a").body();

        assertThat(body.getInt(MultiGetReplyDescriptor.ENTRY_COUNT_OFFSET, LITTLE_ENDIAN))
                .isEqualTo(3);
        final int block = MultiGetReplyDescriptor.BLOCK_LENGTH;
        final int entry = MultiGetReplyDescriptor.ENTRY_VALUE_OFFSET;
        final int length = MultiGetReplyDescriptor.ENTRY_VALUE_LENGTH_OFFSET;
        assertThat(body.getInt(block + length, LITTLE_ENDIAN)).isZero();
        assertThat(body.getInt(block + entry + length, LITTLE_ENDIAN)).isEqualTo(MultiGetReplyDescriptor.ABSENT);
        assertThat(body.getInt(block + 2 * entry + length, LITTLE_ENDIAN)).isEqualTo(10);
        assertThat(body.capacity()).isEqualTo(block + 3 * entry + 10);
    }

    @Test
    void multiGetBeyondOneFrameIsRefused() {
        write("a", Limits.MAX_VALUE_BYTES);

        assertThat(multiGet("a").type()).isEqualTo(MessageType.MULTI_GET_REPLY);
        assertThat(multiGet("a", "a").refusal()).isEqualTo(Status.RESULT_TOO_LARGE);
    }

    /** The others on this node go on meanwhile. */
    @Test
    void scansRestBetweenChunksWhileCommandsRun() {
        for (int i = 0; i < 20; i++) {
            write("k" + (char) ('a' + i), 100);
        }
        Reply reply = scan("", "", 0, 300, 0);
        final List<String> keys = new ArrayList<>(reply.keys());
        reply = next(reply);
        keys.addAll(reply.keys());

        agent.yieldToCommands(true);
        assertThat(agent.offer(MessageType.SCAN_NEXT, 5, 6, 0, cursorRequest(reply.cursorId(), reply.count()), 0, 16))
                .isTrue();
        assertThat(agent.doWork()).as("put aside").isEqualTo(1);
        assertThat(replies()).isEmpty();
        assertThat(agent.hasWork()).isTrue();
        assertThat(multiGet("ka").type()).as("the read of a key does not wait").isEqualTo(MessageType.MULTI_GET_REPLY);
        assertThat(agent.doWork()).as("the rest is over").isEqualTo(1);
        final List<Reply> chunk = replies();
        assertThat(chunk).hasSize(1);
        keys.addAll(chunk.get(0).keys());

        agent.yieldToCommands(false);
        reply = next(chunk.get(0));
        keys.addAll(reply.keys());
        while (reply.cursorId() != 0) {
            reply = next(reply);
            keys.addAll(reply.keys());
        }
        assertThat(keys).as("none twice, none left out").hasSize(20).isSorted();
    }
}
