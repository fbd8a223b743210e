package dev.cairn.testkit.sim;

import dev.cairn.engine.AppliedDescriptor;
import dev.cairn.engine.AppliedState;
import dev.cairn.engine.BrokenInvariantException;
import dev.cairn.engine.KvReader;
import dev.cairn.engine.KvStore;
import dev.cairn.engine.KvStoreException;
import dev.cairn.engine.RowKind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;

/**
 * {@link KvStore} in memory for the simulator: deterministic, with a flush point of its own.
 *
 * <p>Nothing is flushed unless {@link #flush} says so, and {@link #crash} falls back to exactly that point: a test chooses how far the store
 * lags behind the log. One instance stands for one node's directory: after a crash, a new state machine is built on the same instance.
 *
 * <p>One thread for everything, readers included.
 */
public final class MapStore implements KvStore {
    private static final Comparator<byte[]> UNSIGNED = Arrays::compareUnsigned;

    /** As a reader sees it. */
    private final TreeMap<byte[], byte[]> rows = new TreeMap<>(UNSIGNED);

    /** As a crash leaves it. */
    private final TreeMap<byte[], byte[]> flushedRows = new TreeMap<>(UNSIGNED);

    /** What rows has and flushedRows has not; null = deleted. */
    private final TreeMap<byte[], byte @Nullable []> unflushed = new TreeMap<>(UNSIGNED);

    private final List<Change> batch = new ArrayList<>();
    private final UnsafeBuffer value = new UnsafeBuffer(new byte[4096]);
    private final UnsafeBuffer row = new UnsafeBuffer(0, 0);
    private int failingWrites;
    private long writeCount;
    private boolean coldReads;
    private boolean closed;

    /** A row of the open batch; value null = deleted. */
    private static final class Change {
        final byte[] key;
        final byte @Nullable [] value;

        Change(byte[] key, byte @Nullable [] value) {
            this.key = key;
            this.value = value;
        }
    }

    @Override
    public MutableDirectBuffer valueBuffer(int length) {
        if (length > MAX_ROW_BYTES) {
            throw new BrokenInvariantException("row of " + length + " bytes, at most " + MAX_ROW_BYTES);
        }
        if (length > value.capacity()) {
            value.wrap(new byte[length]);
        }
        return value;
    }

    @Override
    public void put(byte kind, DirectBuffer key, int keyOffset, int keyLength, int valueLength) {
        byte[] bytes = new byte[valueLength];
        value.getBytes(0, bytes);
        batch.add(new Change(rowKey(kind, key, keyOffset, keyLength), bytes));
    }

    @Override
    public void delete(byte kind, DirectBuffer key, int keyOffset, int keyLength) {
        batch.add(new Change(rowKey(kind, key, keyOffset, keyLength), null));
    }

    private static byte[] rowKey(byte kind, DirectBuffer key, int offset, int length) {
        byte[] rowKey = new byte[1 + length];
        rowKey[0] = kind;
        key.getBytes(offset, rowKey, 1, length);
        return rowKey;
    }

    @Override
    public void write() {
        requireOpen();
        if (failingWrites > 0) {
            failingWrites--;
            throw new KvStoreException(
                    "map store: write failed: rows=" + batch.size() + ", as ordered",
                    true,
                    new IllegalStateException());
        }
        for (Change change : batch) {
            unflushed.put(change.key, change.value);
            set(rows, change.key, change.value);
        }
        batch.clear();
        writeCount++;
    }

    private static void set(Map<byte[], byte[]> map, byte[] key, byte @Nullable [] value) {
        if (value == null) {
            map.remove(key);
        } else {
            map.put(key, value);
        }
    }

    @Override
    public int get(byte kind, DirectBuffer key, int keyOffset, int keyLength) {
        return get(rowKey(kind, key, keyOffset, keyLength), row);
    }

    private int get(byte[] rowKey, UnsafeBuffer into) {
        requireOpen();
        byte[] found = rows.get(rowKey);
        if (found == null) {
            return NOT_FOUND;
        }
        into.wrap(found);
        return found.length;
    }

    @Override
    public DirectBuffer row() {
        return row;
    }

    @Override
    public void scan(byte kind, RowVisitor visitor) {
        requireOpen();
        UnsafeBuffer rowKey = new UnsafeBuffer(0, 0);
        UnsafeBuffer rowValue = new UnsafeBuffer(0, 0);
        for (Map.Entry<byte[], byte[]> entry :
                rows.subMap(new byte[] {kind}, new byte[] {(byte) (kind + 1)}).entrySet()) {
            rowKey.wrap(entry.getKey());
            rowValue.wrap(entry.getValue());
            visitor.onRow(rowKey, 1, rowKey.capacity() - 1, rowValue, 0, rowValue.capacity());
        }
    }

    @Override
    public KvReader newReader() {
        requireOpen();
        return new Reader();
    }

    @Override
    public void flush() {
        requireOpen();
        unflushed.forEach((key, changed) -> set(flushedRows, key, changed));
        unflushed.clear();
    }

    @Override
    public AppliedState flushedApplied() {
        requireOpen();
        DirectBuffer name = AppliedDescriptor.NAME;
        byte[] applied = flushedRows.get(rowKey(RowKind.META, name, 0, name.capacity()));
        return applied == null
                ? AppliedState.NONE
                : AppliedDescriptor.decode(new UnsafeBuffer(applied), 0, applied.length);
    }

    /** The process or host is gone: back to the last flush; the open batch and everything written since are lost. */
    public void crash() {
        batch.clear();
        for (byte[] key : unflushed.keySet()) {
            set(rows, key, flushedRows.get(key));
        }
        unflushed.clear();
        failingWrites = 0;
        closed = false;
    }

    /** Orders the next writes to fail as a full disk does. */
    public void failNextWrites(int count) {
        failingWrites = count;
    }

    /** Batches written since the store was made, crashes or not. */
    public long writeCount() {
        return writeCount;
    }

    /** Orders memory-only reads to answer {@link KvReader#INCOMPLETE}. */
    public void setColdReads(boolean cold) {
        coldReads = cold;
    }

    /** A number for the content that readers see, equal exactly for equal rows (but for collisions of a 64-bit mix). */
    public long contentHash() {
        long hash = rows.size();
        for (Map.Entry<byte[], byte[]> entry : rows.entrySet()) {
            hash = hash * 0x9E3779B97F4A7C15L + Arrays.hashCode(entry.getKey());
            hash = (hash ^ (hash >>> 29)) * 0xBF58476D1CE4E5B9L + Arrays.hashCode(entry.getValue());
        }
        return hash ^ (hash >>> 32);
    }

    /** Flushes. {@link #crash} opens it again, as a start of the process would. */
    @Override
    public void close() {
        if (!closed) {
            flush();
            closed = true;
        }
    }

    private void requireOpen() {
        if (closed) {
            throw new BrokenInvariantException("map store: used after close");
        }
    }

    private final class Reader implements KvReader {
        private final UnsafeBuffer buffer = new UnsafeBuffer(0, 0);
        private boolean readerClosed;

        @Override
        public int get(DirectBuffer key, int offset, int length, boolean memoryOnly) {
            if (readerClosed) {
                throw new BrokenInvariantException("map store: read through a closed reader");
            }
            Objects.checkFromIndexSize(offset, length, key.capacity());
            if (memoryOnly && coldReads) {
                return INCOMPLETE;
            }
            return MapStore.this.get(rowKey(RowKind.DATA, key, offset, length), buffer);
        }

        @Override
        public DirectBuffer buffer() {
            return buffer;
        }

        @Override
        public void close() {
            readerClosed = true;
        }
    }
}
