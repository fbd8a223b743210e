package dev.cairn.server.planted;

import dev.cairn.client.CairnClient;
import dev.cairn.testkit.ProcessCluster;
import io.netty.buffer.ByteBuf;

/** Uses Netty outside the net packages, and the client outside the command line. */
public final class NettyOutsideNet {
    private NettyOutsideNet() {}

    public static Class<?> used(boolean client) {
        return client ? CairnClient.class : ByteBuf.class;
    }

    public static Class<?> foreignModule() {
        return ProcessCluster.class;
    }
}
