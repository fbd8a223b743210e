package dev.cairn.server.net;

import dev.cairn.protocol.FrameAssembler;
import dev.cairn.protocol.FrameCodec;
import dev.cairn.protocol.FrameHeader;
import dev.cairn.protocol.Limits;
import dev.cairn.protocol.Status;
import dev.cairn.server.replica.PeerProtocol;
import dev.cairn.server.replica.PeerProtocol.Hello;
import dev.cairn.server.replica.PeerTransport;
import dev.cairn.server.snapshot.CheckpointRequests;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.WriteBufferWaterMark;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.agrona.MutableDirectBuffer;
import org.agrona.collections.Int2ObjectHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Connections between nodes. Each node dials each other one: its requests go out on that connection and the replies to
 * them return on it; so between two nodes there are two connections. Loop thread.
 *
 * <p>The handshake states cluster, both node ids and the storage id of the data directory. A known node id that turns up
 * with another storage id is refused: its disk was exchanged, and with it the votes and entries that it had promised.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a failed write or close ends the channel, and that is handled there
public final class NettyPeerTransport implements PeerTransport {
    /** A peer that is further behind than this loses frames; Raft sends again what it still needs then. */
    static final int MAX_BACKLOG_BYTES = 32 << 20;

    private static final int CONNECT_TIMEOUT_MS = 1_000;
    private static final long FIRST_RETRY_MS = 20;
    private static final long MAX_RETRY_MS = 500;

    private static final Logger LOGGER = LoggerFactory.getLogger(NettyPeerTransport.class);

    /** Who this node is towards its peers. */
    public record Self(int nodeId, long clusterIdHash, long storageId) {}

    private final NetLoop loop;
    private final Self self;
    private final Int2ObjectHashMap<Peer> peers = new Int2ObjectHashMap<>();
    private final ChunkInbox<Connection> inbox = new ChunkInbox<>();
    private final ChunkInbox.Handler<Connection> onChunk = Connection::feed;
    private final List<Peer> dirty = new ArrayList<>();
    private final List<Peer> changed = new ArrayList<>();
    private final FrameCodec codec = new FrameCodec();
    private final FrameView in = new FrameView();
    private final FrameView out = new FrameView();
    private @Nullable CheckpointRequests checkpoints;
    private @Nullable Channel server;
    private @Nullable ByteBuf claimed;
    private boolean claimSealed;
    private boolean closed;
    private int framesDelivered;
    private @Nullable Handler handler;

    public NettyPeerTransport(final NetLoop loop, final Self self) {
        this.loop = loop;
        this.self = self;
    }

    /** Peers may read checkpoints on connections of their own. Before {@link #listen}. */
    public void serveCheckpoints(final CheckpointRequests requests) {
        checkpoints = requests;
    }

    /** Opens the port for the peers' requests. */
    public void listen(final SocketAddress address) {
        server = Listening.bind(
                loop,
                new ServerBootstrap()
                        .childOption(ChannelOption.TCP_NODELAY, true)
                        .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, backlog())
                        .childOption(
                                ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(NetLoop.READ_BYTES)),
                new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(final Channel channel) {
                        channel.pipeline().addLast(new Connection(channel, null));
                    }
                },
                "peer.listen",
                address);
    }

    /** Dials a peer now and again whenever the connection is lost. */
    public void dial(final int nodeId, final String host, final int port) {
        final Peer peer = new Peer(nodeId, host, port);
        peers.put(nodeId, peer);
        peer.connect();
    }

    private static WriteBufferWaterMark backlog() {
        return new WriteBufferWaterMark(MAX_BACKLOG_BYTES / 2, MAX_BACKLOG_BYTES);
    }

    /** Accepts and dials nothing further and ends what is open. */
    public void close() {
        closed = true;
        if (server != null) {
            server.close();
        }
        for (final Peer peer : peers.values()) {
            peer.close();
        }
        inbox.clear();
        if (claimed != null) {
            claimed.release();
            claimed = null;
        }
    }

    @Override
    public int poll(final Handler to) {
        handler = to;
        framesDelivered = 0;
        while (!inbox.isEmpty()) {
            inbox.takeOne(onChunk);
        }
        for (int i = 0; i < changed.size(); i++) {
            to.onPeerConnectionChanged(changed.get(i).nodeId);
        }
        changed.clear();
        return framesDelivered;
    }

    @Override
    public MutableDirectBuffer claim(final int length) {
        if (claimed != null) {
            claimed.release();
        }
        claimed = ByteBufAllocator.DEFAULT.directBuffer(length);
        claimSealed = false;
        claimed.writerIndex(length);
        return out.wrap(claimed, 0, length);
    }

    @Override
    public void sendRequest(final int peerId) {
        final Peer peer = peers.get(peerId);
        if (peer != null) {
            peer.send(peer.dialed);
        }
    }

    @Override
    public void sendReply(final int peerId) {
        final Peer peer = peers.get(peerId);
        if (peer != null) {
            peer.send(peer.accepted);
        }
    }

    @Override
    public void flush() {
        for (int i = 0; i < dirty.size(); i++) {
            dirty.get(i).flush();
        }
        dirty.clear();
    }

    private ByteBuf sealedClaim() {
        final ByteBuf frame = claimed;
        if (frame == null) {
            throw new IllegalStateException("send without claim");
        }
        if (!claimSealed) {
            codec.end(frame, 0);
            claimSealed = true;
        }
        return frame;
    }

    /** What is known of one peer, and the two connections to it. */
    private final class Peer {
        final int nodeId;
        private final String host;
        private final int port;

        @Nullable
        Connection dialed;

        @Nullable
        Connection accepted;

        private boolean dirtyMark;
        private long retryMs = FIRST_RETRY_MS;
        private long knownStorageId;
        private String lastProblem = "";

        Peer(final int nodeId, final String host, final int port) {
            this.nodeId = nodeId;
            this.host = host;
            this.port = port;
        }

        void connect() {
            if (closed) {
                return;
            }
            final ChannelFuture connecting = new Bootstrap()
                    .group(loop.eventLoop())
                    .channel(loop.socketChannelClass())
                    .option(ChannelOption.TCP_NODELAY, true)
                    .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_TIMEOUT_MS)
                    .option(ChannelOption.WRITE_BUFFER_WATER_MARK, backlog())
                    .option(ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(NetLoop.READ_BYTES))
                    .handler(new ChannelInitializer<>() {
                        @Override
                        protected void initChannel(final Channel channel) {
                            channel.pipeline().addLast(new Connection(channel, Peer.this));
                        }
                    })
                    .connect(new InetSocketAddress(host, port));
            connecting.addListener(future -> {
                if (!future.isSuccess()) {
                    retryLater(String.valueOf(future.cause().getMessage()));
                }
            });
        }

        /** Logs a problem once, however often it repeats. */
        void retryLater(final String problem) {
            if (closed) {
                return;
            }
            if (!problem.equals(lastProblem)) {
                lastProblem = problem;
                LOGGER.info("event=peer.unreachable peer={} address={}:{} reason=\"{}\"", nodeId, host, port, problem);
            }
            loop.eventLoop().schedule(this::connect, retryMs, TimeUnit.MILLISECONDS);
            retryMs = Math.min(MAX_RETRY_MS, retryMs * 2);
        }

        void onWelcome(final Connection connection) {
            dialed = connection;
            retryMs = FIRST_RETRY_MS;
            lastProblem = "";
            LOGGER.info("event=peer.connected peer={} address={}:{}", nodeId, host, port);
            changed.add(this);
        }

        /** True when this storage belongs to the node as it was known so far. */
        boolean isKnownStorage(final long storageId) {
            if (knownStorageId == 0) {
                knownStorageId = storageId;
            }
            return knownStorageId == storageId;
        }

        void send(final @Nullable Connection connection) {
            if (connection == null || !connection.channel.isWritable()) {
                return;
            }
            connection.channel.write(sealedClaim().retainedDuplicate(), connection.channel.voidPromise());
            connection.dirty = true;
            if (!dirtyMark) {
                dirtyMark = true;
                dirty.add(this);
            }
        }

        void flush() {
            dirtyMark = false;
            flush(dialed);
            flush(accepted);
        }

        private void flush(final @Nullable Connection connection) {
            if (connection != null && connection.dirty) {
                connection.dirty = false;
                connection.channel.flush();
            }
        }

        void close() {
            if (dialed != null) {
                dialed.channel.close();
            }
            if (accepted != null) {
                accepted.channel.close();
            }
        }
    }

    /** One connection, dialled by this node ({@code peer} known from the start) or accepted. */
    private final class Connection extends ChannelInboundHandlerAdapter {
        final Channel channel;
        private final FrameAssembler assembler;
        private final boolean isDialed;
        private @Nullable Peer peer;
        private boolean welcome;
        private @Nullable CheckpointChannel checkpointChannel;
        boolean dirty;

        Connection(final Channel channel, final @Nullable Peer peer) {
            this.channel = channel;
            this.peer = peer;
            isDialed = peer != null;
            assembler = new FrameAssembler(channel.alloc(), Limits.MAX_FRAME_BYTES, this::onFrame);
        }

        @Override
        public void channelActive(final ChannelHandlerContext context) {
            if (peer != null) {
                writeHello(PeerProtocol.HELLO, Status.OK, peer.nodeId);
            }
        }

        @Override
        public void channelRead(final ChannelHandlerContext context, final Object message) {
            inbox.add(this, (ByteBuf) message);
        }

        @Override
        public void channelInactive(final ChannelHandlerContext context) {
            assembler.close();
            final Peer of = peer;
            if (of == null) {
                return;
            }
            if (isDialed) {
                if (of.dialed == this) {
                    of.dialed = null;
                    changed.add(of);
                }
                of.retryLater("connection closed");
            } else if (of.accepted == this) {
                of.accepted = null;
            }
        }

        @Override
        public void exceptionCaught(final ChannelHandlerContext context, final Throwable cause) {
            LOGGER.debug("event=peer.closed remote={} reason=\"{}\"", NetLoop.remote(channel), cause.toString());
            channel.close();
        }

        void feed(final ByteBuf chunk) {
            final Status status = channel.isOpen() ? assembler.feed(chunk) : Status.OK;
            if (status != Status.OK) {
                drop("bytes that are no frames of the peer protocol: " + status);
            }
        }

        private void drop(final String reason) {
            LOGGER.warn("event=peer.dropped remote={} reason=\"{}\"", NetLoop.remote(channel), reason);
            channel.close();
        }

        private boolean onFrame(final ByteBuf buffer, final int offset, final int length) {
            framesDelivered++;
            if (checkpointChannel != null) {
                final String problem = checkpointChannel.onFrame(buffer, offset, length);
                if (!problem.isEmpty()) {
                    drop(problem);
                }
            } else if (welcome && peer != null && handler != null) {
                handler.onPeerFrame(peer.nodeId, in.wrap(buffer, offset, length), 0, length);
            } else {
                onHandshake(buffer, offset, length);
            }
            return channel.isOpen();
        }

        private void onHandshake(final ByteBuf frame, final int offset, final int length) {
            final int type = frame.getUnsignedShortLE(offset + FrameHeader.TYPE_OFFSET);
            final int block = offset + FrameHeader.HEADER_LENGTH;
            final int expected = isDialed ? PeerProtocol.HELLO_REPLY : PeerProtocol.HELLO;
            if (type != expected
                    || length < FrameHeader.HEADER_LENGTH + Hello.BLOCK_LENGTH
                    || frame.getIntLE(block + Hello.MAGIC_OFFSET) != Hello.MAGIC) {
                drop("first frame of type " + type + ", expected " + expected);
            } else if (isDialed) {
                onHelloReply(frame, block);
            } else {
                onHello(frame, block, length);
            }
        }

        private void onHello(final ByteBuf frame, final int block, final int length) {
            final int nodeId = frame.getIntLE(block + Hello.NODE_ID_OFFSET);
            final Peer from = peers.get(nodeId);
            final String problem = problemWith(frame, block, from);
            if (from == null || !problem.isEmpty()) {
                writeHello(PeerProtocol.HELLO_REPLY, Status.WRONG_CLUSTER, nodeId);
                drop("node " + nodeId + ": " + problem);
                return;
            }
            if (checkpoints != null && readsCheckpoints(frame, block, length)) {
                checkpointChannel = new CheckpointChannel(channel, loop, checkpoints);
                writeHello(PeerProtocol.HELLO_REPLY, Status.OK, nodeId);
                return;
            }
            if (from.accepted != null) {
                from.accepted.channel.close();
            }
            peer = from;
            from.accepted = this;
            welcome = true;
            writeHello(PeerProtocol.HELLO_REPLY, Status.OK, nodeId);
        }

        private boolean readsCheckpoints(final ByteBuf frame, final int block, final int length) {
            return length >= FrameHeader.HEADER_LENGTH + Hello.BLOCK_LENGTH_WITH_PURPOSE
                    && frame.getIntLE(block + Hello.PURPOSE_OFFSET) == Hello.PURPOSE_CHECKPOINTS;
        }

        private void onHelloReply(final ByteBuf frame, final int block) {
            final Peer of = peer;
            if (of == null) {
                return;
            }
            final Status status = Status.of(frame.getUnsignedShortLE(block + Hello.STATUS_OFFSET));
            final String problem =
                    status == Status.OK ? problemWith(frame, block, of) : "the peer refuses this node: " + status;
            if (problem.isEmpty()) {
                welcome = true;
                of.onWelcome(this);
            } else {
                drop("node " + of.nodeId + ": " + problem);
            }
        }

        private String problemWith(final ByteBuf frame, final int block, final @Nullable Peer from) {
            final int version = frame.getUnsignedShortLE(block + Hello.VERSION_OFFSET);
            final int nodeId = frame.getIntLE(block + Hello.NODE_ID_OFFSET);
            final int to = frame.getIntLE(block + Hello.TO_NODE_ID_OFFSET);
            if (version != PeerProtocol.VERSION) {
                return "peer protocol version " + version + ", this node speaks " + PeerProtocol.VERSION;
            }
            if (frame.getLongLE(block + Hello.CLUSTER_ID_HASH_OFFSET) != self.clusterIdHash()) {
                return "it belongs to another cluster";
            }
            if (from == null || nodeId != from.nodeId) {
                return "node id " + nodeId + " is not expected here";
            }
            if (to != self.nodeId()) {
                return "it looks for node " + to + ", this is node " + self.nodeId();
            }
            if (!from.isKnownStorage(frame.getLongLE(block + Hello.STORAGE_ID_OFFSET))) {
                return "its data directory is not the one that was known under this node id; remove the node and add it"
                        + " under a new id";
            }
            return "";
        }

        private void writeHello(final int type, final Status status, final int to) {
            final ByteBuf frame = channel.alloc().directBuffer(FrameHeader.HEADER_LENGTH + Hello.BLOCK_LENGTH);
            final int start = codec.begin(frame, type, PeerProtocol.VERSION, 0, Hello.BLOCK_LENGTH);
            frame.writeIntLE(Hello.MAGIC);
            frame.writeShortLE(PeerProtocol.VERSION);
            frame.writeShortLE(status.code());
            frame.writeLongLE(self.clusterIdHash());
            frame.writeIntLE(self.nodeId());
            frame.writeIntLE(to);
            frame.writeLongLE(self.storageId());
            codec.end(frame, start);
            channel.writeAndFlush(frame);
        }
    }
}
