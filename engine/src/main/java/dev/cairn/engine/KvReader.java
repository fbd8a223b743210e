package dev.cairn.engine;

import org.agrona.DirectBuffer;

/**
 * Reads of user keys by one thread, at any time while the apply thread writes. A read sees whole batches: all of those whose
 * {@link StateMachine#commit} returned before the call, perhaps one more. Reads that belong together go through a {@link #snapshot}.
 */
public interface KvReader extends AutoCloseable {
    /** No such key. */
    int NOT_FOUND = -1;

    /** The answer is not in memory: ask again without {@code memoryOnly}, on a thread that may wait for the disk. */
    int INCOMPLETE = -2;

    /**
     * Reads the row of a user key (without kind byte).
     *
     * @param memoryOnly do not touch the disk; the answer may then be {@link #INCOMPLETE}
     * @return length of the stored value in {@link #buffer}, its {@link ValueDescriptor} header included; {@link #NOT_FOUND}; or
     *     {@link #INCOMPLETE}
     */
    int get(DirectBuffer key, int offset, int length, boolean memoryOnly);

    /** Header and value from offset 0; valid until the next {@link #get}. */
    DirectBuffer buffer();

    /** Holds the state as of now, for reads of several keys and for walks. Close it before the reader. */
    KvSnapshot snapshot();

    /** Snapshots and their iterators must be closed before. */
    @Override
    void close();
}
