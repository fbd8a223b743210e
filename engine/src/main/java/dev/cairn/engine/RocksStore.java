package dev.cairn.engine;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.agrona.BitUtil;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.Cache;
import org.rocksdb.CompressionType;
import org.rocksdb.Filter;
import org.rocksdb.FlushOptions;
import org.rocksdb.InfoLogLevel;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.ReadOptions;
import org.rocksdb.ReadTier;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
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

    /** A batch that grew beyond this is freed after its write instead of being kept for the next. */
    private static final long MAX_KEPT_BATCH_BYTES = 16L << 20;

    static {
        RocksDB.loadLibrary();
    }

    private final Path directory;
    private final Cache blockCache;
    private final Filter bloomFilter;
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
        return new RocksStore(config);
    }

    private RocksStore(RocksStoreConfig config) {
        directory = config.directory();
        blockCache = new LRUCache(config.blockCacheBytes());
        bloomFilter = new BloomFilter(10, false);
        options = options(config, blockCache, bloomFilter);
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
                .setMaxWriteBufferNumber(3)
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
            return RocksDB.open(options, directory.toString());
        } catch (RocksDBException e) {
            if (!isMissingCompression(e)) {
                throw failure("open", "", e);
            }
        }
        try {
            options.setCompressionPerLevel(List.of()).setCompressionType(CompressionType.NO_COMPRESSION);
            return RocksDB.open(options, directory.toString());
        } catch (RocksDBException e) {
            throw failure("open", " compression=none", e);
        }
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
    public AppliedState flushedApplied() {
        byte[] rowKey = new byte[1 + AppliedDescriptor.NAME.capacity()];
        rowKey[0] = RowKind.META;
        AppliedDescriptor.NAME.getBytes(0, rowKey, 1, rowKey.length - 1);
        try (ReadOptions persisted = new ReadOptions().setReadTier(ReadTier.PERSISTED_TIER)) {
            byte @Nullable [] applied = db.get(persisted, rowKey);
            return applied == null
                    ? AppliedState.NONE
                    : AppliedDescriptor.decode(new UnsafeBuffer(applied), 0, applied.length);
        } catch (RocksDBException e) {
            throw failure("read of the flushed applied index", "", e);
        }
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
            flush();
        } finally {
            closeWithoutFlush();
        }
    }

    /** Leaves what a crash would: releases everything, keeps only what was flushed. For tests; readers must be closed. */
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
        bloomFilter.close();
        blockCache.close();
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
        public void close() {
            if (!readerClosed) {
                readerClosed = true;
                anywhere.close();
                inMemory.close();
                openReaders.decrementAndGet();
            }
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
