package dev.cairn.testkit;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.ScheduledFuture;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A TCP proxy on loopback that stands for one directed link: whoever dials it reaches one target, through whatever trouble it
 * is told to make. Needs no rights and no firewall. Its port is bound as long as it lives.
 *
 * <p>All methods may be called from any thread and have taken effect when they return; each replaces the trouble before it.
 * The data itself is moved by one thread of the {@link EventLoop} given, and everything mutable belongs to that.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a write or close that fails ends the channel, and that is handled there
public final class FaultProxy implements AutoCloseable {
    /** Bytes of one direction that wait here before no more are read. */
    private static final int MAX_HELD_BYTES = 1 << 20;

    /** The same on a link that is only long: more than a leader lets be under way, or the proxy would be its bandwidth. */
    private static final int MAX_DELAYED_BYTES = 32 << 20;

    /** With a throttle, bytes move in portions of this part of a second. */
    private static final int PORTIONS_PER_SECOND = 50;

    private static final int CONNECT_TIMEOUT_MS = 1_000;

    /** What happens on the link. */
    private record Trouble(
            boolean refuses,
            boolean holdsRequests,
            boolean holdsReplies,
            boolean swallows,
            long delayNs,
            int bytesPerPortion) {
        static final Trouble NONE = new Trouble(false, false, false, false, 0, Integer.MAX_VALUE);
    }

    private final EventLoop loop;
    private final InetSocketAddress target;
    private final Channel server;
    private final Set<Connection> connections = new HashSet<>();
    private Trouble trouble = Trouble.NONE;
    private int heldBuffers;

    /**
     * Binds a free port.
     *
     * @param loop moves the data; several proxies may share one
     * @param target where connections go, {@code port} on loopback
     */
    public FaultProxy(final EventLoop loop, final int target) {
        this.loop = loop;
        this.target = new InetSocketAddress(InetAddress.getLoopbackAddress(), target);
        server = new ServerBootstrap()
                .group(loop)
                .channel(NioServerSocketChannel.class)
                .childOption(ChannelOption.TCP_NODELAY, true)
                .childOption(ChannelOption.AUTO_READ, false)
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(final Channel channel) {
                        accept(channel);
                    }
                })
                .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .syncUninterruptibly()
                .channel();
    }

    /** Where to dial instead of the target. */
    public int port() {
        return ((InetSocketAddress) server.localAddress()).getPort();
    }

    /** The link works. What was held arrives, in its order. */
    public void heal() {
        become(Trouble.NONE);
    }

    /** Open connections end, new ones end at once. */
    public void cut() {
        become(new Trouble(true, false, false, false, 0, Integer.MAX_VALUE));
    }

    /** Silence in both directions: connections stay, new ones are accepted, and all bytes are held until {@link #heal}. */
    public void stall() {
        become(new Trouble(false, true, true, false, 0, Integer.MAX_VALUE));
    }

    /** What the dialling side sends arrives, the answers are held. */
    public void stallReplies() {
        become(new Trouble(false, false, true, false, 0, Integer.MAX_VALUE));
    }

    /** What the dialling side sends is held, what the target sends arrives. */
    public void stallRequests() {
        become(new Trouble(false, true, false, false, 0, Integer.MAX_VALUE));
    }

    /**
     * Half-open connections, as a host leaves that lost its power: the target's ends are closed, the dialling side sees
     * nothing of it, is accepted anew, and what it sends is lost. Ends with {@link #heal} by closing them.
     */
    public void halfOpen() {
        become(new Trouble(false, false, false, true, 0, Integer.MAX_VALUE));
    }

    /** Bytes arrive this much later, in each direction, none overtaking another. */
    public void delay(final Duration duration) {
        become(new Trouble(false, false, false, false, duration.toNanos(), Integer.MAX_VALUE));
    }

    /** At most so many bytes per second in each direction of each connection. */
    public void throttle(final int bytesPerSecond) {
        become(new Trouble(false, false, false, false, 0, Math.max(1, bytesPerSecond / PORTIONS_PER_SECOND)));
    }

    /** Ends open connections once; new ones work as before. */
    public void reset() {
        loop.submit(() -> List.copyOf(connections).forEach(Connection::close)).syncUninterruptibly();
    }

    /** How many connections are open, of those that the dialling side sees. */
    public int connections() {
        return loop.submit(() -> (int)
                        connections.stream().filter(it -> it.dialler.isOpen()).count())
                .syncUninterruptibly()
                .getNow();
    }

    /** How many buffers wait here, in both directions of all connections. */
    int heldBuffers() {
        return loop.submit(() -> heldBuffers).syncUninterruptibly().getNow();
    }

    @Override
    public void close() {
        server.close().syncUninterruptibly();
        cut();
    }

    private void become(final Trouble next) {
        loop.submit(() -> {
                    final boolean ends = next.refuses || (trouble.swallows && !next.swallows);
                    trouble = next;
                    for (final Connection connection : List.copyOf(connections)) {
                        if (ends) {
                            connection.close();
                        } else {
                            connection.onTrouble();
                        }
                    }
                })
                .syncUninterruptibly();
    }

    private void accept(final Channel dialler) {
        if (trouble.refuses) {
            dialler.close();
            return;
        }
        final Connection connection = new Connection(dialler);
        connections.add(connection);
        dialler.closeFuture().addListener(closed -> connection.forgetWhenEnded());
        if (!trouble.swallows) {
            connection.dialTarget();
        }
        connection.onTrouble();
    }

    /** What one side dialled and the proxy dialled for it. */
    private final class Connection {
        private final Channel dialler;
        private final Pipe requests;
        private final Pipe replies;
        private @Nullable Channel reached;

        Connection(final Channel dialler) {
            this.dialler = dialler;
            requests = new Pipe(dialler, true);
            replies = new Pipe(null, false);
            replies.to = dialler;
            requests.opposite = replies;
            replies.opposite = requests;
            dialler.pipeline().addLast(requests);
        }

        void dialTarget() {
            new Bootstrap()
                    .group(loop)
                    .channel(NioSocketChannel.class)
                    .option(ChannelOption.TCP_NODELAY, true)
                    .option(ChannelOption.AUTO_READ, false)
                    .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_TIMEOUT_MS)
                    .handler(replies)
                    .connect(target)
                    .addListener((ChannelFutureListener) connecting -> {
                        if (!connecting.isSuccess() || !dialler.isOpen()) {
                            connecting.channel().close();
                            dialler.close();
                            return;
                        }
                        reached = connecting.channel();
                        reached.closeFuture().addListener(closed -> forgetWhenEnded());
                        replies.from = reached;
                        requests.to = reached;
                        onTrouble();
                    });
        }

        void onTrouble() {
            if (trouble.swallows && reached != null) {
                requests.to = null;
                requests.release();
                reached.close();
                reached = null;
            }
            requests.pump();
            replies.pump();
        }

        /** What the dialling side sent before it ended may still be on its way, and is held and cut like all else. */
        void forgetWhenEnded() {
            if (!dialler.isOpen() && (reached == null || !reached.isOpen())) {
                connections.remove(this);
                requests.release();
                replies.release();
            }
        }

        void close() {
            dialler.close();
            if (reached != null) {
                reached.close();
            }
        }
    }

    /** Bytes that arrived and the moment from which they may go on. */
    private record Held(ByteBuf bytes, long readyNs) {}

    /** One direction of a connection. */
    private final class Pipe extends ChannelInboundHandlerAdapter {
        private final boolean carriesRequests;
        private final ArrayDeque<Held> held = new ArrayDeque<>();
        private int heldBytes;
        private boolean ended;
        private long portionEndsNs;
        private int leftOfPortion;
        private @Nullable Channel from;
        private @Nullable Channel to;
        private @Nullable Pipe opposite;
        private @Nullable ScheduledFuture<?> later;

        Pipe(final @Nullable Channel from, final boolean carriesRequests) {
            this.from = from;
            this.carriesRequests = carriesRequests;
        }

        @Override
        public void channelRead(final ChannelHandlerContext context, final Object message) {
            final ByteBuf bytes = (ByteBuf) message;
            if (trouble.swallows) {
                bytes.release();
                return;
            }
            held.add(new Held(bytes, System.nanoTime() + trouble.delayNs));
            heldBuffers++;
            heldBytes += bytes.readableBytes();
            pump();
        }

        @Override
        public void channelInactive(final ChannelHandlerContext context) {
            ended = true;
            if (trouble.swallows) {
                drop();
            } else {
                pump();
            }
        }

        @Override
        public void channelWritabilityChanged(final ChannelHandlerContext context) {
            // The other direction writes into this channel: it may go on.
            if (opposite != null) {
                opposite.pump();
            }
        }

        @Override
        public void exceptionCaught(final ChannelHandlerContext context, final Throwable cause) {
            context.close();
        }

        void pump() {
            final boolean holds = carriesRequests ? trouble.holdsRequests : trouble.holdsReplies;
            final Channel receiver = to;
            if (receiver != null && !receiver.isOpen()) {
                drop();
                return;
            }
            if (!holds && receiver != null) {
                moveReady(receiver);
                if (ended && held.isEmpty()) {
                    // Behind what was written: a close of its own would throw away what the socket has not taken yet.
                    receiver.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
                }
            }
            if (from != null) {
                final boolean ready = trouble.swallows || (receiver != null && receiver.isWritable());
                from.config()
                        .setAutoRead(ready && heldBytes < (trouble.delayNs > 0 ? MAX_DELAYED_BYTES : MAX_HELD_BYTES));
            }
        }

        private void moveReady(final Channel receiver) {
            final long nowNs = System.nanoTime();
            boolean moved = false;
            while (!held.isEmpty() && receiver.isWritable()) {
                final Held next = held.getFirst();
                final int size = next.bytes.readableBytes();
                final int now = take(size, nowNs);
                if (next.readyNs - nowNs > 0 || now == 0) {
                    pumpAt(now == 0 ? portionEndsNs : next.readyNs, nowNs);
                    break;
                }
                receiver.write(next.bytes.readRetainedSlice(now));
                moved = true;
                heldBytes -= now;
                leftOfPortion -= now;
                if (now == size) {
                    next.bytes.release();
                    held.removeFirst();
                    heldBuffers--;
                }
            }
            if (moved) {
                receiver.flush();
            }
        }

        /** How many of these bytes the throttle lets pass now. */
        private int take(final int size, final long nowNs) {
            if (nowNs - portionEndsNs >= 0) {
                portionEndsNs = nowNs + TimeUnit.SECONDS.toNanos(1) / PORTIONS_PER_SECOND;
                leftOfPortion = trouble.bytesPerPortion;
            }
            return Math.min(size, Math.min(leftOfPortion, trouble.bytesPerPortion));
        }

        private void pumpAt(final long whenNs, final long nowNs) {
            if (later == null || later.isDone()) {
                later = loop.schedule(
                        () -> {
                            later = null;
                            pump();
                        },
                        Math.max(0, whenNs - nowNs),
                        TimeUnit.NANOSECONDS);
            }
        }

        private void drop() {
            release();
            if (from != null) {
                from.close();
            }
        }

        /** What is held never arrives. */
        void release() {
            held.forEach(it -> it.bytes.release());
            heldBuffers -= held.size();
            held.clear();
            heldBytes = 0;
        }
    }
}
