package dev.cairn.bench.floor;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;

/** Sockets of the floor: epoll where it loads, else NIO; one thread per process. */
final class FloorNetwork {
    private static final int READ_BYTES = 256 << 10;
    private static final long RETRY_MS = 50;

    private FloorNetwork() {}

    static EventLoopGroup newLoop(String threadName) {
        return new MultiThreadIoEventLoopGroup(
                1,
                new DefaultThreadFactory(threadName, true),
                Epoll.isAvailable() ? EpollIoHandler.newFactory() : NioIoHandler.newFactory());
    }

    static Class<? extends ServerChannel> serverChannelClass() {
        return Epoll.isAvailable() ? EpollServerSocketChannel.class : NioServerSocketChannel.class;
    }

    static RecvByteBufAllocator readBytes() {
        return new FixedRecvByteBufAllocator(READ_BYTES);
    }

    /**
     * Connects, again and again until the other side listens. It reads nothing before {@link #install}.
     *
     * @throws IllegalStateException when nobody listens by the deadline
     */
    static Channel connect(EventLoopGroup group, InetSocketAddress address, long timeoutNs)
            throws InterruptedException {
        Bootstrap bootstrap = new Bootstrap()
                .group(group)
                .channel(Epoll.isAvailable() ? EpollSocketChannel.class : NioSocketChannel.class)
                .option(ChannelOption.TCP_NODELAY, true)
                .option(ChannelOption.AUTO_READ, false)
                .option(ChannelOption.RECVBUF_ALLOCATOR, readBytes())
                .handler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        // The handler comes with install.
                    }
                });
        long deadlineNs = System.nanoTime() + timeoutNs;
        while (true) {
            ChannelFuture connected = bootstrap.connect(address).await();
            if (connected.isSuccess()) {
                return connected.channel();
            }
            if (System.nanoTime() - deadlineNs > 0) {
                throw new IllegalStateException("nobody answers at " + address, connected.cause());
            }
            TimeUnit.MILLISECONDS.sleep(RETRY_MS);
        }
    }

    /** Hands the connection what it brings from now on. */
    static void install(FloorConnection connection) {
        connection.channel.pipeline().addLast(connection);
        connection.channel.config().setAutoRead(true);
    }
}
