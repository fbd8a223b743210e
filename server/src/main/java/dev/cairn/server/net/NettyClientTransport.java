package dev.cairn.server.net;

import dev.cairn.protocol.ClientMessageEncoder;
import dev.cairn.protocol.ClientRequestDecoder;
import dev.cairn.protocol.ClientRequestHandler;
import dev.cairn.protocol.FrameAssembler;
import dev.cairn.protocol.FrameCodec;
import dev.cairn.protocol.FrameHeader;
import dev.cairn.protocol.Limits;
import dev.cairn.protocol.Status;
import dev.cairn.server.replica.ClientTransport;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.agrona.BitUtil;
import org.agrona.MutableDirectBuffer;
import org.agrona.collections.Long2ObjectHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Client connections: handshake, framing, one outgoing buffer and one flush per connection and cycle. Loop thread.
 *
 * <p>Reading of a connection is switched off when {@link #MAX_INBOX_BYTES} wait to be looked at, and switched on again by
 * {@link #poll} when half of that is gone. A connection whose client does not read its replies is closed when
 * {@link #MAX_REPLY_BYTES} wait for it. What all connections together hold is bounded by {@link ClientLimits}: the one
 * that holds most is closed.
 *
 * <p>A client that shuts down its output gets the answers to what it has sent, then the connection ends. It looks like one
 * that has gone, so such connections have their time, and make room when there are too many.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a failed write or close ends the channel, and that is handled there
public final class NettyClientTransport implements ClientTransport {
    static final int MAX_INBOX_BYTES = 32 << 20;
    static final int MAX_REPLY_BYTES = 64 << 20;
    private static final int OUT_BUFFER_BYTES = 64 << 10;
    /** Until a connection has said HELLO, and while its client does not read: what few bytes arrive shall not hold many. */
    private static final int SMALL_OUT_BUFFER_BYTES = 4 << 10;
    /** For one answer. Of thousands of connections each may have a buffer at the same time: larger ones would not be found in a cache. */
    private static final int LEAST_OUT_BUFFER_BYTES = 512;

    /** A read has room for as much as its connection's last reads brought, and so many bytes at least. */
    private static final int LEAST_READ_BYTES = 512;

    private static final int FIRST_READ_BYTES = 2 << 10;
    /** How often deadlines are looked at. */
    private static final long CHECK_NS = TimeUnit.SECONDS.toNanos(1);

    private static final Logger LOGGER = LoggerFactory.getLogger(NettyClientTransport.class);

    private final NetLoop loop;
    private final int nodeId;
    private final long clusterIdHash;
    private final ClientLimits limits;
    private final Long2ObjectHashMap<Connection> connections = new Long2ObjectHashMap<>();
    private final ChunkInbox<Connection> inbox = new ChunkInbox<>();
    private final ChunkInbox.Handler<Connection> onChunk = this::onChunk;
    private final List<Connection> paused = new ArrayList<>();
    private final List<Connection> dirty = new ArrayList<>();
    private final FrameCodec codec = new FrameCodec();
    private final ClientMessageEncoder encoder = new ClientMessageEncoder();
    private final FrameView in = new FrameView();
    private final FrameView out = new FrameView();
    private @Nullable Channel server;
    private long lastConnectionId;
    private int framesDelivered;
    /** Since they were logged. */
    private int refusedConnections;

    private final List<Connection> overdue = new ArrayList<>();
    /** Of all connections; never less than what they hold, and exact when it matters. */
    private long replyBytes;

    private long unfinishedBytes;
    private long nowNs;
    private long nextCheckNs;
    private @Nullable Connection claimed;
    private int claimedLength;
    private Handler handler = (connectionId, buffer, offset, length) -> {
        throw new IllegalStateException("frame before the first poll");
    };

    /** @param startNs the time of {@link #endOverdue}, now */
    public NettyClientTransport(final NetLoop loop, final int nodeId, final long clusterIdHash, final long startNs) {
        this(loop, nodeId, clusterIdHash, startNs, ClientLimits.DEFAULT);
    }

    NettyClientTransport(
            final NetLoop loop,
            final int nodeId,
            final long clusterIdHash,
            final long startNs,
            final ClientLimits limits) {
        this.loop = loop;
        this.nodeId = nodeId;
        this.clusterIdHash = clusterIdHash;
        this.limits = limits;
        nowNs = startNs;
        nextCheckNs = startNs + CHECK_NS;
    }

    /** Opens the port; the owner must run the loop for connections to be accepted. */
    public void listen(final SocketAddress address) {
        server = Listening.bind(
                loop,
                new ServerBootstrap()
                        .option(ChannelOption.SO_BACKLOG, 1024)
                        .childOption(ChannelOption.TCP_NODELAY, true)
                        .childOption(ChannelOption.ALLOCATOR, loop.allocator())
                        .childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
                        .childOption(
                                ChannelOption.WRITE_BUFFER_WATER_MARK,
                                new WriteBufferWaterMark(MAX_REPLY_BYTES / 2, MAX_REPLY_BYTES))
                        .childOption(
                                ChannelOption.RECVBUF_ALLOCATOR,
                                new AdaptiveRecvByteBufAllocator(
                                        LEAST_READ_BYTES, FIRST_READ_BYTES, NetLoop.READ_BYTES)),
                new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(final Channel channel) {
                        accept(channel);
                    }
                },
                "client.listen",
                address);
    }

    private void accept(final Channel channel) {
        if (connections.size() >= limits.maxConnections()) {
            endOneThatAsksNoMore();
        }
        if (connections.size() < limits.maxConnections()) {
            channel.pipeline().addLast(new Connection(++lastConnectionId, channel));
            return;
        }
        refusedConnections++;
        channel.close();
    }

    private void endOneThatAsksNoMore() {
        Connection first = null;
        for (final Connection connection : connections.values()) {
            if (connection.inputEnded && (first == null || connection.id < first.id)) {
                first = connection;
            }
        }
        if (first != null) {
            first.end();
        }
    }

    /** Where the port is open. */
    SocketAddress address() {
        if (server == null) {
            throw new IllegalStateException("not listening");
        }
        return server.localAddress();
    }

    /** Accepts no further connections and ends those that are open. */
    public void close() {
        if (server != null) {
            server.close();
        }
        for (final Connection connection : new ArrayList<>(connections.values())) {
            connection.channel.close();
        }
        inbox.clear();
    }

    /** Ends all connections and goes on accepting: what was asked for on them will not be answered. */
    public void closeConnections() {
        for (final Connection connection : new ArrayList<>(connections.values())) {
            connection.channel.close();
        }
    }

    /** Once per cycle: ends connections whose HELLO or whose whole frame did not come in time. */
    public void endOverdue(final long monotonicNs) {
        nowNs = monotonicNs;
        if (monotonicNs - nextCheckNs < 0) {
            return;
        }
        nextCheckNs = monotonicNs + CHECK_NS;
        if (refusedConnections > 0) {
            LOGGER.warn(
                    "event=client.refused connections={} reason=\"{} connections are open, no more are taken\"",
                    refusedConnections,
                    limits.maxConnections());
            refusedConnections = 0;
        }
        for (final Connection connection : connections.values()) {
            if (connection.isOverdue()) {
                overdue.add(connection);
            }
        }
        overdue.forEach(Connection::endOverdue);
        overdue.clear();
    }

    @Override
    public int poll(final Handler to, final int limit) {
        if (inbox.isEmpty()) {
            return 0;
        }
        handler = to;
        framesDelivered = 0;
        while (!inbox.isEmpty() && framesDelivered < limit) {
            inbox.takeOne(onChunk);
        }
        if (!paused.isEmpty() && inbox.bytes() < MAX_INBOX_BYTES / 2) {
            for (final Connection connection : paused) {
                connection.channel.config().setAutoRead(true);
            }
            paused.clear();
        }
        return framesDelivered;
    }

    @Override
    public boolean hasFrames() {
        return !inbox.isEmpty();
    }

    @Override
    public boolean isOpen(final long connectionId) {
        return connections.containsKey(connectionId);
    }

    @Override
    public int connectionCount() {
        return connections.size();
    }

    @Override
    public long waitingBytes() {
        return inbox.bytes();
    }

    /** Bytes of buffers that hold replies; those included that went since they were counted. */
    long replyBytes() {
        return replyBytes;
    }

    /** Bytes of buffers for frames that have not arrived whole. */
    long unfinishedBytes() {
        return unfinishedBytes;
    }

    private void onChunk(final Connection connection, final ByteBuf chunk) {
        connection.feed(chunk);
    }

    @Override
    public @Nullable MutableDirectBuffer claim(final long connectionId, final int length) {
        final Connection connection = connections.get(connectionId);
        if (connection == null || connection.leaving) {
            return null;
        }
        if (!connection.channel.isWritable()) {
            connection.endUnread(MAX_REPLY_BYTES);
            return null;
        }
        if (replyBytes > limits.maxReplyBytes()) {
            relieveOfReplies();
            if (!connection.channel.isOpen()) {
                return null;
            }
        }
        claimed = connection;
        claimedLength = length;
        final ByteBuf buffer = connection.room(length);
        return out.wrap(buffer, buffer.writerIndex(), length);
    }

    @Override
    public void send() {
        final Connection connection = claimed;
        if (connection == null || connection.out == null) {
            throw new IllegalStateException("send without claim");
        }
        final int start = connection.out.writerIndex();
        connection.out.writerIndex(start + claimedLength);
        codec.end(connection.out, start);
        connection.onAnswer(connection.out.getLongLE(start + FrameHeader.REQUEST_ID_OFFSET));
        markDirty(connection);
        claimed = null;
    }

    private void markDirty(final Connection connection) {
        if (!connection.dirty) {
            connection.dirty = true;
            dirty.add(connection);
        }
    }

    @Override
    public void flush() {
        for (int i = 0; i < dirty.size(); i++) {
            dirty.get(i).flush();
        }
        dirty.clear();
    }

    /** Whoever reads has its replies after this; of the others those end that hold most, until the rest has room. */
    private void relieveOfReplies() {
        flush();
        for (final Connection connection : connections.values()) {
            connection.measureReplies();
        }
        while (replyBytes > limits.maxReplyBytes()) {
            Connection most = null;
            for (final Connection connection : connections.values()) {
                if (most == null || connection.replyBytes > most.replyBytes) {
                    most = connection;
                }
            }
            if (most == null || most.replyBytes == 0) {
                throw new IllegalStateException(
                        replyBytes + " bytes of replies are counted, and no connection has any");
            }
            most.endUnread(most.replyBytes);
        }
    }

    /** Buffers that wait empty go first, then the connections that hold most; of two alike the one that began earlier. */
    private void relieveOfUnfinished() {
        for (final Connection connection : connections.values()) {
            connection.assembler.trim();
            connection.countUnfinished();
        }
        while (unfinishedBytes > limits.maxUnfinishedBytes()) {
            Connection most = null;
            for (final Connection connection : connections.values()) {
                if (most == null || connection.holdsMoreUnfinishedThan(most)) {
                    most = connection;
                }
            }
            if (most == null || most.unfinishedBytes == 0) {
                throw new IllegalStateException(
                        unfinishedBytes + " bytes of frames are counted, and no connection has any");
            }
            most.endUnfinished();
        }
    }

    /** One client's connection. */
    private final class Connection extends ChannelInboundHandlerAdapter implements ClientRequestHandler {
        final long id;
        final Channel channel;
        final FrameAssembler assembler;

        @Nullable
        ByteBuf out;

        /** Of replies since the last flush, without those in {@link #out}. */
        private int writtenBytes;
        /** Of replies until the next flush: as many as until the last one. */
        private int expectedBytes = LEAST_OUT_BUFFER_BYTES;

        boolean dirty;
        /** Buffers of its replies, those included that left since they were last counted. */
        long replyBytes;
        /** The buffer of the frame that has not arrived whole, also while it waits empty for the next one. */
        long unfinishedBytes;

        private final long openedNs = nowNs;
        private long unfinishedSinceNs;
        private boolean lagging;
        private boolean welcome;
        /** Requests handed on and not answered; at least, once the client was told that what is in flight is lost. */
        private int unanswered;
        /** The client sends no more: it ends when all is answered. */
        private boolean inputEnded;
        /** Nothing is read or answered any more; it ends behind the last write. */
        private boolean leaving;
        /** When one of the two began. */
        private long lastSinceNs;

        Connection(final long id, final Channel channel) {
            this.id = id;
            this.channel = channel;
            assembler = new FrameAssembler(channel.alloc(), Limits.MAX_FRAME_BYTES, this::onFrame);
            connections.put(id, this);
        }

        @Override
        public void channelRead(final ChannelHandlerContext context, final Object message) {
            inbox.add(this, (ByteBuf) message);
            if (inbox.bytes() > MAX_INBOX_BYTES && channel.config().isAutoRead()) {
                channel.config().setAutoRead(false);
                paused.add(this);
            }
        }

        @Override
        public void userEventTriggered(final ChannelHandlerContext context, final Object event) {
            if (event instanceof ChannelInputShutdownEvent) {
                // In its order behind what the client has sent.
                inbox.add(this, Unpooled.EMPTY_BUFFER);
            }
        }

        @Override
        public void channelInactive(final ChannelHandlerContext context) {
            end();
        }

        /** At once and for good: nothing is read or answered any more, all buffers are given back. */
        private void end() {
            connections.remove(id);
            assembler.close();
            countUnfinished();
            if (out != null) {
                out.release();
                out = null;
            }
            channel.close();
            countReplies(0);
        }

        void endUnread(final long bytes) {
            if (channel.isOpen()) {
                LOGGER.warn(
                        "event=client.closed connection={} remote={} reason=\"{} bytes of replies were not read\"",
                        id,
                        NetLoop.remote(channel),
                        bytes);
            }
            end();
        }

        void endUnfinished() {
            LOGGER.warn(
                    "event=client.closed connection={} remote={} reason=\"all unfinished frames take more than {} bytes,"
                            + " and this one took {}\"",
                    id,
                    NetLoop.remote(channel),
                    limits.maxUnfinishedBytes(),
                    unfinishedBytes);
            end();
        }

        boolean isOverdue() {
            return isSilent()
                    || isLate()
                    || (assembler.keptBytes() > 0 && nowNs - unfinishedSinceNs >= limits.frameNs());
        }

        private boolean isLate() {
            return (inputEnded || leaving) && nowNs - lastSinceNs >= limits.lastNs();
        }

        private boolean isSilent() {
            return !welcome && nowNs - openedNs >= limits.helloNs();
        }

        void endOverdue() {
            final boolean late = isLate();
            LOGGER.info(
                    "event=client.closed connection={} remote={} reason=\"{} for {} ms\"",
                    id,
                    NetLoop.remote(channel),
                    late ? "the last answers stayed out" : isSilent() ? "no HELLO" : "a frame stayed unfinished",
                    TimeUnit.NANOSECONDS.toMillis(
                            nowNs - (late ? lastSinceNs : isSilent() ? openedNs : unfinishedSinceNs)));
            end();
        }

        boolean holdsMoreUnfinishedThan(final Connection other) {
            return unfinishedBytes > other.unfinishedBytes
                    || (unfinishedBytes == other.unfinishedBytes && unfinishedSinceNs - other.unfinishedSinceNs < 0);
        }

        @Override
        public void exceptionCaught(final ChannelHandlerContext context, final Throwable cause) {
            LOGGER.debug("event=client.closed connection={} reason=\"{}\"", id, cause.toString());
            channel.close();
        }

        void feed(final ByteBuf chunk) {
            if (!takesFrames()) {
                return;
            }
            if (!chunk.isReadable()) {
                onInputEnd();
                return;
            }
            final int framesBefore = framesDelivered;
            final boolean goesOn = assembler.keptBytes() > 0;
            final Status status = assembler.feed(chunk);
            if (!goesOn || framesDelivered != framesBefore) {
                unfinishedSinceNs = nowNs;
            }
            countUnfinished();
            if (NettyClientTransport.this.unfinishedBytes > limits.maxUnfinishedBytes()) {
                relieveOfUnfinished();
            }
            if (status != Status.OK) {
                refuseAndClose(FrameHeader.CONNECTION_REQUEST_ID, status, "the bytes are not frames of this protocol");
            }
        }

        private boolean takesFrames() {
            return channel.isOpen() && !leaving;
        }

        private boolean onFrame(final ByteBuf buffer, final int offset, final int length) {
            framesDelivered++;
            if (buffer.getLongLE(offset + FrameHeader.REQUEST_ID_OFFSET) == FrameHeader.CONNECTION_REQUEST_ID) {
                refuseAndClose(
                        FrameHeader.CONNECTION_REQUEST_ID,
                        Status.BAD_REQUEST,
                        "request id 0: a reply could not name it");
            } else if (welcome) {
                unanswered++;
                handler.onClientFrame(id, in.wrap(buffer, offset, length), 0, length);
            } else {
                ClientRequestDecoder.decode(buffer, offset, length, this);
            }
            return takesFrames();
        }

        /** One reply per request; one that speaks of the whole connection stands for all writes that are in flight. */
        void onAnswer(final long requestId) {
            unanswered = requestId == FrameHeader.CONNECTION_REQUEST_ID ? 0 : Math.max(0, unanswered - 1);
        }

        private void onInputEnd() {
            inputEnded = true;
            lastSinceNs = nowNs;
            leaveWhenAnswered();
        }

        private void leaveWhenAnswered() {
            if (inputEnded && unanswered == 0) {
                leave();
            }
        }

        /** The connection ends when the socket has taken what was written. */
        private void leave() {
            if (leaving) {
                return;
            }
            leaving = true;
            lastSinceNs = nowNs;
            assembler.close();
            flush();
            channel.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
        }

        // The first frame: anything but a fitting HELLO ends the connection.

        @Override
        public void onHello(
                final long requestId,
                final int minVersion,
                final int maxVersion,
                final long clientClusterIdHash,
                final long clientId) {
            if (minVersion > FrameHeader.CLIENT_VERSION || maxVersion < FrameHeader.CLIENT_VERSION) {
                replyHello(requestId, Status.UNSUPPORTED_VERSION);
            } else if (clientClusterIdHash != 0 && clientClusterIdHash != clusterIdHash) {
                replyHello(requestId, Status.WRONG_CLUSTER);
            } else {
                welcome = true;
                replyHello(requestId, Status.OK);
            }
        }

        private void replyHello(final long requestId, final Status status) {
            encoder.helloReply(
                    room(Limits.MAX_TEXT_BYTES), requestId, status, FrameHeader.CLIENT_VERSION, nodeId, clusterIdHash);
            markDirty(this);
            if (status != Status.OK) {
                closeAfterFlush(status.toString());
            }
        }

        @Override
        public void onCommand(final long requestId, final ByteBuf frame, final int offset, final int length) {
            refuseAndClose(requestId, Status.BAD_REQUEST, "the first frame must be HELLO");
        }

        @Override
        public void onGet(
                final long requestId,
                final int readMode,
                final long minRevision,
                final ByteBuf frame,
                final int keyOffset,
                final int keyLength) {
            refuseAndClose(requestId, Status.BAD_REQUEST, "the first frame must be HELLO");
        }

        @Override
        public void onStatus(final long requestId) {
            refuseAndClose(requestId, Status.BAD_REQUEST, "the first frame must be HELLO");
        }

        @Override
        public void onInvalid(final long requestId, final Status status, final int type) {
            refuseAndClose(requestId, status, "message type " + type + " as the first frame");
        }

        private void refuseAndClose(final long requestId, final Status status, final String text) {
            encoder.errorReply(room(2 * Limits.MAX_TEXT_BYTES), requestId, status, 0, "", text);
            closeAfterFlush(status + ": " + text);
        }

        private void closeAfterFlush(final String reason) {
            LOGGER.info(
                    "event=client.refused connection={} remote={} reason=\"{}\"", id, NetLoop.remote(channel), reason);
            leave();
        }

        ByteBuf room(final int length) {
            int usual = welcome && !lagging ? OUT_BUFFER_BYTES : SMALL_OUT_BUFFER_BYTES;
            if (out == null) {
                usual = Math.min(usual, expectedBytes);
            } else if (out.writableBytes() < length) {
                writtenBytes += out.readableBytes();
                channel.write(out);
                out = null;
            }
            if (out == null) {
                out = channel.alloc().directBuffer(Math.max(usual, length));
                countReplies(replyBytes + out.capacity());
            }
            return out;
        }

        void flush() {
            dirty = false;
            if (out != null) {
                expectedBytes = Math.max(
                        LEAST_OUT_BUFFER_BYTES,
                        BitUtil.findNextPositivePowerOfTwo(
                                Math.min(writtenBytes + out.readableBytes(), OUT_BUFFER_BYTES)));
                writtenBytes = 0;
                channel.writeAndFlush(out);
                out = null;
                final ChannelOutboundBuffer unread = channel.unsafe().outboundBuffer();
                lagging = unread != null && !unread.isEmpty();
                if (!lagging) {
                    countReplies(0);
                }
            }
            leaveWhenAnswered();
        }

        /** After a flush: counts what is left. */
        void measureReplies() {
            final ChannelOutboundBuffer unread = channel.unsafe().outboundBuffer();
            final long[] bytes = {out == null ? 0 : out.capacity()};
            if (unread != null) {
                try {
                    unread.forEachFlushedMessage(message -> {
                        bytes[0] += ((ByteBuf) message).capacity();
                        return true;
                    });
                } catch (Exception e) {
                    throw new IllegalStateException("replies that wait cannot be counted", e);
                }
            }
            countReplies(bytes[0]);
        }

        private void countReplies(final long bytes) {
            NettyClientTransport.this.replyBytes += bytes - replyBytes;
            replyBytes = bytes;
        }

        void countUnfinished() {
            final int bytes = assembler.keptCapacity();
            NettyClientTransport.this.unfinishedBytes += bytes - unfinishedBytes;
            unfinishedBytes = bytes;
        }
    }
}
