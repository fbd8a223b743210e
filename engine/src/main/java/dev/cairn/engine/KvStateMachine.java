package dev.cairn.engine;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.cairn.protocol.BatchItemDescriptor;
import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.protocol.ResolvedAnswerDescriptor;
import dev.cairn.protocol.ResultEntryDescriptor;
import dev.cairn.protocol.Status;
import java.nio.charset.StandardCharsets;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * The replicated key-value store: commands of the log become rows. Owned by the apply thread.
 *
 * <p>Each client command takes effect at most once, however often it stands in the log: see {@link #applyInSession}. What a command does
 * depends on the entries before it and on {@link SessionLimits}, on nothing else.
 *
 * <p>Invariant: after {@link #commit} the store holds data, sessions and the applied row of one and the same index.
 */
public final class KvStateMachine implements StateMachine {
    /** Header cache entries that suit a node: 128 bytes of direct memory each. */
    public static final int DEFAULT_HEADER_CACHE_ENTRIES = 1 << 18;

    /** Name of the meta row that holds the last configuration entry: its index (i64), then its payload verbatim; never written to. */
    public static final DirectBuffer CONFIG_NAME = new UnsafeBuffer("config".getBytes(StandardCharsets.US_ASCII));

    private final KvStore store;
    private final SessionLimits limits;
    private final ClientSessionTable sessions;
    private final HeaderCache headers;
    private final BatchValues values = new BatchValues();
    private final CommandFlyweight command = new CommandFlyweight();
    private final CommandFlyweight expected = new CommandFlyweight();
    private final long[] expectedHashes = new long[MOST_EXPECTED];
    private int expectedCount;
    private final CommandChecksum checksum = new CommandChecksum();
    private final PendingResults results = new PendingResults();

    // Of the last committed batch.
    private long committedIndex;
    private long committedTerm;
    private long committedLogTimeMs;
    private long committedDigest;
    private long committedNextExpiryMs;

    // Of the open batch.
    private long index;
    private long term;
    private long logTimeMs;
    private long digest;
    private boolean staged;

    // Of the entry in hand.
    private Status status = Status.OK;
    private long revision;
    private byte[] resultBytes = PendingResults.NO_BYTES;

    // The value that findValue found.
    private DirectBuffer currentBuffer = new UnsafeBuffer(0, 0);
    private int currentOffset;
    private int currentLength;

    private final UnsafeBuffer digits = new UnsafeBuffer(new byte[DecimalNumber.MAX_LENGTH]);

    /** Continues from what the store holds. */
    public KvStateMachine(KvStore store) {
        this(store, DEFAULT_HEADER_CACHE_ENTRIES, SessionLimits.REPLICATED);
    }

    /**
     * Continues from what the store holds.
     *
     * @param headerCacheEntries keys whose revision and version are remembered; 0 is legal; affects speed only
     */
    public KvStateMachine(KvStore store, int headerCacheEntries, SessionLimits limits) {
        this.store = store;
        this.limits = limits;
        headers = new HeaderCache(headerCacheEntries);
        sessions = new ClientSessionTable(store, limits);
        DirectBuffer name = AppliedDescriptor.NAME;
        int length = store.get(RowKind.META, name, 0, name.capacity());
        AppliedState applied =
                length == KvStore.NOT_FOUND ? AppliedState.NONE : AppliedDescriptor.decode(store.row(), 0, length);
        index = applied.index();
        term = applied.term();
        logTimeMs = applied.logTimeMs();
        digest = applied.digest();
        markCommitted();
    }

    private void markCommitted() {
        committedIndex = index;
        committedTerm = term;
        committedLogTimeMs = logTimeMs;
        committedDigest = digest;
        committedNextExpiryMs = sessions.nextExpiryLogTimeMs();
    }

    @Override
    public int apply(
            long entryIndex,
            long entryTerm,
            long entryLogTimeMs,
            int type,
            int entryCrc,
            DirectBuffer payload,
            int offset,
            int length,
            long replySlot) {
        if (entryIndex != index + 1 || entryTerm < term || staged) {
            throw new BrokenInvariantException("apply of entry (" + entryIndex + ", " + entryTerm + ") after (" + index
                    + ", " + term + ")" + (staged ? " while a batch waits for its write" : ""));
        }
        if (expectedCount > 0) {
            bringExpected();
        }
        index = entryIndex;
        term = entryTerm;
        // It never goes back, whatever a leader wrote.
        logTimeMs = Math.max(logTimeMs, entryLogTimeMs);
        sessions.expire(logTimeMs);
        int resultLength = 0;
        switch (type) {
            case ENTRY_NOOP, ENTRY_CLOCK -> {}
            case ENTRY_COMMAND -> {
                applyCommand(payload, offset, length);
                if (replySlot != NOBODY_WAITS) {
                    results.add(replySlot, status, revision, resultBytes);
                    resultLength = resultBytes.length;
                }
            }
            case ENTRY_CONFIG -> applyConfig(payload, offset, length);
            default -> throw new BrokenInvariantException("entry " + index + ": unknown type " + type);
        }
        digest = Mix.digest(digest, entryIndex, entryTerm, entryCrc);
        return resultLength;
    }

    @Override
    public void expect(DirectBuffer payload, int offset, int length) {
        if (expectedCount < MOST_EXPECTED && expected.wrap(payload, offset, length)) {
            expectedHashes[expectedCount] = KeyHash.of(payload, expected.keyOffset(), expected.keyLength());
            expectedCount++;
        }
    }

    /** Short loops of nothing but reads, so that the processor begins with the next ones before the first has ended. */
    private void bringExpected() {
        headers.bring(expectedHashes, expectedCount);
        store.bring(expectedHashes, expectedCount);
        expectedCount = 0;
    }

    private void applyConfig(DirectBuffer payload, int offset, int length) {
        MutableDirectBuffer row = store.valueBuffer(Long.BYTES + length);
        row.putLong(0, index, LITTLE_ENDIAN);
        row.putBytes(Long.BYTES, payload, offset, length);
        store.put(RowKind.META, CONFIG_NAME, 0, CONFIG_NAME.capacity(), Long.BYTES + length);
    }

    /** The last configuration entry applied, as of the last commit. Allocates; for the start of a node. */
    public AppliedConfiguration configuration() {
        return configuration(store);
    }

    /** The same of a store that no state machine works on yet. */
    public static AppliedConfiguration configuration(KvStore store) {
        int length = store.get(RowKind.META, CONFIG_NAME, 0, CONFIG_NAME.capacity());
        if (length == KvStore.NOT_FOUND) {
            return AppliedConfiguration.NONE;
        }
        if (length < Long.BYTES) {
            throw new BrokenInvariantException(
                    "configuration row: length " + length + ", expected at least " + Long.BYTES);
        }
        byte[] payload = new byte[length - Long.BYTES];
        store.row().getBytes(Long.BYTES, payload);
        return new AppliedConfiguration(store.row().getLong(0, LITTLE_ENDIAN), new UnsafeBuffer(payload));
    }

    private void applyCommand(DirectBuffer payload, int offset, int length) {
        if (!command.wrap(payload, offset, length)) {
            throw new BrokenInvariantException("entry " + index + ": malformed command of " + length + " bytes");
        }
        if (command.kind() == CommandDescriptor.KIND_OPEN_SESSION) {
            openSession();
            return;
        }
        ClientSession session = sessions.find(command.sessionId());
        if (session == null) {
            result(Status.SESSION_EXPIRED, 0);
        } else if (command.kind() == CommandDescriptor.KIND_CLOSE_SESSION) {
            sessions.close(session);
            result(Status.OK, index);
        } else {
            sessions.touch(session, logTimeMs);
            applyInSession(session, checksum.of(payload, offset, length));
        }
    }

    /** Opens a session under the entry's index, or, with a name, under the name's id, where the same name may already have it open. */
    private void openSession() {
        byte[] name = new byte[command.keyLength()];
        command.buffer().getBytes(command.keyOffset(), name);
        long id = name.length == 0 ? index : sessions.idOf(name);
        ClientSession session = sessions.find(id);
        if (session == null) {
            session = sessions.open(id, name, logTimeMs);
            result(session == null ? Status.BUSY : Status.OK, session == null ? 0 : id);
        } else if (session.hasName(name)) {
            sessions.touch(session, logTimeMs);
            result(Status.OK, id);
        } else {
            result(Status.SESSION_NAME_TAKEN, 0);
        }
    }

    /**
     * Executes a command unless its sequence was answered before. An answer is kept until the client says, by a higher lowest open
     * sequence, that it has it; a sequence below that is refused, since nobody can tell any more whether it was executed. A refusal leaves
     * window and answers as they are.
     */
    private void applyInSession(ClientSession session, int crc) {
        long sequence = command.sequence();
        long lowestOpen = Math.max(session.lowestOpen(), command.lowestOpenSequence());
        // Subtraction instead of addition: a sequence near the end of the range must not wrap into the window.
        if (sequence < lowestOpen || sequence - lowestOpen >= limits.window()) {
            result(Status.SEQUENCE_OUT_OF_WINDOW, 0);
            return;
        }
        int answer = session.find(sequence);
        if (answer < 0 && command.mayStoreResult() && sessions.isFull(session, lowestOpen)) {
            result(Status.SESSION_FULL, 0);
            return;
        }
        sessions.advanceLowestOpen(session, lowestOpen);
        if (command.kind() == CommandDescriptor.KIND_RESOLVE) {
            resolve(session, sequence, answer);
        } else if (answer < 0) {
            execute();
            sessions.answer(session, sequence, crc, status, revision, resultBytes);
        } else if (session.status(answer) == Status.CANCELLED) {
            result(Status.CANCELLED, 0);
        } else if (session.crc(answer) == crc) {
            result(session.status(answer), session.revision(answer));
            resultBytes = session.result(answer);
        } else {
            result(Status.SEQUENCE_REUSED, 0);
        }
    }

    /**
     * Says what became of a sequence. One that was not executed never will be: its place is taken by an answer that fits whatever command
     * comes later. A mere look would not do, since a copy of the command may stand in the log behind this entry.
     */
    private void resolve(ClientSession session, long sequence, int answer) {
        if (answer < 0) {
            sessions.answer(session, sequence, 0, Status.CANCELLED, 0, PendingResults.NO_BYTES);
            result(Status.NOT_EXECUTED, 0);
        } else if (session.status(answer) == Status.CANCELLED) {
            result(Status.NOT_EXECUTED, 0);
        } else {
            byte[] stored = session.result(answer);
            byte[] resolved = new byte[ResolvedAnswerDescriptor.RESULT_OFFSET + stored.length];
            UnsafeBuffer into = new UnsafeBuffer(resolved);
            into.putShort(
                    ResolvedAnswerDescriptor.STATUS_OFFSET,
                    (short) session.status(answer).code(),
                    LITTLE_ENDIAN);
            into.putLong(ResolvedAnswerDescriptor.REVISION_OFFSET, session.revision(answer), LITTLE_ENDIAN);
            into.putBytes(ResolvedAnswerDescriptor.RESULT_OFFSET, stored);
            result(Status.OK, 0);
            resultBytes = resolved;
        }
    }

    private void execute() {
        switch (command.kind()) {
            case CommandDescriptor.KIND_PUT -> put();
            case CommandDescriptor.KIND_DELETE -> delete();
            case CommandDescriptor.KIND_ADD -> add();
            case CommandDescriptor.KIND_PUT_BATCH -> putBatch();
            case CommandDescriptor.KIND_DELETE_RANGE -> deleteRange();
            default ->
                throw new BrokenInvariantException("entry " + index + ": unknown command kind " + command.kind());
        }
    }

    private void put() {
        DirectBuffer buffer = command.buffer();
        int keyOffset = command.keyOffset();
        int keyLength = command.keyLength();
        findHeader(buffer, keyOffset, keyLength);
        if (command.flags() == 0) {
            writeRow(buffer, keyOffset, keyLength, buffer, command.valueOffset(), command.valueLength());
            result(Status.OK, index);
        } else if (conditionHolds(keyOffset, keyLength)) {
            byte[] previous = previous(keyOffset, keyLength);
            writeRow(buffer, keyOffset, keyLength, buffer, command.valueOffset(), command.valueLength());
            result(Status.OK, index);
            resultBytes = previous;
        }
    }

    private void delete() {
        int keyOffset = command.keyOffset();
        int keyLength = command.keyLength();
        findHeader(command.buffer(), keyOffset, keyLength);
        if (!conditionHolds(keyOffset, keyLength)) {
            return;
        }
        if (headers.version() == 0) {
            result(Status.NOT_FOUND, 0);
            return;
        }
        byte[] previous = previous(keyOffset, keyLength);
        deleteRow(command.buffer(), keyOffset, keyLength);
        result(Status.OK, index);
        resultBytes = previous;
    }

    /** Whether the condition of the command in hand, if it has one, holds for the key whose header was found; if not, that is the result. */
    private boolean conditionHolds(int keyOffset, int keyLength) {
        boolean holds = true;
        if (command.has(CommandDescriptor.FLAG_IF_REVISION)) {
            holds = headers.modRevision() == command.expectedRevision();
        } else if (command.has(CommandDescriptor.FLAG_IF_VALUE)) {
            holds = headers.version() != 0;
            if (holds) {
                findValue(keyOffset, keyLength);
                holds = currentLength == command.expectedLength()
                        && KeyHash.equal(
                                currentBuffer,
                                currentOffset,
                                command.buffer(),
                                command.expectedOffset(),
                                currentLength);
            }
        }
        if (!holds) {
            byte[] current = previous(keyOffset, keyLength);
            result(Status.CONDITION_FAILED, 0);
            resultBytes = current;
        }
        return holds;
    }

    /** The entry whose header was found, if the command in hand asks for it; no bytes when there is none. */
    private byte[] previous(int keyOffset, int keyLength) {
        if (!command.has(CommandDescriptor.FLAG_WANT_PREVIOUS) || headers.version() == 0) {
            return PendingResults.NO_BYTES;
        }
        findValue(keyOffset, keyLength);
        byte[] entry = new byte[ResultEntryDescriptor.VALUE_OFFSET + currentLength];
        UnsafeBuffer into = new UnsafeBuffer(entry);
        into.putLong(ResultEntryDescriptor.CREATE_REVISION_OFFSET, headers.createRevision(), LITTLE_ENDIAN);
        into.putLong(ResultEntryDescriptor.MOD_REVISION_OFFSET, headers.modRevision(), LITTLE_ENDIAN);
        into.putLong(ResultEntryDescriptor.VERSION_OFFSET, headers.version(), LITTLE_ENDIAN);
        into.putBytes(ResultEntryDescriptor.VALUE_OFFSET, currentBuffer, currentOffset, currentLength);
        return entry;
    }

    private void add() {
        DirectBuffer buffer = command.buffer();
        int keyOffset = command.keyOffset();
        int keyLength = command.keyLength();
        if (command.valueLength() != Long.BYTES) {
            throw new BrokenInvariantException(
                    "entry " + index + ": ADD with a value of " + command.valueLength() + " bytes, expected 8");
        }
        findHeader(buffer, keyOffset, keyLength);
        long before = 0;
        if (headers.version() != 0) {
            findValue(keyOffset, keyLength);
            if (!DecimalNumber.isNumber(currentBuffer, currentOffset, currentLength)) {
                result(Status.NOT_A_NUMBER, 0);
                return;
            }
            before = DecimalNumber.parse(currentBuffer, currentOffset, currentLength);
        }
        long difference = buffer.getLong(command.valueOffset(), LITTLE_ENDIAN);
        long after = before + difference;
        if (((before ^ after) & (difference ^ after)) < 0) {
            result(Status.NUMBER_OVERFLOW, 0);
            return;
        }
        writeRow(buffer, keyOffset, keyLength, digits, 0, digits.putLongAscii(0, after));
        result(Status.OK, index);
        resultBytes = new byte[Long.BYTES];
        new UnsafeBuffer(resultBytes).putLong(0, after, LITTLE_ENDIAN);
    }

    private void putBatch() {
        DirectBuffer buffer = command.buffer();
        int at = command.valueOffset();
        int end = at + command.valueLength();
        while (at < end) {
            int keyOffset = at + BatchItemDescriptor.KEY_OFFSET;
            int keyLength =
                    end < keyOffset ? -1 : buffer.getInt(at + BatchItemDescriptor.KEY_LENGTH_OFFSET, LITTLE_ENDIAN);
            int valueLength =
                    end < keyOffset ? -1 : buffer.getInt(at + BatchItemDescriptor.VALUE_LENGTH_OFFSET, LITTLE_ENDIAN);
            long next = (long) keyOffset + keyLength + Math.max(0, valueLength);
            if (keyLength < 0 || valueLength < BatchItemDescriptor.DELETE || next > end) {
                throw new BrokenInvariantException("entry " + index + ": batch item at " + (at - command.valueOffset())
                        + " of " + command.valueLength() + " bytes has key " + keyLength + ", value " + valueLength);
            }
            findHeader(buffer, keyOffset, keyLength);
            if (valueLength != BatchItemDescriptor.DELETE) {
                writeRow(buffer, keyOffset, keyLength, buffer, keyOffset + keyLength, valueLength);
            } else if (headers.version() != 0) {
                deleteRow(buffer, keyOffset, keyLength);
            }
            at = (int) next;
        }
        result(Status.OK, index);
    }

    private void deleteRange() {
        DirectBuffer buffer = command.buffer();
        int from = command.keyOffset();
        int to = command.valueOffset();
        store.deleteRange(RowKind.DATA, buffer, from, command.keyLength(), buffer, to, command.valueLength());
        headers.onDeleteRange(index, buffer, from, command.keyLength(), buffer, to, command.valueLength());
        result(Status.OK, index);
    }

    /** Writes the key whose header was found. */
    private void writeRow(
            DirectBuffer key, int keyOffset, int keyLength, DirectBuffer value, int valueOffset, int valueLength) {
        long version = headers.version() + 1;
        long createRevision = version == 1 ? index : headers.createRevision();

        MutableDirectBuffer row = store.valueBuffer(ValueDescriptor.HEADER_LENGTH + valueLength);
        row.putLong(ValueDescriptor.CREATE_REVISION_OFFSET, createRevision, LITTLE_ENDIAN);
        row.putLong(ValueDescriptor.MOD_REVISION_OFFSET, index, LITTLE_ENDIAN);
        row.putLong(ValueDescriptor.VERSION_OFFSET, version, LITTLE_ENDIAN);
        row.putLong(ValueDescriptor.LEASE_OFFSET, 0, LITTLE_ENDIAN);
        row.putBytes(ValueDescriptor.HEADER_LENGTH, value, valueOffset, valueLength);
        store.put(RowKind.DATA, key, keyOffset, keyLength, ValueDescriptor.HEADER_LENGTH + valueLength);
        headers.onWrite(
                key, keyOffset, keyLength, createRevision, index, version, values.add(value, valueOffset, valueLength));
    }

    /** Deletes the key whose header was found. */
    private void deleteRow(DirectBuffer key, int keyOffset, int keyLength) {
        store.delete(RowKind.DATA, key, keyOffset, keyLength);
        headers.onWrite(key, keyOffset, keyLength, 0, 0, 0, BatchValues.NONE);
    }

    /** Finds the value of the key, at an offset of the command in hand, whose header was found and says that it exists. */
    private void findValue(int keyOffset, int keyLength) {
        int position = headers.valuePosition();
        if (position != BatchValues.NONE) {
            currentBuffer = values.buffer();
            currentOffset = BatchValues.offset(position);
            currentLength = values.length(position);
            return;
        }
        int length = store.get(RowKind.DATA, command.buffer(), keyOffset, keyLength);
        if (length < ValueDescriptor.HEADER_LENGTH
                || store.row().getLong(ValueDescriptor.MOD_REVISION_OFFSET, LITTLE_ENDIAN) != headers.modRevision()) {
            throw new BrokenInvariantException("entry " + index + ": data row of " + length
                    + " bytes is not the one of revision " + headers.modRevision());
        }
        currentBuffer = store.row();
        currentOffset = ValueDescriptor.HEADER_LENGTH;
        currentLength = length - ValueDescriptor.HEADER_LENGTH;
    }

    /** Makes {@link #headers} answer for the key, from the store if need be; the store lacks only what the cache has pinned. */
    private void findHeader(DirectBuffer key, int keyOffset, int keyLength) {
        if (headers.find(key, keyOffset, keyLength)) {
            return;
        }
        int length = store.get(RowKind.DATA, key, keyOffset, keyLength);
        if (length == KvStore.NOT_FOUND) {
            headers.onRead(key, keyOffset, keyLength, 0, 0, 0);
            return;
        }
        if (length < ValueDescriptor.HEADER_LENGTH) {
            throw new BrokenInvariantException("data row of " + length + " bytes, at least "
                    + ValueDescriptor.HEADER_LENGTH + ", found while applying entry " + index);
        }
        DirectBuffer row = store.row();
        headers.onRead(
                key,
                keyOffset,
                keyLength,
                row.getLong(ValueDescriptor.CREATE_REVISION_OFFSET, LITTLE_ENDIAN),
                row.getLong(ValueDescriptor.MOD_REVISION_OFFSET, LITTLE_ENDIAN),
                row.getLong(ValueDescriptor.VERSION_OFFSET, LITTLE_ENDIAN));
    }

    private void result(Status newStatus, long newRevision) {
        status = newStatus;
        revision = newRevision;
        resultBytes = PendingResults.NO_BYTES;
    }

    @Override
    public void commit(ResultSink sink) {
        if (index == committedIndex) {
            return;
        }
        if (!staged) {
            sessions.stageRows();
            AppliedDescriptor.encode(store.valueBuffer(AppliedDescriptor.LENGTH), index, term, logTimeMs, digest);
            DirectBuffer name = AppliedDescriptor.NAME;
            store.put(RowKind.META, name, 0, name.capacity(), AppliedDescriptor.LENGTH);
            staged = true;
        }
        store.write();
        staged = false;
        headers.onBatchWritten();
        values.clear();
        markCommitted();
        results.deliver(sink);
    }

    @Override
    public long appliedIndex() {
        return committedIndex;
    }

    @Override
    public long appliedTerm() {
        return committedTerm;
    }

    @Override
    public long digest() {
        return committedDigest;
    }

    @Override
    public long lastLogTimeMs() {
        return committedLogTimeMs;
    }

    @Override
    public long nextExpiryLogTimeMs() {
        return committedNextExpiryMs;
    }

    /** Sessions open now, those of the open batch included. */
    @Override
    public int sessionCount() {
        return sessions.size();
    }
}
