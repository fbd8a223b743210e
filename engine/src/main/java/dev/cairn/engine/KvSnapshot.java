package dev.cairn.engine;

import org.agrona.DirectBuffer;

/**
 * Everything as it stood after one batch, for a read of several keys: whole batches, and the same ones for every key, however long the
 * reading takes. Made by {@link KvReader#snapshot}; used by that reader's thread only. An open snapshot keeps the rows that it shows from
 * being cleared away, so it is not kept longer than it is read.
 */
public interface KvSnapshot extends AutoCloseable {
    /** Index of the last entry whose effect the snapshot shows: read from the snapshot's own rows, so it is exact. 0 = nothing applied. */
    long appliedIndex();

    /**
     * Reads the row of a user key (without kind byte). May wait for the disk.
     *
     * @return length of the stored value in {@link #buffer}, its {@link ValueDescriptor} header included; or {@link KvReader#NOT_FOUND}
     */
    int get(DirectBuffer key, int offset, int length);

    /** Header and value from offset 0; valid until the next {@link #get}. */
    DirectBuffer buffer();

    /**
     * Walks over the user keys from {@code from} (inclusive; length 0 = from the first) to {@code to} (exclusive; length 0 = to the last),
     * in unsigned order, or backwards from the end of that range. The bounds are copied. It must be closed before the store; it may outlive
     * the snapshot, whose state it keeps.
     */
    KvIterator iterator(
            DirectBuffer from,
            int fromOffset,
            int fromLength,
            DirectBuffer to,
            int toOffset,
            int toLength,
            boolean reverse);

    @Override
    void close();
}
