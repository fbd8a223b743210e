package dev.cairn.bench.floor;

import dev.cairn.bench.load.LoadOptions;
import dev.cairn.server.ParentWatch;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A process of the floor: the least that a replicated write can cost. The leader takes what its clients send, sends it on to both
 * followers once per read cycle, and answers what is on the disks of two of the three; each node has one thread for the network and
 * one for the disk ({@link FloorLog}). There is no consensus, nothing is remembered, and a node that fails ends everything: what a
 * store on the same machine takes longer than this is what it does for its users, or waste.
 *
 * <p>All fields belong to the event loop.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a failed write or close ends the channel, and that is handled there
final class FloorNode {
    /** Requests between leader and client at most: those of the largest load. */
    private static final int MAX_PENDING = LoadOptions.MAX_PER_CONNECTION * LoadOptions.MAX_CONNECTIONS;

    private static final long CONNECT_DEADLINE_NS = TimeUnit.SECONDS.toNanos(30);
    private static final int EXIT_FAILED = 1;

    private final boolean forced;
    private final EventLoopGroup group = FloorNetwork.newLoop("floor-loop");
    private final FloorLog log;
    private final AtomicBoolean durableTold = new AtomicBoolean();

    /** Of a leader; empty = this is a follower. */
    private final List<Follower> followers = new ArrayList<>();

    private final List<Client> clients = new ArrayList<>();
    /** Of a follower. */
    private @Nullable Leader leader;

    // Requests that no majority has yet: a ring, oldest first.
    private final long[] pendingEnds = new long[MAX_PENDING];
    private final long[] pendingNumbers = new long[MAX_PENDING];
    private final @Nullable Client[] pendingClients = new @Nullable Client[MAX_PENDING];
    private long firstPending;
    private long endPending;
    private long parsedPosition;

    private FloorNode(Path file, boolean forced) throws IOException {
        this.forced = forced;
        log = FloorLog.create(file, forced, this::tellLoop, failure -> end("the log has failed", failure));
    }

    /** Arguments: the file, the port to listen on, forced or not-forced, and for the leader the ports of its followers. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        String parent = System.getProperty(ParentWatch.PROPERTY, "");
        ParentWatch.parentPid(parent)
                .ifPresent(pid ->
                        ParentWatch.onExit(pid, () -> Runtime.getRuntime().halt(EXIT_FAILED)));
        FloorNode node = new FloorNode(Path.of(arguments[0]), arguments[2].equals("forced"));
        for (String port : Arrays.copyOfRange(arguments, 3, arguments.length)) {
            node.followers.add(new Follower(node, node.connect(Integer.parseInt(port))));
        }
        node.followers.forEach(FloorNetwork::install);
        node.listen(Integer.parseInt(arguments[1]), node.followers.isEmpty() ? node::asFollower : node::asLeader);
        node.group.terminationFuture().await();
    }

    // ---- Connections

    private Channel connect(int port) throws InterruptedException {
        return FloorNetwork.connect(
                group, new InetSocketAddress(InetAddress.getLoopbackAddress(), port), CONNECT_DEADLINE_NS);
    }

    private void listen(int port, Function<Channel, FloorConnection> role) throws InterruptedException {
        new ServerBootstrap()
                .group(group)
                .channel(FloorNetwork.serverChannelClass())
                .childOption(ChannelOption.TCP_NODELAY, true)
                .childOption(ChannelOption.RECVBUF_ALLOCATOR, FloorNetwork.readBytes())
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.pipeline().addLast(role.apply(channel));
                    }
                })
                .bind(InetAddress.getLoopbackAddress(), port)
                .sync();
    }

    private FloorConnection asFollower(Channel channel) {
        Leader connection = new Leader(this, channel);
        leader = connection;
        return connection;
    }

    private FloorConnection asLeader(Channel channel) {
        return new Client(this, channel);
    }

    private static void end(String what, @Nullable Throwable cause) {
        System.err.println("cairn floor: " + what + (cause == null ? "" : ": " + cause));
        Runtime.getRuntime().halt(EXIT_FAILED);
    }

    // ---- What becomes durable

    /** Force thread: one task per group, and none when the loop has not yet come to the last. */
    private void tellLoop() {
        if (durableTold.compareAndSet(false, true)) {
            group.execute(this::onDurable);
        }
    }

    private void onDurable() {
        durableTold.set(false);
        Leader connection = leader;
        if (!followers.isEmpty()) {
            answerMajority();
        } else if (connection != null) {
            FloorFrame.write(connection.answers(), connection.crc, log.durable());
            connection.sendAnswers();
        }
    }

    /** What two of three have reached: the middle one. */
    static long majority(long own, long one, long other) {
        return Math.max(Math.min(own, one), Math.min(Math.max(own, one), other));
    }

    /** Answers all that two of three have on disk. */
    private void answerMajority() {
        long majority = majority(log.durable(), followers.get(0).durable, followers.get(1).durable);
        while (firstPending < endPending && pendingEnds[(int) (firstPending % MAX_PENDING)] <= majority) {
            int slot = (int) (firstPending % MAX_PENDING);
            Client client = pendingClients[slot];
            if (client != null) {
                client.answer(pendingNumbers[slot]);
            }
            pendingClients[slot] = null;
            firstPending++;
        }
        for (int i = 0; i < clients.size(); i++) {
            clients.get(i).sendAnswers();
        }
    }

    /** A leader's connection to a client. */
    private static final class Client extends FloorConnection {
        private final FloorNode node;

        Client(FloorNode node, Channel channel) {
            super(channel);
            this.node = node;
            node.clients.add(this);
        }

        @Override
        public void channelActive(ChannelHandlerContext context) {
            FloorFrame.write(answers(), crc, node.forced ? 1 : 0);
            sendAnswers();
        }

        @Override
        void onFrame(ByteBuf buffer, int offset, int length) {
            node.parsedPosition += length;
            int slot = (int) (node.endPending++ % MAX_PENDING);
            node.pendingEnds[slot] = node.parsedPosition;
            node.pendingNumbers[slot] = buffer.getLongLE(offset + FloorFrame.NUMBER_OFFSET);
            node.pendingClients[slot] = this;
        }

        @Override
        void onFrames(ByteBuf buffer, int offset, int length) {
            for (Follower follower : node.followers) {
                follower.channel.write(buffer.retainedSlice(offset, length), follower.channel.voidPromise());
            }
            node.log.append(buffer, offset, length);
        }

        /** The followers' disks begin first: what they have forced answers, whether the own force has ended or not. */
        @Override
        void onCycleEnd() {
            for (Follower follower : node.followers) {
                follower.channel.flush();
            }
            node.log.publish();
        }

        void answer(long number) {
            FloorFrame.write(answers(), crc, number);
        }

        /** A client that has gone is not answered. */
        @Override
        void onEnd(@Nullable Throwable cause) {
            node.clients.remove(this);
            for (int i = 0; i < MAX_PENDING; i++) {
                if (node.pendingClients[i] == this) {
                    node.pendingClients[i] = null;
                }
            }
        }
    }

    /** A leader's connection to a follower. */
    private static final class Follower extends FloorConnection {
        private final FloorNode node;
        private long durable;

        Follower(FloorNode node, Channel channel) {
            super(channel);
            this.node = node;
        }

        @Override
        void onFrame(ByteBuf buffer, int offset, int length) {
            durable = buffer.getLongLE(offset + FloorFrame.NUMBER_OFFSET);
        }

        @Override
        void onCycleEnd() {
            node.answerMajority();
        }

        @Override
        void onEnd(@Nullable Throwable cause) {
            end("a follower has gone", cause);
        }
    }

    /** A follower's connection to its leader. */
    private static final class Leader extends FloorConnection {
        private final FloorNode node;

        Leader(FloorNode node, Channel channel) {
            super(channel);
            this.node = node;
        }

        @Override
        void onFrames(ByteBuf buffer, int offset, int length) {
            node.log.append(buffer, offset, length);
        }

        @Override
        void onCycleEnd() {
            node.log.publish();
        }

        @Override
        void onEnd(@Nullable Throwable cause) {
            end("the leader has gone", cause);
        }
    }
}
