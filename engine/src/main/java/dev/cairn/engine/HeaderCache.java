package dev.cairn.engine;

import java.nio.ByteBuffer;
import org.agrona.BitUtil;
import org.agrona.BufferUtil;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Key to value header (create revision, modification revision, version), so that a write need not read the row that it replaces. Owned by
 * the apply thread.
 *
 * <p>It answers exactly or not at all: whole keys are compared, and an entry written in the open batch, which the store does not yet know,
 * cannot be evicted. It stays in its set, or, where the set is full of such entries, the key is too long for a slot, or there are no slots,
 * goes to the {@link BatchHeaders} until the batch is written. So results never depend on the capacity.
 *
 * <p>Sets of four slots, 128 bytes each. Where a key's set is full another one takes it, which other bits of its hash choose; where that is full too
 * the slot of both that was used longest ago makes room. A set that is full stays full, so a set with an empty slot sends nobody on.
 *
 * <pre>
 *   0      8                16            24        32      36      40          44      48
 *  +------+----------------+-------------+---------+-------+-------+-----------+-------+-----+
 *  | hash | createRevision | modRevision | version | used  | batch | keyLength | value | key |
 *  +------+----------------+-------------+---------+-------+-------+-----------+-------+-----+
 * </pre>
 *
 * A key that is known to be absent has version 0. {@code keyLength} 0 marks an empty slot. {@code value} is the position of the value in
 * {@link BatchValues}, and means something while {@code batch} is the open one.
 *
 * <p>A range that is deleted touches no slot: it is noted in {@link DeletedRanges}, and a header modified before it and covered by it reads as
 * absent. Only when many ranges have come together is everything forgotten, which costs a pass over all slots.
 */
final class HeaderCache {
    static final int MAX_KEY_BYTES = 80;

    /** Ranges kept over the end of a batch. */
    static final int MAX_KEPT_RANGES = 32;

    private static final int HASH = 0;
    private static final int CREATE_REVISION = 8;
    private static final int MOD_REVISION = 16;
    private static final int VERSION = 24;
    private static final int USED = 32;
    private static final int BATCH = 36;
    private static final int KEY_LENGTH = 40;
    private static final int VALUE = 44;
    private static final int KEY = 48;
    private static final int SLOT = 128;
    private static final int WAYS = 4;
    private static final int SET = WAYS * SLOT;
    private static final int FULL = -2;
    private static final int EMPTY = 1 << 30;

    private final UnsafeBuffer slots;
    private final int setMask;
    private final BatchHeaders overflow = new BatchHeaders();
    private final DeletedRanges ranges = new DeletedRanges();
    private int clock;
    private int batch = 1;

    /** Written so that the compiler keeps the reads that it is made of. */
    private long unusedSum;

    private long createRevision;
    private long modRevision;
    private long version;
    private int valuePosition = BatchValues.NONE;

    /** @param entries rounded up to a power of two; 0 = no slots; each takes 128 bytes of direct memory */
    HeaderCache(int entries) {
        if (entries < 0 || entries > 1 << 23) {
            throw new IllegalArgumentException("header cache entries " + entries + ", allowed 0.." + (1 << 23));
        }
        int capacity = entries == 0 ? 0 : Math.max(WAYS, BitUtil.findNextPositivePowerOfTwo(entries));
        ByteBuffer memory = BufferUtil.allocateDirectAligned(capacity * SLOT, BitUtil.CACHE_LINE_LENGTH);
        slots = new UnsafeBuffer(memory);
        setMask = capacity / WAYS - 1;
    }

    /**
     * Finds a key's header, which then stands in {@link #createRevision}, {@link #modRevision}, {@link #version} and {@link #valuePosition}.
     */
    boolean find(DirectBuffer key, int offset, int length) {
        long hash = KeyHash.of(key, offset, length);
        if (overflow.find(hash, key, offset, length)) {
            set(overflow.createRevision(), overflow.modRevision(), overflow.version(), overflow.valuePosition());
        } else {
            int slot = slotOf(hash, key, offset, length);
            if (slot < 0) {
                return false;
            }
            slots.putInt(slot + USED, ++clock);
            set(
                    slots.getLong(slot + CREATE_REVISION),
                    slots.getLong(slot + MOD_REVISION),
                    slots.getLong(slot + VERSION),
                    slots.getInt(slot + BATCH) == batch ? slots.getInt(slot + VALUE) : BatchValues.NONE);
        }
        clearIfDeleted(key, offset, length);
        return true;
    }

    /** Keys of these hashes will be looked for: has the first slots of their sets brought from memory, all at the same time. */
    void bring(long[] hashes, int count) {
        if (setMask < 0) {
            return;
        }
        long sum = 0;
        for (int i = 0; i < count; i++) {
            int home = homeOf(hashes[i]);
            sum += slots.getLong(home + HASH) + slots.getLong(home + SLOT + HASH);
        }
        unusedSum = sum;
    }

    private void set(long newCreateRevision, long newModRevision, long newVersion, int newValuePosition) {
        createRevision = newCreateRevision;
        modRevision = newModRevision;
        version = newVersion;
        valuePosition = newValuePosition;
    }

    private void clearIfDeleted(DirectBuffer key, int offset, int length) {
        if (version != 0 && ranges.coverSince(modRevision, key, offset, length)) {
            set(0, 0, 0, BatchValues.NONE);
        }
    }

    private int slotOf(long hash, DirectBuffer key, int offset, int length) {
        if (setMask < 0 || length > MAX_KEY_BYTES) {
            return -1;
        }
        int home = homeOf(hash);
        int slot = slotIn(home, hash, key, offset, length);
        return slot == FULL ? Math.max(slotIn(otherOf(hash), hash, key, offset, length), -1) : slot;
    }

    /** The key's slot in one set; -1 = it is in none, {@link #FULL} = not here, and here is no empty one. */
    private int slotIn(int set, long hash, DirectBuffer key, int offset, int length) {
        for (int slot = set; slot < set + SET; slot += SLOT) {
            int keyLength = slots.getInt(slot + KEY_LENGTH);
            if (keyLength == 0) {
                return -1;
            }
            if (slots.getLong(slot + HASH) == hash
                    && keyLength == length
                    && KeyHash.equal(slots, slot + KEY, key, offset, length)) {
                return slot;
            }
        }
        return FULL;
    }

    /** Where the set of a hash begins. */
    private int homeOf(long hash) {
        return ((int) (hash >>> 32) & setMask) * SET;
    }

    /** Where the set begins that takes what has no place at home; it may be the same. */
    private int otherOf(long hash) {
        return ((int) hash & setMask) * SET;
    }

    long createRevision() {
        return createRevision;
    }

    long modRevision() {
        return modRevision;
    }

    /** 0 = the key is absent. */
    long version() {
        return version;
    }

    /** Where the open batch keeps the value; {@link BatchValues#NONE}: an existing key's value is the one that the store shows. */
    int valuePosition() {
        return valuePosition;
    }

    /**
     * Takes a header that the store holds: what it means now, ranges deleted in the open batch included, stands in the fields as after
     * {@link #find}, and is remembered if there is a place.
     */
    void onRead(
            DirectBuffer key, int offset, int length, long rowCreateRevision, long rowModRevision, long rowVersion) {
        set(rowCreateRevision, rowModRevision, rowVersion, BatchValues.NONE);
        clearIfDeleted(key, offset, length);
        remember(key, offset, length, createRevision, modRevision, version, false, BatchValues.NONE);
    }

    /** Remembers a header that the open batch writes; it stays until {@link #onBatchWritten}. A key deleted has version 0 and no value. */
    void onWrite(
            DirectBuffer key,
            int offset,
            int length,
            long rowCreateRevision,
            long rowModRevision,
            long rowVersion,
            int rowValuePosition) {
        remember(key, offset, length, rowCreateRevision, rowModRevision, rowVersion, true, rowValuePosition);
    }

    /** The open batch deletes a range, as in {@link KvStore#deleteRange}, at {@code index}. */
    void onDeleteRange(
            long index,
            DirectBuffer from,
            int fromOffset,
            int fromLength,
            DirectBuffer to,
            int toOffset,
            int toLength) {
        ranges.add(index, from, fromOffset, fromLength, to, toOffset, toLength);
    }

    private void remember(
            DirectBuffer key,
            int offset,
            int length,
            long rowCreate,
            long rowMod,
            long rowVersion,
            boolean inOpenBatch,
            int rowValuePosition) {
        long hash = KeyHash.of(key, offset, length);
        int slot = slotOf(hash, key, offset, length);
        if (slot < 0 && setMask >= 0 && length <= MAX_KEY_BYTES && !overflow.find(hash, key, offset, length)) {
            slot = claim(hash, key, offset, length);
        }
        if (slot >= 0) {
            slots.putLong(slot + CREATE_REVISION, rowCreate);
            slots.putLong(slot + MOD_REVISION, rowMod);
            slots.putLong(slot + VERSION, rowVersion);
            slots.putInt(slot + USED, ++clock);
            if (inOpenBatch) {
                slots.putInt(slot + BATCH, batch);
                slots.putInt(slot + VALUE, rowValuePosition);
            }
        } else if (inOpenBatch) {
            overflow.put(hash, key, offset, length, rowCreate, rowMod, rowVersion, rowValuePosition);
        }
    }

    /** Makes a slot the key's; -1 when the open batch wrote all that it may have. */
    private int claim(long hash, DirectBuffer key, int offset, int length) {
        int home = homeOf(hash);
        int victim = candidate(home);
        int other = age(victim) == EMPTY ? victim : candidate(otherOf(hash));
        victim = age(other) > age(victim) ? other : victim;
        if (victim >= 0) {
            slots.putLong(victim + HASH, hash);
            slots.putInt(victim + BATCH, batch - 1);
            slots.putInt(victim + KEY_LENGTH, length);
            slots.putBytes(victim + KEY, key, offset, length);
        }
        return victim;
    }

    /** The slot of a set that another key may have: the first empty one, else the one used longest ago; -1 = none. */
    private int candidate(int set) {
        int oldest = -1;
        for (int slot = set; slot < set + SET; slot += SLOT) {
            if (slots.getInt(slot + KEY_LENGTH) == 0) {
                return slot;
            }
            if (slots.getInt(slot + BATCH) != batch && age(slot) > age(oldest)) {
                oldest = slot;
            }
        }
        return oldest;
    }

    /** Clock and batch number may wrap: a wrong age picks another victim, a wrong batch keeps one slot longer. */
    private int age(int slot) {
        if (slot < 0) {
            return -1;
        }
        return slots.getInt(slot + KEY_LENGTH) == 0 ? EMPTY : (clock - slots.getInt(slot + USED)) & (EMPTY - 1);
    }

    /** The store now holds everything: nothing is pinned any more. */
    void onBatchWritten() {
        batch++;
        overflow.clear();
        if (ranges.count() > MAX_KEPT_RANGES) {
            ranges.clear();
            for (int slot = 0; slot < slots.capacity(); slot += SLOT) {
                slots.putInt(slot + KEY_LENGTH, 0);
            }
        }
    }
}
