package dev.cairn.wal;

import java.nio.ByteBuffer;
import org.agrona.DirectBuffer;

/**
 * One file of fixed length. Three implementations: stores through a mapping, positional writes, and the simulated twin.
 *
 * <p>All failures are {@link WalException}s with file and offset. A thread that calls in here must not be interrupted:
 * an interrupt closes a file channel under everybody.
 */
public interface SegmentFile extends AutoCloseable {
    /** Bytes of the file as created or as found when opened. Any thread. */
    int length();

    /**
     * Reads into {@code destination} from its position to its limit. Sees every {@link #write} and every append that was
     * {@link #flush}ed. Any thread.
     *
     * @return bytes read; fewer than asked only at the end of the file
     */
    int read(int offset, ByteBuffer destination);

    /**
     * Writes position to limit of {@code source} into the cache: durable only after {@link #force}. For preparation,
     * recovery and the hard state; one thread at a time.
     *
     * @throws NoSpaceException when the disk is full
     */
    void write(int offset, ByteBuffer source);

    /**
     * Fills whole blocks with zeros, in such a way that the next {@link #force} has little left to write; durable only after it.
     * For preparation, one thread at a time, before {@link #startAppending}.
     *
     * @throws NoSpaceException when the disk is full
     */
    void zeroFill(int offset, int length);

    /**
     * When this returns, every write and flushed append that had returned before the call is durable. Any thread. After a
     * failure nothing is known about what is durable, and a second call proves nothing.
     */
    void force();

    /**
     * Makes {@link #append} and {@link #view} usable; may map memory. One thread, before the file is renamed and handed to
     * the loop.
     */
    void startAppending();

    /**
     * Stores {@code length} bytes at {@code offset}, the first four of them last and in release order, so that a
     * half-stored structure begins with zero. The range must be zero before, and behind it all up to the end of its last
     * block; offsets ascend. Loop thread only.
     */
    void append(int offset, DirectBuffer source, int sourceOffset, int length);

    /** Makes all appends visible to {@link #read}, {@link #view} and {@link #force}. Loop thread only. */
    void flush();

    /** The whole file, read straight from memory; shows what was flushed. Loop thread only, until {@link #stopAppending}. */
    DirectBuffer view();

    /** Releases the memory behind {@link #view}; reading through {@link #read} goes on. Idempotent; not while the loop uses it. */
    void stopAppending();

    /** Releases everything. A later {@link #read} fails with a {@link WalException}. Idempotent. */
    @Override
    void close();
}
