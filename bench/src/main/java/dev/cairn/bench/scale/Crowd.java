package dev.cairn.bench.scale;

import dev.cairn.bench.targets.LoadTarget;
import dev.cairn.protocol.ClientMessageEncoder;
import dev.cairn.protocol.ClientReplyDecoder;
import dev.cairn.protocol.ClientReplyHandler;
import dev.cairn.protocol.FrameAssembler;
import dev.cairn.protocol.FrameHeader;
import dev.cairn.protocol.GetDescriptor;
import dev.cairn.protocol.Limits;
import dev.cairn.protocol.NodeStatus;
import dev.cairn.protocol.Status;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Many connections to one node on one thread, each with a session of its own. A {@code CairnClient} has a thread and timers of its own,
 * thousands of which would be what is measured; here a connection follows no hint, repeats nothing and has no deadline, so what fails
 * fails the operation.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a failed write or close ends the channel, and that is handled there
final class Crowd implements AutoCloseable {
    /** Connections that are on their way at once; more would overrun the node's queue of those that knock. */
    private static final int KNOCKING = 64;

    private static final long OPEN_SECONDS = 20;
    private static final int CONNECT_TIMEOUT_MS = 10_000;
    private static final int FRAME_BYTES = 512;

    private final EventLoopGroup group =
            new MultiThreadIoEventLoopGroup(1, new DefaultThreadFactory("crowd", true), NioIoHandler.newFactory());
    private final InetSocketAddress address;
    private final List<Connection> connections = new ArrayList<>();

    private Crowd(int port) {
        address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    }

    /**
     * Opens so many connections, each with a session.
     *
     * @throws IllegalStateException when not all could be opened; says how many could, and what the first that could not has met
     */
    static Crowd open(int port, int count) throws InterruptedException {
        Crowd crowd = new Crowd(port);
        try {
            crowd.open(count);
            return crowd;
        } catch (RuntimeException | InterruptedException e) {
            crowd.close();
            throw e;
        }
    }

    private void open(int count) throws InterruptedException {
        for (int i = 0; i < count; i++) {
            if (i >= KNOCKING) {
                awaitOpen(i - KNOCKING);
            }
            Connection connection = new Connection();
            connections.add(connection);
            new Bootstrap()
                    .group(group)
                    .channel(NioSocketChannel.class)
                    .option(ChannelOption.TCP_NODELAY, true)
                    .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_TIMEOUT_MS)
                    .handler(connection)
                    .connect(address)
                    .addListener(connected -> connection.onConnected(connected.cause()));
        }
        for (int i = 0; i < count; i++) {
            awaitOpen(i);
        }
    }

    private void awaitOpen(int i) throws InterruptedException {
        try {
            Object unused = connections.get(i).opened.get(OPEN_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new IllegalStateException(
                    "connection " + (i + 1) + " could not be opened: "
                            + (cause instanceof TimeoutException
                                    ? "no answer in " + OPEN_SECONDS + " s"
                                    : String.valueOf(cause.getMessage())),
                    e);
        }
    }

    List<LoadTarget> targets() {
        return List.copyOf(connections);
    }

    @Override
    public void close() {
        connections.forEach(Connection::close);
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
    }

    /** All of it is the loop's, but for the futures. */
    private final class Connection extends ChannelInboundHandlerAdapter implements LoadTarget, ClientReplyHandler {
        private final CompletableFuture<Object> opened = new CompletableFuture<>();
        private final ClientMessageEncoder encoder = new ClientMessageEncoder();
        /** By request id, ascending; a put's id is its sequence too, so the first one is the lowest that is open. */
        private final Map<Long, CompletableFuture<Object>> inFlight = new LinkedHashMap<>();

        private @Nullable Channel channel;
        private @Nullable FrameAssembler assembler;
        private @Nullable ByteBuf collected;
        private boolean reading;
        private long lastId;
        private long session;
        private @Nullable IllegalStateException ended;

        void onConnected(@Nullable Throwable problem) {
            if (problem != null) {
                end(problem.getClass().getSimpleName() + ": " + problem.getMessage());
            }
        }

        @Override
        public CompletableFuture<?> put(byte[] key, byte[] value) {
            return ask((out, id, lowestOpen) -> encoder.put(out, id, session, id, lowestOpen, key, value));
        }

        @Override
        public CompletableFuture<?> get(byte[] key) {
            return ask((out, id, lowestOpen) -> encoder.get(out, id, GetDescriptor.READ_LINEARIZABLE, 0, key));
        }

        @Override
        public int valueLength(@Nullable Object result) {
            return result instanceof Integer length ? length : -1;
        }

        @Override
        public void close() {
            Channel open = channel;
            if (open != null) {
                open.close();
            }
        }

        private CompletableFuture<Object> ask(Question question) {
            CompletableFuture<Object> answer = new CompletableFuture<>();
            if (group.next().inEventLoop()) {
                send(question, answer);
            } else {
                group.next().execute(() -> send(question, answer));
            }
            return answer;
        }

        private void send(Question question, CompletableFuture<Object> answer) {
            Channel open = channel;
            IllegalStateException problem = ended;
            if (problem != null || open == null) {
                answer.completeExceptionally(problem == null ? new IllegalStateException("not connected") : problem);
                return;
            }
            long id = ++lastId;
            inFlight.put(id, answer);
            ByteBuf out = collected == null ? open.alloc().directBuffer(FRAME_BYTES) : collected;
            collected = out;
            question.encode(out, id, inFlight.keySet().iterator().next());
            if (!reading) {
                flush(open);
            }
        }

        private void flush(Channel open) {
            ByteBuf out = collected;
            if (out != null) {
                collected = null;
                open.writeAndFlush(out, open.voidPromise());
            }
        }

        private void answer(long id, Object result) {
            CompletableFuture<Object> asked = inFlight.remove(id);
            if (asked == null) {
                end("an answer to request " + id + ", which is not in flight");
            } else {
                asked.complete(result);
            }
        }

        private void refuse(long id, String reason) {
            CompletableFuture<Object> asked = inFlight.remove(id);
            if (asked == null) {
                end(reason);
            } else {
                asked.completeExceptionally(new IllegalStateException(reason));
            }
        }

        private void end(String reason) {
            IllegalStateException problem = new IllegalStateException(reason);
            ended = problem;
            opened.completeExceptionally(problem);
            List.copyOf(inFlight.values()).forEach(asked -> asked.completeExceptionally(problem));
            inFlight.clear();
            close();
        }

        // ---- Netty calls these

        @Override
        public void channelActive(ChannelHandlerContext context) {
            channel = context.channel();
            assembler = new FrameAssembler(context.alloc(), Limits.MAX_FRAME_BYTES, (frame, offset, length) -> {
                ClientReplyDecoder.decode(frame, offset, length, this);
                return ended == null;
            });
            int version = FrameHeader.CLIENT_VERSION;
            ask((out, id, lowestOpen) -> encoder.hello(out, id, version, version, 0, 0))
                    .thenCompose(greeted -> ask((out, id, lowestOpen) -> encoder.openSession(out, id)))
                    .whenComplete((revision, failure) -> {
                        if (failure != null) {
                            end(String.valueOf(failure.getMessage()));
                        } else {
                            session = (Long) revision;
                            opened.complete(revision);
                        }
                    });
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            ByteBuf bytes = (ByteBuf) message;
            reading = true;
            try {
                if (assembler != null && ended == null && assembler.feed(bytes) != Status.OK) {
                    end("the node sent a bad frame");
                }
            } finally {
                bytes.release();
            }
        }

        @Override
        public void channelReadComplete(ChannelHandlerContext context) {
            reading = false;
            flush(context.channel());
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            if (assembler != null) {
                assembler.close();
            }
            if (collected != null) {
                collected.release();
                collected = null;
            }
            if (ended == null) {
                end("the node closed the connection");
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            end(cause.toString());
        }

        // ---- Replies

        @Override
        public void onHelloReply(long requestId, Status status, int version, int nodeId, long clusterIdHash) {
            if (status == Status.OK) {
                answer(requestId, status);
            } else {
                refuse(requestId, "the greeting was refused: " + status);
            }
        }

        @Override
        public void onCommandReply(
                long requestId, Status status, long revision, ByteBuf frame, int resultOffset, int resultLength) {
            if (status == Status.OK) {
                answer(requestId, revision);
            } else {
                refuse(requestId, "refused: " + status);
            }
        }

        @Override
        public void onGetReply(
                long requestId,
                Status status,
                long createRevision,
                long modRevision,
                long version,
                ByteBuf frame,
                int valueOffset,
                int valueLength) {
            answer(requestId, status == Status.OK ? valueLength : -1);
        }

        @Override
        public void onErrorReply(long requestId, Status status, int leaderId, String leaderAddress, String text) {
            refuse(requestId, "refused: " + status + (text.isEmpty() ? "" : ", " + text));
        }

        @Override
        public void onStatusReply(long requestId, NodeStatus node) {
            end("a status that nobody asked for");
        }

        @Override
        public void onInvalid(long requestId, Status status, int type) {
            end("a reply of type " + type + ": " + status);
        }
    }

    /** Encodes a request. */
    @FunctionalInterface
    private interface Question {
        void encode(ByteBuf out, long id, long lowestOpen);
    }
}
