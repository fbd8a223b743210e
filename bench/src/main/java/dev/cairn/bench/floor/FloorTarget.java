package dev.cairn.bench.floor;

import dev.cairn.bench.load.LoadOptions;
import dev.cairn.bench.targets.LoadTarget;
import dev.cairn.bench.targets.TargetKind;
import dev.cairn.server.Address;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.EventLoopGroup;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * A client of the floor's leader. What answers lead to goes out with one flush after all answers that had arrived were handed over.
 * It only writes.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a failed write or close ends the channel, and that is handled there
final class FloorTarget implements LoadTarget {
    private static final long CONNECT_DEADLINE_SECONDS = 30;

    /** A put from another thread than the loop. */
    private static final class Request {
        final CompletableFuture<Object> future;
        final byte[] key;
        final byte[] value;

        Request(CompletableFuture<Object> future, byte[] key, byte[] value) {
            this.future = future;
            this.key = key;
            this.value = value;
        }
    }

    private final EventLoopGroup loop = FloorNetwork.newLoop("floor-client");
    private final Connection connection;
    private final CompletableFuture<Boolean> forced = new CompletableFuture<>();
    private final Queue<Request> fromOthers = new ConcurrentLinkedQueue<>();
    private final AtomicBoolean drainTold = new AtomicBoolean();

    private FloorTarget(InetSocketAddress leader) throws InterruptedException {
        connection =
                new Connection(FloorNetwork.connect(loop, leader, TimeUnit.SECONDS.toNanos(CONNECT_DEADLINE_SECONDS)));
        FloorNetwork.install(connection);
    }

    /** Waits until the leader says whether it forces. */
    private boolean isForced() throws InterruptedException {
        try {
            return forced.get(CONNECT_DEADLINE_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new IllegalStateException("the floor's leader does not greet", e);
        }
    }

    @Override
    public CompletableFuture<?> put(byte[] key, byte[] value) {
        CompletableFuture<Object> future = new CompletableFuture<>();
        if (connection.channel.eventLoop().inEventLoop()) {
            connection.send(future, key, value);
        } else {
            fromOthers.add(new Request(future, key, value));
            if (drainTold.compareAndSet(false, true)) {
                loop.execute(this::drain);
            }
        }
        return future;
    }

    private void drain() {
        drainTold.set(false);
        Request request = fromOthers.poll();
        while (request != null) {
            connection.send(request.future, request.key, request.value);
            request = fromOthers.poll();
        }
        connection.sendAnswers();
    }

    @Override
    public CompletableFuture<?> get(byte[] key) {
        return CompletableFuture.failedFuture(new UnsupportedOperationException("the floor keeps nothing to read"));
    }

    @Override
    public int valueLength(@Nullable Object result) {
        return -1;
    }

    @Override
    public void close() {
        connection.channel.close();
        loop.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
    }

    /** The loop's: requests in flight by number. */
    private final class Connection extends FloorConnection {
        private @Nullable CompletableFuture<Object>[] inFlight = newArray(LoadOptions.MAX_PER_CONNECTION);
        private int[] free = new int[0];
        private int freeCount;
        private int made;
        private boolean greeted;
        private @Nullable Throwable ended;

        Connection(Channel channel) {
            super(channel);
        }

        @SuppressWarnings({"unchecked", "rawtypes"}) // an array of a generic type
        private static @Nullable CompletableFuture<Object>[] newArray(int length) {
            return (@Nullable CompletableFuture<Object>[]) new @Nullable CompletableFuture[length];
        }

        void send(CompletableFuture<Object> future, byte[] key, byte[] value) {
            Throwable cause = ended;
            if (cause != null) {
                future.completeExceptionally(cause);
                return;
            }
            int number = freeCount > 0 ? free[--freeCount] : made++;
            if (number == inFlight.length) {
                inFlight = Arrays.copyOf(inFlight, 2 * number);
            }
            inFlight[number] = future;
            FloorFrame.write(answers(), crc, number, key, value);
        }

        @Override
        void onFrame(ByteBuf buffer, int offset, int length) {
            long number = buffer.getLongLE(offset + FloorFrame.NUMBER_OFFSET);
            if (!greeted) {
                greeted = true;
                forced.complete(number == 1);
                return;
            }
            CompletableFuture<Object> future = number < made ? inFlight[(int) number] : null;
            if (future == null) {
                throw new IllegalStateException("an answer to request " + number + ", which is not in flight");
            }
            inFlight[(int) number] = null;
            if (freeCount == free.length) {
                free = Arrays.copyOf(free, Math.max(LoadOptions.MAX_PER_CONNECTION, 2 * freeCount));
            }
            free[freeCount++] = (int) number;
            future.complete(null);
        }

        @Override
        void onCycleEnd() {
            sendAnswers();
        }

        @Override
        void onEnd(@Nullable Throwable cause) {
            Throwable failure = cause == null ? new IOException("the floor's leader has closed the connection") : cause;
            ended = failure;
            forced.completeExceptionally(failure);
            for (int i = 0; i < made; i++) {
                CompletableFuture<Object> future = inFlight[i];
                inFlight[i] = null;
                if (future != null) {
                    future.completeExceptionally(failure);
                }
            }
        }
    }

    /** The floor; its only server is its leader. */
    public static final class Kind implements TargetKind {
        @Override
        public String word() {
            return "floor";
        }

        @Override
        public Connected connect(String servers, int connections, int maxOutstanding) {
            Address address = Address.parse(servers);
            InetSocketAddress leader = new InetSocketAddress(address.host(), address.port());
            List<LoadTarget> targets = new ArrayList<>();
            boolean forced = true;
            try {
                for (int i = 0; i < connections; i++) {
                    FloorTarget target = new FloorTarget(leader);
                    targets.add(target);
                    forced &= target.isForced();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while connecting", e);
            }
            return new Connected(
                    targets,
                    forced ? "forced" : "not-forced",
                    "an answer comes when two of three files have it",
                    List.of(servers + " leader; no consensus, no database"));
        }
    }
}
