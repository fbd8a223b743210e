package dev.cairn.engine;

import java.util.Arrays;
import org.agrona.DirectBuffer;
import org.agrona.ExpandableArrayBuffer;

/**
 * Exact, growing table of the headers written by the open batch that have no place in the {@link HeaderCache}. Emptied with each batch, its
 * memory is kept. Open addressing over positions (+1; 0 = free) of entries in one buffer:
 *
 * <pre>
 *   0      8                16            24        32          36      40
 *  +------+----------------+-------------+---------+-----------+-------+-----
 *  | hash | createRevision | modRevision | version | keyLength | value | key
 *  +------+----------------+-------------+---------+-----------+-------+-----
 * </pre>
 *
 * {@code value} is the position of the value in {@link BatchValues}.
 */
final class BatchHeaders {
    private static final int HASH = 0;
    private static final int CREATE_REVISION = 8;
    private static final int MOD_REVISION = 16;
    private static final int VERSION = 24;
    private static final int KEY_LENGTH = 32;
    private static final int VALUE = 36;
    private static final int KEY = 40;

    private final ExpandableArrayBuffer entries = new ExpandableArrayBuffer(1024);
    private int[] table = new int[64];
    private int count;
    private int end;
    private int found;

    boolean find(long hash, DirectBuffer key, int offset, int length) {
        if (count == 0) {
            return false;
        }
        int slot = slotOf(hash, key, offset, length);
        found = table[slot] - 1;
        return found >= 0;
    }

    long createRevision() {
        return entries.getLong(found + CREATE_REVISION);
    }

    long modRevision() {
        return entries.getLong(found + MOD_REVISION);
    }

    long version() {
        return entries.getLong(found + VERSION);
    }

    int valuePosition() {
        return entries.getInt(found + VALUE);
    }

    void put(
            long hash,
            DirectBuffer key,
            int offset,
            int length,
            long createRevision,
            long modRevision,
            long version,
            int valuePosition) {
        int slot = slotOf(hash, key, offset, length);
        int entry = table[slot] - 1;
        if (entry < 0) {
            entry = end;
            entries.putLong(entry + HASH, hash);
            entries.putInt(entry + KEY_LENGTH, length);
            entries.putBytes(entry + KEY, key, offset, length);
            end += KEY + length;
            table[slot] = entry + 1;
            count++;
        }
        entries.putLong(entry + CREATE_REVISION, createRevision);
        entries.putLong(entry + MOD_REVISION, modRevision);
        entries.putLong(entry + VERSION, version);
        entries.putInt(entry + VALUE, valuePosition);
        if (count * 2 > table.length) {
            grow();
        }
    }

    /** The slot that holds the key, or the free one where it belongs. */
    private int slotOf(long hash, DirectBuffer key, int offset, int length) {
        int mask = table.length - 1;
        int slot = (int) hash & mask;
        while (table[slot] != 0) {
            int entry = table[slot] - 1;
            if (entries.getLong(entry + HASH) == hash
                    && entries.getInt(entry + KEY_LENGTH) == length
                    && KeyHash.equal(entries, entry + KEY, key, offset, length)) {
                return slot;
            }
            slot = (slot + 1) & mask;
        }
        return slot;
    }

    private void grow() {
        table = new int[table.length * 2];
        int mask = table.length - 1;
        for (int entry = 0; entry < end; entry += KEY + entries.getInt(entry + KEY_LENGTH)) {
            int slot = (int) entries.getLong(entry + HASH) & mask;
            while (table[slot] != 0) {
                slot = (slot + 1) & mask;
            }
            table[slot] = entry + 1;
        }
    }

    void clear() {
        if (count != 0) {
            Arrays.fill(table, 0);
            count = 0;
            end = 0;
        }
    }
}
