package dev.cairn.protocol.planted;

import dev.cairn.client.CairnClient;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;

/** A layout that knows a buffer type, and a protocol that knows channels. */
public final class BufferDescriptor {
    private BufferDescriptor() {}

    public static Class<?> used(boolean channel) {
        return channel ? Channel.class : ByteBuf.class;
    }

    public static Class<?> foreignModule() {
        return CairnClient.class;
    }
}
