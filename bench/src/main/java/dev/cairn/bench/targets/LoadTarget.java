package dev.cairn.bench.targets;

import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * One connection to what a load is put on: a port, so that one load generator with one way of counting measures different systems.
 * Any thread may call; a future may end on any thread, and what hangs on it must be short, because it is mostly the connection's own.
 */
public interface LoadTarget extends AutoCloseable {
    /** Writes; ends when the write is acknowledged. Key and value may be used again once the future has ended. */
    CompletableFuture<?> put(byte[] key, byte[] value);

    /** Reads linearizably; {@link #valueLength} understands the result. */
    CompletableFuture<?> get(byte[] key);

    /** Length in bytes of the value that a get has ended with; -1 = the key has none. */
    int valueLength(@Nullable Object result);

    /** Reads so many entries in the order of their keys, linearizably, from this key on; fewer where the keys end. */
    default CompletableFuture<?> scan(byte[] from, int entries) {
        throw new UnsupportedOperationException("this system is not scanned here");
    }

    /** Reads a key and writes it unless it was written meanwhile; then reads again, until it has succeeded. */
    default CompletableFuture<?> readModifyWrite(byte[] key, byte[] value) {
        throw new UnsupportedOperationException("no read-modify-write on this system here");
    }

    /** Of a scan: entries that it has read. Of a read-modify-write: attempts in vain; -1 = the key is not there. */
    default int amount(@Nullable Object result) {
        throw new UnsupportedOperationException("neither scan nor read-modify-write on this system here");
    }

    /** Ends the connection; what is in flight fails. */
    @Override
    void close();
}
