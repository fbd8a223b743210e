package dev.cairn.server.replica;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.cairn.engine.KvIterator;
import dev.cairn.engine.KvReader;
import dev.cairn.engine.KvSnapshot;
import dev.cairn.engine.KvStoreException;
import dev.cairn.engine.ValueDescriptor;
import dev.cairn.protocol.FrameHeader;
import dev.cairn.protocol.Limits;
import dev.cairn.protocol.MessageType;
import dev.cairn.protocol.MultiGetDescriptor;
import dev.cairn.protocol.MultiGetReplyDescriptor;
import dev.cairn.protocol.ScanCursorDescriptor;
import dev.cairn.protocol.ScanDescriptor;
import dev.cairn.protocol.ScanReplyDescriptor;
import dev.cairn.protocol.Status;
import dev.cairn.server.metrics.ReplicaMetrics;
import java.util.ArrayDeque;
import java.util.function.LongSupplier;
import org.agrona.DirectBuffer;
import org.agrona.ExpandableDirectByteBuffer;
import org.agrona.collections.Long2ObjectHashMap;
import org.agrona.concurrent.MessageHandler;
import org.agrona.concurrent.UnsafeBuffer;
import org.agrona.concurrent.ringbuffer.OneToOneRingBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Reads of many keys, on a thread of their own: several keys at once, and ranges in chunks. The loop has already established
 * that the state machine is far enough.
 *
 * <p>Each request is one bounded piece of work and has one bounded reply: a chunk ends at its bytes, at {@link #ROWS_PER_CHUNK}
 * rows, or counting at {@link #ROWS_PER_COUNT}. So however large a range is, no buffer grows with it, and requests take
 * turns. While commands run, the thread rests {@link #REST_FACTOR} times as long as a chunk took before it reads the next one
 * of any scan: whoever reads everything must not take the processors from those who write (docs/adr/0011).
 *
 * <p>What a scan shows is one snapshot of the store, kept by its cursor between the chunks; a cursor that nobody asks for
 * {@link #CURSOR_IDLE_NS} is closed, since an open snapshot keeps old rows from being cleared away.
 */
public final class RangeReaderAgent implements DutyCycle {
    /** Rows in one chunk. */
    static final int ROWS_PER_CHUNK = 4096;

    /** Rows that one request counts. */
    static final int ROWS_PER_COUNT = 16_384;

    /** Scans that wait for their next chunk. */
    static final int MAX_CURSORS = 256;

    static final long CURSOR_IDLE_NS = 30_000_000_000L;

    /** A quarter of one processor for scans. */
    static final int REST_FACTOR = 3;

    // A request on its way here, and a reply on its way back: ids, then the message's block and variable part.
    static final int CONNECTION_ID_OFFSET = 0;
    static final int REQUEST_ID_OFFSET = 8;
    static final int NOW_OFFSET = 16;
    static final int BODY_OFFSET = 24;

    /** Not a message of the protocol: only tells the time, for cursors that nobody asks for. */
    private static final int TIME_MESSAGE = 1000;

    /** A reply that is a refusal: the status stands in the first two bytes, behind it a text where one is needed. */
    static final int REFUSAL_MESSAGE = 1001;

    private static final DirectBuffer NOTHING = new UnsafeBuffer(0, 0);

    private final KvReader reader;
    private final Wakeable loop;
    private final LongSupplier cursorIds;
    private final ReplicaMetrics metrics;
    private final OneToOneRingBuffer requests;
    private final OneToOneRingBuffer results;
    private final int maxBodyBytes;
    private final MessageHandler onRequest = this::onRequest;
    private final Long2ObjectHashMap<Cursor> cursors = new Long2ObjectHashMap<>();
    private final ExpandableDirectByteBuffer body = new ExpandableDirectByteBuffer(4096);
    private volatile int openCursors;

    /** Requests for a next chunk that came during the rest. */
    private final ArrayDeque<NextChunk> waiting = new ArrayDeque<>();

    private volatile int waitingCount;
    private long restUntilNs;

    /** Written by the loop: commands run. */
    private volatile boolean yielding;

    private record NextChunk(long connectionId, long requestId, long nowNs, long cursorId, long count) {}

    /** One scan between its chunks. */
    private static final class Cursor {
        final KvIterator rows;
        final long revision;
        final boolean keysOnly;
        final boolean countOnly;
        final int chunkBytes;
        final long limit;
        long count;
        long usedNs;
        /** The row in hand did not fit into the last chunk. */
        boolean rowInHand;

        Cursor(
                final KvIterator rows,
                final long revision,
                final int flags,
                final int chunkBytes,
                final long limit,
                final long nowNs) {
            this.rows = rows;
            this.revision = revision;
            this.keysOnly = (flags & ScanDescriptor.FLAG_KEYS_ONLY) != 0;
            this.countOnly = (flags & ScanDescriptor.FLAG_COUNT_ONLY) != 0;
            this.chunkBytes = chunkBytes;
            this.limit = limit == 0 ? Long.MAX_VALUE : limit;
            this.usedNs = nowNs;
        }
    }

    /**
     * @param reader of this agent alone; its owner closes it after {@link #close}
     * @param cursorIds random numbers: who does not know a cursor's id cannot read on
     */
    RangeReaderAgent(
            final KvReader reader,
            final Wakeable loop,
            final Capacities capacities,
            final LongSupplier cursorIds,
            final ReplicaMetrics metrics) {
        this.reader = reader;
        this.loop = loop;
        this.cursorIds = cursorIds;
        this.metrics = metrics;
        requests = Rings.create(capacities.rangeRequestRingBytes());
        results = Rings.create(capacities.rangeReplyRingBytes());
        maxBodyBytes =
                Math.min(results.maxMsgLength() - BODY_OFFSET, Limits.MAX_FRAME_BYTES - FrameHeader.HEADER_LENGTH);
    }

    // ---- loop thread ---------------------------------------------------------------------------------------------

    /**
     * Hands over a checked request.
     *
     * @param type MULTI_GET, SCAN, SCAN_NEXT or SCAN_CLOSE
     * @param buffer the message's block and variable part
     * @return false when too many wait: the client is to be told BUSY
     */
    boolean offer(
            final int type,
            final long connectionId,
            final long requestId,
            final long nowNs,
            final DirectBuffer buffer,
            final int offset,
            final int length) {
        final int claim = requests.tryClaim(type, BODY_OFFSET + length);
        if (claim < 0) {
            return false;
        }
        requests.buffer().putLong(claim + CONNECTION_ID_OFFSET, connectionId);
        requests.buffer().putLong(claim + REQUEST_ID_OFFSET, requestId);
        requests.buffer().putLong(claim + NOW_OFFSET, nowNs);
        requests.buffer().putBytes(claim + BODY_OFFSET, buffer, offset, length);
        requests.commit(claim);
        return true;
    }

    /** Longest block and variable part that {@link #offer} takes. */
    int maxRequestBytes() {
        return requests.maxMsgLength() - BODY_OFFSET;
    }

    /** Tells the time, so that idle cursors end; does nothing while there are none. True when the agent is to be woken. */
    boolean offerTime(final long nowNs) {
        return openCursors > 0 && offer(TIME_MESSAGE, 0, 0, nowNs, NOTHING, 0, 0);
    }

    /** Whether commands run, so that scans are to rest between their chunks. */
    void yieldToCommands(final boolean commandsRun) {
        yielding = commandsRun;
    }

    /** Takes the replies that have arrived. */
    int pollReplies(final MessageHandler handler) {
        return Rings.readAll(results, handler);
    }

    /** For people. */
    private static String reason(final Status status) {
        return switch (status) {
            case CURSOR_EXPIRED ->
                "the scan is not open here: it ended, or nobody asked for its next chunk for "
                        + CURSOR_IDLE_NS / 1_000_000_000 + " s; begin again behind the last key";
            case RESULT_TOO_LARGE ->
                "the result is larger than " + Limits.MAX_MULTI_GET_BYTES + " bytes; ask for fewer keys";
            default -> "more than " + MAX_CURSORS + " scans are open";
        };
    }

    // ---- reader thread -------------------------------------------------------------------------------------------

    /** Any thread: true when {@link #doWork} would find something. */
    @Override
    public boolean hasWork() {
        return requests.size() > 0 || waitingCount > 0;
    }

    /** One cycle: a chunk whose rest is over, or one request, when there is room for the longest reply. */
    @Override
    public int doWork() {
        if (results.capacity() - results.size() < results.maxMsgLength() + 64) {
            return 0;
        }
        if (!waiting.isEmpty() && !rests()) {
            final NextChunk next = waiting.remove();
            waitingCount = waiting.size();
            return answer(next);
        }
        return requests.read(onRequest, 1);
    }

    /** Behind the last cycle: gives all snapshots back. */
    void close() {
        for (final Cursor cursor : cursors.values()) {
            cursor.rows.close();
        }
        cursors.clear();
        openCursors = 0;
        waiting.clear();
        waitingCount = 0;
    }

    private void onRequest(final int type, final DirectBuffer buffer, final int offset, final int length) {
        final long connectionId = buffer.getLong(offset + CONNECTION_ID_OFFSET);
        final long requestId = buffer.getLong(offset + REQUEST_ID_OFFSET);
        final long nowNs = buffer.getLong(offset + NOW_OFFSET);
        final int start = offset + BODY_OFFSET;
        closeIdle(nowNs);
        try {
            switch (type) {
                case MessageType.MULTI_GET -> multiGet(connectionId, requestId, buffer, start);
                case MessageType.SCAN -> scan(connectionId, requestId, nowNs, buffer, start);
                case MessageType.SCAN_NEXT -> scanNext(connectionId, requestId, nowNs, buffer, start);
                case MessageType.SCAN_CLOSE -> scanClose(connectionId, requestId, buffer, start);
                case TIME_MESSAGE -> {}
                default -> throw new IllegalStateException("request of type " + type);
            }
        } catch (KvStoreException failure) {
            // What cannot be read fails the request that asks for it, and no other. A store without room cannot bring
            // what it has into order.
            final Status status = failure.isNoSpace() ? Status.NO_SPACE : Status.INTERNAL;
            refuse(connectionId, requestId, status, String.valueOf(failure.getMessage()));
        }
        openCursors = cursors.size();
    }

    private void closeIdle(final long nowNs) {
        cursors.values().removeIf(cursor -> {
            final boolean idle = nowNs - cursor.usedNs > CURSOR_IDLE_NS;
            if (idle) {
                cursor.rows.close();
            }
            return idle;
        });
    }

    private void multiGet(final long connectionId, final long requestId, final DirectBuffer buffer, final int start) {
        final int keyCount = buffer.getInt(start + MultiGetDescriptor.KEY_COUNT_OFFSET, LITTLE_ENDIAN);
        final int maxBytes = Math.min(maxBodyBytes, MultiGetReplyDescriptor.BLOCK_LENGTH + Limits.MAX_MULTI_GET_BYTES);
        int key = start + MultiGetDescriptor.BLOCK_LENGTH;
        int end = MultiGetReplyDescriptor.BLOCK_LENGTH;
        try (KvSnapshot snapshot = reader.snapshot()) {
            for (int i = 0; i < keyCount; i++) {
                final int keyLength = buffer.getInt(key, LITTLE_ENDIAN);
                final int rowLength = snapshot.get(buffer, key + Integer.BYTES, keyLength);
                key += Integer.BYTES + keyLength;
                final boolean found = rowLength >= 0;
                final int valueLength = found ? rowLength - ValueDescriptor.HEADER_LENGTH : 0;
                if (end + MultiGetReplyDescriptor.ENTRY_VALUE_OFFSET + valueLength > maxBytes) {
                    refuse(connectionId, requestId, Status.RESULT_TOO_LARGE);
                    return;
                }
                putRevisions(
                        end + MultiGetReplyDescriptor.ENTRY_CREATE_REVISION_OFFSET, found ? snapshot.buffer() : null);
                body.putInt(
                        end + MultiGetReplyDescriptor.ENTRY_VALUE_LENGTH_OFFSET,
                        found ? valueLength : MultiGetReplyDescriptor.ABSENT,
                        LITTLE_ENDIAN);
                end += MultiGetReplyDescriptor.ENTRY_VALUE_OFFSET;
                if (found) {
                    body.putBytes(end, snapshot.buffer(), ValueDescriptor.HEADER_LENGTH, valueLength);
                    end += valueLength;
                }
            }
            body.putInt(MultiGetReplyDescriptor.STATUS_OFFSET, Status.OK.code(), LITTLE_ENDIAN);
            body.putInt(MultiGetReplyDescriptor.ENTRY_COUNT_OFFSET, keyCount, LITTLE_ENDIAN);
            body.putLong(MultiGetReplyDescriptor.REVISION_OFFSET, snapshot.appliedIndex(), LITTLE_ENDIAN);
        }
        reply(MessageType.MULTI_GET_REPLY, connectionId, requestId, body, end);
    }

    private void scan(
            final long connectionId,
            final long requestId,
            final long nowNs,
            final DirectBuffer buffer,
            final int start) {
        if (cursors.size() >= MAX_CURSORS) {
            refuse(connectionId, requestId, Status.BUSY);
            return;
        }
        final int flags = buffer.getByte(start + ScanDescriptor.FLAGS_OFFSET);
        final int askedBytes = buffer.getInt(start + ScanDescriptor.CHUNK_BYTES_OFFSET, LITTLE_ENDIAN);
        final int fromLength = buffer.getInt(start + ScanDescriptor.FROM_LENGTH_OFFSET, LITTLE_ENDIAN);
        final int toLength = buffer.getInt(start + ScanDescriptor.TO_LENGTH_OFFSET, LITTLE_ENDIAN);
        final int from = start + ScanDescriptor.BLOCK_LENGTH;
        final KvIterator rows;
        final long revision;
        try (KvSnapshot snapshot = reader.snapshot()) {
            revision = snapshot.appliedIndex();
            rows = snapshot.iterator(
                    buffer,
                    from,
                    fromLength,
                    buffer,
                    from + fromLength,
                    toLength,
                    (flags & ScanDescriptor.FLAG_REVERSE) != 0);
        }
        final Cursor cursor = new Cursor(
                rows,
                revision,
                flags,
                askedBytes == 0 ? Limits.DEFAULT_SCAN_CHUNK_BYTES : askedBytes,
                buffer.getLong(start + ScanDescriptor.LIMIT_OFFSET, LITTLE_ENDIAN),
                nowNs);
        answerChunk(connectionId, requestId, newCursorId(), cursor);
    }

    private long newCursorId() {
        long id;
        do {
            id = cursorIds.getAsLong() & Long.MAX_VALUE;
        } while (id == 0 || cursors.containsKey(id));
        return id;
    }

    private void scanNext(
            final long connectionId,
            final long requestId,
            final long nowNs,
            final DirectBuffer buffer,
            final int start) {
        final NextChunk next = new NextChunk(
                connectionId,
                requestId,
                nowNs,
                buffer.getLong(start + ScanCursorDescriptor.CURSOR_ID_OFFSET, LITTLE_ENDIAN),
                buffer.getLong(start + ScanCursorDescriptor.COUNT_OFFSET, LITTLE_ENDIAN));
        if (rests() && waiting.size() < MAX_CURSORS) {
            waiting.add(next);
            waitingCount = waiting.size();
        } else {
            scanNext(next);
        }
    }

    private boolean rests() {
        return yielding && metrics.nowNs() - restUntilNs < 0;
    }

    private int answer(final NextChunk next) {
        try {
            scanNext(next);
        } catch (KvStoreException failure) {
            refuse(next.connectionId(), next.requestId(), Status.INTERNAL, String.valueOf(failure.getMessage()));
        }
        openCursors = cursors.size();
        return 1;
    }

    private void scanNext(final NextChunk next) {
        final Cursor cursor = cursors.get(next.cursorId());
        // A request that comes twice must not skip a chunk: who asks says how far he has come.
        if (cursor == null || cursor.count != next.count()) {
            refuse(next.connectionId(), next.requestId(), Status.CURSOR_EXPIRED);
            return;
        }
        cursor.usedNs = next.nowNs();
        answerChunk(next.connectionId(), next.requestId(), next.cursorId(), cursor);
    }

    private void scanClose(final long connectionId, final long requestId, final DirectBuffer buffer, final int start) {
        final long cursorId = buffer.getLong(start + ScanCursorDescriptor.CURSOR_ID_OFFSET, LITTLE_ENDIAN);
        final Cursor cursor = cursors.remove(cursorId);
        if (cursor != null) {
            cursor.rows.close();
        }
        putScanBlock(0, 0, cursor == null ? 0 : cursor.revision, cursor == null ? 0 : cursor.count, false);
        reply(MessageType.SCAN_REPLY, connectionId, requestId, body, ScanReplyDescriptor.BLOCK_LENGTH);
    }

    /** Sends the next chunk; the cursor stays for the one after it, or is closed at the end of the range or a failure. */
    private void answerChunk(final long connectionId, final long requestId, final long cursorId, final Cursor cursor) {
        // Back in the table only when there is more to come.
        cursors.remove(cursorId);
        boolean more = false;
        final long startNs = metrics.nowNs();
        try {
            more = sendChunk(connectionId, requestId, cursorId, cursor);
        } finally {
            final long endNs = metrics.nowNs();
            restUntilNs = endNs + REST_FACTOR * (endNs - startNs);
            if (more) {
                cursors.put(cursorId, cursor);
            } else {
                cursor.rows.close();
            }
        }
    }

    /** Returns whether there is more behind it. */
    private boolean sendChunk(final long connectionId, final long requestId, final long cursorId, final Cursor cursor) {
        final long before = cursor.count;
        boolean more = true;
        int end = ScanReplyDescriptor.BLOCK_LENGTH;
        if (cursor.countOnly) {
            while (more && cursor.count - before < ROWS_PER_COUNT) {
                more = cursor.count < cursor.limit && cursor.rows.next();
                cursor.count += more ? 1 : 0;
            }
        } else {
            final int maxBytes = Math.min(maxBodyBytes, ScanReplyDescriptor.BLOCK_LENGTH + cursor.chunkBytes);
            while (cursor.count - before < ROWS_PER_CHUNK) {
                more = cursor.count < cursor.limit && (cursor.rowInHand || cursor.rows.next());
                cursor.rowInHand = more;
                if (!more) {
                    break;
                }
                final int entryEnd = putEntry(cursor, end, maxBytes);
                // One row is sent whatever was asked for, unless no frame could carry it.
                if (entryEnd > maxBytes && (cursor.count > before || entryEnd > maxBodyBytes)) {
                    break;
                }
                end = entryEnd;
                cursor.count++;
                cursor.rowInHand = false;
            }
            if (cursor.rowInHand && cursor.count == before) {
                refuse(connectionId, requestId, Status.RESULT_TOO_LARGE);
                return false;
            }
        }
        putScanBlock(
                cursor.countOnly ? 0 : (int) (cursor.count - before),
                more ? cursorId : 0,
                cursor.revision,
                cursor.count,
                more);
        reply(MessageType.SCAN_REPLY, connectionId, requestId, body, end);
        return more;
    }

    /** Writes the row in hand at {@code start}; what does not fit is measured, not copied. Returns where it ends. */
    private int putEntry(final Cursor cursor, final int start, final int maxBytes) {
        final KvIterator rows = cursor.rows;
        final int keyLength = rows.readKey();
        final int afterKey = start + ScanReplyDescriptor.ENTRY_KEY_OFFSET + keyLength;
        final int room = Math.max(maxBytes, maxBodyBytes) - afterKey;
        final int rowLength = rows.readValue(
                cursor.keysOnly ? ValueDescriptor.HEADER_LENGTH : ValueDescriptor.HEADER_LENGTH + Math.max(0, room));
        final int valueLength = cursor.keysOnly ? 0 : rowLength - ValueDescriptor.HEADER_LENGTH;
        final int end = afterKey + valueLength;
        if (end > maxBodyBytes) {
            return end;
        }
        body.putInt(start + ScanReplyDescriptor.ENTRY_KEY_LENGTH_OFFSET, keyLength, LITTLE_ENDIAN);
        body.putInt(start + ScanReplyDescriptor.ENTRY_VALUE_LENGTH_OFFSET, valueLength, LITTLE_ENDIAN);
        putRevisions(start + ScanReplyDescriptor.ENTRY_CREATE_REVISION_OFFSET, rows.value());
        body.putBytes(start + ScanReplyDescriptor.ENTRY_KEY_OFFSET, rows.key(), 0, keyLength);
        body.putBytes(afterKey, rows.value(), ValueDescriptor.HEADER_LENGTH, valueLength);
        return end;
    }

    /** Create revision, modification revision, version: in this order on the wire as in a row. */
    private void putRevisions(final int offset, final @Nullable DirectBuffer row) {
        body.putLong(
                offset,
                row == null ? 0 : row.getLong(ValueDescriptor.CREATE_REVISION_OFFSET, LITTLE_ENDIAN),
                LITTLE_ENDIAN);
        body.putLong(
                offset + 8,
                row == null ? 0 : row.getLong(ValueDescriptor.MOD_REVISION_OFFSET, LITTLE_ENDIAN),
                LITTLE_ENDIAN);
        body.putLong(
                offset + 16,
                row == null ? 0 : row.getLong(ValueDescriptor.VERSION_OFFSET, LITTLE_ENDIAN),
                LITTLE_ENDIAN);
    }

    private void putScanBlock(
            final int entries, final long cursorId, final long revision, final long count, final boolean more) {
        body.putShort(ScanReplyDescriptor.STATUS_OFFSET, (short) Status.OK.code(), LITTLE_ENDIAN);
        body.putShort(
                ScanReplyDescriptor.FLAGS_OFFSET, (short) (more ? ScanReplyDescriptor.FLAG_MORE : 0), LITTLE_ENDIAN);
        body.putInt(ScanReplyDescriptor.ENTRY_COUNT_OFFSET, entries, LITTLE_ENDIAN);
        body.putLong(ScanReplyDescriptor.CURSOR_ID_OFFSET, cursorId, LITTLE_ENDIAN);
        body.putLong(ScanReplyDescriptor.REVISION_OFFSET, revision, LITTLE_ENDIAN);
        body.putLong(ScanReplyDescriptor.COUNT_OFFSET, count, LITTLE_ENDIAN);
    }

    private void refuse(final long connectionId, final long requestId, final Status status) {
        refuse(connectionId, requestId, status, reason(status));
    }

    private void refuse(final long connectionId, final long requestId, final Status status, final String text) {
        body.putShort(0, (short) status.code(), LITTLE_ENDIAN);
        final int textLength = body.putStringWithoutLengthUtf8(Short.BYTES, text);
        reply(REFUSAL_MESSAGE, connectionId, requestId, body, Short.BYTES + textLength);
    }

    private void reply(
            final int type,
            final long connectionId,
            final long requestId,
            final DirectBuffer buffer,
            final int length) {
        final int claim = results.tryClaim(type, BODY_OFFSET + length);
        if (claim < 0) {
            throw new IllegalStateException("no room for a reply of " + length + " bytes");
        }
        results.buffer().putLong(claim + CONNECTION_ID_OFFSET, connectionId);
        results.buffer().putLong(claim + REQUEST_ID_OFFSET, requestId);
        results.buffer().putLong(claim + NOW_OFFSET, 0);
        results.buffer().putBytes(claim + BODY_OFFSET, buffer, 0, length);
        results.commit(claim);
        loop.wake();
    }
}
