package dev.cairn.wal.planted;

import dev.cairn.raft.RaftConfig;
import net.openhft.chronicle.bytes.BytesStore;

/** Uses Chronicle outside the one class. */
public final class SecondChronicleUser {
    private SecondChronicleUser() {}

    public static Class<?> used() {
        return BytesStore.class;
    }

    public static Class<?> foreignModule() {
        return RaftConfig.class;
    }
}
