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
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.WriteBufferWaterMark;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.List;
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
 * {@link #MAX_REPLY_BYTES} wait for it.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a failed write or close ends the channel, and that is handled there
public final class NettyClientTransport implements ClientTransport {
    static final int MAX_INBOX_BYTES = 32 << 20;
    static final int MAX_REPLY_BYTES = 64 << 20;
    private static final int OUT_BUFFER_BYTES = 64 << 10;

    private static final Logger LOGGER = LoggerFactory.getLogger(NettyClientTransport.class);

    private final NetLoop loop;
    private final int nodeId;
    private final long clusterIdHash;
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
    private @Nullable Connection claimed;
    private int claimedLength;
    private Handler handler = (connectionId, buffer, offset, length) -> {
        throw new IllegalStateException("frame before the first poll");
    };

    public NettyClientTransport(final NetLoop loop, final int nodeId, final long clusterIdHash) {
        this.loop = loop;
        this.nodeId = nodeId;
        this.clusterIdHash = clusterIdHash;
    }

    /** Opens the port; the owner must run the loop for connections to be accepted. */
    public void listen(final SocketAddress address) {
        server = Listening.bind(
                loop,
                new ServerBootstrap()
                        .option(ChannelOption.SO_BACKLOG, 1024)
                        .childOption(ChannelOption.TCP_NODELAY, true)
                        .childOption(
                                ChannelOption.WRITE_BUFFER_WATER_MARK,
                                new WriteBufferWaterMark(MAX_REPLY_BYTES / 2, MAX_REPLY_BYTES))
                        .childOption(
                                ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(NetLoop.READ_BYTES)),
                new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(final Channel channel) {
                        channel.pipeline().addLast(new Connection(++lastConnectionId, channel));
                    }
                },
                "client.listen",
                address);
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
    public int connectionCount() {
        return connections.size();
    }

    @Override
    public long waitingBytes() {
        return inbox.bytes();
    }

    private void onChunk(final Connection connection, final ByteBuf chunk) {
        connection.feed(chunk);
    }

    @Override
    public @Nullable MutableDirectBuffer claim(final long connectionId, final int length) {
        final Connection connection = connections.get(connectionId);
        if (connection == null) {
            return null;
        }
        if (!connection.channel.isWritable()) {
            LOGGER.warn(
                    "event=client.closed connection={} remote={} reason=\"more than {} bytes of replies were not read\"",
                    connectionId,
                    NetLoop.remote(connection.channel),
                    MAX_REPLY_BYTES);
            connection.channel.close();
            return null;
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

    /** One client's connection. */
    private final class Connection extends ChannelInboundHandlerAdapter implements ClientRequestHandler {
        final long id;
        final Channel channel;
        final FrameAssembler assembler;

        @Nullable
        ByteBuf out;

        boolean dirty;
        private boolean welcome;

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
        public void channelInactive(final ChannelHandlerContext context) {
            connections.remove(id);
            assembler.close();
            if (out != null) {
                out.release();
                out = null;
            }
        }

        @Override
        public void exceptionCaught(final ChannelHandlerContext context, final Throwable cause) {
            LOGGER.debug("event=client.closed connection={} reason=\"{}\"", id, cause.toString());
            channel.close();
        }

        void feed(final ByteBuf chunk) {
            if (!channel.isOpen()) {
                return;
            }
            final Status status = assembler.feed(chunk);
            if (status != Status.OK) {
                refuseAndClose(FrameHeader.CONNECTION_REQUEST_ID, status, "the bytes are not frames of this protocol");
            }
        }

        private boolean onFrame(final ByteBuf buffer, final int offset, final int length) {
            framesDelivered++;
            if (!welcome) {
                ClientRequestDecoder.decode(buffer, offset, length, this);
                return channel.isOpen();
            }
            handler.onClientFrame(id, in.wrap(buffer, offset, length), 0, length);
            return channel.isOpen();
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
            flush();
            channel.close();
        }

        ByteBuf room(final int length) {
            if (out != null && out.writableBytes() < length) {
                channel.write(out);
                out = null;
            }
            if (out == null) {
                out = channel.alloc().directBuffer(Math.max(OUT_BUFFER_BYTES, length));
            }
            return out;
        }

        void flush() {
            dirty = false;
            if (out != null) {
                channel.writeAndFlush(out);
                out = null;
            }
        }
    }
}
