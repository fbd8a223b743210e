package dev.cairn.engine;

import java.nio.file.Path;

/**
 * Where a {@link RocksStore} lives and what it may use. None of it changes what is stored.
 *
 * @param directory created when absent; its parent must exist
 * @param memtableBytes rows gathered in memory before they are flushed; twice as much may wait for it, and with each of them the batch with which it became full
 * @param blockCacheBytes memory for blocks read from files; a read that must not touch the disk finds flushed rows only here
 * @param backgroundThreads threads for flushes and compactions together
 */
public record RocksStoreConfig(Path directory, long memtableBytes, long blockCacheBytes, int backgroundThreads) {
    /** Sizes that suit a node on a small machine: memtables of 32 MiB, 128 MiB block cache, 2 threads. */
    public static RocksStoreConfig of(Path directory) {
        return new RocksStoreConfig(directory, 32L << 20, 128L << 20, 2);
    }
}
