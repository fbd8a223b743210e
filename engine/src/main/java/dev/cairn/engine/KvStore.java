package dev.cairn.engine;

import java.nio.file.Path;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/**
 * Ordered rows under the state machine. A row's key is one kind byte (see {@link RowKind}) and the bytes given here; all kinds share one
 * column family, so every flush is atomic over data, sessions and metadata.
 *
 * <p>Threads: the write side, {@link #get}, {@link #row} and {@link #scan} belong to the apply thread (before it starts, to whoever starts
 * it). {@link #newReader}, {@link #flush}, {@link #flushedApplied} and {@link #checkpoint} may be called by any thread.
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

    /** A hint that rows will be put or deleted soon whose keys have the first {@code count} of these hashes, by {@link KeyHash}. */
    default void bring(long[] hashes, int count) {}

    /** Adds to the open batch: the row is gone; it need not have existed. */
    void delete(byte kind, DirectBuffer key, int keyOffset, int keyLength);

    /**
     * Adds to the open batch: all rows of this kind from {@code from} (inclusive; length 0 = from the first) to {@code to} (exclusive;
     * length 0 = to the last) are gone, those included that the batch wrote before this call. One record, however many rows there are.
     * Nothing happens when {@code to} is not above {@code from}.
     */
    void deleteRange(
            byte kind, DirectBuffer from, int fromOffset, int fromLength, DirectBuffer to, int toOffset, int toLength);

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

    /**
     * Makes a directory from which the same state can be opened as a store of its own: what was written before the call, and whole batches.
     * How far it goes stands in its own applied row, which may be above what anybody knew when the call began. Where the file system can,
     * it shares files with this store and costs a flush. The files are not forced to disk by this method.
     *
     * @param newDirectory must not exist, its parent must
     * @throws KvStoreException the directory may then be left incomplete
     */
    void checkpoint(Path newDirectory);

    /** Bytes of the files that hold the data, without what is still in memory only. Any thread. */
    long fileBytes();

    /**
     * A flush that runs out of space ends all writes until there is space, and with them every read that waits for an entry to be
     * applied. What is in memory may stay there: so a flush for a checkpoint is not begun without room. Any thread.
     *
     * @param furtherBytes that will be written before the flush
     * @throws KvStoreException with {@link KvStoreException#isNoSpace} when what is in memory may not fit
     */
    void requireRoomForCheckpoint(long furtherBytes);

    /** Flushes and releases everything. */
    @Override
    void close();

    /** Leaves what a crash would: releases everything, keeps only what was flushed. Readers must be closed. */
    void closeWithoutFlush();

    /** Takes the rows of a scan. */
    @FunctionalInterface
    interface RowVisitor {
        /** Key without its kind byte, and value; both valid until this call returns. */
        void onRow(
                DirectBuffer key, int keyOffset, int keyLength, DirectBuffer value, int valueOffset, int valueLength);
    }
}
