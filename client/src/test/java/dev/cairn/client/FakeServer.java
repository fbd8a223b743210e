package dev.cairn.client;

import dev.cairn.protocol.BatchItemDescriptor;
import dev.cairn.protocol.ClientMessageEncoder;
import dev.cairn.protocol.ClientRequestDecoder;
import dev.cairn.protocol.ClientRequestHandler;
import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.protocol.FrameAssembler;
import dev.cairn.protocol.Limits;
import dev.cairn.protocol.NodeStatus;
import dev.cairn.protocol.Status;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A server on the protocol's own codec whose behaviour a test writes: what it does with each request is its {@link Script}. All
 * servers of a {@link Group} run on one thread, so scripts may share plain state.
 */
final class FakeServer implements AutoCloseable {
    /** The thread of some servers. */
    static final class Group implements AutoCloseable {
        final EventLoopGroup loops = new MultiThreadIoEventLoopGroup(
                1, new DefaultThreadFactory("fake-server", true), NioIoHandler.newFactory());

        FakeServer start(Script script) {
            return new FakeServer(this, 0, script);
        }

        /** Runs on the servers' thread and waits. */
        void run(Runnable task) {
            loops.next().submit(task).syncUninterruptibly();
        }

        @Override
        public void close() {
            loops.shutdownGracefully(0, 1000, java.util.concurrent.TimeUnit.MILLISECONDS)
                    .awaitUninterruptibly();
        }
    }

    /** What to do with each request; the defaults are those of a good server that answers nothing. */
    interface Script {
        default void onHello(Connection connection, long requestId, long clusterIdHash) {
            connection.helloReply(requestId, Status.OK, clusterIdHash);
        }

        default void onCommand(Connection connection, Command command) {}

        default void onGet(Connection connection, long requestId, int readMode, long minRevision, String key) {}

        default void onStatus(Connection connection, long requestId) {}

        default void onMultiGet(Connection connection, long requestId, int readMode, List<String> keys) {}

        default void onScan(Connection connection, ScanAsked scan) {}

        default void onScanNext(Connection connection, long requestId, long cursorId) {}

        default void onScanClose(Connection connection, long requestId, long cursorId) {}

        default void onWaitApplied(Connection connection, long requestId, long index, int timeoutMs) {}

        default void onNodeDetails(Connection connection, long requestId) {}
    }

    /** A scan as it arrived. */
    record ScanAsked(long requestId, int readMode, int flags, int chunkBytes, long limit, String from, String to) {}

    /** A command as it arrived; {@code hex} are its bytes. */
    record Command(
            long requestId,
            long session,
            long sequence,
            long lowestOpen,
            int kind,
            String key,
            String value,
            String hex) {
        boolean isWrite() {
            return kind >= CommandDescriptor.KIND_PUT && kind <= CommandDescriptor.KIND_DELETE_RANGE;
        }

        int flags() {
            return bytes().getByte(CommandDescriptor.FLAGS_OFFSET);
        }

        long expectedRevision() {
            return bytes().getLongLE(CommandDescriptor.EXPECTED_REVISION_OFFSET);
        }

        String expectedValue() {
            ByteBuf bytes = bytes();
            int expected = bytes.getUnsignedShortLE(CommandDescriptor.BLOCK_LENGTH_OFFSET)
                    + bytes.getIntLE(CommandDescriptor.KEY_LENGTH_OFFSET);
            return Text.of(bytes, expected, bytes.getIntLE(CommandDescriptor.EXPECTED_LENGTH_OFFSET));
        }

        /** The difference of an ADD. */
        long delta() {
            return bytes().getLongLE(valueOffset());
        }

        /** The items of a PUT_BATCH; null = delete. */
        Map<String, Optional<String>> items() {
            ByteBuf bytes = bytes();
            Map<String, Optional<String>> items = new LinkedHashMap<>();
            int at = valueOffset();
            while (at < bytes.readableBytes()) {
                int keyLength = bytes.getIntLE(at + BatchItemDescriptor.KEY_LENGTH_OFFSET);
                int valueLength = bytes.getIntLE(at + BatchItemDescriptor.VALUE_LENGTH_OFFSET);
                int keyAt = at + BatchItemDescriptor.KEY_OFFSET;
                Optional<String> item = valueLength == BatchItemDescriptor.DELETE
                        ? Optional.empty()
                        : Optional.of(Text.of(bytes, keyAt + keyLength, valueLength));
                items.put(Text.of(bytes, keyAt, keyLength), item);
                at = keyAt + keyLength + Math.max(0, valueLength);
            }
            return items;
        }

        private int valueOffset() {
            ByteBuf bytes = bytes();
            return bytes.readableBytes() - bytes.getIntLE(CommandDescriptor.VALUE_LENGTH_OFFSET);
        }

        private ByteBuf bytes() {
            return Unpooled.wrappedBuffer(ByteBufUtil.decodeHexDump(hex));
        }
    }

    final List<Command> commands = new CopyOnWriteArrayList<>();
    final Set<Connection> connections = ConcurrentHashMap.newKeySet();
    volatile boolean recording = true;

    private final Channel listener;
    private volatile Script script;

    private FakeServer(Group group, int port, Script script) {
        this.script = script;
        this.listener = new ServerBootstrap()
                .group(group.loops)
                .channel(NioServerSocketChannel.class)
                .childHandler(new ChannelInitializer<SocketChannel>() {
                    @Override
                    protected void initChannel(SocketChannel channel) {
                        channel.config().setTcpNoDelay(true);
                        channel.pipeline().addLast(new Connection());
                    }
                })
                .bind("127.0.0.1", port)
                .syncUninterruptibly()
                .channel();
    }

    void script(Script next) {
        script = next;
    }

    String address() {
        return "127.0.0.1:" + ((InetSocketAddress) listener.localAddress()).getPort();
    }

    /** The commands that arrived, without those about sessions. */
    List<Command> writes() {
        return commands.stream().filter(Command::isWrite).toList();
    }

    @Override
    public void close() {
        listener.close().syncUninterruptibly();
        connections.forEach(Connection::drop);
    }

    /** One client. */
    // Netty's futures: a test looks at what the client does, not at whether a reply could be written.
    @SuppressWarnings("FutureReturnValueIgnored")
    final class Connection extends ChannelInboundHandlerAdapter implements ClientRequestHandler {
        private final ClientMessageEncoder encoder = new ClientMessageEncoder();
        private @Nullable ChannelHandlerContext context;
        private @Nullable FrameAssembler assembler;

        private ChannelHandlerContext context() {
            if (context == null) {
                throw new IllegalStateException("not connected");
            }
            return context;
        }

        void helloReply(long requestId, Status status, long clusterIdHash) {
            ByteBuf out = context().alloc().buffer();
            encoder.helloReply(out, requestId, status, 1, 1, clusterIdHash);
            send(out);
        }

        void commandReply(long requestId, Status status, long revision) {
            ByteBuf out = context().alloc().buffer();
            encoder.commandReply(out, requestId, status, revision);
            send(out);
        }

        void commandReply(long requestId, Status status, long revision, byte[] result) {
            ByteBuf out = context().alloc().buffer();
            int start = encoder.beginCommandReply(out, requestId, status, revision, result.length);
            out.writeBytes(result);
            encoder.end(out, start);
            send(out);
        }

        /** A frame that the test encodes itself. */
        void reply(BiConsumer<ClientMessageEncoder, ByteBuf> message) {
            ByteBuf out = context().alloc().buffer();
            message.accept(encoder, out);
            send(out);
        }

        void getReply(long requestId, String value, long createRevision, long modRevision, long version) {
            ByteBuf out = context().alloc().buffer();
            byte[] bytes = Text.bytes(value);
            int start = encoder.beginGetReply(
                    out, requestId, Status.OK, createRevision, modRevision, version, bytes.length);
            out.writeBytes(bytes);
            encoder.end(out, start);
            send(out);
        }

        void getReplyNotFound(long requestId) {
            ByteBuf out = context().alloc().buffer();
            encoder.getReplyNotFound(out, requestId);
            send(out);
        }

        void error(long requestId, Status status, String leaderAddress) {
            ByteBuf out = context().alloc().buffer();
            encoder.errorReply(out, requestId, status, 0, leaderAddress, "scripted");
            send(out);
        }

        void statusReply(long requestId, NodeStatus node) {
            ByteBuf out = context().alloc().buffer();
            encoder.statusReply(out, requestId, node);
            send(out);
        }

        /** A reply with a wrong byte behind its checksum. */
        void corruptReply(long requestId) {
            ByteBuf out = context().alloc().buffer();
            encoder.commandReply(out, requestId, Status.OK, 1);
            out.setByte(40, out.getByte(40) ^ 1);
            send(out);
        }

        void drop() {
            context().close();
        }

        private void send(ByteBuf out) {
            context().write(out, context().voidPromise());
            if (!context().executor().inEventLoop() || !reading) {
                context().flush();
            }
        }

        private boolean reading;

        @Override
        public void channelActive(ChannelHandlerContext active) {
            context = active;
            connections.add(this);
            assembler = new FrameAssembler(active.alloc(), Limits.MAX_FRAME_BYTES, (frame, offset, length) -> {
                ClientRequestDecoder.decode(frame, offset, length, this);
                return active.channel().isOpen();
            });
        }

        @Override
        public void channelRead(ChannelHandlerContext active, Object message) {
            ByteBuf bytes = (ByteBuf) message;
            reading = true;
            if (assembler != null && active.channel().isOpen() && assembler.feed(bytes) != Status.OK) {
                active.close();
            }
            bytes.release();
        }

        @Override
        public void channelReadComplete(ChannelHandlerContext active) {
            reading = false;
            active.flush();
        }

        @Override
        public void channelInactive(ChannelHandlerContext inactive) {
            connections.remove(this);
            if (assembler != null) {
                assembler.close();
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext failed, Throwable cause) {
            failed.close();
        }

        @Override
        public void onHello(long requestId, int minVersion, int maxVersion, long clusterIdHash, long clientId) {
            script.onHello(this, requestId, clusterIdHash);
        }

        @Override
        public void onCommand(long requestId, ByteBuf frame, int offset, int length) {
            int keyLength = frame.getIntLE(offset + CommandDescriptor.KEY_LENGTH_OFFSET);
            int valueLength = frame.getIntLE(offset + CommandDescriptor.VALUE_LENGTH_OFFSET);
            int key = offset + frame.getUnsignedShortLE(offset + CommandDescriptor.BLOCK_LENGTH_OFFSET);
            int value = offset + length - valueLength;
            Command command = new Command(
                    requestId,
                    frame.getLongLE(offset + CommandDescriptor.SESSION_ID_OFFSET),
                    frame.getLongLE(offset + CommandDescriptor.SEQUENCE_OFFSET),
                    frame.getLongLE(offset + CommandDescriptor.LOWEST_OPEN_SEQUENCE_OFFSET),
                    frame.getByte(offset + CommandDescriptor.KIND_OFFSET),
                    recording ? Text.of(frame, key, keyLength) : "",
                    recording ? Text.of(frame, value, valueLength) : "",
                    recording ? ByteBufUtil.hexDump(frame, offset, length) : "");
            if (recording) {
                commands.add(command);
            }
            script.onCommand(this, command);
        }

        @Override
        public void onGet(long requestId, int readMode, long minRevision, ByteBuf frame, int keyOffset, int keyLength) {
            script.onGet(this, requestId, readMode, minRevision, Text.of(frame, keyOffset, keyLength));
        }

        @Override
        public void onStatus(long requestId) {
            script.onStatus(this, requestId);
        }

        @Override
        public void onMultiGet(
                long requestId, int readMode, long minRevision, int keyCount, ByteBuf frame, int offset, int length) {
            List<String> keys = new ArrayList<>();
            int at = offset;
            for (int i = 0; i < keyCount; i++) {
                keys.add(Text.of(frame, at + Integer.BYTES, frame.getIntLE(at)));
                at += Integer.BYTES + frame.getIntLE(at);
            }
            script.onMultiGet(this, requestId, readMode, keys);
        }

        @Override
        public void onScan(
                long requestId,
                int readMode,
                int flags,
                int chunkBytes,
                long minRevision,
                long limit,
                ByteBuf frame,
                int fromOffset,
                int fromLength,
                int toOffset,
                int toLength) {
            String from = Text.of(frame, fromOffset, fromLength);
            String to = Text.of(frame, toOffset, toLength);
            script.onScan(this, new ScanAsked(requestId, readMode, flags, chunkBytes, limit, from, to));
        }

        @Override
        public void onScanNext(long requestId, long cursorId, long count) {
            script.onScanNext(this, requestId, cursorId);
        }

        @Override
        public void onScanClose(long requestId, long cursorId) {
            script.onScanClose(this, requestId, cursorId);
        }

        @Override
        public void onWaitApplied(long requestId, long index, int timeoutMs) {
            script.onWaitApplied(this, requestId, index, timeoutMs);
        }

        @Override
        public void onNodeDetails(long requestId) {
            script.onNodeDetails(this, requestId);
        }

        @Override
        public void onInvalid(long requestId, Status status, int type) {
            error(requestId, status, "");
        }
    }
}
