package dev.cairn.bench.load;

import dev.cairn.protocol.ClientMessageEncoder;
import dev.cairn.protocol.ClientRequestDecoder;
import dev.cairn.protocol.ClientRequestHandler;
import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.protocol.FrameAssembler;
import dev.cairn.protocol.Limits;
import dev.cairn.protocol.NodeStatus;
import dev.cairn.protocol.Status;
import dev.cairn.protocol.StatusReplyDescriptor;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
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
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * One server that keeps values in a map, on one thread. Answers can be held back, refused or swallowed. It knows no sessions: a
 * sequence that came twice would be executed twice, which no test here provokes.
 */
public final class FakeServer implements AutoCloseable {
    final Map<String, byte[]> values = new ConcurrentHashMap<>();
    public final AtomicInteger puts = new AtomicInteger();
    final AtomicInteger gets = new AtomicInteger();
    final AtomicInteger inFlight = new AtomicInteger();
    final AtomicInteger mostInFlight = new AtomicInteger();
    /** Writes to keys that it accepts are refused with VALUE_TOO_LARGE. */
    public volatile Predicate<String> refuse = key -> false;
    /** What it says about forcing. */
    volatile int durability = StatusReplyDescriptor.DURABILITY_FORCED;

    volatile boolean loseValues;

    private final EventLoopGroup loops = new MultiThreadIoEventLoopGroup(
            1, new DefaultThreadFactory("fake-server", true), NioIoHandler.newFactory());
    private final ClientMessageEncoder encoder = new ClientMessageEncoder();
    private final Channel listener;

    // Server thread.
    private final ArrayDeque<Runnable> held = new ArrayDeque<>();
    private boolean holding;
    private long revision = 100;

    public FakeServer() {
        listener = new ServerBootstrap()
                .group(loops)
                .channel(NioServerSocketChannel.class)
                .childHandler(new ChannelInitializer<SocketChannel>() {
                    @Override
                    protected void initChannel(SocketChannel channel) {
                        channel.config().setTcpNoDelay(true);
                        channel.pipeline().addLast(new Connection());
                    }
                })
                .bind("127.0.0.1", 0)
                .syncUninterruptibly()
                .channel();
    }

    public String address() {
        return "127.0.0.1:" + ((InetSocketAddress) listener.localAddress()).getPort();
    }

    /** From now on answers wait. */
    void hold() {
        loops.next().submit(() -> holding = true).syncUninterruptibly();
    }

    /** Answers wait from now, and go on after the time. */
    void stall(long afterMs, long forMs) {
        var unused = loops.schedule(() -> holding = true, afterMs, TimeUnit.MILLISECONDS);
        var unusedToo = loops.schedule(this::releaseHeld, afterMs + forMs, TimeUnit.MILLISECONDS);
    }

    /** Gives the answers that wait, and the later ones at once. */
    void release() {
        loops.next().submit(this::releaseHeld).syncUninterruptibly();
    }

    private void releaseHeld() {
        holding = false;
        for (Runnable answer = held.poll(); answer != null; answer = held.poll()) {
            answer.run();
        }
    }

    private void answer(Runnable answer) {
        int now = inFlight.incrementAndGet();
        mostInFlight.accumulateAndGet(now, Math::max);
        Runnable counted = () -> {
            inFlight.decrementAndGet();
            answer.run();
        };
        if (holding) {
            held.add(counted);
        } else {
            counted.run();
        }
    }

    @Override
    public void close() {
        loops.shutdownGracefully(0, 1000, TimeUnit.MILLISECONDS).awaitUninterruptibly();
    }

    // A test looks at what the load generator does, not at whether a reply could be written.
    @SuppressWarnings("FutureReturnValueIgnored")
    private final class Connection extends ChannelInboundHandlerAdapter implements ClientRequestHandler {
        private @Nullable ChannelHandlerContext context;
        private @Nullable FrameAssembler assembler;

        private ByteBuf buffer() {
            return context().alloc().buffer();
        }

        private ChannelHandlerContext context() {
            if (context == null) {
                throw new IllegalStateException("not connected");
            }
            return context;
        }

        private void send(ByteBuf reply) {
            context().writeAndFlush(reply);
        }

        @Override
        public void channelActive(ChannelHandlerContext active) {
            context = active;
            assembler = new FrameAssembler(active.alloc(), Limits.MAX_FRAME_BYTES, (frame, offset, length) -> {
                ClientRequestDecoder.decode(frame, offset, length, this);
                return true;
            });
        }

        @Override
        public void channelRead(ChannelHandlerContext active, Object message) {
            ByteBuf bytes = (ByteBuf) message;
            if (assembler != null && assembler.feed(bytes) != Status.OK) {
                active.close();
            }
            bytes.release();
        }

        @Override
        public void channelInactive(ChannelHandlerContext inactive) {
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
            ByteBuf out = buffer();
            encoder.helloReply(out, requestId, Status.OK, 1, 1, clusterIdHash);
            send(out);
        }

        @Override
        public void onCommand(long requestId, ByteBuf frame, int offset, int length) {
            int kind = frame.getByte(offset + CommandDescriptor.KIND_OFFSET);
            int keyLength = frame.getIntLE(offset + CommandDescriptor.KEY_LENGTH_OFFSET);
            int valueLength = frame.getIntLE(offset + CommandDescriptor.VALUE_LENGTH_OFFSET);
            int keyOffset = offset + CommandDescriptor.BLOCK_LENGTH;
            if (kind != CommandDescriptor.KIND_PUT) {
                reply(requestId, Status.OK);
                return;
            }
            String key = frame.toString(keyOffset, keyLength, StandardCharsets.US_ASCII);
            puts.incrementAndGet();
            if (refuse.test(key)) {
                answer(() -> refuse(requestId));
                return;
            }
            byte[] value = new byte[valueLength];
            frame.getBytes(keyOffset + keyLength, value);
            if (!loseValues) {
                values.put(key, value);
            }
            answer(() -> reply(requestId, Status.OK));
        }

        private void reply(long requestId, Status status) {
            ByteBuf out = buffer();
            encoder.commandReply(out, requestId, status, ++revision);
            send(out);
        }

        private void refuse(long requestId) {
            ByteBuf out = buffer();
            encoder.errorReply(out, requestId, Status.VALUE_TOO_LARGE, 0, "", "refused by the test");
            send(out);
        }

        @Override
        public void onGet(long requestId, int readMode, long minRevision, ByteBuf frame, int keyOffset, int keyLength) {
            gets.incrementAndGet();
            byte[] value = values.get(frame.toString(keyOffset, keyLength, StandardCharsets.US_ASCII));
            answer(() -> {
                ByteBuf out = buffer();
                if (value == null) {
                    encoder.getReplyNotFound(out, requestId);
                } else {
                    int start = encoder.beginGetReply(out, requestId, Status.OK, 1, 1, 1, value.length);
                    out.writeBytes(value);
                    encoder.end(out, start);
                }
                send(out);
            });
        }

        @Override
        public void onStatus(long requestId) {
            ByteBuf out = buffer();
            encoder.statusReply(
                    out,
                    requestId,
                    new NodeStatus(
                            1, StatusReplyDescriptor.ROLE_LEADER, durability, 3, 10, 10, 10, 10, 0, 1, address()));
            send(out);
        }

        @Override
        public void onInvalid(long requestId, Status status, int type) {
            throw new IllegalStateException("status " + status + " type " + type);
        }
    }
}
