package dev.cairn.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** One connection through the proxy, looked at from both ends. */
@Timeout(value = 30, unit = TimeUnit.SECONDS)
class FaultProxyTest {
    /** How long silence must last to count as silence. */
    private static final int SILENCE_MS = 100;

    private final EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private final ServerSocket target;
    private final FaultProxy proxy;

    FaultProxyTest() throws IOException {
        target = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
        proxy = new FaultProxy(group.next(), target.getLocalPort());
    }

    private record Ends(Socket near, Socket far) implements AutoCloseable {
        @Override
        public void close() throws IOException {
            near.close();
            far.close();
        }
    }

    @BeforeEach
    void boundTimes() throws IOException {
        target.setSoTimeout(10_000);
    }

    @AfterEach
    void stop() throws IOException {
        proxy.close();
        target.close();
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
    }

    private Socket dial() throws IOException {
        final Socket socket = new Socket(InetAddress.getLoopbackAddress(), proxy.port());
        socket.setSoTimeout(10_000);
        return socket;
    }

    private Ends open() throws IOException {
        final Socket near = dial();
        final Socket far = target.accept();
        far.setSoTimeout(10_000);
        return new Ends(near, far);
    }

    private static void assertPasses(final Socket from, final Socket to, final int value) throws IOException {
        from.getOutputStream().write(value);
        assertThat(to.getInputStream().read()).isEqualTo(value);
    }

    private static void sendAndEnd(final Socket socket, final byte[] bytes) {
        try {
            socket.getOutputStream().write(bytes);
            socket.shutdownOutput();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void assertSilent(final Socket socket) throws IOException {
        socket.setSoTimeout(SILENCE_MS);
        assertThatThrownBy(() -> socket.getInputStream().read()).isInstanceOf(SocketTimeoutException.class);
        socket.setSoTimeout(10_000);
    }

    /** The connection is closed or was reset. */
    private static void assertEnded(final Socket socket) {
        try {
            assertThat(socket.getInputStream().read()).isEqualTo(-1);
        } catch (SocketTimeoutException stillOpen) {
            throw new AssertionError("still open", stillOpen);
        } catch (IOException reset) {
            assertThat(reset).hasMessageContaining("reset");
        }
    }

    @Test
    void bytesPassInBothDirectionsAndEndsAreHandedOn() throws IOException {
        try (Ends ends = open()) {
            final byte[] large = new byte[5 << 20];
            large[large.length - 1] = 7;
            final Thread writer = new Thread(() -> sendAndEnd(ends.near, large));
            assertPasses(ends.far, ends.near, 3);
            writer.start();

            assertThat(Arrays.equals(ends.far.getInputStream().readAllBytes(), large))
                    .isTrue();
            assertEnded(ends.near);
        }
    }

    /** Many lengths, because only some end while the receiver's socket is full and the proxy has a last piece in hand. */
    @Test
    void aSlowReceiverGetsTheLastByteOfASenderThatEnded() throws IOException {
        target.setReceiveBufferSize(4 << 10);
        final byte[] buffer = new byte[16 << 10];
        for (int length = 1 << 20; length < 4 << 20; length += 48 << 10) {
            final byte[] sent = new byte[length];
            try (Ends ends = open()) {
                new Thread(() -> sendAndEnd(ends.near, sent)).start();
                int received = 0;
                for (int read = 0; read >= 0; read = ends.far.getInputStream().read(buffer)) {
                    received += read;
                    // A round through the proxy's thread: it has filled the socket again.
                    proxy.connections();
                }
                assertThat(received).isEqualTo(length);
            }
        }
    }

    /** Far more than the sockets' own buffers take; with one MiB at most on its way, the sender would wait for the delay. */
    @Test
    void aLongLinkTakesWhatALeaderLetsBeUnderWay() throws IOException, InterruptedException {
        try (Ends ends = open()) {
            proxy.delay(Duration.ofHours(1));
            final Thread writer = new Thread(() -> sendAndEnd(ends.near, new byte[24 << 20]));
            writer.start();
            writer.join(TimeUnit.SECONDS.toMillis(20));
            assertThat(writer.isAlive()).as("the sender waits").isFalse();
            assertSilent(ends.far);
        }
    }

    @Test
    void whatIsHeldOfASenderThatEndedArrivesAfterHealing() throws IOException, InterruptedException {
        try (Ends ends = open()) {
            proxy.stall();
            sendAndEnd(ends.near, new byte[] {1, 2, 3});
            Await.until("the proxy has seen the end", () -> proxy.connections() == 0, () -> "");

            proxy.heal();

            assertThat(ends.far.getInputStream().readAllBytes()).containsExactly(1, 2, 3);
        }
    }

    @Test
    void whatIsHeldOfConnectionsThatEndIsReleased() throws IOException, InterruptedException {
        try (Ends ends = open()) {
            proxy.stall();
            sendAndEnd(ends.near, new byte[] {1});
            Await.until("the proxy holds it", () -> proxy.connections() == 0 && proxy.heldBuffers() == 1, () -> "");
            ends.far.close();
            Await.until("it is released", () -> proxy.heldBuffers() == 0, () -> "");
        }
    }

    @Test
    void whatIsHeldForATargetThatLostItsPowerIsReleased() throws IOException, InterruptedException {
        try (Ends ends = open()) {
            proxy.stall();
            ends.near.getOutputStream().write(1);
            Await.until("the proxy holds it", () -> proxy.heldBuffers() == 1, () -> "");
            proxy.halfOpen();
            assertThat(proxy.heldBuffers()).isZero();
        }
    }

    @Test
    void cutEndsWhatIsOpenAndRefusesUntilHealed() throws IOException {
        try (Ends ends = open()) {
            proxy.cut();

            assertEnded(ends.near);
            assertEnded(ends.far);
        }
        try (Socket refused = dial()) {
            assertEnded(refused);
        }
        proxy.heal();
        try (Ends ends = open()) {
            assertPasses(ends.near, ends.far, 1);
        }
    }

    @Test
    void stallHoldsAllAndHealDeliversItInOrder() throws IOException {
        try (Ends ends = open()) {
            proxy.stall();
            ends.near.getOutputStream().write(new byte[] {1, 2});
            ends.far.getOutputStream().write(3);
            assertSilent(ends.far);
            assertSilent(ends.near);

            proxy.heal();

            assertThat(ends.far.getInputStream().readNBytes(2)).containsExactly(1, 2);
            assertThat(ends.near.getInputStream().read()).isEqualTo(3);
        }
    }

    @Test
    void stallAcceptsNewConnections() throws IOException {
        proxy.stall();
        try (Ends ends = open()) {
            ends.near.getOutputStream().write(9);
            assertSilent(ends.far);

            proxy.heal();

            assertThat(ends.far.getInputStream().read()).isEqualTo(9);
        }
    }

    @Test
    void oneDirectionStallsAlone() throws IOException {
        try (Ends ends = open()) {
            proxy.stallReplies();
            assertPasses(ends.near, ends.far, 1);
            ends.far.getOutputStream().write(2);
            assertSilent(ends.near);

            proxy.stallRequests();
            assertThat(ends.near.getInputStream().read()).isEqualTo(2);
            ends.near.getOutputStream().write(3);
            assertSilent(ends.far);
        }
    }

    @Test
    void halfOpenClosesOnlyTheFarEnd() throws IOException {
        try (Ends ends = open()) {
            proxy.halfOpen();

            assertEnded(ends.far);
            ends.near.getOutputStream().write(1);
            assertSilent(ends.near);
            try (Socket another = dial()) {
                another.getOutputStream().write(1);
                assertSilent(another);
                proxy.heal();
                assertEnded(another);
            }
            assertEnded(ends.near);
        }
    }

    @Test
    void delayIsAddedAndDoesNotSlowTheFlow() throws IOException {
        try (Ends ends = open()) {
            proxy.delay(Duration.ofMillis(200));
            final long startNs = System.nanoTime();
            for (int i = 0; i < 20; i++) {
                ends.near.getOutputStream().write(i);
            }
            assertThat(ends.far.getInputStream().readNBytes(20)).hasSize(20);
            assertThat(Duration.ofNanos(System.nanoTime() - startNs))
                    .isBetween(Duration.ofMillis(200), Duration.ofMillis(3_900));
        }
    }

    @Test
    void throttleBoundsTheRate() throws IOException {
        try (Ends ends = open()) {
            proxy.throttle(100_000);
            final long startNs = System.nanoTime();
            ends.near.getOutputStream().write(new byte[50_000]);
            assertThat(ends.far.getInputStream().readNBytes(50_000)).hasSize(50_000);
            assertThat(Duration.ofNanos(System.nanoTime() - startNs)).isGreaterThan(Duration.ofMillis(400));
        }
    }

    @Test
    void resetEndsWhatIsOpenAndTakesNewOnes() throws IOException {
        try (Ends ends = open()) {
            proxy.reset();
            assertEnded(ends.near);
        }
        try (Ends ends = open()) {
            assertPasses(ends.far, ends.near, 4);
        }
    }

    @Test
    void targetThatDoesNotListenEndsTheConnection() throws IOException {
        target.close();
        try (Socket socket = dial()) {
            assertEnded(socket);
        }
    }
}
