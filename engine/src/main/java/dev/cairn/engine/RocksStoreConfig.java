package dev.cairn.engine;

import java.nio.file.Path;

/**
 * Where a {@link RocksStore} lives and what it may use. None of it changes what is stored.
 *
 * @param directory created when absent; its parent must exist
 * @param memtableBytes size at which a memtable is closed and flushed; at most three exist
 * @param blockCacheBytes memory for blocks read from files; a read that must not touch the disk finds flushed rows only here
 * @param backgroundThreads threads for flushes and compactions together
 */
public record RocksStoreConfig(Path directory, long memtableBytes, long blockCacheBytes, int backgroundThreads) {
    /** Sizes that suit a node on a small machine: 64 MiB memtables, 128 MiB block cache, 2 threads. */
    public static RocksStoreConfig of(Path directory) {
        return new RocksStoreConfig(directory, 64L << 20, 128L << 20, 2);
    }
}
