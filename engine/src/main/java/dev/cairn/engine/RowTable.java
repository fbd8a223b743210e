package dev.cairn.engine;

import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import org.agrona.BitUtil;
import org.agrona.BufferUtil;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Rows in memory, found by a hash of their key: what a {@link WriteBackStore} has taken and the store below has not. A row once added is never
 * changed; a newer one of the same key stands behind it and leads back to it, and the index goes to the newer one.
 *
 * <p>Rows begin at multiples of eight:
 *
 * <pre>
 *   0      8           12            16     17      18  20         24
 *  +------+-----------+-------------+------+-------+---+----------+-----+-------+
 *  | hash | keyLength | valueLength | kind | range |   | previous | key | value |
 *  +------+-----------+-------------+------+-------+---+----------+-----+-------+
 * </pre>
 *
 * {@code valueLength} {@link #DELETED} says that there is no such row, whatever the store below has. {@code previous}, and the lower half of
 * an index slot, is 0 for none, else the row's place, in units of eight bytes, plus one; the upper half of a slot is that of the hash. At
 * most every second slot is taken, so that a search ends.
 *
 * <p>Threads: one adds at a time, others may {@link #read} meanwhile. They see what {@link #add} was given all at once, for they pass over rows behind
 * {@code visibleEnd}, which moves last. After {@link #clear} a read that was under way answers {@link #CLEARED}: what it looked for stands
 * somewhere else by then.
 */
final class RowTable {
    /** {@link #read}: the table says nothing about the key. */
    static final int ABSENT = -1;

    /** {@link #read}: the row is deleted; as the length of a value too. */
    static final int DELETED = -2;

    /** {@link #read}: the table was cleared meanwhile. */
    static final int CLEARED = -3;

    private static final int HASH = 0;
    private static final int KEY_LENGTH = 8;
    private static final int VALUE_LENGTH = 12;
    private static final int KIND = 16;
    private static final int RANGE = 17;
    private static final int PREVIOUS = 20;
    private static final int KEY = 24;
    private static final int ALIGNMENT = 8;
    private static final int ALIGNMENT_SHIFT = 3;
    private static final int SLOT_SHIFT = 3;
    private static final long TAG = 0xFFFF_FFFF_0000_0000L;

    /** Rows of 300 bytes from all over the table: so many are on their way from memory at a time. */
    private static final int TOUCHED_AHEAD = 16;

    private final ByteBuffer memory;
    private final UnsafeBuffer rows;
    private final UnsafeBuffer index;
    private final int indexMask;
    private final int maxKeys;
    private final RowOrder order;
    private int limit;
    private int end;

    /** Slots of the keys, in the order in which these came: so a table with few rows is drained and cleared in no time. */
    private final int[] usedSlots;

    private int keys;

    /** A row of a user's key, and what all such keys have in common with its key at the beginning. */
    private int firstData = -1;

    private int commonBytes;

    /** Of keys that are being drained. */
    private final int[] newest = new int[TOUCHED_AHEAD];

    /** Written so that the compiler keeps the reads that it is made of. */
    private long unusedSum;

    private volatile int visibleEnd;

    /** Odd while the table is being cleared. */
    private volatile long generation;

    private long generationsBegun;

    /**
     * @param bytes of rows; beside them stand 16 to 36 bytes for each key that may have a place
     * @param order of as many keys as may have a place
     */
    RowTable(int bytes, RowOrder order) {
        this.order = order;
        maxKeys = order.maxKeys();
        usedSlots = new int[maxKeys];
        int slots = BitUtil.findNextPositivePowerOfTwo(2 * maxKeys);
        indexMask = slots - 1;
        int indexBytes = slots * Long.BYTES;
        memory = ByteBuffer.allocateDirect(indexBytes + bytes);
        index = new UnsafeBuffer(memory, 0, indexBytes);
        rows = new UnsafeBuffer(memory, indexBytes, bytes);
        limit = bytes;
    }

    /** Length of a row in bytes, as {@link #encode} writes it. */
    static int rowLength(int keyLength, int valueLength) {
        return BitUtil.align(KEY + keyLength + Math.max(0, valueLength), ALIGNMENT);
    }

    /**
     * Writes all of a row but its value.
     *
     * @param valueLength in bytes, or {@link #DELETED}
     * @return where the value belongs
     */
    static int encode(
            MutableDirectBuffer into,
            int offset,
            byte kind,
            DirectBuffer key,
            int keyOffset,
            int keyLength,
            int valueLength) {
        into.putLong(offset + HASH, KeyHash.of(key, keyOffset, keyLength));
        into.putInt(offset + KEY_LENGTH, keyLength);
        into.putInt(offset + VALUE_LENGTH, valueLength);
        into.putByte(offset + KIND, kind);
        into.putByte(offset + RANGE, (byte) 0);
        into.putInt(offset + PREVIOUS, 0);
        into.putBytes(offset + KEY, key, keyOffset, keyLength);
        return offset + KEY + keyLength;
    }

    /** The row encoded here stands for a range instead: its kind, from its key to its value. No table takes it. */
    static void markRange(MutableDirectBuffer buffer, int row) {
        buffer.putByte(row + RANGE, (byte) 1);
    }

    static int rowLengthAt(DirectBuffer buffer, int row) {
        return rowLength(buffer.getInt(row + KEY_LENGTH), buffer.getInt(row + VALUE_LENGTH));
    }

    /** Counts as full when it holds so many bytes: a share of its capacity. What has a place in an empty table always has one. */
    void limit(int bytes) {
        limit = bytes;
    }

    /** Whether so many rows, together so long, have a place. */
    boolean hasRoom(int count, int bytes) {
        return end == 0
                ? canHold(count, bytes)
                : count <= maxKeys - keys && bytes <= rows.capacity() - end && end < limit;
    }

    /** Whether they would have a place in an empty table. */
    boolean canHold(int count, int bytes) {
        return count <= maxKeys && bytes <= rows.capacity();
    }

    /** Adds encoded rows, for which there is room, in their order; readers see all of them at once. */
    void add(DirectBuffer buffer, int bytes) {
        rows.putBytes(end, buffer, 0, bytes);
        int row = end;
        end += bytes;
        while (row < end) {
            addToIndex(row);
            row += rowLengthAt(rows, row);
        }
        visibleEnd = end;
    }

    /** Whoever adds: rows of keys with these hashes will come: has what is looked at then brought from memory, all at the same time. */
    void bring(long[] hashes, int count) {
        long sum = 0;
        for (int i = 0; i < count; i++) {
            sum += index.getLong(((int) hashes[i] & indexMask) << SLOT_SHIFT);
        }
        for (int i = 0; i < count; i++) {
            int place = (int) index.getLong(((int) hashes[i] & indexMask) << SLOT_SHIFT);
            if (place != 0) {
                int row = rowOf(place);
                // A row may end before its key would begin another eight bytes, and the memory with it.
                sum += rows.getLong(row) + rows.getLong(Math.min(row + KEY, rows.capacity() - Long.BYTES));
            }
        }
        unusedSum = sum;
    }

    private void addToIndex(int row) {
        long hash = rows.getLong(row + HASH);
        int keyLength = rows.getInt(row + KEY_LENGTH);
        byte kind = rows.getByte(row + KIND);
        int slot = (int) hash & indexMask;
        long entry;
        while (true) {
            entry = index.getLong(slot << SLOT_SHIFT);
            if (entry == 0) {
                usedSlots[keys++] = slot;
                break;
            }
            if (((entry ^ hash) & TAG) == 0 && isKey(rowOf((int) entry), kind, rows, row + KEY, keyLength)) {
                rows.putInt(row + PREVIOUS, (int) entry);
                break;
            }
            slot = (slot + 1) & indexMask;
        }
        if (kind == RowKind.DATA) {
            noteKey(row, keyLength);
        }
        // Released: whoever sees the entry sees the row that it leads to.
        index.putLongRelease(slot << SLOT_SHIFT, (hash & TAG) | placeOf(row));
    }

    private void noteKey(int row, int keyLength) {
        if (firstData < 0) {
            firstData = row;
            commonBytes = keyLength;
        } else {
            commonBytes = RowOrder.commonBytes(rows, firstData + KEY, row + KEY, Math.min(commonBytes, keyLength));
        }
    }

    private static int placeOf(int row) {
        return (row >>> ALIGNMENT_SHIFT) + 1;
    }

    private static int rowOf(int place) {
        return (place - 1) << ALIGNMENT_SHIFT;
    }

    private boolean isKey(int row, byte kind, DirectBuffer key, int offset, int length) {
        return rows.getInt(row + KEY_LENGTH) == length
                && rows.getByte(row + KIND) == kind
                && length <= rows.capacity() - row - KEY
                && KeyHash.equal(rows, row + KEY, key, offset, length);
    }

    /**
     * Any thread: copies the value of a key.
     *
     * @return its length, or {@link #ABSENT}, {@link #DELETED}, {@link #CLEARED}
     */
    int read(long hash, byte kind, DirectBuffer key, int offset, int length, MutableDirectBuffer into) {
        long before = generation;
        if (before % 2 != 0) {
            return CLEARED;
        }
        int row = find(visibleEnd, hash, kind, key, offset, length);
        if (row < 0) {
            return isStill(before) ? row : CLEARED;
        }
        int valueLength = rows.getInt(row + VALUE_LENGTH);
        // Looked at before the length is believed, and again when so much has been copied.
        if (!isStill(before)) {
            return CLEARED;
        }
        if (valueLength == DELETED) {
            return DELETED;
        }
        into.putBytes(0, rows, row + KEY + length, valueLength);
        return isStill(before) ? valueLength : CLEARED;
    }

    /** Whether everything read before this call was read before a {@link #clear} began. */
    private boolean isStill(long before) {
        VarHandle.acquireFence();
        return generation == before;
    }

    /** The row of a key, or {@link #ABSENT}. All may be overwritten meanwhile: so no number is believed to lie within the table, and loops end. */
    private int find(int visible, long hash, byte kind, DirectBuffer key, int offset, int length) {
        int slot = (int) hash & indexMask;
        for (int looks = 0; looks <= indexMask; looks++) {
            long entry = index.getLongVolatile(slot << SLOT_SHIFT);
            if (entry == 0) {
                return ABSENT;
            }
            if (((entry ^ hash) & TAG) == 0 && isKey(rowOf((int) entry), kind, key, offset, length)) {
                return visibleRow((int) entry, visible);
            }
            slot = (slot + 1) & indexMask;
        }
        return CLEARED;
    }

    /** The newest row of a key that may be seen; a row's previous one stands before it. */
    private int visibleRow(int newest, int visible) {
        int place = newest;
        while (place != 0 && rowOf(place) >= visible) {
            int previous = rows.getInt(rowOf(place) + PREVIOUS);
            if (previous < 0 || previous >= place) {
                return CLEARED;
            }
            place = previous;
        }
        return place == 0 ? ABSENT : rowOf(place);
    }

    /** Of all rows, those included that newer ones have replaced. */
    int bytes() {
        return end;
    }

    /**
     * Puts the newest row of each key into a store's open batch: those of users in ascending order of their keys, which is what an ordered
     * store takes in fastest, the few others as they come.
     */
    void drainInto(KvStore store) {
        order.begin(rows, KEY, KEY_LENGTH, commonBytes);
        for (int i = 0; i < keys; i++) {
            if (i % TOUCHED_AHEAD == 0) {
                newestRows(i, Math.min(keys, i + TOUCHED_AHEAD));
            }
            int row = newest[i % TOUCHED_AHEAD];
            if (rows.getByte(row + KIND) == RowKind.DATA) {
                order.add(row);
            } else {
                writeRow(store, rows, row);
            }
        }
        int count = order.sort();
        for (int i = 0; i < count; i++) {
            if (i % TOUCHED_AHEAD == 0) {
                touch(i + TOUCHED_AHEAD, Math.min(count, i + 2 * TOUCHED_AHEAD));
            }
            writeRow(store, rows, order.row(i));
        }
    }

    /** Looks up the rows of some keys, and has them brought from memory all at the same time. */
    private void newestRows(int from, int to) {
        for (int i = from; i < to; i++) {
            newest[i - from] = rowOf((int) index.getLong(usedSlots[i] << SLOT_SHIFT));
        }
        long sum = 0;
        for (int i = 0; i < to - from; i++) {
            sum += rows.getLong(newest[i] + KIND);
        }
        unusedSum = sum;
    }

    /** Has rows brought from memory all at the same time, which one after the other would be waited for. */
    private void touch(int from, int to) {
        long sum = 0;
        for (int i = from; i < to; i++) {
            sum += rows.getLong(order.row(i));
        }
        unusedSum = sum;
    }

    /** Puts an encoded row into a store's open batch. */
    static void writeRow(KvStore store, DirectBuffer buffer, int row) {
        byte kind = buffer.getByte(row + KIND);
        int keyLength = buffer.getInt(row + KEY_LENGTH);
        int valueLength = buffer.getInt(row + VALUE_LENGTH);
        if (buffer.getByte(row + RANGE) != 0) {
            int end = row + KEY + keyLength;
            store.deleteRange(kind, buffer, row + KEY, keyLength, buffer, end, valueLength);
        } else if (valueLength == DELETED) {
            store.delete(kind, buffer, row + KEY, keyLength);
        } else {
            store.valueBuffer(valueLength).putBytes(0, buffer, row + KEY + keyLength, valueLength);
            store.put(kind, buffer, row + KEY, keyLength, valueLength);
        }
    }

    /** Empties it. Readers may be under way, nobody may be adding. */
    void clear() {
        generationsBegun++;
        generation = generationsBegun;
        // Nothing of what follows may be seen together with the old generation.
        VarHandle.fullFence();
        visibleEnd = 0;
        for (int i = 0; i < keys; i++) {
            index.putLong(usedSlots[i] << SLOT_SHIFT, 0);
        }
        end = 0;
        keys = 0;
        firstData = -1;
        commonBytes = 0;
        generationsBegun++;
        generation = generationsBegun;
    }

    /** Gives its memory back: whoever reads it afterwards kills the JVM. */
    void free() {
        BufferUtil.free(memory);
    }
}
