package dev.cairn.server.net;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelOption;
import java.net.SocketAddress;
import java.util.concurrent.TimeUnit;

/** Opening of a port on the loop thread. */
@SuppressWarnings("FutureReturnValueIgnored") // the bind is waited for
final class Listening {
    private Listening() {}

    /**
     * Binds at once.
     *
     * @param key configuration key of the address, for the message
     * @throws PortInUseException when the address cannot be had
     */
    static Channel bind(
            final NetLoop loop,
            final ServerBootstrap bootstrap,
            final ChannelHandler child,
            final String key,
            final SocketAddress address) {
        final ChannelFuture bound = bootstrap
                .group(loop.eventLoop())
                .channel(loop.serverChannelClass())
                .option(ChannelOption.SO_REUSEADDR, true)
                .childHandler(child)
                .bind(address);
        while (!bound.isDone()) {
            loop.runOnce(TimeUnit.MILLISECONDS.toNanos(10));
        }
        if (!bound.isSuccess()) {
            throw new PortInUseException(key, address, bound.cause());
        }
        return bound.channel();
    }
}
