package dev.cairn.server.net;

import dev.cairn.server.replica.Wakeable;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.ManualIoEventLoop;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.ServerSocketChannel;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.FastThreadLocalThread;
import java.lang.invoke.VarHandle;
import java.util.concurrent.TimeUnit;

/** Netty's event loop, driven by the thread that also runs consensus: it waits for I/O until a tick or a wake-up. */
@SuppressWarnings("FutureReturnValueIgnored") // a failed write or close ends the channel, and that is handled there
public final class NetLoop implements Wakeable {
    /** Bytes read from one connection at a time. */
    static final int READ_BYTES = 256 << 10;

    private static final int PAGE_BYTES = 8 << 10;

    /** Chunks of 4 MiB: pages, doubled so often. */
    private static final int CHUNK_ORDER = 9;

    private final boolean epoll = Epoll.isAvailable();
    private final ManualIoEventLoop eventLoop;
    /**
     * One arena, since one thread uses it. Netty's default allocator makes a buffer of {@link #READ_BYTES} anew, and zeroes it, for most
     * reads.
     */
    private final PooledByteBufAllocator allocator =
            new PooledByteBufAllocator(true, 0, 1, PAGE_BYTES, CHUNK_ORDER, 256, 64, true);

    private volatile boolean wakePending;

    /** @param owner the thread that will call {@link #runOnce} */
    public NetLoop(final Thread owner) {
        final IoHandlerFactory handler = epoll ? EpollIoHandler.newFactory() : NioIoHandler.newFactory();
        eventLoop = new ManualIoEventLoop(owner, handler) {
            // Netty's own wake-up is for tasks: it is forgotten when it comes between two runs. This flag is looked at
            // after the loop has announced that it will block, so a wake-up from then on reaches the selector.
            @Override
            protected boolean canBlock() {
                return !wakePending && super.canBlock();
            }
        };
    }

    /** A thread of the kind that Netty keeps its caches for. */
    public static Thread newThread(final Runnable task, final String name) {
        return new FastThreadLocalThread(task, name);
    }

    /** Where buffers of this loop's channels come from; loop thread. */
    ByteBufAllocator allocator() {
        return allocator;
    }

    /** Name of the transport, for the log. */
    public String transport() {
        return epoll ? "epoll" : "nio";
    }

    /** Reads and writes what is ready, waiting at most this long for the first of it; 0 does not wait. */
    public void runOnce(final long maxWaitNs) {
        if (maxWaitNs <= 0) {
            eventLoop.runNow();
        } else {
            eventLoop.run(maxWaitNs);
        }
        if (wakePending) {
            wakePending = false;
        }
    }

    @Override
    public void wake() {
        // What was published before must be visible before the flag is read: either the loop sees it, or this sees the
        // flag.
        VarHandle.fullFence();
        if (!wakePending) {
            wakePending = true;
            eventLoop.wakeup();
        }
    }

    ManualIoEventLoop eventLoop() {
        return eventLoop;
    }

    Class<? extends ServerSocketChannel> serverChannelClass() {
        return epoll ? EpollServerSocketChannel.class : NioServerSocketChannel.class;
    }

    Class<? extends SocketChannel> socketChannelClass() {
        return epoll ? EpollSocketChannel.class : NioSocketChannel.class;
    }

    /** Owner thread: ends all channels that are still open, bounded in time. */
    public void close() {
        eventLoop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        while (!eventLoop.isTerminated()) {
            eventLoop.run(TimeUnit.MILLISECONDS.toNanos(10));
        }
    }

    static String remote(final Channel channel) {
        return String.valueOf(channel.remoteAddress());
    }
}
