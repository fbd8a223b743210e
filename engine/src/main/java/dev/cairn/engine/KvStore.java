package dev.cairn.engine;

import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/**
 * Ordered rows under the state machine. A row's key is one kind byte (see {@link RowKind}) and the bytes given here; all kinds share one
 * column family, so every flush is atomic over data, sessions and metadata.
 *
 * <p>Threads: the write side, {@link #get}, {@link #row} and {@link #scan} belong to the apply thread (before it starts, to whoever starts
 * it). {@link #newReader}, {@link #flush} and {@link #flushedApplied} may be called by any thread.
 *
 * <p>Durability: {@link #write} is durable against nothing, not even a crash of the process: the Raft log is what brings it back. What
 * survives is the state at the last flush, by {@link #flush} or by the store's own choice, always whole batches in order.
 */
public interface KvStore extends AutoCloseable {
    /** {@link #get}: no such row. */
    int NOT_FOUND = -1;

    /** Largest value of a row in bytes, header included; a larger one is refused as a broken invariant. */
    int MAX_ROW_BYTES = 8 << 20;

    /**
     * The buffer in which the caller builds the next row's value from offset 0, before {@link #put}.
     *
     * @param length bytes that it must hold, at most {@link #MAX_ROW_BYTES}
     * @return valid until the next call of this method; contents are undefined
     */
    MutableDirectBuffer valueBuffer(int length);

    /** Adds to the open batch: the row becomes what stands in {@link #valueBuffer} at [0, valueLength). */
    void put(byte kind, DirectBuffer key, int keyOffset, int keyLength, int valueLength);

    /** Adds to the open batch: the row is gone; it need not have existed. */
    void delete(byte kind, DirectBuffer key, int keyOffset, int keyLength);

    /**
     * Writes the open batch atomically, in order of the calls, visible to every reader on return, and opens an empty one.
     *
     * @throws KvStoreException nothing was written; the batch stands and may be written again
     */
    void write();

    /**
     * Reads a row as of the last {@link #write}; the open batch is not seen.
     *
     * @return length of the value, which then stands in {@link #row} at offset 0, or {@link #NOT_FOUND}
     */
    int get(byte kind, DirectBuffer key, int keyOffset, int keyLength);

    /** The value that {@link #get} read; valid until its next call. */
    DirectBuffer row();

    /** Visits all written rows of one kind in ascending unsigned key order. */
    void scan(byte kind, RowVisitor visitor);

    /** A reader for one thread. It must be closed before the store. */
    KvReader newReader();

    /** Returns when everything written before the call survives a crash of the host. Slow: never call it on the apply thread under load. */
    void flush();

    /** The applied state that a crash at this moment would leave; {@link AppliedState#NONE} when nothing was flushed yet. */
    AppliedState flushedApplied();

    /** Bounds the deletion of the log's prefix. */
    default long flushedAppliedIndex() {
        return flushedApplied().index();
    }

    /** Flushes and releases everything. */
    @Override
    void close();

    /** Takes the rows of a scan. */
    @FunctionalInterface
    interface RowVisitor {
        /** Key without its kind byte, and value; both valid until this call returns. */
        void onRow(
                DirectBuffer key, int keyOffset, int keyLength, DirectBuffer value, int valueOffset, int valueLength);
    }
}
