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
 * <p>Sets of four slots, 128 bytes each; the slot used longest ago makes room.
 *
 * <pre>
 *   0      8                16            24        32      36      40          44
 *  +------+----------------+-------------+---------+-------+-------+-----------+-----+
 *  | hash | createRevision | modRevision | version | used  | batch | keyLength | key |
 *  +------+----------------+-------------+---------+-------+-------+-----------+-----+
 * </pre>
 *
 * A key that is known to be absent has version 0. {@code keyLength} 0 marks an empty slot.
 */
final class HeaderCache {
    static final int MAX_KEY_BYTES = 84;

    private static final int HASH = 0;
    private static final int CREATE_REVISION = 8;
    private static final int MOD_REVISION = 16;
    private static final int VERSION = 24;
    private static final int USED = 32;
    private static final int BATCH = 36;
    private static final int KEY_LENGTH = 40;
    private static final int KEY = 44;
    private static final int SLOT = 128;
    private static final int WAYS = 4;

    private final UnsafeBuffer slots;
    private final int setMask;
    private final BatchHeaders overflow = new BatchHeaders();
    private int clock;
    private int batch = 1;

    private long createRevision;
    private long modRevision;
    private long version;

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

    /** Finds a key's header, which then stands in {@link #createRevision}, {@link #modRevision} and {@link #version}. */
    boolean find(DirectBuffer key, int offset, int length) {
        long hash = KeyHash.of(key, offset, length);
        if (overflow.find(hash, key, offset, length)) {
            set(overflow.createRevision(), overflow.modRevision(), overflow.version());
            return true;
        }
        int slot = slotOf(hash, key, offset, length);
        if (slot < 0) {
            return false;
        }
        slots.putInt(slot + USED, ++clock);
        set(slots.getLong(slot + CREATE_REVISION), slots.getLong(slot + MOD_REVISION), slots.getLong(slot + VERSION));
        return true;
    }

    private void set(long newCreateRevision, long newModRevision, long newVersion) {
        createRevision = newCreateRevision;
        modRevision = newModRevision;
        version = newVersion;
    }

    private int slotOf(long hash, DirectBuffer key, int offset, int length) {
        if (setMask < 0 || length > MAX_KEY_BYTES) {
            return -1;
        }
        int first = firstSlot(hash);
        for (int slot = first; slot < first + WAYS * SLOT; slot += SLOT) {
            if (slots.getLong(slot + HASH) == hash
                    && slots.getInt(slot + KEY_LENGTH) == length
                    && KeyHash.equal(slots, slot + KEY, key, offset, length)) {
                return slot;
            }
        }
        return -1;
    }

    private int firstSlot(long hash) {
        return ((int) (hash >>> 32) & setMask) * (WAYS * SLOT);
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

    /** Takes a header that the store holds: it stands in the fields as after {@link #find}, and is remembered if there is a place. */
    void onRead(
            DirectBuffer key, int offset, int length, long rowCreateRevision, long rowModRevision, long rowVersion) {
        set(rowCreateRevision, rowModRevision, rowVersion);
        remember(key, offset, length, rowCreateRevision, rowModRevision, rowVersion, false);
    }

    /** Remembers a header that the open batch writes; it stays until {@link #onBatchWritten}. */
    void onWrite(
            DirectBuffer key, int offset, int length, long rowCreateRevision, long rowModRevision, long rowVersion) {
        remember(key, offset, length, rowCreateRevision, rowModRevision, rowVersion, true);
    }

    private void remember(
            DirectBuffer key,
            int offset,
            int length,
            long rowCreate,
            long rowMod,
            long rowVersion,
            boolean inOpenBatch) {
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
            }
        } else if (inOpenBatch) {
            overflow.put(hash, key, offset, length, rowCreate, rowMod, rowVersion);
        }
    }

    /** Empties the slot used longest ago for a key; -1 when the open batch wrote all of the set. */
    private int claim(long hash, DirectBuffer key, int offset, int length) {
        int first = firstSlot(hash);
        int victim = -1;
        int victimAge = -1;
        for (int slot = first; slot < first + WAYS * SLOT; slot += SLOT) {
            if (slots.getInt(slot + KEY_LENGTH) == 0) {
                victim = slot;
                break;
            }
            // Clock and batch number may wrap: a wrong age picks another victim, a wrong batch keeps one slot longer.
            int age = (clock - slots.getInt(slot + USED)) & Integer.MAX_VALUE;
            if (slots.getInt(slot + BATCH) != batch && age > victimAge) {
                victim = slot;
                victimAge = age;
            }
        }
        if (victim >= 0) {
            slots.putLong(victim + HASH, hash);
            slots.putInt(victim + BATCH, batch - 1);
            slots.putInt(victim + KEY_LENGTH, length);
            slots.putBytes(victim + KEY, key, offset, length);
        }
        return victim;
    }

    /** The store now holds everything: nothing is pinned any more. */
    void onBatchWritten() {
        batch++;
        overflow.clear();
    }
}
