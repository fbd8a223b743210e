package dev.cairn.client.planted;

import dev.cairn.wal.WalConfig;
import org.agrona.DirectBuffer;

/** Would need a JVM flag. */
public final class ClientWithAgrona {
    private ClientWithAgrona() {}

    public static Class<?> used() {
        return DirectBuffer.class;
    }

    public static Class<?> foreignModule() {
        return WalConfig.class;
    }
}
