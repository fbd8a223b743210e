package dev.cairn.server.http;

import dev.cairn.server.net.PortInUseException;
import dev.cairn.server.replica.InProcessClients;
import dev.cairn.server.replica.MemberAddresses;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.flow.FlowControlHandler;
import java.net.InetSocketAddress;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The HTTP gateway: one thread with its own sockets, which turns requests into frames of the client protocol for this
 * process' node and its replies into answers. It shares nothing else with the node: what a request does to the gateway
 * cannot reach consensus.
 */
@SuppressWarnings("FutureReturnValueIgnored") // what must be waited for is waited for
public final class HttpGateway implements AutoCloseable {
    private static final long SWEEP_MS = 100;
    private static final int READ_BYTES = 16 << 10;
    private static final int CHUNK_BYTES = 64 << 10;

    /** Of what a client sends ahead, decoded at a time: no more requests than netty's codec takes ahead, 128. */
    private static final int PIECE_BYTES = 1 << 10;

    private static final int BACKLOG = 256;

    /** Longest time that a stop waits for requests under way. */
    private static final long DRAIN_MS = 2_000;

    /**
     * What the gateway knows of its cluster.
     *
     * @param addresses where the members are, as the node knows it
     * @param instance differs from process to process: made request ids begin with it
     */
    public record Config(InetSocketAddress listen, MemberAddresses addresses, long instance) {}

    private final Config config;
    private final HttpLimits limits;
    private final HttpObserver observer;
    private final LeaderHints hints;
    private final EventLoopGroup group;
    private final EventLoop eventLoop;
    private final AtomicBoolean deliverySet = new AtomicBoolean();
    private final NodeCalls calls;
    private final KvRoutes kv;
    private final NodeRoutes node;
    private final Channel server;

    // Gateway's thread.
    private final Set<HttpConnection> connections = new HashSet<>();
    private long heldBytes;
    private long madeRequestIds;
    private volatile boolean closing;

    /**
     * Opens the port.
     *
     * @throws PortInUseException when the address cannot be had
     */
    public static HttpGateway start(final Config config, final InProcessClients clients, final HttpObserver observer) {
        return new HttpGateway(config, HttpLimits.DEFAULT, clients, observer);
    }

    HttpGateway(
            final Config config, final HttpLimits limits, final InProcessClients clients, final HttpObserver observer) {
        this.config = config;
        this.limits = limits;
        this.observer = observer;
        hints = new LeaderHints(config.addresses());
        final boolean epoll = Epoll.isAvailable();
        group = new MultiThreadIoEventLoopGroup(
                1,
                (ThreadFactory) task -> new Thread(task, "http-1"),
                epoll ? EpollIoHandler.newFactory() : NioIoHandler.newFactory());
        eventLoop = group.next();
        calls = new NodeCalls(clients, this::wake, this::nowNs, limits.answerNs());
        kv = new KvRoutes(calls);
        node = new NodeRoutes(calls, config, hints, observer);
        final ChannelFuture bound = new ServerBootstrap()
                .group(group)
                .channel(epoll ? EpollServerSocketChannel.class : NioServerSocketChannel.class)
                .option(ChannelOption.SO_REUSEADDR, true)
                .option(ChannelOption.SO_BACKLOG, BACKLOG)
                .childOption(ChannelOption.TCP_NODELAY, true)
                .childOption(ChannelOption.SO_KEEPALIVE, true)
                // A client that has sent its last request still gets its answers.
                .childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
                .childOption(ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(READ_BYTES))
                .childHandler(new Accept())
                .bind(config.listen())
                .awaitUninterruptibly();
        server = bound.channel();
        if (!bound.isSuccess()) {
            calls.close();
            group.shutdownGracefully(0, 1, TimeUnit.SECONDS);
            throw new PortInUseException("http.listen", config.listen(), bound.cause());
        }
        eventLoop.scheduleAtFixedRate(this::sweep, SWEEP_MS, SWEEP_MS, TimeUnit.MILLISECONDS);
    }

    /** The port that is listened on. */
    public int port() {
        return ((InetSocketAddress) server.localAddress()).getPort();
    }

    /** Any thread: replies wait. */
    private void wake() {
        if (deliverySet.compareAndSet(false, true)) {
            eventLoop.execute(this::deliver);
        }
    }

    // ---- gateway's thread ----------------------------------------------------------------------------------------

    private void deliver() {
        deliverySet.set(false);
        if (calls.deliver()) {
            wake();
        }
    }

    private void sweep() {
        final long nowNs = nowNs();
        // In a task of its own: a delivery that was cut short by a failure goes on, and cannot end the sweeps.
        wake();
        calls.endLate();
        List.copyOf(connections).forEach(connection -> connection.checkTime(nowNs));
    }

    void dispatch(final Exchange exchange) {
        exchange.run(() -> handle(exchange));
    }

    private void handle(final Exchange exchange) {
        switch (exchange.route()) {
            case GET_KEY -> kv.getKey(exchange);
            case PUT_KEY -> kv.putKey(exchange);
            case DELETE_KEY -> kv.deleteKey(exchange);
            case ADD -> kv.add(exchange);
            case PUT_MANY -> kv.putMany(exchange);
            case GET_MANY -> kv.getMany(exchange);
            case GET_RANGE -> kv.getRange(exchange);
            case DELETE_RANGE -> kv.deleteRange(exchange);
            case SET -> kv.legacySet(exchange);
            case GET -> kv.legacyGet(exchange);
            case DELETE -> kv.legacyDelete(exchange);
            case STATUS -> node.status(exchange);
            case HEALTH -> node.health(exchange);
            case RAFT_STATUS -> node.raftStatus(exchange);
            case HEALTHZ, LIVEZ -> node.alive(exchange);
            case READYZ -> node.ready(exchange);
            case METRICS -> node.metrics(exchange);
            case GET_READ_POLICY -> kv.getReadPolicy(exchange);
            case PUT_READ_POLICY -> kv.putReadPolicy(exchange);
        }
    }

    long nowNs() {
        return System.nanoTime();
    }

    HttpLimits limits() {
        return limits;
    }

    LeaderHints hints() {
        return hints;
    }

    boolean isClosing() {
        return closing;
    }

    /** True when a further request with a body of this length is too much. */
    boolean isFull(final long bodyBytes) {
        return calls.underWay() >= limits.maxRequests() || heldBytes + bodyBytes > limits.maxHeldBytes();
    }

    void hold(final long bytes) {
        heldBytes += bytes;
    }

    String newRequestId() {
        return String.format("%016x-%d", config.instance(), ++madeRequestIds);
    }

    void onResponse(final int code, final long durationNs) {
        observer.onResponse(code, durationNs);
    }

    void onClosed(final HttpConnection connection) {
        connections.remove(connection);
    }

    // ---- connections ---------------------------------------------------------------------------------------------

    /** Builds the way of a connection's bytes. */
    private final class Accept extends ChannelInitializer<Channel> {
        @Override
        protected void initChannel(final Channel channel) {
            if (closing || connections.size() >= limits.maxConnections()) {
                channel.close();
                return;
            }
            final HttpConnection connection = new HttpConnection(HttpGateway.this, channel, nowNs());
            connections.add(connection);
            channel.pipeline()
                    .addLast(
                            new Arrivals(connection),
                            new FlowControlHandler(),
                            new HttpServerCodec(new HttpDecoderConfig()
                                    .setMaxInitialLineLength(limits.maxLineBytes())
                                    .setMaxHeaderSize(limits.maxHeaderBytes())
                                    .setMaxChunkSize(CHUNK_BYTES)),
                            new FlowControlHandler(),
                            connection);
        }
    }

    /**
     * Tells the connection that bytes have arrived, long before they are a request, and hands them on in pieces: what is
     * decoded ahead of the request under way is one piece, the rest waits as bytes. The end of input is told to the
     * connection only: requests before it may still wait.
     */
    private static final class Arrivals extends ChannelInboundHandlerAdapter {
        private final HttpConnection connection;

        Arrivals(final HttpConnection connection) {
            this.connection = connection;
        }

        @Override
        public void channelRead(final ChannelHandlerContext context, final Object message) {
            final ByteBuf bytes = (ByteBuf) message;
            try {
                final boolean wanted = connection.onBytes(bytes.readableBytes());
                while (wanted && bytes.isReadable()) {
                    context.fireChannelRead(bytes.readRetainedSlice(Math.min(PIECE_BYTES, bytes.readableBytes())));
                }
            } finally {
                bytes.release();
            }
        }

        @Override
        public void userEventTriggered(final ChannelHandlerContext context, final Object event) {
            if (event instanceof ChannelInputShutdownEvent) {
                connection.onInputEnd();
            } else {
                context.fireUserEventTriggered(event);
            }
        }
    }

    // ---- stop ----------------------------------------------------------------------------------------------------

    /** Accepts nothing more, lets requests under way end for a short while, then closes. */
    @Override
    public void close() {
        stop(true);
    }

    /**
     * Stops.
     *
     * @param drain false = nothing under way is answered
     */
    public void stop(final boolean drain) {
        closing = true;
        server.close().awaitUninterruptibly();
        final long deadlineNs = nowNs() + TimeUnit.MILLISECONDS.toNanos(DRAIN_MS);
        boolean quiet = !drain;
        while (!quiet && nowNs() - deadlineNs < 0) {
            quiet = isQuiet();
        }
        eventLoop.submit(this::endAll).awaitUninterruptibly();
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
    }

    /** Looks after a moment, on the gateway's thread. */
    private boolean isQuiet() {
        return Boolean.TRUE.equals(eventLoop
                .schedule(() -> calls.underWay() == 0, 5, TimeUnit.MILLISECONDS)
                .awaitUninterruptibly()
                .getNow());
    }

    private void endAll() {
        List.copyOf(connections).forEach(HttpConnection::close);
        calls.close();
    }
}
