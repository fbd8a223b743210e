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

    /** Ends the connection; what is in flight fails. */
    @Override
    void close();
}
