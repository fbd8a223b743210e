package dev.cairn.wal;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The log: appended by one thread, forced by another, read by any.
 *
 * <p>Durability is a position, never an index: an index goes down when a suffix is truncated and comes back with another
 * entry, a position does neither. {@link #force} returns the position up to which everything is on disk; whoever needs an
 * index compares {@link #endPosition(long)} with it on the loop thread.
 *
 * <p>Threads: methods are the loop's unless they say otherwise. {@link #force} is log-sync's. Counters may be read by any
 * thread. Each other thread reads entries through a {@link LogCursor} of its own. {@link #sparePreparer()} is
 * housekeeping's. None of these threads may be interrupted.
 *
 * <p>Invariants: published &lt;= appended, durable &lt;= published (as positions); no stored byte changes; a group that
 * begins while a force may be in flight begins on a new 4 KiB block.
 */
public final class Wal implements AutoCloseable {
    /**
     * Kept free at the end of each segment for entries that a node must still store when the disk is full: a no-op, a
     * membership entry and an empty record, each on a block of its own.
     */
    static final int TAIL_RESERVE_BYTES = 4 * RecordDescriptor.BLOCK_BYTES;

    /**
     * Of a segment that the loop makes itself because no spare is ready. Just enough to go on with: nobody hears from the loop
     * meanwhile, and on a busy disk a whole segment takes longer than an election timeout.
     */
    static final int STOPGAP_BYTES = 1024 * 1024;

    private static final int EMPTY_RECORD_BYTES = RecordDescriptor.HEADER_LENGTH + RecordDescriptor.EMPTY_BODY_LENGTH;
    private static final int INITIAL_SCRATCH_BYTES = 64 * 1024;

    private final WalConfig config;
    private final SegmentDirectory directory;
    private final LongSupplier salts;
    private final RecoveryReport recovery;
    private final SparePreparer preparer;
    private final AtomicInteger nextSpare;
    private final Checksum checksum = new Checksum();

    // loop
    private final IndexTable table;
    private final TermTable terms;
    private UnsafeBuffer scratch = new UnsafeBuffer(new byte[INITIAL_SCRATCH_BYTES]);
    private final UnsafeBuffer activationScratch = new UnsafeBuffer(new byte[ActivationDescriptor.LENGTH]);
    /** Handed to housekeeping at the next publish, when no cursor of this cycle looks at them any more. */
    private final List<Segment> cooling = new ArrayList<>();

    private final List<Segment> dropped = new ArrayList<>();
    private Segment current;
    private int tail;
    private int chain;
    private long appendedIndex;
    private long appendedPosition;
    private long durableIndexCache;
    private boolean groupOpen;
    private boolean supersedeNext;
    /** Position that must be durable for the last truncation of a suffix to outlast a crash. */
    private long truncationDurableAt;

    private boolean idleRecordDue;
    private LongSupplier rollClock = () -> 0;
    private LongConsumer rollTimes = ns -> {};

    // shared; written by the loop, but durablePosition by log-sync and failure by both
    private volatile Segment[] segments;
    private volatile long firstIndex;
    private final AtomicLong truncationEpoch = new AtomicLong();
    private final AtomicLong publishedIndex;
    private final AtomicLong publishedPosition;
    private final AtomicLong durablePosition;
    private volatile @Nullable Throwable failure;

    private Wal(WalConfig config, SegmentDirectory directory, LongSupplier salts, WalRecovery.Recovered recovered) {
        this.config = config;
        this.directory = directory;
        this.salts = salts;
        this.recovery = recovered.report();
        this.table = recovered.table();
        this.terms = recovered.terms();
        this.segments = recovered.segments().toArray(new Segment[0]);
        this.current = segments[segments.length - 1];
        this.tail = recovered.tail();
        this.chain = recovered.chain();
        this.firstIndex = table.first();
        this.appendedIndex = table.last();
        this.appendedPosition = LogPosition.of(current.sequence, tail);
        this.publishedIndex = new AtomicLong(appendedIndex);
        this.publishedPosition = new AtomicLong(appendedPosition);
        this.durablePosition = new AtomicLong(appendedPosition);
        this.durableIndexCache = appendedIndex;
        this.nextSpare = new AtomicInteger(recovered.nextSpare());
        this.preparer = new SparePreparer(directory, config, salts, nextSpare, durablePosition);
    }

    /**
     * Recovers and opens. When this returns, everything that can be read is durable, hard state has been rewritten and
     * forced, and the log stands at a fresh segment.
     *
     * @param floor what is known to be durable and applied elsewhere
     * @param salts random numbers, one per new segment file
     * @throws WalDamagedException when acknowledged data may be damaged; nothing was changed
     * @throws HardStateInDoubtException when a log is there but its hard state is new
     */
    public static Wal open(
            WalConfig config, SegmentDirectory directory, HardStateFile hardState, Floor floor, LongSupplier salts) {
        WalRecovery recovery = new WalRecovery(config, directory, hardState, floor, null, false, salts);
        return new Wal(config, directory, salts, recovery.recover());
    }

    /**
     * As {@link #open(WalConfig, SegmentDirectory, HardStateFile, Floor, LongSupplier)}, but damage does not stop the node
     * where peers can bring back what it took: {@link RecoveryReport#damage} says what was found. Where acknowledged entries
     * may be missing, {@link HardState#repairing} was made durable, with a new storage epoch, before anything was changed.
     *
     * @param store what the state machine has flushed; null = damage stops the node, and the exception lists all that is
     *     lost, which takes another reading of the log
     */
    public static Wal open(
            WalConfig config,
            SegmentDirectory directory,
            HardStateFile hardState,
            Floor floor,
            @Nullable Floor store,
            LongSupplier salts) {
        WalRecovery recovery = new WalRecovery(config, directory, hardState, floor, store, true, salts);
        return new Wal(config, directory, salts, recovery.recover());
    }

    /** What {@link #open} found and did. Any thread. */
    public RecoveryReport recovery() {
        return recovery;
    }

    /** For the housekeeping thread. */
    public SparePreparer sparePreparer() {
        return preparer;
    }

    // ---- appending

    /**
     * Appends an entry; it is readable by the loop at once, by others after {@link #publish}, durable after a force.
     *
     * @param index {@link #appendedIndex()} + 1
     * @param payload must not be a file mapping
     * @return its end position
     * @throws NoSpaceException when a new segment is needed and the disk is full; nothing was stored
     */
    public long append(long index, long term, long logTimeMs, int type, DirectBuffer payload, int offset, int length) {
        int entryLength = EntryDescriptor.HEADER_LENGTH + length;
        checkAppend(index, term, entryLength);
        UnsafeBuffer buffer = scratchFor(RecordDescriptor.HEADER_LENGTH + entryLength);
        int at = RecordDescriptor.HEADER_LENGTH;
        EntryDescriptor.encodeHeader(buffer, at, entryLength, index, term, logTimeMs, type, config.group());
        buffer.putBytes(at + EntryDescriptor.HEADER_LENGTH, payload, offset, length);
        int crc = checksum.compute(
                buffer, at + EntryDescriptor.LENGTH_OFFSET, entryLength - EntryDescriptor.LENGTH_OFFSET);
        buffer.putInt(at + EntryDescriptor.CRC_OFFSET, crc, LITTLE_ENDIAN);
        return store(index, term, type, entryLength, crc);
    }

    /**
     * Appends an entry as it came from the leader; the caller has checked its CRC ({@link EntryValidator}).
     *
     * @return its end position
     * @throws NoSpaceException as {@link #append}
     */
    public long appendEntry(DirectBuffer entry, int offset, int length) {
        long index = EntryDescriptor.index(entry, offset);
        long term = EntryDescriptor.term(entry, offset);
        checkAppend(index, term, length);
        if (EntryDescriptor.length(entry, offset) != length) {
            throw new IllegalArgumentException(
                    "entry length=" + EntryDescriptor.length(entry, offset) + " given=" + length + " index=" + index);
        }
        UnsafeBuffer buffer = scratchFor(RecordDescriptor.HEADER_LENGTH + length);
        buffer.putBytes(RecordDescriptor.HEADER_LENGTH, entry, offset, length);
        return store(index, term, EntryDescriptor.type(entry, offset), length, EntryDescriptor.crc(entry, offset));
    }

    private void checkAppend(long index, long term, int entryLength) {
        if (index != appendedIndex + 1) {
            throw new IllegalArgumentException("append index=" + index + " expected=" + (appendedIndex + 1));
        }
        if (term < terms.term(appendedIndex)) {
            throw new IllegalArgumentException(
                    "append term=" + term + " below " + terms.term(appendedIndex) + " at index=" + index);
        }
        if (entryLength < EntryDescriptor.HEADER_LENGTH || entryLength > EntryDescriptor.MAX_ENTRY_BYTES) {
            throw new IllegalArgumentException("entry bytes=" + entryLength + " allowed="
                    + EntryDescriptor.HEADER_LENGTH + ".." + EntryDescriptor.MAX_ENTRY_BYTES + " index=" + index);
        }
        checkNotFailed();
    }

    private UnsafeBuffer scratchFor(int recordLength) {
        int need = RecordDescriptor.alignedLength(recordLength);
        if (need > scratch.capacity()) {
            int most = RecordDescriptor.alignedLength(RecordDescriptor.HEADER_LENGTH + EntryDescriptor.MAX_ENTRY_BYTES);
            scratch = new UnsafeBuffer(new byte[Math.min(most, Integer.highestOneBit(need - 1) * 2)]);
        }
        return scratch;
    }

    // From here to appendTo no method has more than 120 bytes of bytecode: a longer one is not inlined (ADR 18).

    /** Stores the entry that stands in the scratch buffer behind the room for its record header. */
    private long store(long index, long term, int type, int entryLength, int entryCrc) {
        int length = RecordDescriptor.HEADER_LENGTH + entryLength;
        int at = reserve(index, RecordDescriptor.alignedLength(length), isEssential(type));
        long start = LogPosition.of(current.sequence, at);
        writeRecord(at, length, supersedeNext ? RecordDescriptor.FLAG_SUPERSEDES : 0, index, entryCrc);
        onEntryWritten();
        idleRecordDue = true;
        table.append(start, type, entryLength);
        terms.append(index, term);
        appendedIndex = index;
        current.lastLiveIndex = index;
        return appendedPosition;
    }

    /** The first entry behind a truncation is what lets it outlast a crash. */
    private void onEntryWritten() {
        if (supersedeNext) {
            supersedeNext = false;
            truncationDurableAt = appendedPosition;
        }
    }

    private void writeRecord(int at, int length, int flags, long index, int bodyCrc) {
        int aligned = RecordDescriptor.alignedLength(length);
        if (aligned > length) {
            scratch.setMemory(length, aligned - length, (byte) 0);
        }
        chain = RecordWriter.seal(
                scratch,
                length,
                flags,
                current.salt,
                durablePosition.getAcquire(),
                index,
                current.sequence,
                at,
                chain,
                bodyCrc,
                checksum);
        appendTo(current.file, at, scratch, aligned);
        tail = at + aligned;
        appendedPosition = LogPosition.of(current.sequence, tail);
    }

    private void appendTo(SegmentFile file, int at, DirectBuffer source, int length) {
        try {
            file.append(at, source, 0, length);
        } catch (RuntimeException | InternalError e) {
            throw fail(e);
        }
    }

    /** Where the next record goes; rolls to a new segment when this one has no room. */
    private int reserve(long index, int aligned, boolean essential) {
        int at = nextOffset();
        if (mustRoll(index, at, aligned)) {
            at = rollFor(at, aligned, essential && !supersedesAcross(index));
        }
        groupOpen = true;
        return at;
    }

    private boolean mustRoll(long index, int at, int aligned) {
        return supersedesAcross(index) || (long) at + aligned > current.file.length() - TAIL_RESERVE_BYTES;
    }

    /**
     * A superseding record that reaches back beyond its segment begins a new one, whose activation block names the entry
     * before it: prefix deletion may leave that block as the only place where that entry's term stands.
     */
    private boolean supersedesAcross(long index) {
        return supersedeNext && index <= current.previousIndex;
    }

    private int nextOffset() {
        boolean forceMayBeInFlight = durablePosition.getAcquire() < publishedPosition.get();
        if (!groupOpen && forceMayBeInFlight) {
            return (tail + RecordDescriptor.BLOCK_BYTES - 1) & -RecordDescriptor.BLOCK_BYTES;
        }
        return tail;
    }

    private int rollFor(int at, int aligned, boolean mayUseReserve) {
        try {
            roll(aligned, ActivationDescriptor.KIND_CONTINUE, appendedIndex, terms.term(appendedIndex));
            return tail;
        } catch (NoSpaceException e) {
            if (mayUseReserve && fitsReserve(at, aligned)) {
                return at;
            }
            throw e;
        }
    }

    private void roll(int aligned, int kind, long previousIndex, long previousTerm) {
        checkNotFailed();
        if (kind == ActivationDescriptor.KIND_CONTINUE && holdsMostEntries()) {
            throw new NoSpaceException(
                    "the log holds entries " + firstIndex + ".." + appendedIndex + ", allowed are "
                            + config.maxEntries(),
                    null);
        }
        long startNs = rollClock.getAsLong();
        becomeCurrent(nextFile(aligned, kind == ActivationDescriptor.KIND_RESET), kind, previousIndex, previousTerm);
        rollTimes.accept(rollClock.getAsLong() - startNs);
    }

    private void becomeCurrent(PreparedSegment next, int kind, long previousIndex, long previousTerm) {
        int end = LogPosition.segment(appendedPosition) == current.sequence
                ? LogPosition.offset(appendedPosition)
                : ActivationDescriptor.RECORDS_OFFSET;
        flush();
        int sequence = current.sequence + 1;
        boolean reset = kind == ActivationDescriptor.KIND_RESET;
        Activation activation = new Activation(
                kind,
                sequence,
                reset ? 0 : current.sequence,
                reset ? 0 : end,
                previousIndex,
                previousTerm,
                durablePosition.getAcquire(),
                reset ? 0 : chain,
                sequence,
                next.salt());
        ActivationDescriptor.encode(activationScratch, activation, checksum);
        appendTo(next.file(), ActivationDescriptor.FILE_OFFSET, activationScratch, ActivationDescriptor.LENGTH);
        current.sealedEnd = end;
        current = new Segment(sequence, next.file(), next.name(), next.salt(), previousIndex);
        current.madeHere = true;
        preparer.name(current);
        chain = activation.seed();
        tail = ActivationDescriptor.RECORDS_OFFSET;
        Segment[] before = segments;
        Segment[] after = Arrays.copyOf(before, before.length + 1);
        after[before.length] = current;
        segments = after;
        current.inMemory = true;
        if (after.length > 2 && after[after.length - 3].inMemory) {
            after[after.length - 3].inMemory = false;
            cooling.add(after[after.length - 3]);
        }
    }

    /** With {@code must} the log cannot go on without it: it is tried in any case, in the reserve, too. */
    private PreparedSegment nextFile(int aligned, boolean must) {
        long need = neededBytes(aligned);
        if (need <= config.segmentBytes()) {
            PreparedSegment spare = preparer.take();
            if (spare != null) {
                return spare;
            }
        }
        if (!must && config.spareCount() > 0 && preparer.outOfSpace()) {
            // To try with every entry would fill and empty the disk over and over, and hold up the loop each time.
            throw new NoSpaceException("no spare segment, and no room for one", null);
        }
        try {
            int length = (int) Math.max(lengthWithoutSpare(), blocks(need));
            if (!must) {
                preparer.space().require(length);
            }
            return prepareNow(length);
        } catch (NoSpaceException e) {
            preparer.onOutOfSpace();
            throw e;
        } catch (RuntimeException | InternalError e) {
            throw fail(e);
        }
    }

    private int lengthWithoutSpare() {
        return config.spareCount() == 0 ? config.segmentBytes() : Math.min(config.segmentBytes(), STOPGAP_BYTES);
    }

    /** Of a segment that begins with a record of this many bytes. */
    private static long neededBytes(int aligned) {
        return (long) ActivationDescriptor.RECORDS_OFFSET + aligned + TAIL_RESERVE_BYTES;
    }

    private PreparedSegment prepareNow(int length) {
        PreparedSegment made = SegmentPreparation.prepare(
                directory, config, WalRecovery.SPARE_PREFIX + nextSpare.getAndIncrement(), length, salts.getAsLong());
        made.file().startAppending();
        return made;
    }

    static long blocks(long bytes) {
        return (bytes + RecordDescriptor.BLOCK_BYTES - 1) & -RecordDescriptor.BLOCK_BYTES;
    }

    /**
     * Whether an entry of this many bytes (header included) can be stored now; makes room by starting a new segment if it
     * must. False only when the disk is full, or when the log holds {@link WalConfig#maxEntries}.
     */
    public boolean ensureRoom(int entryLength) {
        int aligned = RecordDescriptor.alignedLength(RecordDescriptor.HEADER_LENGTH + entryLength);
        if (!mustRoll(appendedIndex + 1, nextOffset(), aligned)) {
            return true;
        }
        try {
            roll(aligned, ActivationDescriptor.KIND_CONTINUE, appendedIndex, terms.term(appendedIndex));
            return true;
        } catch (NoSpaceException e) {
            if (neededBytes(aligned) <= config.segmentBytes() && !holdsMostEntries()) {
                preparer.space().onRefused();
            }
            return false;
        }
    }

    /** Whether the log begins no further segment before some of its entries were dropped: its index would not fit. */
    public boolean holdsMostEntries() {
        return appendedIndex - firstIndex + 1 >= config.maxEntries();
    }

    /**
     * As {@link #ensureRoom(int)}, for an entry of this type: a no-op and a membership entry find room in what each segment
     * keeps for them, also on a full disk, until that is used up.
     */
    public boolean ensureRoom(int entryLength, int type) {
        if (ensureRoom(entryLength)) {
            return true;
        }
        int aligned = RecordDescriptor.alignedLength(RecordDescriptor.HEADER_LENGTH + entryLength);
        return isEssential(type) && !supersedesAcross(appendedIndex + 1) && fitsReserve(nextOffset(), aligned);
    }

    private static boolean isEssential(int type) {
        return type == EntryDescriptor.TYPE_NOOP || type == EntryDescriptor.TYPE_CONFIG;
    }

    private boolean fitsReserve(int at, int aligned) {
        return (long) at + aligned <= current.file.length() - RecordDescriptor.BLOCK_BYTES;
    }

    /** Whether the next entry of this many bytes starts a new segment. */
    public boolean needsRoll(int entryLength) {
        int aligned = RecordDescriptor.alignedLength(RecordDescriptor.HEADER_LENGTH + entryLength);
        return mustRoll(appendedIndex + 1, nextOffset(), aligned);
    }

    /**
     * Writes the empty record once after the last append: it states the durable position and the commit index, so that a
     * restart knows more. Call it when nothing was appended for a while and at a clean stop; publish and force follow.
     *
     * @return whether there is something new to publish
     */
    public boolean onIdle(long commitIndex) {
        boolean allDurable = durablePosition.getAcquire() == appendedPosition;
        int aligned = RecordDescriptor.alignedLength(EMPTY_RECORD_BYTES);
        if (!idleRecordDue || !allDurable || (long) tail + aligned > current.file.length()) {
            return false;
        }
        checkNotFailed();
        int at = nextOffset();
        groupOpen = true;
        int crc = RecordWriter.encodeHint(scratch, Math.min(commitIndex, appendedIndex), checksum);
        writeRecord(at, EMPTY_RECORD_BYTES, RecordDescriptor.FLAG_EMPTY, appendedIndex, crc);
        idleRecordDue = false;
        return true;
    }

    /** Ends the group: what was appended becomes readable for other threads and is covered by the next force. */
    public void publish() {
        flush();
        publishedIndex.setRelease(appendedIndex);
        publishedPosition.setRelease(appendedPosition);
        groupOpen = false;
        for (int i = 0; i < cooling.size(); i++) {
            preparer.retireMapping(cooling.get(i));
        }
        cooling.clear();
        for (int i = 0; i < dropped.size(); i++) {
            preparer.retire(dropped.get(i), LogPosition.of(segments[0].sequence, ActivationDescriptor.RECORDS_OFFSET));
        }
        dropped.clear();
    }

    private void flush() {
        try {
            current.file.flush();
        } catch (RuntimeException | InternalError e) {
            throw fail(e);
        }
    }

    // ---- forcing

    /** Whether something published is not durable yet. Any thread. */
    public boolean hasUnforced() {
        return durablePosition.getAcquire() < publishedPosition.getAcquire();
    }

    /**
     * Forces everything published so far, segments in order. Log-sync thread only.
     *
     * @return the durable position
     * @throws LogFailedException at the first failure and at every call after it
     */
    public long force() {
        checkNotFailed();
        long target = publishedPosition.getAcquire();
        long durable = durablePosition.get();
        if (target <= durable) {
            return durable;
        }
        try {
            for (Segment segment : segments) {
                if (segment.sequence > LogPosition.segment(target)) {
                    break;
                }
                int sealedEnd = segment.sealedEnd;
                if (sealedEnd == 0 || LogPosition.of(segment.sequence, sealedEnd) > durable) {
                    segment.file.force();
                }
            }
        } catch (RuntimeException | InternalError e) {
            throw fail(e);
        }
        durablePosition.setRelease(target);
        return target;
    }

    /** Times from now on how long the caller of an append, or of {@link #ensureRoom}, waits for a new segment; ns. */
    public void observeRolls(LongSupplier monotonicNs, LongConsumer times) {
        rollClock = monotonicNs;
        rollTimes = times;
    }

    /** The file of a segment in use: for a while after a roll it still has the name of a spare (ADR 13). Any thread. */
    public String fileOf(int sequence) {
        for (Segment segment : segments) {
            if (segment.sequence == sequence) {
                return segment.name;
            }
        }
        throw new IllegalArgumentException("no segment in use: sequence=" + sequence);
    }

    /** Segments in use. Any thread. */
    public int segmentCount() {
        return segments.length;
    }

    /** Up to here everything is on disk. Any thread. */
    public long durablePosition() {
        return durablePosition.getAcquire();
    }

    private void checkNotFailed() {
        Throwable cause = failure;
        if (cause != null) {
            throw failed(cause);
        }
    }

    /**
     * The first write or force that fails is the last: what the kernel then holds is unknown, and a second force may return
     * normally although the pages are lost. A store through a mapping fails with an {@link InternalError}.
     */
    private LogFailedException fail(Throwable cause) {
        failure = cause;
        return failed(cause);
    }

    private LogFailedException failed(Throwable cause) {
        return new LogFailedException(
                "log write or force failed: durable=" + LogPosition.toString(durablePosition.get()) + " published="
                        + LogPosition.toString(publishedPosition.get())
                        + "; what was not durable may be lost: stop the process, check the disk, start it again",
                cause);
    }

    // ---- truncating

    /**
     * Forgets entries from this index on. Nothing on disk changes; the next append supersedes them.
     *
     * @param fromIndex at least {@link #firstIndex()}
     */
    public void truncateSuffix(long fromIndex) {
        if (fromIndex < firstIndex) {
            throw new IllegalArgumentException("truncate from=" + fromIndex + " first=" + firstIndex);
        }
        if (fromIndex > appendedIndex) {
            return;
        }
        truncationEpoch.incrementAndGet();
        if (publishedIndex.get() >= fromIndex) {
            publishedIndex.set(fromIndex - 1);
        }
        VarHandle.fullFence();
        table.truncateSuffix(fromIndex);
        terms.truncateSuffix(fromIndex);
        for (Segment segment : segments) {
            segment.lastLiveIndex = Math.min(segment.lastLiveIndex, fromIndex - 1);
        }
        appendedIndex = fromIndex - 1;
        durableIndexCache = Math.min(durableIndexCache, appendedIndex);
        supersedeNext = true;
        truncationDurableAt = Long.MAX_VALUE;
    }

    /**
     * Drops whole segments whose live entries all are at or below this index, which must be applied and durable. The
     * current segment stays, and so does everything while a truncated suffix could still come back by a crash; a later call
     * drops it then. Housekeeping deletes the files.
     */
    public void truncatePrefix(long upToIndex) {
        if (upToIndex > appendedIndex) {
            throw new IllegalArgumentException("truncate up to=" + upToIndex + " appended=" + appendedIndex);
        }
        Segment[] now = segments;
        int drop = 0;
        long durable = durablePosition.getAcquire();
        if (durable < truncationDurableAt) {
            // Which entries of a segment are live is not settled: a crash could bring back what was truncated, in later
            // segments, without the entries below it.
            return;
        }
        int durableSegment = LogPosition.segment(durable);
        while (drop < now.length - 1
                && now[drop].lastLiveIndex <= upToIndex
                && now[drop + 1].sequence <= durableSegment) {
            drop++;
        }
        if (drop == 0) {
            return;
        }
        dropSegments(drop, now[drop - 1].lastLiveIndex + 1);
    }

    /**
     * The most that {@link #truncatePrefix} may be told so that it leaves this many bytes of log at and below an index, in
     * whole segments; {@link #firstIndex()} - 1 when there is no more than that. Bytes of more entries than a quarter of
     * {@link WalConfig#maxEntries} are not left.
     */
    public long prefixBehind(long index, long keepBytes) {
        Segment[] now = segments;
        long kept = 0;
        for (int i = now.length - 2; i >= 0; i--) {
            if (now[i].lastLiveIndex > index) {
                continue;
            }
            if (kept >= keepBytes || index - now[i].lastLiveIndex >= config.maxEntries() / 4) {
                return Math.max(now[i].lastLiveIndex, firstIndex - 1);
            }
            kept += now[i].sealedEnd;
        }
        return firstIndex - 1;
    }

    /** Bytes of log behind an index, as they lie on disk; all of the log for an index before the first. */
    public long bytesBehind(long index) {
        long from = index < firstIndex
                ? LogPosition.of(segments[0].sequence, ActivationDescriptor.RECORDS_OFFSET)
                : endPosition(Math.min(index, appendedIndex));
        long bytes = -LogPosition.offset(from);
        for (Segment segment : segments) {
            if (segment.sequence >= LogPosition.segment(from)) {
                bytes += segment == current ? tail : segment.sealedEnd;
            }
        }
        return bytes;
    }

    /** Whether the log holds this entry, or begins right behind it. */
    public boolean reaches(long index, long term) {
        return index >= firstIndex - 1 && index <= appendedIndex && terms.term(index) == term;
    }

    private void dropSegments(int count, long newFirst) {
        Segment[] now = segments;
        firstIndex = newFirst;
        VarHandle.fullFence();
        segments = Arrays.copyOfRange(now, count, now.length);
        table.truncatePrefix(newFirst);
        terms.truncatePrefix(newFirst - 1);
        for (int i = 0; i < count; i++) {
            cooling.remove(now[i]);
            dropped.add(now[i]);
        }
    }

    /**
     * Starts again behind a snapshot: the log is empty, its next index is {@code index + 1}. The old segments go when the
     * new one is durable; publish and force follow.
     *
     * @throws NoSpaceException when there is no room for the new segment; nothing was changed
     */
    public void reset(long index, long term) {
        roll(0, ActivationDescriptor.KIND_RESET, index, term);
        truncationEpoch.incrementAndGet();
        publishedIndex.set(index);
        firstIndex = index + 1;
        VarHandle.fullFence();
        Segment[] now = segments;
        segments = new Segment[] {current};
        table.reset(index);
        terms.reset(index, term);
        appendedIndex = index;
        durableIndexCache = index;
        supersedeNext = false;
        truncationDurableAt = 0;
        appendedPosition = LogPosition.of(current.sequence, tail);
        cooling.clear();
        for (int i = 0; i < now.length - 1; i++) {
            dropped.add(now[i]);
        }
    }

    /** Whether {@link #reset} will find room, as far as one can know. Any thread. */
    public boolean hasRoomForReset() {
        return preparer.readyCount() > 0 || preparer.space().freeBytes() >= 2L * config.segmentBytes();
    }

    // ---- looking up

    /** First index that can be read, {@link #appendedIndex()} + 1 when the log is empty. Any thread. */
    public long firstIndex() {
        return firstIndex;
    }

    public long appendedIndex() {
        return appendedIndex;
    }

    public long appendedTerm() {
        return terms.term(appendedIndex);
    }

    /** End of the last record, also of one just appended. */
    public long appendedPosition() {
        return appendedPosition;
    }

    /** Highest index that other threads can read. Any thread. */
    public long publishedIndex() {
        return publishedIndex.getAcquire();
    }

    /** Highest index such that everything up to it is durable. */
    public long durableIndex() {
        long durable = durablePosition.getAcquire();
        while (durableIndexCache < appendedIndex && endPosition(durableIndexCache + 1) <= durable) {
            durableIndexCache++;
        }
        return durableIndexCache;
    }

    /** Term of an index from {@link #firstIndex()} - 1 to {@link #appendedIndex()}. */
    public long term(long index) {
        if (index < firstIndex - 1 || index > appendedIndex) {
            throw outside(index);
        }
        return terms.term(index);
    }

    /** Position that must be durable for this entry to be; 0 for anything below the first index. */
    public long endPosition(long index) {
        if (index < firstIndex) {
            return 0;
        }
        checkLive(index);
        return table.start(index)
                + RecordDescriptor.alignedLength(RecordDescriptor.HEADER_LENGTH + table.entryLength(index));
    }

    public int entryType(long index) {
        checkLive(index);
        return table.type(index);
    }

    /** Header and payload. */
    public int entryLength(long index) {
        checkLive(index);
        return table.entryLength(index);
    }

    private void checkLive(long index) {
        if (index < firstIndex || index > appendedIndex) {
            throw outside(index);
        }
    }

    private IndexOutOfBoundsException outside(long index) {
        return new IndexOutOfBoundsException("index=" + index + " first=" + firstIndex + " appended=" + appendedIndex);
    }

    /** Commit index that the log's last empty record stated: a start hint, never evidence. */
    public long startCommitHint() {
        return recovery.commitHint();
    }

    /** Rises with each truncation of a suffix. Any thread. */
    public long truncationEpoch() {
        return truncationEpoch.getAcquire();
    }

    // ---- reading

    /** A cursor for any one thread; it sees what is published, checked against its CRC. */
    public LogCursor newCursor() {
        return new LogCursor(this, false);
    }

    /** A cursor for the loop thread; it sees what is appended, the last two segments straight from memory. */
    public LogCursor newLoopCursor() {
        return new LogCursor(this, true);
    }

    IndexTable table() {
        return table;
    }

    Segment[] segments() {
        return segments;
    }

    long publishedPosition() {
        return publishedPosition.getAcquire();
    }

    Set<WalFault> faults() {
        return config.faults();
    }

    /** Closes the files; forces nothing. After all threads have stopped. */
    @Override
    public void close() {
        for (Segment segment : segments) {
            segment.file.close();
        }
        for (Segment segment : dropped) {
            segment.file.close();
        }
        preparer.close();
    }
}
