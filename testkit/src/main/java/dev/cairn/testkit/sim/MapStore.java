package dev.cairn.testkit.sim;

import dev.cairn.engine.AppliedDescriptor;
import dev.cairn.engine.AppliedState;
import dev.cairn.engine.BrokenInvariantException;
import dev.cairn.engine.KvIterator;
import dev.cairn.engine.KvReader;
import dev.cairn.engine.KvSnapshot;
import dev.cairn.engine.KvStore;
import dev.cairn.engine.KvStoreException;
import dev.cairn.engine.RowKind;
import dev.cairn.engine.SessionRowDescriptor;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
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
    private static final String CHECKPOINT_FILE = "rows";
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
    /** Sum over all rows. */
    private long contentHash;

    private int failingWrites;
    private long writeCount;
    private boolean coldReads;
    private boolean closed;

    /** A change of the open batch: of one row, where value null = deleted; or, with an end, of all rows from key to end, which go. */
    private static final class Change {
        final byte[] key;
        final byte @Nullable [] value;
        final byte @Nullable [] end;

        Change(byte[] key, byte @Nullable [] value, byte @Nullable [] end) {
            this.key = key;
            this.value = value;
            this.end = end;
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
        batch.add(new Change(rowKey(kind, key, keyOffset, keyLength), bytes, null));
    }

    @Override
    public void delete(byte kind, DirectBuffer key, int keyOffset, int keyLength) {
        batch.add(new Change(rowKey(kind, key, keyOffset, keyLength), null, null));
    }

    @Override
    public void deleteRange(
            byte kind, DirectBuffer from, int fromOffset, int fromLength, DirectBuffer to, int toOffset, int toLength) {
        byte[] first = rowKey(kind, from, fromOffset, fromLength);
        byte[] end = endKey(kind, to, toOffset, toLength);
        if (Arrays.compareUnsigned(first, end) < 0) {
            batch.add(new Change(first, null, end));
        }
    }

    private static byte[] endKey(byte kind, DirectBuffer to, int offset, int length) {
        return length == 0 ? new byte[] {(byte) (kind + 1)} : rowKey(kind, to, offset, length);
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
            if (change.end == null) {
                change(change.key, change.value);
            } else {
                List.copyOf(rows.subMap(change.key, true, change.end, false).keySet())
                        .forEach(key -> change(key, null));
            }
        }
        batch.clear();
        writeCount++;
    }

    private void set(byte[] key, byte @Nullable [] changed) {
        byte[] before = changed == null ? rows.remove(key) : rows.put(key, changed);
        contentHash -= before == null ? 0 : hash(key, before);
        contentHash += changed == null ? 0 : hash(key, changed);
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
        unflushed.forEach((key, changed) -> {
            if (changed == null) {
                flushedRows.remove(key);
            } else {
                flushedRows.put(key, changed);
            }
        });
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

    /** Flushes, and writes all rows to the one file of a new directory; {@link #openCheckpoint} reads it. */
    @Override
    public void checkpoint(Path newDirectory) {
        flush();
        try {
            Files.createDirectory(newDirectory);
            try (DataOutputStream out = new DataOutputStream(
                    new BufferedOutputStream(Files.newOutputStream(newDirectory.resolve(CHECKPOINT_FILE))))) {
                writeRows(out);
            }
        } catch (IOException e) {
            throw new KvStoreException("map store: checkpoint failed: directory=" + newDirectory, false, e);
        }
    }

    private void writeRows(DataOutputStream out) throws IOException {
        out.writeInt(rows.size());
        for (Map.Entry<byte[], byte[]> entry : rows.entrySet()) {
            out.writeInt(entry.getKey().length);
            out.write(entry.getKey());
            out.writeInt(entry.getValue().length);
            out.write(entry.getValue());
        }
    }

    private void readRows(DataInputStream in) throws IOException {
        for (int left = in.readInt(); left > 0; left--) {
            byte[] key = in.readNBytes(in.readInt());
            set(key, in.readNBytes(in.readInt()));
        }
        flushedRows.putAll(rows);
    }

    /** All rows as bytes; {@link #of} makes a store of them. */
    byte[] content() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try {
            writeRows(new DataOutputStream(bytes));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    /** A store of its own with these rows, all flushed. */
    static MapStore of(byte[] content) {
        MapStore store = new MapStore();
        try {
            store.readRows(new DataInputStream(new ByteArrayInputStream(content)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return store;
    }

    /** A store of its own with the rows of a checkpoint, all flushed; the directory is not needed any longer. */
    public static MapStore openCheckpoint(Path directory) {
        MapStore store = new MapStore();
        try (DataInputStream in = new DataInputStream(
                new BufferedInputStream(Files.newInputStream(directory.resolve(CHECKPOINT_FILE))))) {
            store.readRows(in);
        } catch (IOException e) {
            throw new KvStoreException("map store: no checkpoint in " + directory, false, e);
        }
        return store;
    }

    /** The process or host is gone: back to the last flush; the open batch and everything written since are lost. */
    public void crash() {
        batch.clear();
        for (byte[] key : unflushed.keySet()) {
            set(key, flushedRows.get(key));
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
        return contentHash;
    }

    private static long hash(byte[] key, byte[] bytes) {
        return SimRandom.mix(SimRandom.mix(Arrays.hashCode(key) + 0x9E3779B97F4A7C15L) + longHash(bytes));
    }

    private static long longHash(byte[] bytes) {
        long hash = bytes.length;
        for (byte each : bytes) {
            hash = hash * 0x100000001B3L + each;
        }
        return hash;
    }

    // ---- planted bugs

    /** All rows of this kind are gone. */
    void forget(byte kind) {
        List.copyOf(rows.keySet()).stream().filter(key -> key[0] == kind).forEach(key -> change(key, null));
        flush();
    }

    /** The sessions are there, but none of the answers that they keep. */
    void forgetAnswers() {
        for (Map.Entry<byte[], byte[]> entry : List.copyOf(rows.entrySet())) {
            if (entry.getKey()[0] == RowKind.SESSION) {
                UnsafeBuffer session = new UnsafeBuffer(entry.getValue());
                int length = SessionRowDescriptor.BLOCK_LENGTH
                        + session.getInt(SessionRowDescriptor.NAME_LENGTH_OFFSET, ByteOrder.LITTLE_ENDIAN);
                byte[] bare = Arrays.copyOf(entry.getValue(), length);
                new UnsafeBuffer(bare).putInt(SessionRowDescriptor.ANSWER_COUNT_OFFSET, 0, ByteOrder.LITTLE_ENDIAN);
                change(entry.getKey(), bare);
            }
        }
        flush();
    }

    byte @Nullable [] appliedRow() {
        DirectBuffer name = AppliedDescriptor.NAME;
        return rows.get(rowKey(RowKind.META, name, 0, name.capacity()));
    }

    void setAppliedRow(byte[] applied) {
        DirectBuffer name = AppliedDescriptor.NAME;
        change(rowKey(RowKind.META, name, 0, name.capacity()), applied);
        flush();
    }

    private void change(byte[] key, byte @Nullable [] changed) {
        unflushed.put(key, changed);
        set(key, changed);
    }

    /** Flushes. {@link #crash} opens it again, as a start of the process would. */
    @Override
    public void close() {
        if (!closed) {
            flush();
            closed = true;
        }
    }

    @Override
    public void closeWithoutFlush() {
        closed = true;
    }

    /** It has no files. */
    @Override
    public long fileBytes() {
        return 0;
    }

    /** There is no disk that could be full. */
    @Override
    public void requireRoomForCheckpoint(long furtherBytes) {}

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
        public KvSnapshot snapshot() {
            if (readerClosed) {
                throw new BrokenInvariantException("map store: snapshot through a closed reader");
            }
            return new CopiedRows(rows);
        }

        @Override
        public void close() {
            readerClosed = true;
        }
    }

    /** A snapshot by copy. */
    private static final class CopiedRows implements KvSnapshot {
        private final TreeMap<byte[], byte[]> copy = new TreeMap<>(UNSIGNED);
        private final UnsafeBuffer buffer = new UnsafeBuffer(0, 0);
        private final long appliedIndex;
        private boolean snapshotClosed;

        CopiedRows(Map<byte[], byte[]> rows) {
            // Rows are replaced, never changed in place.
            copy.putAll(rows);
            DirectBuffer name = AppliedDescriptor.NAME;
            byte[] applied = copy.get(rowKey(RowKind.META, name, 0, name.capacity()));
            appliedIndex = applied == null
                    ? 0
                    : AppliedDescriptor.decode(new UnsafeBuffer(applied), 0, applied.length)
                            .index();
        }

        @Override
        public long appliedIndex() {
            return appliedIndex;
        }

        @Override
        public int get(DirectBuffer key, int offset, int length) {
            requireOpen();
            byte[] found = copy.get(rowKey(RowKind.DATA, key, offset, length));
            if (found == null) {
                return KvReader.NOT_FOUND;
            }
            buffer.wrap(found);
            return found.length;
        }

        @Override
        public DirectBuffer buffer() {
            return buffer;
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
            requireOpen();
            byte[] first = rowKey(RowKind.DATA, from, fromOffset, fromLength);
            byte[] end = endKey(RowKind.DATA, to, toOffset, toLength);
            NavigableMap<byte[], byte[]> range =
                    copy.subMap(first, true, Arrays.compareUnsigned(first, end) < 0 ? end : first, false);
            return new Walk((reverse ? range.descendingMap() : range).entrySet().iterator());
        }

        private void requireOpen() {
            if (snapshotClosed) {
                throw new BrokenInvariantException("map store: read through a closed snapshot");
            }
        }

        @Override
        public void close() {
            snapshotClosed = true;
        }
    }

    private static final class Walk implements KvIterator {
        private final Iterator<Map.Entry<byte[], byte[]>> rows;
        private final UnsafeBuffer key = new UnsafeBuffer(0, 0);
        private final UnsafeBuffer value = new UnsafeBuffer(0, 0);
        private Map.@Nullable Entry<byte[], byte[]> row;
        private boolean walkClosed;

        Walk(Iterator<Map.Entry<byte[], byte[]>> rows) {
            this.rows = rows;
        }

        @Override
        public boolean next() {
            if (walkClosed) {
                throw new BrokenInvariantException("map store: step of a closed walk");
            }
            row = rows.hasNext() ? rows.next() : null;
            return row != null;
        }

        @Override
        public int readKey() {
            byte[] bytes = row().getKey();
            key.wrap(bytes, 1, bytes.length - 1);
            return bytes.length - 1;
        }

        @Override
        public DirectBuffer key() {
            return key;
        }

        @Override
        public int readValue(int maxBytes) {
            byte[] bytes = row().getValue();
            value.wrap(bytes, 0, Math.min(bytes.length, maxBytes));
            return bytes.length;
        }

        @Override
        public DirectBuffer value() {
            return value;
        }

        private Map.Entry<byte[], byte[]> row() {
            if (row == null || walkClosed) {
                throw new BrokenInvariantException("map store: walk asked for a row where it has none");
            }
            return row;
        }

        @Override
        public void close() {
            walkClosed = true;
        }
    }
}
