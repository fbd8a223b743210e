package dev.cairn.engine;

import java.nio.file.Path;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.agrona.DirectBuffer;
import org.agrona.ExpandableArrayBuffer;
import org.agrona.MutableDirectBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Gathers written rows in memory, by hash, and gives them to the store below some tens of thousands at a time, sorted by key and each key
 * once: an ordered store takes them in for a fraction of what they cost it batch by batch in the order in which they come.
 *
 * <p>Two tables take turns. One takes the batches; when it is full, or fills slowly, the other takes over, and a thread of this class drains the first. All of
 * a table is one batch of the store below, the applied row of its last batch included: so that store holds at any time what some
 * {@link #write} left, and loses in a crash whole tables, the last ones. Who needs rows in order ({@link KvReader#snapshot}, {@link #scan},
 * {@link #checkpoint}) or on disk ({@link #flush}) has both tables drained first. A batch that deletes a range, or is too long for a
 * table, goes through: behind everything that came before it.
 *
 * <p>Threads: as {@link KvStore} says. Who holds {@code draining} may write to the store below; who holds {@code filling} may add to the active
 * table or exchange the tables. Nobody waits for the first while holding the second. A read of one key takes neither.
 *
 * <p>A failure of the store below reaches whoever caused the draining, and every later {@link #write} when that was this class's own thread. Only
 * when the disk is full is it tried again: until then the tables take what they have room for.
 */
public final class WriteBackStore implements KvStore {
    /** Rows in each of two tables, in bytes, that suit a node. */
    public static final int DEFAULT_TABLE_BYTES = 32 << 20;

    /** A table has a place for one key in so many of its bytes: rows are some 80 bytes at least, most are longer. */
    private static final int BYTES_PER_KEY = 256;

    private static final long FULL_DISK_RETRY_MS = 100;

    /**
     * A table that has taken less than {@link #LITTLE_BYTES} in this time, or up to a quarter less of it, is drained as it is. A slow writer gains
     * little from large tables, and draining takes a processor from the threads that answer clients: with 5 000 rows for 10 ms, where a
     * table of 32 MiB takes 60 to 90.
     */
    private static final long MOST_FILLING_NS = TimeUnit.SECONDS.toNanos(1);

    private static final int LITTLE_BYTES = 8 << 20;

    private final KvStore below;
    private final int tableBytes;
    private final LongSupplier nanoClock;
    private final ReentrantLock draining = new ReentrantLock();
    private final ReentrantLock filling = new ReentrantLock();
    private final Condition changed = filling.newCondition();
    private final Thread drainer = new Thread(this::runDrainer, "store-drain");

    // Exchanged under filling.
    private volatile Tables tables;
    private @Nullable RowTable spare;
    private boolean closing;
    // Under filling: for the active table, once it has rows.
    private long drainAfterNs;

    private volatile @Nullable KvStoreException drainerFailure;

    // Under draining: what the open batch of the store below holds, since its write failed.
    private boolean tableIsBelow;
    private boolean batchIsBelow;

    // Apply thread: the open batch, and the row that was read last.
    private final ExpandableArrayBuffer staged = new ExpandableArrayBuffer(1 << 16);
    private int stagedBytes;
    private int stagedRows;
    private boolean hasRange;
    private final ExpandableArrayBuffer value = new ExpandableArrayBuffer(4096);
    private final KvReader ownReader;
    private final ExpandableArrayBuffer ownRow = new ExpandableArrayBuffer(4096);
    private DirectBuffer found = ownRow;
    private boolean closed;

    /** What readers search, the newer rows first; both at once, so that rows on their way from one to the next are never in neither. */
    private record Tables(RowTable active, @Nullable RowTable full) {}

    /**
     * Takes a store over, and closes it in the end.
     *
     * @param tableBytes of rows in each of two tables, at least 4 KiB: memory outside of the heap, taken at once
     */
    public WriteBackStore(KvStore below, int tableBytes) {
        this(below, tableBytes, System::nanoTime);
    }

    /** With a clock of its own. */
    WriteBackStore(KvStore below, int tableBytes, LongSupplier nanoClock) {
        if (tableBytes < 4096) {
            throw new IllegalArgumentException("table of " + tableBytes + " bytes, at least 4096");
        }
        this.below = below;
        this.tableBytes = tableBytes;
        this.nanoClock = nanoClock;
        RowOrder order = new RowOrder(tableBytes / BYTES_PER_KEY);
        tables = new Tables(new RowTable(tableBytes, order), null);
        spare = new RowTable(tableBytes, order);
        ownReader = below.newReader();
        drainer.setDaemon(true);
        drainer.start();
    }

    @Override
    public MutableDirectBuffer valueBuffer(int length) {
        if (length > MAX_ROW_BYTES) {
            throw new BrokenInvariantException("row of " + length + " bytes, at most " + MAX_ROW_BYTES);
        }
        value.checkLimit(length);
        return value;
    }

    @Override
    public void put(byte kind, DirectBuffer key, int keyOffset, int keyLength, int valueLength) {
        int valueOffset = RowTable.encode(staged, stagedBytes, kind, key, keyOffset, keyLength, valueLength);
        staged.putBytes(valueOffset, value, 0, valueLength);
        endRow(RowTable.rowLength(keyLength, valueLength));
    }

    @Override
    public void bring(long[] hashes, int count) {
        tables.active().bring(hashes, count);
    }

    @Override
    public void delete(byte kind, DirectBuffer key, int keyOffset, int keyLength) {
        RowTable.encode(staged, stagedBytes, kind, key, keyOffset, keyLength, RowTable.DELETED);
        endRow(RowTable.rowLength(keyLength, RowTable.DELETED));
    }

    /** A range stands in the batch as a row whose key is the range's beginning and whose value is its end. */
    @Override
    public void deleteRange(
            byte kind, DirectBuffer from, int fromOffset, int fromLength, DirectBuffer to, int toOffset, int toLength) {
        int endOffset = RowTable.encode(staged, stagedBytes, kind, from, fromOffset, fromLength, toLength);
        staged.putBytes(endOffset, to, toOffset, toLength);
        RowTable.markRange(staged, stagedBytes);
        endRow(RowTable.rowLength(fromLength, toLength));
        hasRange = true;
    }

    private void endRow(int length) {
        stagedBytes += length;
        staged.checkLimit(stagedBytes);
        stagedRows++;
    }

    @Override
    public void write() {
        KvStoreException failure = drainerFailure;
        if (failure != null) {
            throw failure;
        }
        if (hasRange || !tables.active().canHold(stagedRows, stagedBytes)) {
            writeThrough();
        } else {
            while (!fill()) {
                makeRoom();
            }
        }
        stagedBytes = 0;
        stagedRows = 0;
        hasRange = false;
    }

    /** Adds the open batch to the active table; false = it is full. */
    private boolean fill() {
        filling.lock();
        try {
            RowTable active = tables.active();
            if (!active.hasRoom(stagedRows, stagedBytes)) {
                return false;
            }
            boolean wasEmpty = active.bytes() == 0;
            active.add(staged, stagedBytes);
            long nowNs = nanoClock.getAsLong();
            if (wasEmpty) {
                drainAfterNs =
                        nowNs + MOST_FILLING_NS - ThreadLocalRandom.current().nextLong(MOST_FILLING_NS / 4);
            } else if (active.bytes() < LITTLE_BYTES && nowNs - drainAfterNs >= 0) {
                exchange();
            }
            return true;
        } finally {
            filling.unlock();
        }
    }

    /** Has the other table take over; where that is not drained yet, drains it here, or waits until it is. */
    private void makeRoom() {
        while (!exchange()) {
            draining.lock();
            try {
                drainFull();
            } finally {
                draining.unlock();
            }
        }
    }

    /** Has the spare table take over from the active one, which then is the full one; false = the last full one is not drained yet. */
    private boolean exchange() {
        filling.lock();
        try {
            if (spare == null) {
                return false;
            }
            if (tables.active().bytes() > 0) {
                // Nodes take the same rows in: without this, and without its like for time, all of them would drain at
                // once.
                spare.limit(tableBytes - ThreadLocalRandom.current().nextInt(tableBytes / 4));
                tables = new Tables(spare, tables.active());
                spare = null;
                changed.signal();
            }
            return true;
        } finally {
            filling.unlock();
        }
    }

    private void writeThrough() {
        draining.lock();
        try {
            if (!batchIsBelow) {
                drainAll();
                for (int row = 0; row < stagedBytes; row += RowTable.rowLengthAt(staged, row)) {
                    RowTable.writeRow(below, staged, row);
                }
                batchIsBelow = true;
            }
            below.write();
            batchIsBelow = false;
        } finally {
            draining.unlock();
        }
    }

    /** Gives the store below everything that was written before the call. */
    private void drain() {
        draining.lock();
        try {
            drainAll();
        } finally {
            draining.unlock();
        }
    }

    /** Under {@code draining}. */
    private void drainAll() {
        drainFull();
        // Where the apply thread is faster and exchanges them, the full one holds what was written before the call.
        exchange();
        drainFull();
    }

    /** Under {@code draining}: drains the full table if there is one. */
    private void drainFull() {
        RowTable full = tables.full();
        if (full == null) {
            return;
        }
        if (!tableIsBelow) {
            full.drainInto(below);
            tableIsBelow = true;
        }
        below.write();
        tableIsBelow = false;
        // Nobody else exchanges them, for there is no spare one. Whoever still searches the full one looks again: its
        // rows are in the store below.
        tables = new Tables(tables.active(), null);
        full.clear();
        filling.lock();
        try {
            spare = full;
        } finally {
            filling.unlock();
        }
    }

    private void runDrainer() {
        while (awaitFull()) {
            boolean diskIsFull = false;
            draining.lock();
            try {
                drainFull();
            } catch (KvStoreException e) {
                if (!e.isNoSpace()) {
                    drainerFailure = e;
                    return;
                }
                diskIsFull = true;
            } catch (RuntimeException | Error e) {
                drainerFailure = new KvStoreException("rows could not be given to the store: cause=" + e, false, e);
                return;
            } finally {
                draining.unlock();
            }
            if (diskIsFull) {
                awaitRetry();
            }
        }
    }

    private boolean awaitFull() {
        filling.lock();
        try {
            while (tables.full() == null && !closing) {
                changed.awaitUninterruptibly();
            }
            return !closing;
        } finally {
            filling.unlock();
        }
    }

    private void awaitRetry() {
        filling.lock();
        try {
            long leftNs = TimeUnit.MILLISECONDS.toNanos(FULL_DISK_RETRY_MS);
            while (leftNs > 0 && !closing) {
                leftNs = changed.awaitNanos(leftNs);
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException("nobody interrupts " + drainer.getName(), e);
        } finally {
            filling.unlock();
        }
    }

    @Override
    public int get(byte kind, DirectBuffer key, int keyOffset, int keyLength) {
        int length = find(kind, key, keyOffset, keyLength, ownRow);
        found = ownRow;
        if (length == RowTable.DELETED) {
            return NOT_FOUND;
        }
        if (length != RowTable.ABSENT) {
            return length;
        }
        if (kind == RowKind.DATA) {
            length = ownReader.get(key, keyOffset, keyLength, false);
            found = ownReader.buffer();
            return length;
        }
        // Through the write side of the store below, which the drainer may be using.
        draining.lock();
        try {
            length = below.get(kind, key, keyOffset, keyLength);
            if (length != NOT_FOUND) {
                ownRow.putBytes(0, below.row(), 0, length);
            }
            return length;
        } finally {
            draining.unlock();
        }
    }

    /** Any thread: the length of a value that is in a table, {@link RowTable#DELETED}, or {@link RowTable#ABSENT}: ask the store below. */
    private int find(byte kind, DirectBuffer key, int offset, int length, MutableDirectBuffer into) {
        long hash = KeyHash.of(key, offset, length);
        while (true) {
            Tables searched = tables;
            int answer = searched.active().read(hash, kind, key, offset, length, into);
            RowTable full = searched.full();
            if (answer == RowTable.ABSENT && full != null) {
                answer = full.read(hash, kind, key, offset, length, into);
            }
            if (answer != RowTable.CLEARED) {
                return answer;
            }
        }
    }

    @Override
    public DirectBuffer row() {
        return found;
    }

    @Override
    public void scan(byte kind, RowVisitor visitor) {
        drain();
        below.scan(kind, visitor);
    }

    @Override
    public KvReader newReader() {
        return new Reader(below.newReader());
    }

    @Override
    public void flush() {
        drain();
        below.flush();
    }

    @Override
    public AppliedState flushedApplied() {
        return below.flushedApplied();
    }

    @Override
    public long fileBytes() {
        return below.fileBytes();
    }

    @Override
    public void requireRoomForCheckpoint(long furtherBytes) {
        long inTables;
        filling.lock();
        try {
            RowTable full = tables.full();
            inTables = tables.active().bytes() + (full == null ? 0L : full.bytes());
        } finally {
            filling.unlock();
        }
        below.requireRoomForCheckpoint(furtherBytes + inTables);
    }

    @Override
    public void checkpoint(Path newDirectory) {
        drain();
        below.checkpoint(newDirectory);
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        try {
            drain();
        } finally {
            release(below::close);
        }
    }

    @Override
    public void closeWithoutFlush() {
        if (!closed) {
            release(below::closeWithoutFlush);
        }
    }

    private void release(Runnable closeBelow) {
        closed = true;
        stopDrainer();
        ownReader.close();
        try {
            closeBelow.run();
        } catch (BrokenInvariantException readersAreOpen) {
            closed = false;
            throw readersAreOpen;
        }
        // The store below had no reader left, so nobody searches the tables.
        Tables last = tables;
        last.active().free();
        for (RowTable other : new RowTable[] {last.full(), spare}) {
            if (other != null) {
                other.free();
            }
        }
    }

    private void stopDrainer() {
        filling.lock();
        try {
            closing = true;
            changed.signal();
        } finally {
            filling.unlock();
        }
        boolean interrupted = false;
        while (drainer.isAlive()) {
            try {
                drainer.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** One thread's reads: of the tables first. */
    private final class Reader implements KvReader {
        private final KvReader reader;
        private final ExpandableArrayBuffer readerRow = new ExpandableArrayBuffer(4096);
        private DirectBuffer readerFound = readerRow;
        private boolean readerClosed;

        Reader(KvReader reader) {
            this.reader = reader;
        }

        @Override
        public int get(DirectBuffer key, int offset, int length, boolean memoryOnly) {
            if (readerClosed) {
                throw new BrokenInvariantException("store: read through a closed reader");
            }
            int answer = find(RowKind.DATA, key, offset, length, readerRow);
            if (answer == RowTable.DELETED) {
                return NOT_FOUND;
            }
            if (answer != RowTable.ABSENT) {
                readerFound = readerRow;
                return answer;
            }
            readerFound = reader.buffer();
            return reader.get(key, offset, length, memoryOnly);
        }

        @Override
        public DirectBuffer buffer() {
            return readerFound;
        }

        /** The tables are drained while nobody else drains them; what is written from then on the snapshot does not show. */
        @Override
        public KvSnapshot snapshot() {
            if (readerClosed) {
                throw new BrokenInvariantException("store: snapshot through a closed reader");
            }
            draining.lock();
            try {
                drainAll();
                return reader.snapshot();
            } finally {
                draining.unlock();
            }
        }

        @Override
        public void close() {
            readerClosed = true;
            reader.close();
        }
    }
}
