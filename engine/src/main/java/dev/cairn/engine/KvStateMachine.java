package dev.cairn.engine;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.cairn.protocol.CommandDescriptor;
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

    /** Name of the meta row that holds the payload of the last configuration entry, verbatim; never written to. */
    public static final DirectBuffer CONFIG_NAME = new UnsafeBuffer("config".getBytes(StandardCharsets.US_ASCII));

    private final KvStore store;
    private final SessionLimits limits;
    private final ClientSessionTable sessions;
    private final HeaderCache headers;
    private final CommandFlyweight command = new CommandFlyweight();
    private final CommandChecksum checksum = new CommandChecksum();
    private final PendingResults results = new PendingResults();

    // Of the last committed batch.
    private long committedIndex;
    private long committedTerm;
    private long committedLogTimeMs;
    private long committedDigest;

    // Of the open batch.
    private long index;
    private long term;
    private long logTimeMs;
    private long digest;
    private boolean staged;

    // Of the entry in hand.
    private Status status = Status.OK;
    private long revision;

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
    }

    @Override
    public void apply(
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
        index = entryIndex;
        term = entryTerm;
        // It never goes back, whatever a leader wrote.
        logTimeMs = Math.max(logTimeMs, entryLogTimeMs);
        switch (type) {
            case ENTRY_NOOP, ENTRY_CLOCK -> {}
            case ENTRY_COMMAND -> {
                applyCommand(payload, offset, length);
                if (replySlot != NOBODY_WAITS) {
                    results.add(replySlot, status, revision);
                }
            }
            case ENTRY_CONFIG -> applyConfig(payload, offset, length);
            default -> throw new BrokenInvariantException("entry " + index + ": unknown type " + type);
        }
        digest = Mix.digest(digest, entryIndex, entryTerm, entryCrc);
    }

    private void applyConfig(DirectBuffer payload, int offset, int length) {
        store.valueBuffer(length).putBytes(0, payload, offset, length);
        store.put(RowKind.META, CONFIG_NAME, 0, CONFIG_NAME.capacity(), length);
    }

    private void applyCommand(DirectBuffer payload, int offset, int length) {
        if (!command.wrap(payload, offset, length)) {
            throw new BrokenInvariantException("entry " + index + ": malformed command of " + length + " bytes");
        }
        if (command.kind() == CommandDescriptor.KIND_OPEN_SESSION) {
            boolean opened = sessions.open(index, logTimeMs);
            result(opened ? Status.OK : Status.BUSY, opened ? index : 0);
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

    /**
     * Executes a command unless its sequence was answered before. An answer is kept until the client says, by a higher lowest open
     * sequence, that it has it; a sequence below that is refused, since nobody can tell any more whether it was executed. A refusal leaves the
     * window as it is.
     */
    private void applyInSession(ClientSession session, int crc) {
        long sequence = command.sequence();
        long lowestOpen = Math.max(session.lowestOpen(), command.lowestOpenSequence());
        // Subtraction instead of addition: a sequence near the end of the range must not wrap into the window.
        if (sequence < lowestOpen || sequence - lowestOpen >= limits.window()) {
            result(Status.SEQUENCE_OUT_OF_WINDOW, 0);
            return;
        }
        session.advanceLowestOpen(lowestOpen);
        int answer = session.find(sequence);
        if (answer < 0) {
            execute();
            session.answer(sequence, crc, status, revision);
        } else if (session.crc(answer) == crc) {
            result(session.status(answer), session.revision(answer));
        } else {
            result(Status.SEQUENCE_REUSED, 0);
        }
    }

    private void execute() {
        switch (command.kind()) {
            case CommandDescriptor.KIND_PUT -> put();
            case CommandDescriptor.KIND_DELETE -> delete();
            default ->
                throw new BrokenInvariantException("entry " + index + ": unknown command kind " + command.kind());
        }
    }

    private void put() {
        DirectBuffer buffer = command.buffer();
        int keyOffset = command.keyOffset();
        int keyLength = command.keyLength();
        int valueLength = command.valueLength();
        findHeader(buffer, keyOffset, keyLength);
        long version = headers.version() + 1;
        long createRevision = version == 1 ? index : headers.createRevision();

        MutableDirectBuffer row = store.valueBuffer(ValueDescriptor.HEADER_LENGTH + valueLength);
        row.putLong(ValueDescriptor.CREATE_REVISION_OFFSET, createRevision, LITTLE_ENDIAN);
        row.putLong(ValueDescriptor.MOD_REVISION_OFFSET, index, LITTLE_ENDIAN);
        row.putLong(ValueDescriptor.VERSION_OFFSET, version, LITTLE_ENDIAN);
        row.putLong(ValueDescriptor.LEASE_OFFSET, 0, LITTLE_ENDIAN);
        row.putBytes(ValueDescriptor.HEADER_LENGTH, buffer, command.valueOffset(), valueLength);
        store.put(RowKind.DATA, buffer, keyOffset, keyLength, ValueDescriptor.HEADER_LENGTH + valueLength);
        headers.onWrite(buffer, keyOffset, keyLength, createRevision, index, version);
        result(Status.OK, index);
    }

    private void delete() {
        DirectBuffer buffer = command.buffer();
        int keyOffset = command.keyOffset();
        int keyLength = command.keyLength();
        findHeader(buffer, keyOffset, keyLength);
        if (headers.version() == 0) {
            result(Status.NOT_FOUND, 0);
            return;
        }
        store.delete(RowKind.DATA, buffer, keyOffset, keyLength);
        headers.onWrite(buffer, keyOffset, keyLength, 0, 0, 0);
        result(Status.OK, index);
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
        return Long.MAX_VALUE;
    }

    /** Sessions open now, those of the open batch included. */
    public int sessionCount() {
        return sessions.size();
    }
}
