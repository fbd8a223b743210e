package dev.cairn.client;

import dev.cairn.protocol.Limits;
import dev.cairn.protocol.Status;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A client of one cluster. Thread-safe; one instance serves a whole application over one connection, with any number of calls
 * in flight.
 *
 * <pre>{@code
 * try (CairnClient client = CairnClient.builder().servers("127.0.0.1:7401,127.0.0.1:7402").connect()) {
 *     client.put(key, value);
 *     Optional<KeyValue> read = client.get(key);
 * }
 * }</pre>
 *
 * <p><b>Every call ends by its deadline</b> ({@link ClientConfig#requestTimeout}), with a result or a {@link CairnException}.
 * Until then the client finds the leader and repeats what may be repeated: reads freely, writes under the same session and
 * sequence, so that the cluster executes each at most once. A write whose outcome cannot be known in time fails with
 * {@link OutcomeUnknownException}; every other exception says that it was not executed.
 *
 * <p>The {@code ...Async} methods never block and complete their futures on the client's own thread: what hangs on them must be
 * short, and must not call the blocking methods (they refuse it). The blocking methods throw the exceptions that the futures
 * carry; an interrupt does not end them, the deadline does.
 *
 * <p>Keys have 1 to 4096 bytes, values 0 to 1 048 576. Arrays are not copied: leave them unchanged until the call has ended.
 * Calls of one thread reach the cluster in their order unless something is repeated; wait for a result where order matters.
 */
public final class CairnClient implements AutoCloseable {
    private static final long CLOSE_WAIT_MS = 2_000;

    private final EventLoopGroup group;
    private final ClientLoop loop;

    private CairnClient(ClientConfig config) {
        group = new MultiThreadIoEventLoopGroup(
                1, new DefaultThreadFactory("cairn-client", true), NioIoHandler.newFactory());
        loop = new ClientLoop(config, group.next(), new SplittableRandom());
    }

    /** A builder with all defaults; servers must be given. */
    public static ClientConfig.Builder builder() {
        return ClientConfig.builder();
    }

    /** Starts a client. Returns at once: an unreachable cluster shows at the first call. */
    public static CairnClient connect(ClientConfig config) {
        CairnClient client = new CairnClient(config);
        client.loop.start();
        return client;
    }

    /** Writes the key. */
    public PutResult put(byte[] key, byte[] value) {
        return await(putAsync(key, value));
    }

    /** Reads the key, linearizable; empty when it does not exist. */
    public Optional<KeyValue> get(byte[] key) {
        return await(getAsync(key));
    }

    /** As {@link #getAsync(byte[], ReadMode, long)}. */
    public Optional<KeyValue> get(byte[] key, ReadMode mode, long minRevision) {
        return await(getAsync(key, mode, minRevision));
    }

    /** Removes the key; the result says whether it existed. */
    public DeleteResult delete(byte[] key) {
        return await(deleteAsync(key));
    }

    /** Asks every configured server about itself; one that does not answer is in the list with the reason. */
    public List<ServerStatus> status() {
        return await(statusAsync());
    }

    /** Writes the key. */
    public CompletableFuture<PutResult> putAsync(byte[] key, byte[] value) {
        RequestRejectedException invalid = checkKey(key);
        if (invalid == null && value.length > Limits.MAX_VALUE_BYTES) {
            invalid = new RequestRejectedException(
                    Status.VALUE_TOO_LARGE,
                    "value of " + value.length + " bytes, allowed are 0 to " + Limits.MAX_VALUE_BYTES);
        }
        return invalid == null ? loop.submit(new PutRequest(key, value)) : CompletableFuture.failedFuture(invalid);
    }

    /** Reads the key, linearizable; empty when it does not exist. */
    public CompletableFuture<Optional<KeyValue>> getAsync(byte[] key) {
        return getAsync(key, ReadMode.LINEARIZABLE, 0);
    }

    /**
     * Reads the key.
     *
     * @param minRevision for {@link ReadMode#STALE}: fail with NOT_CAUGHT_UP ({@link RequestRejectedException}) unless the
     *     server has applied this revision; 0 = any
     */
    public CompletableFuture<Optional<KeyValue>> getAsync(byte[] key, ReadMode mode, long minRevision) {
        RequestRejectedException invalid = checkKey(key);
        return invalid == null
                ? loop.submit(new GetRequest(key, mode, minRevision))
                : CompletableFuture.failedFuture(invalid);
    }

    /** Removes the key; the result says whether it existed. */
    public CompletableFuture<DeleteResult> deleteAsync(byte[] key) {
        RequestRejectedException invalid = checkKey(key);
        return invalid == null ? loop.submit(new DeleteRequest(key)) : CompletableFuture.failedFuture(invalid);
    }

    /** Asks every configured server about itself; one that does not answer is in the list with the reason. */
    public CompletableFuture<List<ServerStatus>> statusAsync() {
        return loop.status();
    }

    /**
     * Ends the client. Outstanding calls fail: writes that were sent with {@link OutcomeUnknownException}, all others with
     * {@link ClientClosedException}. Waits shortly for the client's thread unless it is called on it. May be called twice.
     */
    @Override
    public void close() {
        CompletableFuture<?> unused = loop.close()
                .whenComplete((done, failure) -> group.shutdownGracefully(0, CLOSE_WAIT_MS, TimeUnit.MILLISECONDS)
                        .addListener(ended -> loop.failInbox()));
        if (!loop.inLoop()) {
            group.terminationFuture().awaitUninterruptibly(CLOSE_WAIT_MS);
        }
    }

    private static @Nullable RequestRejectedException checkKey(byte[] key) {
        if (key.length >= Limits.MIN_KEY_BYTES && key.length <= Limits.MAX_KEY_BYTES) {
            return null;
        }
        return new RequestRejectedException(
                key.length == 0 ? Status.KEY_EMPTY : Status.KEY_TOO_LARGE,
                "key of " + key.length + " bytes, allowed are " + Limits.MIN_KEY_BYTES + " to " + Limits.MAX_KEY_BYTES);
    }

    private <R> R await(CompletableFuture<R> future) {
        if (loop.inLoop() && !future.isDone()) {
            throw new IllegalStateException(
                    "a blocking call on the client's own thread would wait for itself; use the async methods there");
        }
        try {
            return future.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof CairnException cairn) {
                throw cairn;
            }
            throw e;
        }
    }
}
