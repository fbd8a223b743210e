package dev.cairn.server.net;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.protocol.ClientMessageEncoder;
import dev.cairn.protocol.FrameHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What strangers can take of a node through the clients' port is bounded, and others are served meanwhile. One thread. */
@Tag("O04")
class NettyClientTransportTest {
    private static final int MIB = 1 << 20;
    private static final int MAX_CONNECTIONS = 8;
    private static final long HELLO_NS = TimeUnit.SECONDS.toNanos(10);
    private static final long FRAME_NS = TimeUnit.SECONDS.toNanos(30);
    private static final long LAST_NS = TimeUnit.SECONDS.toNanos(5);
    private static final long PATIENCE_NS = TimeUnit.SECONDS.toNanos(20);

    private final NetLoop loop = new NetLoop(Thread.currentThread());
    private final ClientLimits limits =
            new ClientLimits(MAX_CONNECTIONS, HELLO_NS, 16 * MIB, 4 * MIB, FRAME_NS, LAST_NS);
    private final NettyClientTransport transport = new NettyClientTransport(loop, 1, 7, 0, limits);
    private final List<Client> clients = new ArrayList<>();
    private int replyBytes = 64;
    private int requests;
    /** Connections whose requests are answered later; null when each is answered at once. */
    private @Nullable ArrayDeque<Long> unanswered;

    private long nowNs;

    NettyClientTransportTest() {
        transport.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    }

    @AfterEach
    void close() throws IOException {
        for (final Client client : clients) {
            client.socket.close();
        }
        transport.close();
        loop.close();
    }

    @Test
    void repliesThatNobodyReadsAreBoundedOverAllConnections() throws IOException {
        replyBytes = MIB;
        final Client reader = connect(true);
        for (int i = 0; i < 6; i++) {
            connect(false);
        }
        clients.subList(1, 7).forEach(client -> client.ask(14));
        until(() -> transport.connectionCount() < 7);
        assertThat(transport.replyBytes()).isLessThanOrEqualTo(limits.maxReplyBytes());
        assertThat(transport.connectionCount())
                .as("one of those that do not read")
                .isGreaterThan(1);

        for (int i = 1; i <= 10; i++) {
            final long expected = i * (long) MIB;
            reader.ask(1);
            until(() -> reader.received >= expected);
        }
        assertThat(reader.ended).isFalse();
    }

    @Test
    void repliesThatAreReadCountNoMore() throws IOException {
        replyBytes = MIB;
        final Client reader = connect(true);
        for (int i = 1; i <= 10; i++) {
            final long expected = i * 8L * MIB;
            reader.ask(8);
            until(() -> reader.received >= expected);
        }
        reader.ask(1);
        until(() -> reader.received >= 81L * MIB && transport.replyBytes() <= 2 * MIB);
    }

    /** Thousands of connections with one answer each would hold as many large buffers. */
    @Test
    void oneAnswerHasASmallBufferAndManyHaveALargeOne() throws IOException {
        final ArrayDeque<Long> held = new ArrayDeque<>();
        unanswered = held;
        final Client first = connect(true);
        final Client second = connect(true);
        first.ask(1);
        second.ask(1000);
        until(() -> requests == 1001);
        while (!held.isEmpty()) {
            answer(held.remove());
        }
        final long many = 1000L * replyBytes;
        assertThat(transport.replyBytes()).isBetween(many, many + 128 * 1024);
        until(() -> transport.replyBytes() == 0);

        first.ask(1);
        second.ask(1);
        until(() -> requests == 1003);
        answer(held.remove());
        answer(held.remove());
        assertThat(transport.replyBytes())
                .as("512 for one, as many as before for the other")
                .isEqualTo(512 + 64 * 1024);
        until(() -> transport.replyBytes() == 0);

        second.ask(1);
        until(() -> requests == 1004);
        answer(held.remove());
        assertThat(transport.replyBytes()).as("after one answer").isEqualTo(512);
    }

    @Test
    void unfinishedFramesAreBoundedOverAllConnections() throws IOException {
        final Client asking = connect(true);
        for (int i = 0; i < 6; i++) {
            connect(true);
        }
        clients.subList(1, 7).forEach(client -> client.beginFrame(2 * MIB, MIB));
        until(() -> clients.stream().allMatch(Client::hasSentAll));
        until(() -> transport.connectionCount() < 7);
        assertThat(transport.unfinishedBytes()).isLessThanOrEqualTo(limits.maxUnfinishedBytes());
        assertThat(transport.connectionCount()).as("some of the unfinished").isGreaterThan(2);

        asking.ask(3);
        until(() -> asking.received >= 3L * replyBytes);
        assertThat(asking.ended).isFalse();
    }

    @Test
    void frameThatStaysUnfinishedEndsItsConnection() throws IOException {
        final Client idle = connect(true);
        final Client slow = connect(true);
        slow.beginFrame(2 * MIB, 10);
        until(() -> transport.unfinishedBytes() > 0 && slow.hasSentAll());
        nowNs += FRAME_NS - 1;
        cycle();
        slow.send(new byte[10]);
        until(slow::hasSentAll);
        assertThat(slow.ended).isFalse();
        nowNs += TimeUnit.SECONDS.toNanos(1);
        until(() -> slow.ended);

        assertThat(transport.unfinishedBytes()).isZero();
        idle.ask(1);
        until(() -> requests == 1);
        assertThat(idle.ended).isFalse();
    }

    @Test
    void connectionThatNeverSaysHelloEnds() throws IOException {
        final Client greeted = connect(true);
        final Client silent = new Client(true);
        clients.add(silent);
        until(() -> transport.connectionCount() == 2);
        nowNs += HELLO_NS - 1;
        cycle();
        assertThat(silent.ended).isFalse();
        nowNs += TimeUnit.SECONDS.toNanos(1);
        until(() -> silent.ended);
        assertThat(transport.connectionCount()).isEqualTo(1);
        greeted.ask(1);
        until(() -> greeted.received > 0 && requests == 1);
    }

    @Test
    void connectionsAreCounted() throws IOException {
        for (int i = 0; i < MAX_CONNECTIONS; i++) {
            connect(true);
        }
        final Client oneMore = new Client(true);
        clients.add(oneMore);
        until(() -> oneMore.ended);
        assertThat(transport.connectionCount()).isEqualTo(MAX_CONNECTIONS);

        clients.get(0).socket.close();
        clients.remove(0);
        until(() -> transport.connectionCount() < MAX_CONNECTIONS);
        final Client another = connect(true);
        another.ask(1);
        until(() -> requests == 1);
    }

    @Test
    void whoSendsNoMoreGetsItsAnswersAndThenTheEnd() throws IOException {
        final ArrayDeque<Long> held = new ArrayDeque<>();
        unanswered = held;
        final Client client = connect(true);
        client.ask(3);
        until(client::hasSentAll);
        client.socket.shutdownOutput();
        until(() -> requests == 3);
        final long greeting = client.received;
        for (int answers = 1; answers <= 3; answers++) {
            cycle();
            assertThat(client.ended).as("%d of 3 are not answered", held.size()).isFalse();
            answer(held.remove());
            final long expected = greeting + (long) answers * replyBytes;
            until(() -> client.received == expected);
        }
        until(() -> client.ended && transport.connectionCount() == 0);
    }

    @Test
    void whoSendsNoMoreIsNotWaitedForForever() throws IOException {
        unanswered = new ArrayDeque<>();
        final Client asking = connect(true);
        final Client gone = connect(true);
        gone.ask(1);
        until(gone::hasSentAll);
        gone.socket.shutdownOutput();
        until(() -> requests == 1);
        nowNs += LAST_NS - 1;
        cycle();
        assertThat(gone.ended).isFalse();
        nowNs += TimeUnit.SECONDS.toNanos(1);
        until(() -> gone.ended);
        assertThat(asking.ended).isFalse();
    }

    @Test
    void whoSendsNoMoreMakesRoomWhenThePortIsFull() throws IOException {
        unanswered = new ArrayDeque<>();
        for (int i = 0; i < MAX_CONNECTIONS; i++) {
            connect(true).ask(1);
        }
        until(() -> requests == MAX_CONNECTIONS);
        clients.get(3).socket.shutdownOutput();
        clients.get(5).socket.shutdownOutput();
        // The ends have arrived when a further connection is taken, and not before.
        until(this::isFurtherConnectionTaken);
        until(() -> clients.get(3).ended);
        assertThat(clients.get(5).ended).isFalse();
        assertThat(transport.connectionCount()).isEqualTo(MAX_CONNECTIONS);
    }

    /** A client that has nine replies of 1 MiB to read and sends what is no frame. */
    private Client refusedWithoutReading() throws IOException {
        replyBytes = MIB;
        final Client client = connect(false);
        client.ask(9);
        until(() -> requests == 9);
        // No frame begins like this.
        client.send(new byte[64]);
        until(client::hasSentAll);
        for (int i = 0; i < 100; i++) {
            cycle();
        }
        return client;
    }

    @Test
    void whoIsRefusedCanReadAllThatWasWrittenBefore() throws IOException {
        final Client client = refusedWithoutReading();
        assertThat(transport.connectionCount()).as("it has not read").isEqualTo(1);
        client.reads = true;
        until(() -> client.ended);
        assertThat(client.received).as("replies, greeting and refusal").isGreaterThan(9L * MIB + 64);
    }

    @Test
    void whoIsRefusedAndDoesNotReadHasItsTime() throws IOException {
        refusedWithoutReading();
        nowNs += LAST_NS - 1;
        cycle();
        assertThat(transport.connectionCount()).isEqualTo(1);
        nowNs += TimeUnit.SECONDS.toNanos(1);
        until(() -> transport.connectionCount() == 0);
        assertThat(transport.replyBytes()).isZero();
    }

    private boolean isFurtherConnectionTaken() {
        try {
            final Client further = new Client(true);
            clients.add(further);
            for (int i = 0; i < 10; i++) {
                cycle();
            }
            if (further.ended) {
                clients.remove(further);
                further.socket.close();
            }
            return !further.ended;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Client connect(final boolean reads) throws IOException {
        final Client client = new Client(reads);
        clients.add(client);
        final int before = transport.connectionCount();
        client.send(hello());
        until(() -> transport.connectionCount() > before && client.hasSentAll());
        return client;
    }

    /** What the loop of a node does, as far as it concerns clients. */
    private void cycle() {
        transport.poll(this::reply, 2048);
        transport.flush();
        transport.endOverdue(nowNs);
        loop.runOnce(TimeUnit.MILLISECONDS.toNanos(1));
        clients.forEach(Client::pump);
    }

    private void reply(final long connectionId, final DirectBuffer buffer, final int offset, final int length) {
        requests++;
        if (unanswered == null) {
            answer(connectionId);
        } else {
            unanswered.add(connectionId);
        }
    }

    private void answer(final long connectionId) {
        final MutableDirectBuffer reply = transport.claim(connectionId, replyBytes);
        if (reply != null) {
            reply.putLong(FrameHeader.REQUEST_ID_OFFSET, 1, LITTLE_ENDIAN);
            transport.send();
        }
        assertThat(transport.replyBytes()).isLessThanOrEqualTo(limits.maxReplyBytes() + 2 * MIB);
    }

    private void until(final BooleanSupplier reached) {
        final long startNs = System.nanoTime();
        while (!reached.getAsBoolean()) {
            assertThat(System.nanoTime() - startNs)
                    .as("connections=%d requests=%d", transport.connectionCount(), requests)
                    .isLessThan(PATIENCE_NS);
            cycle();
        }
    }

    private static byte[] hello() {
        final ByteBuf frame = Unpooled.buffer();
        new ClientMessageEncoder().hello(frame, 1, 1, 1, 0, 99);
        return bytes(frame);
    }

    private static byte[] bytes(final ByteBuf frame) {
        final byte[] bytes = new byte[frame.readableBytes()];
        frame.readBytes(bytes);
        return bytes;
    }

    /** The other end, on the same thread. */
    private final class Client {
        final SocketChannel socket;
        boolean reads;
        private final ByteBuf toSend = Unpooled.buffer();
        private final ByteBuffer in = ByteBuffer.allocate(MIB);
        long received;
        boolean ended;

        Client(final boolean reads) throws IOException {
            this.reads = reads;
            socket = SocketChannel.open();
            if (!reads) {
                socket.setOption(StandardSocketOptions.SO_RCVBUF, 4096);
            }
            socket.connect(transport.address());
            socket.configureBlocking(false);
        }

        void ask(final int times) {
            for (int i = 0; i < times; i++) {
                new ClientMessageEncoder().status(toSend, 10 + i);
            }
        }

        /** The begin of a frame that states a length. */
        void beginFrame(final int length, final int sent) {
            toSend.writeIntLE(length).writeZero(sent - Integer.BYTES);
        }

        void send(final byte[] bytes) {
            toSend.writeBytes(bytes);
        }

        boolean hasSentAll() {
            return ended || !toSend.isReadable();
        }

        void pump() {
            try {
                if (!ended && toSend.isReadable()) {
                    toSend.readBytes(socket, toSend.readableBytes());
                }
                while (!ended && reads) {
                    in.clear();
                    final int read = socket.read(in);
                    ended = read < 0;
                    received += Math.max(0, read);
                    if (read <= 0) {
                        break;
                    }
                }
            } catch (IOException resetByTheNode) {
                ended = true;
            }
        }
    }
}
