package dev.cairn.engine.planted;

import dev.cairn.wal.WalConfig;
import org.rocksdb.RocksDB;

/** Uses RocksDB outside the one class. */
public final class SecondRocksUser {
    private SecondRocksUser() {}

    public static Class<?> used() {
        return RocksDB.class;
    }

    public static Class<?> foreignModule() {
        return WalConfig.class;
    }
}
