package dev.cairn.client;

import dev.cairn.protocol.ClusterMembership;
import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.protocol.FrameHeader;
import dev.cairn.protocol.Limits;
import dev.cairn.protocol.MemberChange;
import dev.cairn.protocol.Status;
import dev.cairn.protocol.TransferLeaderDescriptor;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
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
    private static final WriteOptions IF_ABSENT = WriteOptions.none().ifAbsent().returnEntry();
    private static final WriteOptions RETURN_ENTRY = WriteOptions.none().returnEntry();

    /** Key, expected value and value of a conditional write together, bytes: with it the frame stays within its limit. */
    private static final int MAX_CONDITIONAL_BYTES =
            Limits.MAX_FRAME_BYTES - FrameHeader.HEADER_LENGTH - CommandDescriptor.BLOCK_LENGTH_IF_REVISION;

    private final EventLoopGroup group;
    private final ClientLoop loop;
    private volatile ReadMode defaultReadMode = ReadMode.LINEARIZABLE;

    private CairnClient(ClientConfig config) {
        ClientLog.chooseForNetty();
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

    /** What reads do that do not name a mode: {@link ReadMode#LINEARIZABLE} unless {@link #defaultReadMode(ReadMode)} changed it. */
    public ReadMode defaultReadMode() {
        return defaultReadMode;
    }

    /** From now on reads that do not name a mode use this one; those under way are not changed. */
    public void defaultReadMode(ReadMode mode) {
        defaultReadMode = mode;
    }

    // ---- Writes

    /** Writes the key. */
    public PutResult put(byte[] key, byte[] value) {
        return await(putAsync(key, value));
    }

    /** Writes the key if the options' condition holds. */
    public WriteResult put(byte[] key, byte[] value, WriteOptions options) {
        return await(putAsync(key, value, options));
    }

    /** Writes the key if it does not exist; else the result carries the entry that stands there. */
    public WriteResult putIfAbsent(byte[] key, byte[] value) {
        return await(putIfAbsentAsync(key, value));
    }

    /** Writes the key if it exists with exactly the value {@code expected}. */
    public WriteResult compareAndSet(byte[] key, byte[] expected, byte[] value) {
        return await(compareAndSetAsync(key, expected, value));
    }

    /** Writes the key if its last write has this revision; 0 = if it does not exist. */
    public WriteResult compareAndSet(byte[] key, long expectedRevision, byte[] value) {
        return await(compareAndSetAsync(key, expectedRevision, value));
    }

    /** Writes the key; the result carries the entry before. */
    public WriteResult getAndPut(byte[] key, byte[] value) {
        return await(getAndPutAsync(key, value));
    }

    /** Removes the key; the result says whether it existed. */
    public DeleteResult delete(byte[] key) {
        return await(deleteAsync(key));
    }

    /** Removes the key if the options' condition holds. */
    public WriteResult delete(byte[] key, WriteOptions options) {
        return await(deleteAsync(key, options));
    }

    /** Removes the key; the result carries the entry before. */
    public WriteResult getAndDelete(byte[] key) {
        return await(getAndDeleteAsync(key));
    }

    /** As {@link #addAsync}. */
    public CounterResult add(byte[] key, long delta) {
        return await(addAsync(key, delta));
    }

    /** Adds 1 to a counter. */
    public CounterResult increment(byte[] key) {
        return await(addAsync(key, 1));
    }

    /** Puts and deletes that happen together or not at all: collect them, then {@link WriteBatch#commit}. */
    public WriteBatch batch() {
        return new WriteBatch(this);
    }

    /** As {@link #deleteRangeAsync}. */
    public DeleteRangeResult deleteRange(byte[] from, byte[] to) {
        return await(deleteRangeAsync(from, to));
    }

    /** As {@link #deletePrefixAsync}. */
    public DeleteRangeResult deletePrefix(byte[] prefix) {
        return await(deletePrefixAsync(prefix));
    }

    /** Writes the key. */
    public CompletableFuture<PutResult> putAsync(byte[] key, byte[] value) {
        RequestRejectedException invalid = checkKey(key);
        if (invalid == null) {
            invalid = checkValue(value);
        }
        return invalid == null ? loop.submit(new PutRequest(key, value)) : CompletableFuture.failedFuture(invalid);
    }

    /** Writes the key if the options' condition holds; that it does not hold is a result, no failure. */
    public CompletableFuture<WriteResult> putAsync(byte[] key, byte[] value, WriteOptions options) {
        RequestRejectedException invalid = checkValue(value);
        return submitUnless(
                invalid == null ? checkWrite(key, value.length, options) : invalid,
                () -> new WriteRequest(key, value, options));
    }

    /** Writes the key if it does not exist; else the result carries the entry that stands there. */
    public CompletableFuture<WriteResult> putIfAbsentAsync(byte[] key, byte[] value) {
        return putAsync(key, value, IF_ABSENT);
    }

    /** Writes the key if it exists with exactly the value {@code expected}. */
    public CompletableFuture<WriteResult> compareAndSetAsync(byte[] key, byte[] expected, byte[] value) {
        return putAsync(key, value, WriteOptions.none().ifValue(expected));
    }

    /** Writes the key if its last write has this revision; 0 = if it does not exist. */
    public CompletableFuture<WriteResult> compareAndSetAsync(byte[] key, long expectedRevision, byte[] value) {
        return putAsync(key, value, WriteOptions.none().ifRevision(expectedRevision));
    }

    /** Writes the key; the result carries the entry before. */
    public CompletableFuture<WriteResult> getAndPutAsync(byte[] key, byte[] value) {
        return putAsync(key, value, RETURN_ENTRY);
    }

    /** Removes the key; the result says whether it existed. */
    public CompletableFuture<DeleteResult> deleteAsync(byte[] key) {
        RequestRejectedException invalid = checkKey(key);
        return invalid == null ? loop.submit(new DeleteRequest(key)) : CompletableFuture.failedFuture(invalid);
    }

    /** Removes the key if the options' condition holds; that it does not hold is a result, no failure. */
    public CompletableFuture<WriteResult> deleteAsync(byte[] key, WriteOptions options) {
        return submitUnless(checkWrite(key, 0, options), () -> new WriteRequest(key, null, options));
    }

    /** Removes the key; the result carries the entry before. */
    public CompletableFuture<WriteResult> getAndDeleteAsync(byte[] key) {
        return deleteAsync(key, RETURN_ENTRY);
    }

    /**
     * Adds to a counter. A counter is a key whose value is a decimal number as text; one that does not exist counts as 0. Fails
     * with {@link RequestRejectedException} NOT_A_NUMBER for another value, NUMBER_OVERFLOW beyond 64 bits; both change nothing.
     */
    public CompletableFuture<CounterResult> addAsync(byte[] key, long delta) {
        return submitUnless(checkKey(key), () -> new AddRequest(key, delta));
    }

    /**
     * Removes all keys from {@code from} (inclusive, empty = from the first) to {@code to} (exclusive, empty = to the last), with
     * one command however many they are.
     */
    public CompletableFuture<DeleteRangeResult> deleteRangeAsync(byte[] from, byte[] to) {
        return submitUnless(KeyBounds.check(from, to), () -> new DeleteRangeRequest(from, to));
    }

    /** Removes all keys that begin with {@code prefix}, which must not be empty, with one command however many they are. */
    public CompletableFuture<DeleteRangeResult> deletePrefixAsync(byte[] prefix) {
        RequestRejectedException invalid = checkKey(prefix);
        return invalid == null
                ? deleteRangeAsync(prefix, KeyBounds.behindPrefix(prefix))
                : CompletableFuture.failedFuture(invalid);
    }

    // ---- Reads

    /** Reads the key; empty when it does not exist. */
    public Optional<KeyValue> get(byte[] key) {
        return await(getAsync(key));
    }

    /** As {@link #getAsync(byte[], ReadMode)}. */
    public Optional<KeyValue> get(byte[] key, ReadMode mode) {
        return await(getAsync(key, mode));
    }

    /** As {@link #getAsync(byte[], ReadMode, long)}. */
    public Optional<KeyValue> get(byte[] key, ReadMode mode, long minRevision) {
        return await(getAsync(key, mode, minRevision));
    }

    /** Reads several keys, all at one moment. */
    public MultiGetResult multiGet(List<byte[]> keys) {
        return await(multiGetAsync(keys));
    }

    /** As {@link #multiGetAsync(List, ReadMode, long)}. */
    public MultiGetResult multiGet(List<byte[]> keys, ReadMode mode, long minRevision) {
        return await(multiGetAsync(keys, mode, minRevision));
    }

    /** Walks over a range of any size, holding two chunks of it. Returns at once; problems show at the first entry. */
    public ScanCursor scan(Scan scan) {
        return new ScanCursor(loop, new ScanFlow(loop, scan, defaultReadMode, false));
    }

    /** As {@link #scanPageAsync}. */
    public ScanPage scanPage(Scan scan) {
        return await(scanPageAsync(scan));
    }

    /** As {@link #countAsync}. */
    public CountResult count(Scan scan) {
        return await(countAsync(scan));
    }

    /** Reads the key; empty when it does not exist. */
    public CompletableFuture<Optional<KeyValue>> getAsync(byte[] key) {
        return getAsync(key, defaultReadMode, 0);
    }

    /** Reads the key; empty when it does not exist. */
    public CompletableFuture<Optional<KeyValue>> getAsync(byte[] key, ReadMode mode) {
        return getAsync(key, mode, 0);
    }

    /**
     * Reads the key; empty when it does not exist.
     *
     * @param minRevision fail with NOT_CAUGHT_UP ({@link RequestRejectedException}) unless the server has applied this revision;
     *     0 = any
     */
    public CompletableFuture<Optional<KeyValue>> getAsync(byte[] key, ReadMode mode, long minRevision) {
        RequestRejectedException invalid = checkKey(key);
        return invalid == null
                ? loop.submit(new GetRequest(key, mode, minRevision))
                : CompletableFuture.failedFuture(invalid);
    }

    /** Reads several keys, all at one moment. */
    public CompletableFuture<MultiGetResult> multiGetAsync(List<byte[]> keys) {
        return multiGetAsync(keys, defaultReadMode, 0);
    }

    /**
     * Reads several keys, all at one moment. At most {@link Limits#MAX_MULTI_GET_KEYS} keys; fails with RESULT_TOO_LARGE ({@link
     * RequestRejectedException}) when their values exceed {@link Limits#MAX_MULTI_GET_BYTES} together.
     *
     * @param minRevision fail with NOT_CAUGHT_UP ({@link RequestRejectedException}) unless the server has applied this revision;
     *     0 = any
     */
    public CompletableFuture<MultiGetResult> multiGetAsync(List<byte[]> keys, ReadMode mode, long minRevision) {
        List<byte[]> asked = List.copyOf(keys);
        return submitUnless(checkKeys(asked), () -> new MultiGetRequest(asked, mode, minRevision));
    }

    /**
     * Hands a range of any size to the consumer, chunk by chunk, holding one of them. An exception of the consumer ends the scan
     * and fails the future.
     *
     * @return the number of entries handed over
     */
    public CompletableFuture<Long> scanAsync(Scan scan, ChunkConsumer consumer) {
        ScanFlow flow = new ScanFlow(loop, scan, defaultReadMode, false);
        return ending(flow, flow.forEach(consumer), count -> count);
    }

    /**
     * Reads one page: at most the scan's limit of entries, and about its chunk bytes. {@link ScanPage#next} leads to the next page,
     * which shows a later moment.
     */
    public CompletableFuture<ScanPage> scanPageAsync(Scan scan) {
        // One more than asked tells whether anything lies behind the page.
        Scan oneMore = scan.limit() == 0 ? scan : scan.limit(Math.min(scan.limit(), Integer.MAX_VALUE) + 1);
        ScanFlow flow = new ScanFlow(loop, oneMore, defaultReadMode, false);
        return ending(flow, flow.next(), chunk -> page(scan, chunk));
    }

    private static ScanPage page(Scan scan, ScanChunk chunk) {
        List<KeyValue> entries = chunk.entries();
        boolean more = chunk.more();
        if (scan.limit() > 0 && entries.size() > scan.limit()) {
            entries = entries.subList(0, (int) scan.limit());
            more = true;
        }
        Optional<String> next = more && !entries.isEmpty()
                ? Optional.of(scan.tokenAt(entries.get(entries.size() - 1).key()))
                : Optional.empty();
        return new ScanPage(List.copyOf(entries), chunk.revision(), next);
    }

    /** Counts the keys of a range, all at one moment, without moving them. A limit ends the count there. */
    public CompletableFuture<CountResult> countAsync(Scan scan) {
        ScanFlow flow = new ScanFlow(loop, scan, defaultReadMode, true);
        return ending(flow, flow.next(), chunk -> new CountResult(chunk.count(), chunk.revision()));
    }

    /** Ends the scan with the future; failures arrive as they are, without a wrapper of the JDK around them. */
    private static <A, R> CompletableFuture<R> ending(ScanFlow flow, CompletableFuture<A> last, Function<A, R> result) {
        CompletableFuture<R> promise = new CompletableFuture<>();
        CompletableFuture<A> unused = last.whenComplete((value, failure) -> {
            flow.close();
            if (failure == null) {
                promise.complete(result.apply(value));
            } else {
                promise.completeExceptionally(failure);
            }
        });
        return promise;
    }

    // ---- Servers

    /** As {@link #waitAppliedAsync}. */
    public long waitApplied(long revision, Duration timeout) {
        return await(waitAppliedAsync(revision, timeout));
    }

    /** Asks every configured server about itself; one that does not answer is in the list with the reason. */
    public List<ServerStatus> status() {
        return await(statusAsync());
    }

    /** Asks every configured server for everything about itself; one that does not answer is in the list with the reason. */
    public List<ServerDetails> nodeDetails() {
        return await(nodeDetailsAsync());
    }

    /**
     * Waits until the server that this client's {@link ReadMode#STALE} reads go to has applied a revision.
     *
     * @param timeout the call ends by then, with {@link RequestTimeoutException}; 1 ms to 10 minutes
     * @return the index that it has applied
     */
    public CompletableFuture<Long> waitAppliedAsync(long revision, Duration timeout) {
        long ms = timeout.toMillis();
        if (revision < 0 || ms < 1 || ms > Limits.MAX_WAIT_MS) {
            throw new IllegalArgumentException("wait for revision " + revision + " of " + ms
                    + " ms, allowed are revisions from 0 and 1 to " + Limits.MAX_WAIT_MS + " ms");
        }
        return loop.waitApplied(revision, TimeUnit.MILLISECONDS.toNanos(ms));
    }

    /**
     * Makes another node leader, without a gap that clients notice. Asks the configured servers who leads.
     *
     * @param target node id, 0 = the one that is best prepared
     * @return the node that leads then; fails with {@link RequestRejectedException} REFUSED and the reason when that cannot be,
     *     or did not come about within an election timeout, and with {@link NoLeaderException} when nobody leads now
     */
    public CompletableFuture<Integer> transferLeaderAsync(int target) {
        return loop.transferLeader(target, 0);
    }

    /** As {@link #transferLeaderAsync}. */
    public int transferLeader(int target) {
        return await(transferLeaderAsync(target));
    }

    /**
     * Makes the leader give its place up without naming another one: the nodes elect one after an election timeout, maybe the
     * same. {@link #transferLeader} is quicker.
     *
     * @return the node that leads then
     */
    public int stepDown() {
        return await(loop.transferLeader(0, TransferLeaderDescriptor.FLAG_STEP_DOWN));
    }

    /** Who belongs to the cluster, and how far each of them is, as the leader says. */
    public CompletableFuture<ClusterMembership> membersAsync() {
        return loop.changeMembership(List.of());
    }

    /** As {@link #membersAsync}. */
    public ClusterMembership members() {
        return await(membersAsync());
    }

    /**
     * Changes who belongs to the cluster. Several changes are made at once: no moment sees one without the others, except
     * that nodes which are to vote begin as learners and get their votes when they have caught up.
     *
     * @return the members when the change is committed. Fails with {@link RequestRejectedException} REFUSED and the reason
     *     when it cannot be; with {@link OutcomeUnknownException} when the leader changed on the way: see
     *     {@link #members}; and with {@link NoLeaderException} when nobody leads now
     */
    public CompletableFuture<ClusterMembership> changeMembershipAsync(List<MemberChange> changes) {
        if (changes.isEmpty()) {
            throw new IllegalArgumentException("nothing is to be changed");
        }
        return loop.changeMembership(List.copyOf(changes));
    }

    /** As {@link #changeMembershipAsync}. */
    public ClusterMembership changeMembership(List<MemberChange> changes) {
        return await(changeMembershipAsync(changes));
    }

    /**
     * Adds a node, which must run with {@code cluster.join=true}. It becomes a voter by itself once it has caught up.
     *
     * @param address {@code host:peerPort:clientPort[:httpPort]}
     */
    public ClusterMembership addNode(int nodeId, String address) {
        return changeMembership(List.of(MemberChange.addVoter(nodeId, address)));
    }

    /** As {@link #addNode}; the node gets everything and has no vote until {@link #promoteNode}. */
    public ClusterMembership addLearner(int nodeId, String address) {
        return changeMembership(List.of(MemberChange.addLearner(nodeId, address)));
    }

    /** Gives a learner its vote; refused while it is behind. */
    public ClusterMembership promoteNode(int nodeId) {
        return changeMembership(List.of(MemberChange.promote(nodeId)));
    }

    /** Removes a voter or a learner; its id must not be used again with another data directory. */
    public ClusterMembership removeNode(int nodeId) {
        return changeMembership(List.of(MemberChange.remove(nodeId)));
    }

    /**
     * Adds a node that takes a voter's place by itself once it has caught up: in one step, so that there is neither a vote
     * more nor less in between. Returns when the node was added.
     *
     * @param newAddress {@code host:peerPort:clientPort[:httpPort]}
     */
    public ClusterMembership replaceNode(int oldNodeId, int newNodeId, String newAddress) {
        return changeMembership(List.of(MemberChange.replace(oldNodeId, newNodeId, newAddress)));
    }

    /** Asks every configured server about itself; one that does not answer is in the list with the reason. */
    public CompletableFuture<List<ServerStatus>> statusAsync() {
        return loop.status();
    }

    /** Asks every configured server for everything about itself; one that does not answer is in the list with the reason. */
    public CompletableFuture<List<ServerDetails>> nodeDetailsAsync() {
        return loop.details();
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

    static @Nullable RequestRejectedException checkKey(byte[] key) {
        if (key.length >= Limits.MIN_KEY_BYTES && key.length <= Limits.MAX_KEY_BYTES) {
            return null;
        }
        return new RequestRejectedException(
                key.length == 0 ? Status.KEY_EMPTY : Status.KEY_TOO_LARGE,
                "key of " + key.length + " bytes, allowed are " + Limits.MIN_KEY_BYTES + " to " + Limits.MAX_KEY_BYTES);
    }

    static @Nullable RequestRejectedException checkValue(byte[] value) {
        return value.length <= Limits.MAX_VALUE_BYTES
                ? null
                : new RequestRejectedException(
                        Status.VALUE_TOO_LARGE,
                        "value of " + value.length + " bytes, allowed are 0 to " + Limits.MAX_VALUE_BYTES);
    }

    private static @Nullable RequestRejectedException checkWrite(byte[] key, int valueLength, WriteOptions options) {
        RequestRejectedException invalid = checkKey(key);
        if (invalid == null) {
            invalid = checkValue(options.expectedValue());
        }
        if (invalid == null && key.length + valueLength + options.expectedValue().length > MAX_CONDITIONAL_BYTES) {
            invalid = new RequestRejectedException(
                    Status.VALUE_TOO_LARGE,
                    "key, expected value and value have more than " + MAX_CONDITIONAL_BYTES + " bytes together");
        }
        return invalid;
    }

    private static @Nullable RequestRejectedException checkKeys(List<byte[]> keys) {
        if (keys.isEmpty() || keys.size() > Limits.MAX_MULTI_GET_KEYS) {
            return new RequestRejectedException(
                    Status.BAD_REQUEST,
                    "multi-get of " + keys.size() + " keys, allowed are 1 to " + Limits.MAX_MULTI_GET_KEYS);
        }
        long bytes = 0;
        for (byte[] key : keys) {
            RequestRejectedException invalid = checkKey(key);
            if (invalid != null) {
                return invalid;
            }
            bytes += key.length + Integer.BYTES;
        }
        return bytes <= Limits.MAX_MULTI_GET_BYTES
                ? null
                : new RequestRejectedException(
                        Status.BAD_REQUEST,
                        "multi-get with " + bytes + " bytes of keys, allowed are " + Limits.MAX_MULTI_GET_BYTES);
    }

    <R> CompletableFuture<R> submitUnless(@Nullable RequestRejectedException invalid, Supplier<Request<R>> request) {
        return invalid == null ? loop.submit(request.get()) : CompletableFuture.failedFuture(invalid);
    }

    <R> R await(CompletableFuture<R> future) {
        return loop.await(future);
    }
}
