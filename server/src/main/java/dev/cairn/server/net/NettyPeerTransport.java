package dev.cairn.server.net;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.protocol.FrameAssembler;
import dev.cairn.protocol.FrameCodec;
import dev.cairn.protocol.FrameHeader;
import dev.cairn.protocol.Limits;
import dev.cairn.protocol.Status;
import dev.cairn.server.replica.MemberAddress;
import dev.cairn.server.replica.MemberAddresses;
import dev.cairn.server.replica.PeerProtocol;
import dev.cairn.server.replica.PeerProtocol.Hello;
import dev.cairn.server.replica.PeerSet;
import dev.cairn.server.replica.PeerTransport;
import dev.cairn.server.snapshot.CheckpointRequests;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.agrona.MutableDirectBuffer;
import org.agrona.collections.Int2ObjectHashMap;
import org.agrona.collections.IntHashSet;
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

    /** A node that is no member any more asks at this pace whether that is still so. */
    private static final long OUTSIDER_RETRY_MS = 5_000;

    /** What is on its way to a node that was removed, or from it, still arrives. */
    private static final long HANG_UP_DELAY_MS = 1_000;

    private static final long REFUSED_CLOSE_MS = 200;

    /** Nodes that know a configuration which this one does not, and say that they are members. */
    private static final int MAX_STRANGERS = 64;

    private static final Logger LOGGER = LoggerFactory.getLogger(NettyPeerTransport.class);

    /** Who this node is towards its peers. */
    public record Self(int nodeId, long clusterIdHash, long storageId) {}

    /** A peer said that by its committed configuration this node is no member. */
    private record Refusal(int peerId, long index) {}

    private final NetLoop loop;
    private final Self self;
    private final MemberAddresses addresses;
    private PeerSet members = PeerSet.NONE;
    private final Int2ObjectHashMap<Peer> peers = new Int2ObjectHashMap<>();
    private final ChunkInbox<Connection> inbox = new ChunkInbox<>();
    private final ChunkInbox.Handler<Connection> onChunk = Connection::feed;
    private final List<Peer> dirty = new ArrayList<>();
    private final List<Peer> changed = new ArrayList<>();
    private final List<Refusal> refusals = new ArrayList<>();
    private final FrameCodec codec = new FrameCodec();
    private final FrameView in = new FrameView();
    private final FrameView out = new FrameView();
    /** As long as this process lives, of nodes that were removed too: an id never comes back with another disk. */
    private final Map<Integer, Long> storageIds = new HashMap<>();

    /** Whose refusal was told already. */
    private final IntHashSet outsiders = new IntHashSet();

    private @Nullable CheckpointRequests checkpoints;
    private @Nullable Channel server;
    private @Nullable ByteBuf claimed;
    private boolean claimSealed;
    private boolean closed;
    private int framesDelivered;
    private @Nullable Handler handler;

    /** @param addresses where peers are; learns where nodes say that they are themselves */
    public NettyPeerTransport(final NetLoop loop, final Self self, final MemberAddresses addresses) {
        this.loop = loop;
        this.self = self;
        this.addresses = addresses;
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
                        .childOption(ChannelOption.ALLOCATOR, loop.allocator())
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

    /**
     * Members are dialled, now and again whenever the connection is lost; as long as this node is one itself, for else
     * nobody expects anything from it. Connections to and from others end when what is under way has arrived.
     */
    @Override
    public void members(final PeerSet newMembers) {
        members = newMembers;
        outsiders.clear();
        for (final int nodeId : newMembers.members()) {
            if (nodeId != self.nodeId()) {
                peers.computeIfAbsent(nodeId, Peer::new);
            }
        }
        boolean left = false;
        for (final Peer peer : peers.values()) {
            peer.isWanted = newMembers.contains(peer.nodeId) && newMembers.contains(self.nodeId());
            if (peer.isWanted) {
                peer.dial();
            }
            left |= !peer.isWanted;
        }
        if (left && !closed) {
            loop.eventLoop().schedule(this::hangUp, HANG_UP_DELAY_MS, TimeUnit.MILLISECONDS);
        }
    }

    /** Ends connections that nobody wants any more. */
    private void hangUp() {
        final List<Peer> all = new ArrayList<>(peers.values());
        for (final Peer peer : all) {
            if (!peer.isWanted && peer.dialed != null) {
                LOGGER.info("event=peer.hangup peer={} index={}", peer.nodeId, members.index());
                peer.dialed.channel.close();
            }
            final boolean isNew = peer.isStranger && peer.strangerIndex > members.committedIndex();
            if (!members.contains(peer.nodeId) && !isNew) {
                peers.remove(peer.nodeId);
                if (peer.accepted != null) {
                    peer.accepted.channel.close();
                }
            }
        }
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
        // The end of a stranger's connection takes it out of the table.
        new ArrayList<>(peers.values()).forEach(Peer::close);
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
        for (int i = 0; i < refusals.size(); i++) {
            to.onNotMember(refusals.get(i).peerId(), refusals.get(i).index());
        }
        refusals.clear();
        return framesDelivered;
    }

    @Override
    public MutableDirectBuffer claim(final int length) {
        if (claimed != null) {
            claimed.release();
        }
        claimed = loop.allocator().directBuffer(length);
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

    private String ownAddress() {
        return addresses.text(self.nodeId());
    }

    private int strangers() {
        int count = 0;
        for (final Peer peer : peers.values()) {
            count += peer.isStranger ? 1 : 0;
        }
        return count;
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

        /** To be dialled. */
        boolean isWanted;

        /** Turned up by itself, by a configuration that is not known here; until it is a member here, too. */
        boolean isStranger;

        /** Where that configuration stands. */
        long strangerIndex;

        /** An attempt, a connection or a pause between two attempts. */
        private boolean isDialing;

        @Nullable
        Connection dialed;

        @Nullable
        Connection accepted;

        private boolean dirtyMark;
        private long retryMs = FIRST_RETRY_MS;
        private String lastProblem = "";

        Peer(final int nodeId) {
            this.nodeId = nodeId;
        }

        void dial() {
            isStranger = false;
            if (!isDialing) {
                isDialing = true;
                retryMs = FIRST_RETRY_MS;
                connect();
            }
        }

        private void connect() {
            if (closed || !isWanted) {
                isDialing = false;
                return;
            }
            final MemberAddress address = addresses.address(nodeId);
            if (address == null) {
                retryLater("its address is not known");
                return;
            }
            final ChannelFuture connecting = new Bootstrap()
                    .group(loop.eventLoop())
                    .channel(loop.socketChannelClass())
                    .option(ChannelOption.TCP_NODELAY, true)
                    .option(ChannelOption.ALLOCATOR, loop.allocator())
                    .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_TIMEOUT_MS)
                    .option(ChannelOption.WRITE_BUFFER_WATER_MARK, backlog())
                    .option(ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(NetLoop.READ_BYTES))
                    .handler(new ChannelInitializer<>() {
                        @Override
                        protected void initChannel(final Channel channel) {
                            channel.pipeline().addLast(new Connection(channel, Peer.this));
                        }
                    })
                    .connect(new InetSocketAddress(address.host(), address.peerPort()));
            connecting.addListener(future -> {
                if (!future.isSuccess()) {
                    retryLater(String.valueOf(future.cause().getMessage()));
                }
            });
        }

        /** Logs a problem once, however often it repeats. */
        void retryLater(final String problem) {
            if (closed || !isWanted) {
                isDialing = false;
                return;
            }
            if (!problem.equals(lastProblem)) {
                lastProblem = problem;
                LOGGER.info(
                        "event=peer.unreachable peer={} address={} reason=\"{}\"",
                        nodeId,
                        addresses.text(nodeId),
                        problem);
            }
            loop.eventLoop().schedule(this::connect, retryMs, TimeUnit.MILLISECONDS);
            retryMs = Math.max(retryMs, Math.min(MAX_RETRY_MS, retryMs * 2));
        }

        void onWelcome(final Connection connection) {
            dialed = connection;
            retryMs = FIRST_RETRY_MS;
            lastProblem = "";
            LOGGER.info("event=peer.connected peer={} address={}", nodeId, addresses.text(nodeId));
            changed.add(this);
        }

        /** True when this storage belongs to the node as it was known so far. */
        boolean isKnownStorage(final long storageId) {
            final Long known = storageIds.putIfAbsent(nodeId, storageId);
            return known == null || known == storageId;
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
        private boolean refused;
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
                writeHello(PeerProtocol.HELLO, Status.OK, peer.nodeId, members.index(), ownAddress());
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
                if (of.isStranger) {
                    peers.remove(of.nodeId);
                }
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
            if (refused) {
                return channel.isOpen();
            }
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
            final int blockLength = frame.getUnsignedShortLE(offset + FrameHeader.BLOCK_LENGTH_OFFSET);
            if (type != expected
                    || blockLength < Hello.BLOCK_LENGTH
                    || length < FrameHeader.HEADER_LENGTH + blockLength
                    || frame.getIntLE(block + Hello.MAGIC_OFFSET) != Hello.MAGIC) {
                drop("first frame of type " + type + ", expected " + expected);
            } else if (isDialed) {
                onHelloReply(frame, block, blockLength);
            } else {
                onHello(frame, block, blockLength, length);
            }
        }

        private void onHello(final ByteBuf frame, final int block, final int blockLength, final int length) {
            final int nodeId = frame.getIntLE(block + Hello.NODE_ID_OFFSET);
            final Peer known = peers.get(nodeId);
            final Peer from = known == null ? new Peer(nodeId) : known;
            final String problem = problemWith(frame, block, from);
            if (!problem.isEmpty()) {
                refuse(Status.WRONG_CLUSTER, nodeId, problem);
                return;
            }
            final boolean saysMembership = blockLength >= Hello.BLOCK_LENGTH_WITH_MEMBERSHIP;
            final long index = saysMembership ? frame.getLongLE(block + Hello.MEMBERSHIP_INDEX_OFFSET) : 0;
            if (!members.contains(nodeId) && index <= members.committedIndex()) {
                refuse(
                        Status.REFUSED,
                        nodeId,
                        "it is no member by the configuration at index " + members.committedIndex()
                                + ", the last that it knows is at " + index);
                return;
            }
            if (known == null && strangers() >= MAX_STRANGERS) {
                refuse(Status.BUSY, nodeId, "too many nodes that are not known here");
                return;
            }
            if (saysMembership) {
                addresses.introduce(nodeId, address(frame, block, blockLength, length));
            }
            if (checkpoints != null && readsCheckpoints(frame, block, blockLength)) {
                checkpointChannel = new CheckpointChannel(channel, loop, checkpoints);
                welcome(nodeId);
                return;
            }
            if (from.accepted != null) {
                from.accepted.channel.close();
            }
            if (known == null) {
                from.isStranger = true;
                from.strangerIndex = index;
                peers.put(nodeId, from);
                LOGGER.info("event=peer.stranger peer={} address={} index={}", nodeId, addresses.text(nodeId), index);
            }
            peer = from;
            from.accepted = this;
            welcome = true;
            welcome(nodeId);
        }

        private void welcome(final int nodeId) {
            writeHello(PeerProtocol.HELLO_REPLY, Status.OK, nodeId, members.committedIndex(), "");
        }

        private void refuse(final Status status, final int nodeId, final String problem) {
            writeHello(PeerProtocol.HELLO_REPLY, status, nodeId, members.committedIndex(), "");
            refused = true;
            // Whoever is refused ends the connection when it has read why.
            loop.eventLoop().schedule((Runnable) channel::close, REFUSED_CLOSE_MS, TimeUnit.MILLISECONDS);
            if (status == Status.REFUSED && !outsiders.add(nodeId)) {
                return;
            }
            LOGGER.warn(
                    "event=peer.dropped remote={} reason=\"node {}: {}\"", NetLoop.remote(channel), nodeId, problem);
        }

        private String address(final ByteBuf frame, final int block, final int blockLength, final int length) {
            final int addressLength = frame.getIntLE(block + Hello.ADDRESS_LENGTH_OFFSET);
            return addressLength == length - FrameHeader.HEADER_LENGTH - blockLength
                    ? frame.toString(block + blockLength, addressLength, UTF_8)
                    : "";
        }

        private boolean readsCheckpoints(final ByteBuf frame, final int block, final int blockLength) {
            return blockLength >= Hello.BLOCK_LENGTH_WITH_PURPOSE
                    && frame.getIntLE(block + Hello.PURPOSE_OFFSET) == Hello.PURPOSE_CHECKPOINTS;
        }

        private void onHelloReply(final ByteBuf frame, final int block, final int blockLength) {
            final Peer of = peer;
            if (of == null) {
                return;
            }
            final Status status = Status.of(frame.getUnsignedShortLE(block + Hello.STATUS_OFFSET));
            final String problem =
                    status == Status.OK ? problemWith(frame, block, of) : "the peer refuses this node: " + status;
            if (status == Status.REFUSED && blockLength >= Hello.BLOCK_LENGTH_WITH_MEMBERSHIP) {
                final long index = frame.getLongLE(block + Hello.MEMBERSHIP_INDEX_OFFSET);
                refusals.add(new Refusal(of.nodeId, index));
                of.retryMs = OUTSIDER_RETRY_MS;
                LOGGER.debug("event=peer.refused peer={} index={}", of.nodeId, index);
                channel.close();
                return;
            }
            if (problem.isEmpty()) {
                welcome = true;
                of.onWelcome(this);
            } else {
                drop("node " + of.nodeId + ": " + problem);
            }
        }

        private String problemWith(final ByteBuf frame, final int block, final Peer from) {
            final int version = frame.getUnsignedShortLE(block + Hello.VERSION_OFFSET);
            final int nodeId = frame.getIntLE(block + Hello.NODE_ID_OFFSET);
            final int to = frame.getIntLE(block + Hello.TO_NODE_ID_OFFSET);
            if (version != PeerProtocol.VERSION) {
                return "peer protocol version " + version + ", this node speaks " + PeerProtocol.VERSION;
            }
            if (frame.getLongLE(block + Hello.CLUSTER_ID_HASH_OFFSET) != self.clusterIdHash()) {
                return "it belongs to another cluster";
            }
            if (nodeId != from.nodeId || nodeId == self.nodeId()) {
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

        private void writeHello(
                final int type, final Status status, final int to, final long membershipIndex, final String address) {
            final byte[] addressBytes = address.getBytes(UTF_8);
            final int length = FrameHeader.HEADER_LENGTH + Hello.BLOCK_LENGTH_WITH_MEMBERSHIP + addressBytes.length;
            final ByteBuf frame = channel.alloc().directBuffer(length);
            final int start = codec.begin(frame, type, PeerProtocol.VERSION, 0, Hello.BLOCK_LENGTH_WITH_MEMBERSHIP);
            frame.writeIntLE(Hello.MAGIC);
            frame.writeShortLE(PeerProtocol.VERSION);
            frame.writeShortLE(status.code());
            frame.writeLongLE(self.clusterIdHash());
            frame.writeIntLE(self.nodeId());
            frame.writeIntLE(to);
            frame.writeLongLE(self.storageId());
            frame.writeIntLE(0);
            frame.writeIntLE(addressBytes.length);
            frame.writeLongLE(membershipIndex);
            frame.writeBytes(addressBytes);
            codec.end(frame, start);
            channel.writeAndFlush(frame);
        }
    }
}
