package dev.cairn.engine;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.agrona.BitUtil;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;
import org.rocksdb.AbstractEventListener;
import org.rocksdb.AbstractEventListener.EnabledEventCallback;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.Cache;
import org.rocksdb.Checkpoint;
import org.rocksdb.CompactionJobInfo;
import org.rocksdb.CompactionJobStats;
import org.rocksdb.CompressionType;
import org.rocksdb.Filter;
import org.rocksdb.FlushJobInfo;
import org.rocksdb.FlushOptions;
import org.rocksdb.InfoLogLevel;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.RateLimiter;
import org.rocksdb.RateLimiterMode;
import org.rocksdb.ReadOptions;
import org.rocksdb.ReadTier;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.Slice;
import org.rocksdb.Snapshot;
import org.rocksdb.Status;
import org.rocksdb.WriteBatch;
import org.rocksdb.WriteOptions;

/**
 * {@link KvStore} on RocksDB: the only class that knows it.
 *
 * <p>RocksDB's own log is off, because the Raft log is the log: a crash leaves the last flushed memtable, whole batches, in order, since
 * everything is in one column family. Rows pass through direct buffers of this class, so a put, a delete and a get allocate nothing in Java.
 * The one exception is a {@code memoryOnly} read that is not in memory: RocksDB reports it by an exception with a stack trace.
 *
 * <p>Threads: as {@link KvStore} says. Native memory is freed on {@link #close}; a reader used after that would kill the JVM, so close
 * refuses while readers are open.
 */
public final class RocksStore implements KvStore {
    private static final int INITIAL_VALUE_BYTES = 4096;

    /** Of a checkpoint, beside what it flushes: the list of its files, and links. */
    private static final long CHECKPOINT_BYTES = 1 << 20;

    /** That are full and not yet flushed: with so many of them a write waits. */
    private static final int MAX_FULL_MEMTABLES = 2;

    /**
     * The limiter of what flushes and compactions write, per second, moves between a twentieth of this and this with what there is to write
     * (ADR 22). At full speed the nodes of a small machine take all processors at once for tens of milliseconds, and fill the device before the
     * forces of their logs.
     */
    private static final long MOST_WRITTEN_BYTES_PER_SECOND = 1280L << 20;

    /** They write so much at a time, then may have to wait. */
    private static final long PIECE_BYTES = 64 << 10;

    /** Share of a memtable for its bloom filter, which keeps a get of a key that is not in it from searching it: some 48 bits for each row of 300 bytes. */
    private static final double MEMTABLE_BLOOM_RATIO = 0.02;

    /** A batch that grew beyond this is freed after its write instead of being kept for the next: a full table of a {@link WriteBackStore} is kept. */
    private static final long MAX_KEPT_BATCH_BYTES = 72L << 20;

    static {
        RocksDB.loadLibrary();
    }

    private final Path directory;
    private final boolean readOnly;
    private final Cache blockCache;
    private final Filter bloomFilter;
    private final RateLimiter pace;
    private final @Nullable JobListener jobs;
    private final Options options;
    private final WriteOptions writeOptions;
    private final ReadOptions readOptions;
    private final RocksDB db;
    private final AtomicInteger openReaders = new AtomicInteger();

    // Apply thread.
    private WriteBatch batch = new WriteBatch();
    private final Bytes key = new Bytes(64);
    private final Bytes value = new Bytes(INITIAL_VALUE_BYTES);
    private final Bytes row = new Bytes(INITIAL_VALUE_BYTES);
    private boolean closed;

    /** Opens the store, which is empty when the directory is new. */
    public static RocksStore open(RocksStoreConfig config) {
        return new RocksStore(config, null, false);
    }

    /** As {@link #open(RocksStoreConfig)}, and tells of its flushes and compactions. */
    public static RocksStore open(RocksStoreConfig config, BackgroundWork told) {
        return new RocksStore(config, told, false);
    }

    /** Opens what {@link #checkpoint} made, or a store that nobody has open, to look at it: no file in it is changed, every write fails. */
    public static RocksStore openReadOnly(RocksStoreConfig config) {
        return new RocksStore(config, null, true);
    }

    private RocksStore(RocksStoreConfig config, @Nullable BackgroundWork told, boolean readOnly) {
        this.readOnly = readOnly;
        directory = config.directory();
        blockCache = new LRUCache(config.blockCacheBytes());
        bloomFilter = new BloomFilter(10, false);
        pace = new RateLimiter(
                MOST_WRITTEN_BYTES_PER_SECOND,
                TimeUnit.MILLISECONDS.toMicros(1),
                RateLimiter.DEFAULT_FAIRNESS,
                RateLimiterMode.WRITES_ONLY,
                true);
        options = options(config, blockCache, bloomFilter).setRateLimiter(pace);
        jobs = told == null ? null : new JobListener(told);
        if (jobs != null) {
            options.setListeners(List.of(jobs));
        }
        writeOptions = new WriteOptions().setDisableWAL(true);
        readOptions = new ReadOptions();
        RocksDB opened = null;
        try {
            opened = openDatabase();
        } finally {
            if (opened == null) {
                closeOptions();
            }
        }
        db = opened;
    }

    private static Options options(RocksStoreConfig config, Cache blockCache, Filter bloomFilter) {
        BlockBasedTableConfig table = new BlockBasedTableConfig()
                .setBlockCache(blockCache)
                .setFilterPolicy(bloomFilter)
                .setBlockSize(4096);
        return new Options()
                .setCreateIfMissing(true)
                .setWriteBufferSize(config.memtableBytes())
                .setMaxWriteBufferNumber(MAX_FULL_MEMTABLES)
                .setMemtablePrefixBloomSizeRatio(MEMTABLE_BLOOM_RATIO)
                .setMemtableWholeKeyFiltering(true)
                // One thread writes: no locks for others inside the memtable, no spinning while queued.
                .setAllowConcurrentMemtableWrite(false)
                .setEnableWriteThreadAdaptiveYield(false)
                .setMaxBackgroundJobs(config.backgroundThreads())
                // Young levels are rewritten soon: compressing them would cost the cores that serve requests.
                .setCompressionPerLevel(List.of(
                        CompressionType.NO_COMPRESSION,
                        CompressionType.NO_COMPRESSION,
                        CompressionType.LZ4_COMPRESSION,
                        CompressionType.LZ4_COMPRESSION,
                        CompressionType.LZ4_COMPRESSION,
                        CompressionType.LZ4_COMPRESSION,
                        CompressionType.LZ4_COMPRESSION))
                .setWritableFileMaxBufferSize(PIECE_BYTES)
                .setBytesPerSync(1 << 20)
                .setStatsDumpPeriodSec(0)
                .setStatsPersistPeriodSec(0)
                .setInfoLogLevel(InfoLogLevel.WARN_LEVEL)
                .setMaxLogFileSize(4 << 20)
                .setKeepLogFileNum(2)
                // close() flushes by itself, so that a failure is seen; without close() the memtable is gone, as in a
                // crash.
                .setAvoidFlushDuringShutdown(true)
                .setTableFormatConfig(table);
    }

    private RocksDB openDatabase() {
        try {
            return openWithOptions();
        } catch (RocksDBException e) {
            if (!isMissingCompression(e)) {
                throw failure("open", "", e);
            }
        }
        try {
            options.setCompressionPerLevel(List.of()).setCompressionType(CompressionType.NO_COMPRESSION);
            return openWithOptions();
        } catch (RocksDBException e) {
            throw failure("open", " compression=none", e);
        }
    }

    private RocksDB openWithOptions() throws RocksDBException {
        return readOnly
                ? RocksDB.openReadOnly(options, directory.toString())
                : RocksDB.open(options, directory.toString());
    }

    private static boolean isMissingCompression(RocksDBException e) {
        Status status = e.getStatus();
        return status != null
                && status.getCode() == Status.Code.InvalidArgument
                && String.valueOf(e.getMessage()).contains("Compression type");
    }

    @Override
    public MutableDirectBuffer valueBuffer(int length) {
        if (length > MAX_ROW_BYTES) {
            throw new BrokenInvariantException("row of " + length + " bytes, at most " + MAX_ROW_BYTES);
        }
        value.ensure(length);
        return value.view;
    }

    @Override
    public void put(byte kind, DirectBuffer keyBuffer, int keyOffset, int keyLength, int valueLength) {
        try {
            batch.put(key.setRowKey(kind, keyBuffer, keyOffset, keyLength), value.slice(valueLength));
        } catch (RocksDBException e) {
            throw failure("put", " keyBytes=" + keyLength + " valueBytes=" + valueLength, e);
        }
    }

    @Override
    public void delete(byte kind, DirectBuffer keyBuffer, int keyOffset, int keyLength) {
        try {
            batch.delete(key.setRowKey(kind, keyBuffer, keyOffset, keyLength));
        } catch (RocksDBException e) {
            throw failure("delete", " keyBytes=" + keyLength, e);
        }
    }

    /** Allocates: RocksDB takes the bounds of a range as arrays only. */
    @Override
    public void deleteRange(
            byte kind, DirectBuffer from, int fromOffset, int fromLength, DirectBuffer to, int toOffset, int toLength) {
        byte[] first = rowKey(kind, from, fromOffset, fromLength);
        byte[] end = endKey(kind, to, toOffset, toLength);
        if (Arrays.compareUnsigned(first, end) >= 0) {
            return;
        }
        try {
            batch.deleteRange(first, end);
        } catch (RocksDBException e) {
            throw failure("delete of a range", " fromBytes=" + fromLength + " toBytes=" + toLength, e);
        }
    }

    private static byte[] rowKey(byte kind, DirectBuffer key, int offset, int length) {
        byte[] rowKey = new byte[1 + length];
        rowKey[0] = kind;
        key.getBytes(offset, rowKey, 1, length);
        return rowKey;
    }

    /** The first row key behind a range; behind all rows of the kind when the bound is empty. */
    private static byte[] endKey(byte kind, DirectBuffer to, int offset, int length) {
        return length == 0 ? new byte[] {(byte) (kind + 1)} : rowKey(kind, to, offset, length);
    }

    @Override
    public void write() {
        try {
            db.write(writeOptions, batch);
        } catch (RocksDBException e) {
            throw failure("write", " rows=" + batch.count() + " bytes=" + batch.getDataSize(), e);
        }
        if (batch.getDataSize() <= MAX_KEPT_BATCH_BYTES) {
            batch.clear();
        } else {
            batch.close();
            batch = new WriteBatch();
        }
    }

    @Override
    public int get(byte kind, DirectBuffer keyBuffer, int keyOffset, int keyLength) {
        try {
            return read(readOptions, key.setRowKey(kind, keyBuffer, keyOffset, keyLength), row);
        } catch (RocksDBException e) {
            throw failure("get", " keyBytes=" + keyLength, e);
        }
    }

    /** Reads into the buffer, which grows until the value fits: another thread may write a longer one in between. */
    private int read(ReadOptions tier, ByteBuffer rowKey, Bytes into) throws RocksDBException {
        while (true) {
            rowKey.position(0);
            int length = db.get(tier, rowKey, into.whole());
            if (length <= into.capacity()) {
                return length;
            }
            into.ensure(length);
        }
    }

    @Override
    public DirectBuffer row() {
        return row.view;
    }

    @Override
    public void scan(byte kind, RowVisitor visitor) {
        UnsafeBuffer rowKey = new UnsafeBuffer(0, 0);
        UnsafeBuffer rowValue = new UnsafeBuffer(0, 0);
        try (RocksIterator rows = db.newIterator(readOptions)) {
            for (rows.seek(new byte[] {kind}); rows.isValid(); rows.next()) {
                rowKey.wrap(rows.key());
                if (rowKey.getByte(0) != kind) {
                    break;
                }
                rowValue.wrap(rows.value());
                visitor.onRow(rowKey, 1, rowKey.capacity() - 1, rowValue, 0, rowValue.capacity());
            }
            rows.status();
        } catch (RocksDBException e) {
            throw failure("scan", " kind=" + (char) kind, e);
        }
    }

    @Override
    public KvReader newReader() {
        openReaders.incrementAndGet();
        return new Reader();
    }

    @Override
    public void flush() {
        try (FlushOptions flushOptions = new FlushOptions().setWaitForFlush(true)) {
            db.flush(flushOptions);
        } catch (RocksDBException e) {
            throw failure("flush", "", e);
        }
    }

    @Override
    public long fileBytes() {
        try {
            return db.getLongProperty("rocksdb.total-sst-files-size");
        } catch (RocksDBException e) {
            throw failure("read of the size", "", e);
        }
    }

    @Override
    public AppliedState flushedApplied() {
        try (ReadOptions persisted = new ReadOptions().setReadTier(ReadTier.PERSISTED_TIER)) {
            return applied(persisted);
        }
    }

    private AppliedState applied(ReadOptions asOf) {
        try {
            byte @Nullable [] applied =
                    db.get(asOf, rowKey(RowKind.META, AppliedDescriptor.NAME, 0, AppliedDescriptor.NAME.capacity()));
            return applied == null
                    ? AppliedState.NONE
                    : AppliedDescriptor.decode(new UnsafeBuffer(applied), 0, applied.length);
        } catch (RocksDBException e) {
            throw failure("read of the applied index", "", e);
        }
    }

    @Override
    public void checkpoint(Path newDirectory) {
        // A flush of our own, although RocksDB would do one: its log is off, so an unflushed memtable would be missing.
        flush();
        try (Checkpoint checkpoint = Checkpoint.create(db)) {
            checkpoint.createCheckpoint(newDirectory.toString());
        } catch (RocksDBException e) {
            throw failure("checkpoint", " directory=" + newDirectory, e);
        }
    }

    @Override
    public void requireRoomForCheckpoint(long furtherBytes) {
        try {
            long needed = db.getLongProperty("rocksdb.cur-size-all-mem-tables") + furtherBytes + CHECKPOINT_BYTES;
            long free = Files.getFileStore(directory).getUsableSpace();
            if (free < needed) {
                throw new KvStoreException(
                        "store " + directory + ": no room for a checkpoint: free bytes=" + free + " needed=" + needed,
                        true,
                        null);
            }
        } catch (RocksDBException e) {
            throw failure("read of the size", "", e);
        } catch (IOException e) {
            throw new KvStoreException("store " + directory + ": the free space cannot be read: " + e, false, e);
        }
    }

    /**
     * How far a database goes that nobody has open, by its own rows.
     *
     * @param membership the stored membership entry in hex digits, empty where there never was one
     */
    public record Content(AppliedState applied, String membership) {}

    /** Looks into a database that nobody has open, a checkpoint for instance; changes none of its files. */
    public static Content contentOf(Path database) {
        try (Options reading = new Options().setInfoLogLevel(InfoLogLevel.FATAL_LEVEL);
                RocksDB opened = RocksDB.openReadOnly(reading, database.toString())) {
            byte @Nullable [] membership = opened.get(metaKey(KvStateMachine.CONFIG_NAME));
            byte @Nullable [] applied = opened.get(metaKey(AppliedDescriptor.NAME));
            return new Content(
                    applied == null
                            ? AppliedState.NONE
                            : AppliedDescriptor.decode(new UnsafeBuffer(applied), 0, applied.length),
                    membership == null ? "" : HexFormat.of().formatHex(membership));
        } catch (RocksDBException e) {
            throw new KvStoreException("database " + database + " cannot be read: cause=" + e.getMessage(), false, e);
        }
    }

    private static byte[] metaKey(DirectBuffer name) {
        return rowKey(RowKind.META, name, 0, name.capacity());
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        int readers = openReaders.get();
        if (readers != 0) {
            throw new BrokenInvariantException("store " + directory + ": close with " + readers + " readers open");
        }
        try {
            if (!readOnly) {
                flush();
            }
        } finally {
            closeWithoutFlush();
        }
    }

    @Override
    public void closeWithoutFlush() {
        if (!closed) {
            closed = true;
            batch.close();
            db.close();
            closeOptions();
        }
    }

    private void closeOptions() {
        readOptions.close();
        writeOptions.close();
        options.close();
        if (jobs != null) {
            jobs.close();
        }
        pace.close();
        bloomFilter.close();
        blockCache.close();
    }

    /** What flushes and compactions have written at the pace that the limiter gave. */
    long pacedBytes() {
        return pace.getTotalBytesThrough();
    }

    private KvStoreException failure(String operation, String numbers, RocksDBException e) {
        Status status = e.getStatus();
        boolean noSpace = status != null && status.getSubCode() == Status.SubCode.NoSpace;
        String code = status == null ? "" : " code=" + status.getCode() + "/" + status.getSubCode();
        return new KvStoreException(
                "store " + directory + ": " + operation + " failed:" + numbers + code + " cause=" + e.getMessage(),
                noSpace,
                e);
    }

    /** Only for these four is RocksDB's thread made one of the JVM's; what it hands in is its own, and is gone after the call. */
    private static final class JobListener extends AbstractEventListener {
        private final BackgroundWork told;

        JobListener(BackgroundWork told) {
            super(
                    EnabledEventCallback.ON_FLUSH_BEGIN,
                    EnabledEventCallback.ON_FLUSH_COMPLETED,
                    EnabledEventCallback.ON_COMPACTION_BEGIN,
                    EnabledEventCallback.ON_COMPACTION_COMPLETED);
            this.told = told;
        }

        @Override
        public void onFlushBegin(RocksDB from, FlushJobInfo job) {
            told.onFlushBegin(job.getJobId());
        }

        @Override
        public void onFlushCompleted(RocksDB from, FlushJobInfo job) {
            told.onFlushEnd(job.getJobId(), job.getTableProperties().getDataSize());
        }

        @Override
        public void onCompactionBegin(RocksDB from, CompactionJobInfo job) {
            told.onCompactionBegin(job.jobId());
        }

        @Override
        public void onCompactionCompleted(RocksDB from, CompactionJobInfo job) {
            try (CompactionJobStats stats = job.stats()) {
                told.onCompactionEnd(job.jobId(), stats.totalInputBytes(), stats.totalOutputBytes());
            }
        }
    }

    /** One thread's reads, through buffers of its own. */
    private final class Reader implements KvReader {
        private final ReadOptions anywhere = new ReadOptions();
        private final ReadOptions inMemory = new ReadOptions().setReadTier(ReadTier.BLOCK_CACHE_TIER);
        private final Bytes readerKey = new Bytes(64);
        private final Bytes readerValue = new Bytes(INITIAL_VALUE_BYTES);
        private boolean readerClosed;

        @Override
        public int get(DirectBuffer keyBuffer, int offset, int length, boolean memoryOnly) {
            if (readerClosed) {
                throw new BrokenInvariantException("store " + directory + ": read through a closed reader");
            }
            try {
                return read(
                        memoryOnly ? inMemory : anywhere,
                        readerKey.setRowKey(RowKind.DATA, keyBuffer, offset, length),
                        readerValue);
            } catch (RocksDBException e) {
                Status status = e.getStatus();
                if (memoryOnly && status != null && status.getCode() == Status.Code.Incomplete) {
                    return INCOMPLETE;
                }
                throw failure("read", " keyBytes=" + length, e);
            }
        }

        @Override
        public DirectBuffer buffer() {
            return readerValue.view;
        }

        @Override
        public KvSnapshot snapshot() {
            if (readerClosed) {
                throw new BrokenInvariantException("store " + directory + ": snapshot through a closed reader");
            }
            return new SnapshotView(readerKey, readerValue);
        }

        @Override
        public void close() {
            if (!readerClosed) {
                readerClosed = true;
                anywhere.close();
                inMemory.close();
                openReaders.decrementAndGet();
            }
        }
    }

    /** Reads as of one RocksDB snapshot, through its reader's buffers. */
    private final class SnapshotView implements KvSnapshot {
        private final Bytes snapshotKey;
        private final Bytes snapshotValue;
        private final Snapshot snapshot = db.getSnapshot();
        private final ReadOptions asOf = new ReadOptions().setSnapshot(snapshot);
        private final long appliedIndex;
        private boolean snapshotClosed;

        SnapshotView(Bytes key, Bytes value) {
            openReaders.incrementAndGet();
            snapshotKey = key;
            snapshotValue = value;
            boolean opened = false;
            try {
                appliedIndex = applied(asOf).index();
                opened = true;
            } finally {
                if (!opened) {
                    close();
                }
            }
        }

        @Override
        public long appliedIndex() {
            return appliedIndex;
        }

        @Override
        public int get(DirectBuffer keyBuffer, int offset, int length) {
            requireOpen(snapshotClosed);
            try {
                return read(asOf, snapshotKey.setRowKey(RowKind.DATA, keyBuffer, offset, length), snapshotValue);
            } catch (RocksDBException e) {
                throw failure("read", " keyBytes=" + length, e);
            }
        }

        @Override
        public DirectBuffer buffer() {
            return snapshotValue.view;
        }

        @Override
        public KvIterator iterator(
                DirectBuffer from,
                int fromOffset,
                int fromLength,
                DirectBuffer to,
                int toOffset,
                int toLength,
                boolean reverse) {
            requireOpen(snapshotClosed);
            byte[] first = rowKey(RowKind.DATA, from, fromOffset, fromLength);
            byte[] end = endKey(RowKind.DATA, to, toOffset, toLength);
            // RocksDB takes bounds in the wrong order for a mistake of the caller, whatever it then does: an empty
            // range
            // instead.
            return new Walk(snapshot, first, Arrays.compareUnsigned(first, end) < 0 ? end : first, reverse);
        }

        @Override
        public void close() {
            if (!snapshotClosed) {
                snapshotClosed = true;
                asOf.close();
                db.releaseSnapshot(snapshot);
                openReaders.decrementAndGet();
            }
        }
    }

    /** An iterator between two bounds; RocksDB's own, so that a walk never reads beyond them. */
    private final class Walk implements KvIterator {
        private final Bytes walkKey = new Bytes(64);
        private final UnsafeBuffer userKey = new UnsafeBuffer(0, 0);
        private final Bytes walkValue = new Bytes(INITIAL_VALUE_BYTES);
        private final Slice lower;
        private final Slice upper;
        private final ReadOptions bounded;
        private final RocksIterator rows;
        private final boolean reverse;
        private boolean started;
        private boolean walkClosed;

        Walk(Snapshot snapshot, byte[] first, byte[] end, boolean reverse) {
            openReaders.incrementAndGet();
            this.reverse = reverse;
            lower = new Slice(first);
            upper = new Slice(end);
            bounded = new ReadOptions()
                    .setSnapshot(snapshot)
                    .setIterateLowerBound(lower)
                    .setIterateUpperBound(upper)
                    // A walk over everything must not push out what point reads use.
                    .setFillCache(false);
            rows = db.newIterator(bounded);
        }

        @Override
        public boolean next() {
            requireOpen(walkClosed);
            if (!started) {
                started = true;
                if (reverse) {
                    rows.seekToLast();
                } else {
                    rows.seekToFirst();
                }
            } else if (rows.isValid()) {
                if (reverse) {
                    rows.prev();
                } else {
                    rows.next();
                }
            }
            if (rows.isValid()) {
                return true;
            }
            try {
                rows.status();
            } catch (RocksDBException e) {
                throw failure("walk", "", e);
            }
            return false;
        }

        @Override
        public int readKey() {
            requireRow();
            int length = rows.key(walkKey.whole());
            if (length > walkKey.capacity()) {
                walkKey.ensure(length);
                length = rows.key(walkKey.whole());
            }
            userKey.wrap(walkKey.view, 1, length - 1);
            return length - 1;
        }

        @Override
        public DirectBuffer key() {
            return userKey;
        }

        @Override
        public int readValue(int maxBytes) {
            requireRow();
            int length = rows.value(walkValue.slice(Math.min(maxBytes, walkValue.capacity())));
            int wanted = Math.min(length, maxBytes);
            if (wanted > walkValue.capacity()) {
                walkValue.ensure(wanted);
                length = rows.value(walkValue.slice(wanted));
            }
            return length;
        }

        @Override
        public DirectBuffer value() {
            return walkValue.view;
        }

        /** Without a row RocksDB would read through a dangling pointer. */
        private void requireRow() {
            requireOpen(walkClosed);
            if (!rows.isValid()) {
                throw new BrokenInvariantException("store " + directory + ": walk asked for a row where it has none");
            }
        }

        @Override
        public void close() {
            if (!walkClosed) {
                walkClosed = true;
                rows.close();
                bounded.close();
                lower.close();
                upper.close();
                openReaders.decrementAndGet();
            }
        }
    }

    private void requireOpen(boolean isClosed) {
        if (isClosed) {
            throw new BrokenInvariantException("store " + directory + ": read through a closed snapshot or walk");
        }
    }

    /** A growing direct buffer, as RocksDB takes it and as the engine writes it. */
    private static final class Bytes {
        private ByteBuffer bytes;
        private final UnsafeBuffer view;

        Bytes(int capacity) {
            bytes = ByteBuffer.allocateDirect(capacity);
            view = new UnsafeBuffer(bytes);
        }

        int capacity() {
            return bytes.capacity();
        }

        void ensure(int length) {
            if (length > bytes.capacity()) {
                bytes = ByteBuffer.allocateDirect(BitUtil.findNextPositivePowerOfTwo(length));
                view.wrap(bytes);
            }
        }

        ByteBuffer setRowKey(byte kind, DirectBuffer key, int offset, int length) {
            ensure(1 + length);
            view.putByte(0, kind);
            view.putBytes(1, key, offset, length);
            return slice(1 + length);
        }

        ByteBuffer slice(int length) {
            return bytes.limit(length).position(0);
        }

        ByteBuffer whole() {
            return bytes.clear();
        }
    }
}
