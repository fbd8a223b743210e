package dev.cairn.client;

import dev.cairn.protocol.ClientMessageEncoder;
import dev.cairn.protocol.ClusterIdHash;
import dev.cairn.protocol.ClusterMembership;
import dev.cairn.protocol.FrameHeader;
import dev.cairn.protocol.MemberChange;
import dev.cairn.protocol.NodeStatus;
import dev.cairn.protocol.Status;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;

/**
 * Everything that happens between a call and its result, on one event loop thread; only {@link #submit}, {@link #status} and
 * {@link #close} may be called from others.
 *
 * <pre>
 *  callers --inbox--> queues --session window, socket--> in flight --reply--> caller
 *                       ^                                   |
 *                       +--- refused, connection lost ------+        (deadline list: ends whatever is late)
 * </pre>
 *
 * <p>Invariants: a request that is not finished stands in the deadline list, and either in one queue or in the in-flight table.
 * A write is never sent under a second sequence unless every transmission under the first was refused. One connection takes new
 * requests ({@code active}); one that turned out not to lead only delivers the replies that it still owes ({@code retired}).
 *
 * <p>All requests encoded in one go leave with one flush: a task of the loop takes the whole inbox, replies are read in batches.
 */
final class ClientLoop implements ConnectionOwner {
    private static final Logger LOG = ClientLog.of(ClientLoop.class);

    /** Granularity of deadlines, pauses and silence. The timer runs only while something is outstanding. */
    private static final long TICK_NS = TimeUnit.MILLISECONDS.toNanos(10);

    /** How long a connection that is kept for its cursors only may be quiet; servers forget a cursor after 30 s. */
    private static final long CURSOR_SILENCE_NS = TimeUnit.SECONDS.toNanos(40);

    /** Request id of what nobody waits for: no transmission ever gets it. */
    private static final long NO_REPLY_WANTED = Long.MAX_VALUE;

    /** How long a connection that does not lead may take to deliver what it owes. */
    private static final long RETIRED_SILENCE_NS = TimeUnit.MILLISECONDS.toNanos(500);

    private static final long MIN_PAUSE_NS = TimeUnit.MILLISECONDS.toNanos(5);
    private static final int MAX_PAUSE_DOUBLINGS = 5;

    /** How often a leader that is written to or read from is asked who the members are. */
    private static final long LEARN_INTERVAL_NS = TimeUnit.SECONDS.toNanos(30);

    /** Servers asked one after the other, each named by the one before, to find the leader. */
    private static final int MAX_HINTS = 8;

    /** No other request gets this far. */
    private static final long LEARN_REQUEST_ID = Long.MAX_VALUE;

    /** How long the end of the session may wait for the socket. */
    private static final long FAREWELL_MS = 500;

    /** Bytes that wait for the socket: above the second number nothing more is encoded until they are below the first. */
    private static final WriteBufferWaterMark WATER_MARK = new WriteBufferWaterMark(512 * 1024, 2 * 1024 * 1024);

    // Any thread.
    private final ClientConfig config;
    private final EventLoop eventLoop;
    private final RequestInbox inbox = new RequestInbox();
    private final AtomicInteger outstanding = new AtomicInteger();
    private final Runnable takeInbox = this::takeInbox;
    private final Runnable tick = this::tick;
    private final CompletableFuture<@Nullable Void> farewell = new CompletableFuture<>();
    private volatile boolean closed;

    // Loop thread.
    private final long requestTimeoutNs;
    private final long silenceTimeoutNs;
    private final long connectTimeoutNs;
    private final long clusterIdHash;
    private final long clientId;
    private final RandomGenerator random;
    private final Bootstrap bootstrap;
    private final ClientMessageEncoder encoder = new ClientMessageEncoder();
    private final LeaderLocator locator;
    private final DeadlineList deadlines = new DeadlineList();
    private final InFlightTable inFlight = new InFlightTable();
    private final ArrayDeque<Request<?>> newWrites = new ArrayDeque<>();
    private final ArrayDeque<Request<?>> resentWrites = new ArrayDeque<>();
    private final ArrayDeque<Request<?>> reads = new ArrayDeque<>();
    private final ArrayDeque<ScanNextRequest> cursorReads = new ArrayDeque<>();
    private final List<ClientConnection> retired = new ArrayList<>();

    /** Client addresses of the members, as a leader named them last; empty = it was not asked yet. */
    private volatile List<String> learned = List.of();

    private long learnNotBeforeNs;
    private @Nullable ClientConnection active;
    private @Nullable ClientSession session;
    private boolean sessionOpening;
    private long connectNotBeforeNs;
    private long readsNotBeforeNs;
    private long writesNotBeforeNs;
    private int pauses;
    /** What a server said when it had no room for the last write that was answered; null when it had. */
    private @Nullable String noSpace;

    private int refusedGreetings;
    private boolean readsTurn;
    private boolean pumping;
    private boolean pumpAgain;
    private @Nullable Future<?> tickTimer;

    ClientLoop(ClientConfig config, EventLoop eventLoop, RandomGenerator random) {
        this.config = config;
        this.eventLoop = eventLoop;
        this.random = random;
        this.requestTimeoutNs = config.requestTimeout().toNanos();
        this.silenceTimeoutNs = config.silenceTimeout().toNanos();
        this.connectTimeoutNs = config.connectTimeout().toNanos();
        this.clusterIdHash = config.clusterId().isEmpty() ? ClusterIdHash.ANY : ClusterIdHash.of(config.clusterId());
        this.clientId = random.nextLong();
        this.locator = new LeaderLocator(config.servers(), random);
        this.bootstrap = new Bootstrap()
                .group(eventLoop)
                .channel(NioSocketChannel.class)
                .option(ChannelOption.TCP_NODELAY, true)
                .option(ChannelOption.SO_KEEPALIVE, true)
                .option(ChannelOption.WRITE_BUFFER_WATER_MARK, WATER_MARK)
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, (int)
                        config.connectTimeout().toMillis());
        long now = System.nanoTime();
        this.connectNotBeforeNs = now;
        this.readsNotBeforeNs = now;
        this.writesNotBeforeNs = now;
        this.learnNotBeforeNs = now + LEARN_INTERVAL_NS;
    }

    /** Begins to connect, so that the first request need not wait for it. */
    void start() {
        eventLoop.execute(() -> connectWhenDue(System.nanoTime()));
    }

    boolean inLoop() {
        return eventLoop.inEventLoop();
    }

    // ---- Any thread

    /** Takes the request over; its future ends by the deadline in any case. */
    <R> CompletableFuture<R> submit(Request<R> request) {
        return submit(request, requestTimeoutNs);
    }

    /** As {@link #submit(Request)} with a time-out of its own. */
    <R> CompletableFuture<R> submit(Request<R> request, long timeoutNs) {
        if (closed) {
            request.completeExceptionally(closedException());
            return request;
        }
        if (outstanding.incrementAndGet() > config.maxOutstanding()) {
            outstanding.decrementAndGet();
            request.completeExceptionally(new BusyException(
                    "more than " + config.maxOutstanding() + " requests are outstanding; wait for some to end"));
            return request;
        }
        request.deadlineNs = System.nanoTime() + timeoutNs;
        if (inbox.push(request)) {
            try {
                eventLoop.execute(takeInbox);
            } catch (RejectedExecutionException e) {
                // The loop has ended after the look at `closed`.
                failInbox();
            }
        }
        return request;
    }

    /** Waits until the server at hand has applied the index. */
    CompletableFuture<Long> waitApplied(long index, long timeoutNs) {
        return submit(new WaitAppliedRequest(index, silenceTimeoutNs / 2), timeoutNs);
    }

    /** Asks what became of the write. */
    CompletableFuture<Resolution> resolve(Unresolved target) {
        if (closed) {
            // A closed client has closed its session, and with it the answers.
            return CompletableFuture.failedFuture(lost(target));
        }
        target.asking.incrementAndGet();
        ResolveRequest request = new ResolveRequest(target);
        CompletableFuture<Resolution> unused = request.whenComplete((done, failure) -> target.asking.decrementAndGet());
        return submit(request);
    }

    /** Tells the server that the cursor is not needed any more; nobody waits for that. */
    void closeCursor(ClientConnection holder, long cursorId) {
        try {
            eventLoop.execute(() -> closeCursorOnLoop(holder, cursorId));
        } catch (RejectedExecutionException e) {
            LOG.trace("the loop has ended, the server forgets the cursor, server={}", holder.server());
        }
    }

    /** Waits for the future's end; not on the loop, which would wait for itself. */
    <R> R await(CompletableFuture<R> future) {
        if (inLoop() && !future.isDone()) {
            throw new IllegalStateException(
                    "a blocking call on the client's own thread would wait for itself; use the async methods there");
        }
        return join(future);
    }

    static <R> R join(CompletableFuture<R> future) {
        try {
            return future.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof CairnException cairn) {
                throw cairn;
            }
            throw e;
        }
    }

    /** Asks every configured server. */
    CompletableFuture<List<ServerStatus>> status() {
        return statusOf(config.servers());
    }

    private CompletableFuture<List<ServerStatus>> statusOf(List<String> servers) {
        return askAll(servers, server -> ask(server, probeTimeoutNs(), statusProbe(server)));
    }

    /** Asks every configured server for its details. */
    CompletableFuture<List<ServerDetails>> details() {
        return askAll(
                config.servers(),
                server -> ask(
                        server,
                        probeTimeoutNs(),
                        new ServerProbe<>(
                                out -> encoder.nodeDetails(out, ServerProbe.REQUEST_ID),
                                String.class,
                                json -> new ServerDetails(server, json, null),
                                problem -> new ServerDetails(server, null, problem))));
    }

    /** Asks the leader to hand leadership over. */
    CompletableFuture<Integer> transferLeader(int target, int flags) {
        return askLeader(() -> new ServerProbe<>(
                        out -> encoder.transferLeader(out, ServerProbe.REQUEST_ID, target, flags),
                        NodeStatus.class,
                        node -> new LeaderTransfer(node, Status.OK, ""),
                        problem -> new LeaderTransfer(null, Status.DEADLINE, problem),
                        (status, text) -> new LeaderTransfer(null, status, text)))
                .thenApply(LeaderTransfer::leaderId);
    }

    /** Asks the leader to change who belongs to the cluster; without changes, who does. Waits for a leader. */
    CompletableFuture<ClusterMembership> changeMembership(List<MemberChange> changes) {
        return changeMembership(changes, System.nanoTime() + requestTimeoutNs);
    }

    private CompletableFuture<ClusterMembership> changeMembership(List<MemberChange> changes, long deadlineNs) {
        return changeMembershipNow(changes)
                .exceptionallyCompose(failure -> nobodyLed(failure) && System.nanoTime() - deadlineNs < 0
                        ? later(() -> changeMembership(changes, deadlineNs))
                        : CompletableFuture.failedFuture(failure));
    }

    /** Nothing was done, and the next leader may do it. */
    private static boolean nobodyLed(Throwable failure) {
        Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
        return cause instanceof NoLeaderException
                || (cause instanceof RequestRejectedException rejected
                        && (rejected.status() == Status.NOT_LEADER || rejected.status() == Status.SHUTTING_DOWN));
    }

    private <R> CompletableFuture<R> later(Supplier<CompletableFuture<R>> attempt) {
        CompletableFuture<R> outcome = new CompletableFuture<>();
        Runnable again = () -> {
            CompletableFuture<R> unused = attempt.get().whenComplete((result, failure) -> {
                if (failure == null) {
                    outcome.complete(result);
                } else {
                    outcome.completeExceptionally(failure);
                }
            });
        };
        try {
            Future<?> unused = eventLoop.schedule(again, LeaderLocator.MAX_PAUSE_NS, TimeUnit.NANOSECONDS);
        } catch (RejectedExecutionException e) {
            outcome.completeExceptionally(closedException());
        }
        return outcome;
    }

    private CompletableFuture<ClusterMembership> changeMembershipNow(List<MemberChange> changes) {
        return askLeader(() -> new ServerProbe<>(
                        out -> encoder.changeMembership(out, ServerProbe.REQUEST_ID, changes),
                        ClusterMembership.class,
                        membership -> new MembershipAnswer(membership, Status.OK, ""),
                        problem -> new MembershipAnswer(null, Status.DEADLINE, problem),
                        (status, text) -> new MembershipAnswer(null, status, text)))
                .thenApply(MembershipAnswer::get)
                .thenApply(membership -> {
                    learnOnLoop(membership);
                    return membership;
                });
    }

    /** The leader is found by asking all servers; it may be one that only they know. */
    private <R> CompletableFuture<R> askLeader(Supplier<ServerProbe<?, R>> question) {
        return statusOf(config.servers())
                .thenCompose(this::confirmLeader)
                .thenCompose(leader -> leader.isEmpty()
                        ? statusOf(learned).thenCompose(this::confirmLeader)
                        : CompletableFuture.completedFuture(leader))
                .thenCompose(leader -> {
                    if (leader.isEmpty()) {
                        return CompletableFuture.<R>failedFuture(
                                new NoLeaderException("no leader among " + String.join(",", config.servers())));
                    }
                    return ask(leader, requestTimeoutNs, question.get());
                });
    }

    /** Who leads by the latest term that anybody knows of; a server that others name is asked, too. Empty = nobody. */
    private CompletableFuture<String> confirmLeader(List<ServerStatus> all) {
        String leader = "";
        boolean confirmed = false;
        long term = -1;
        for (ServerStatus server : all) {
            NodeStatus node = server.node();
            if (node == null || node.term() < term || (node.term() == term && confirmed)) {
                continue;
            }
            if (node.isLeader() || !node.leaderAddress().isEmpty()) {
                leader = node.isLeader() ? server.server() : node.leaderAddress();
                confirmed = node.isLeader();
                term = node.term();
            }
        }
        return confirmed || leader.isEmpty() ? CompletableFuture.completedFuture(leader) : follow(leader, MAX_HINTS);
    }

    /** One that was removed names one that knew of it, which may have been removed itself since. */
    private CompletableFuture<String> follow(String hint, int hintsLeft) {
        return ask(hint, probeTimeoutNs(), statusProbe(hint)).thenCompose(server -> {
            NodeStatus node = server.node();
            if (node != null && node.isLeader()) {
                return CompletableFuture.completedFuture(hint);
            }
            return node == null || node.leaderAddress().isEmpty() || hintsLeft == 0
                    ? CompletableFuture.completedFuture("")
                    : follow(node.leaderAddress(), hintsLeft - 1);
        });
    }

    private ServerProbe<NodeStatus, ServerStatus> statusProbe(String server) {
        return new ServerProbe<>(
                out -> encoder.status(out, ServerProbe.REQUEST_ID),
                NodeStatus.class,
                node -> new ServerStatus(server, node, null),
                problem -> new ServerStatus(server, null, problem));
    }

    private long probeTimeoutNs() {
        return Math.min(requestTimeoutNs, silenceTimeoutNs + connectTimeoutNs);
    }

    private <R> CompletableFuture<List<R>> askAll(
            List<String> servers, Function<String, CompletableFuture<R>> question) {
        List<CompletableFuture<R>> answers = servers.stream().map(question).toList();
        return CompletableFuture.allOf(answers.toArray(CompletableFuture<?>[]::new))
                .thenApply(all -> answers.stream().map(CompletableFuture::join).toList());
    }

    private <R> CompletableFuture<R> ask(String server, long timeoutNs, ServerProbe<?, R> probe) {
        if (closed) {
            return CompletableFuture.failedFuture(closedException());
        }
        String late = "no answer within " + timeoutNs / 1_000_000 + " ms";
        ClientConnection connection = new ClientConnection(probe, server, clusterIdHash, clientId, encoder);
        try {
            eventLoop.execute(() -> connection.connect(bootstrap, eventLoop));
        } catch (RejectedExecutionException e) {
            return CompletableFuture.failedFuture(closedException());
        }
        // The time-out stands outside of the loop, so that the answer comes even when the client is closed meanwhile.
        return probe.outcome()
                .completeOnTimeout(probe.problem(late), timeoutNs, TimeUnit.NANOSECONDS)
                .whenComplete((answer, failure) -> closeProbe(connection, late));
    }

    private void closeProbe(ClientConnection connection, String reason) {
        try {
            eventLoop.execute(() -> connection.close(reason));
        } catch (RejectedExecutionException e) {
            LOG.trace("the loop has ended and has closed its connections, server={}", connection.server());
        }
    }

    /**
     * From now on calls fail; what is outstanding ends on the loop. The loop itself is ended by the caller, after the returned
     * future: it completes when the last bytes are with the operating system, or after a while.
     */
    CompletableFuture<?> close() {
        closed = true;
        try {
            eventLoop.execute(this::closeOnLoop);
        } catch (RejectedExecutionException e) {
            failInbox();
            farewell.complete(null);
        }
        return farewell.completeOnTimeout(null, FAREWELL_MS, TimeUnit.MILLISECONDS);
    }

    /** After the loop's end: what slipped into the inbox meanwhile. */
    synchronized void failInbox() {
        Request<?> request = inbox.takeAll();
        while (request != null) {
            Request<?> next = request.inboxNext;
            request.completeExceptionally(closedException());
            request = next;
        }
    }

    private static ClientClosedException closedException() {
        return new ClientClosedException("the client is closed");
    }

    // ---- From the inbox to the socket

    private void takeInbox() {
        Request<?> request = inbox.takeAll();
        while (request != null) {
            Request<?> next = request.inboxNext;
            request.inboxNext = null;
            deadlines.add(request);
            enqueue(request);
            request = next;
        }
        if (closed) {
            failOutstanding();
        } else {
            pump();
        }
    }

    private void enqueue(Request<?> request) {
        if (request instanceof ResolveRequest resolve) {
            enqueueResolve(resolve);
        } else if (request instanceof ScanNextRequest next) {
            cursorReads.addLast(next);
        } else {
            (request.isWrite() ? newWrites : reads).addLast(request);
        }
    }

    /** It goes before new writes, which need the place in the window that it may free. */
    private void enqueueResolve(ResolveRequest resolve) {
        Unresolved target = resolve.target;
        if (target.resolution != null) {
            finish(resolve);
            resolve.complete(target.resolution);
        } else if (target.abandoned) {
            fail(resolve, lost(target));
        } else {
            resentWrites.addLast(resolve);
        }
    }

    private static OutcomeLostException lost(Unresolved target) {
        return new OutcomeLostException("the outcome of a " + target.request.verb()
                + " cannot be known any more (session " + target.session.id() + ", sequence " + target.sequence + ")");
    }

    /** Sends what may be sent, with one flush. Reentrant: the socket may report from within a write. */
    private void pump() {
        if (pumping) {
            pumpAgain = true;
            return;
        }
        pumping = true;
        try {
            do {
                pumpAgain = false;
                sendAll(System.nanoTime());
            } while (pumpAgain);
        } finally {
            pumping = false;
        }
        armTick();
    }

    private void sendAll(long nowNs) {
        sendCursorReads(nowNs);
        ClientConnection connection = active;
        if (connection == null) {
            if (hasQueued()) {
                connectWhenDue(nowNs);
            }
            return;
        }
        ByteBuf batch = null;
        boolean wrote = false;
        while (connection.isWritable() && inFlight.hasRoom()) {
            Request<?> request = nextSendable(nowNs);
            if (request == null) {
                break;
            }
            if (batch == null) {
                batch = connection.newBatch();
            }
            transmit(request, connection, batch, nowNs);
            if (batch.readableBytes() >= ClientConnection.BATCH_BYTES) {
                connection.write(batch);
                batch = null;
                wrote = true;
            }
        }
        if (batch != null) {
            askForMembers(batch, nowNs);
            connection.write(batch);
            wrote = true;
        }
        if (wrote) {
            connection.flush();
        }
    }

    /** With other requests, now and then: when all configured servers have been replaced the new ones must be known. */
    private void askForMembers(ByteBuf batch, long nowNs) {
        if (nowNs - learnNotBeforeNs >= 0) {
            learnNotBeforeNs = nowNs + LEARN_INTERVAL_NS;
            encoder.changeMembership(batch, LEARN_REQUEST_ID, List.of());
        }
    }

    @Override
    public void onMembershipReply(ClientConnection connection, long requestId, ClusterMembership membership) {
        learn(membership);
    }

    private void learnOnLoop(ClusterMembership membership) {
        try {
            eventLoop.execute(() -> learn(membership));
        } catch (RejectedExecutionException e) {
            LOG.trace("the loop has ended, nobody will connect any more");
        }
    }

    private void learn(ClusterMembership membership) {
        learned = membership.members().stream()
                .map(member -> clientAddress(member.address()))
                .filter(address -> !address.isEmpty())
                .toList();
        locator.learn(learned);
    }

    /** {@code host:port} for clients of {@code host:peerPort:clientPort[:httpPort]}; empty = the text is none. */
    static String clientAddress(String member) {
        int hostEnd = member.startsWith("[") ? member.indexOf(']') + 1 : member.indexOf(':');
        String[] ports = hostEnd > 0 ? member.substring(hostEnd).split(":", -1) : new String[0];
        return ports.length == 3 || ports.length == 4 ? member.substring(0, hostEnd) + ":" + ports[2] : "";
    }

    /** Each goes to the one server that has its cursor, whoever leads now. */
    private void sendCursorReads(long nowNs) {
        if (nowNs - readsNotBeforeNs < 0) {
            return;
        }
        for (int i = cursorReads.size(); i > 0; i--) {
            ScanNextRequest request = cursorReads.removeFirst();
            ClientConnection holder = request.holder;
            if (request.finished) {
                continue;
            }
            if (holder.isClosed()) {
                interrupt(request, "the connection to " + holder.server() + ", which had the cursor, is gone");
                continue;
            }
            if (!holder.isWritable() || !inFlight.hasRoom()) {
                cursorReads.addLast(request);
                continue;
            }
            ByteBuf batch = holder.newBatch();
            transmit(request, holder, batch, nowNs);
            holder.write(batch);
            holder.flush();
        }
    }

    private void closeCursorOnLoop(ClientConnection holder, long cursorId) {
        holder.cursors.remove(cursorId);
        if (holder.isWritable()) {
            ByteBuf batch = holder.newBatch();
            encoder.scanClose(batch, NO_REPLY_WANTED, cursorId);
            holder.write(batch);
            holder.flush();
        }
        closeIfDone(holder);
    }

    private void transmit(Request<?> request, ClientConnection connection, ByteBuf batch, long nowNs) {
        inFlight.add(request);
        request.connection = connection;
        if (connection.inFlight++ == 0) {
            connection.quietSinceNs = nowNs;
        }
        request.encode(encoder, batch);
    }

    /** Reads and writes in turn, so neither waits behind the other's full window or pause. */
    private @Nullable Request<?> nextSendable(long nowNs) {
        readsTurn = !readsTurn;
        Request<?> request = readsTurn ? nextRead(nowNs) : nextWrite(nowNs);
        if (request == null) {
            request = readsTurn ? nextWrite(nowNs) : nextRead(nowNs);
        }
        return request;
    }

    private @Nullable Request<?> nextRead(long nowNs) {
        return nowNs - readsNotBeforeNs < 0 || firstLive(reads) == null ? null : reads.pollFirst();
    }

    private @Nullable Request<?> nextWrite(long nowNs) {
        if (nowNs - writesNotBeforeNs < 0) {
            return null;
        }
        ArrayDeque<Request<?>> queue = firstLive(resentWrites) != null ? resentWrites : newWrites;
        Request<?> request = firstLive(queue);
        if (request == null) {
            return null;
        }
        if (request.session == null && request.isSequenced()) {
            if (session == null) {
                return openSession();
            }
            if (!session.hasRoom()) {
                return null;
            }
            request.session = session;
            request.sequence = session.take();
            request.lowestOpenSequence = session.lowestOpen();
        } else if (request.session != null && !request.inDoubt) {
            // All earlier transmissions were refused, so these bytes may change, and the servers learn what they may
            // forget.
            request.lowestOpenSequence = request.session.lowestOpen();
        }
        return queue.pollFirst();
    }

    private @Nullable Request<?> openSession() {
        if (sessionOpening) {
            return null;
        }
        sessionOpening = true;
        return new OpenSessionRequest();
    }

    /** First request of the queue that has not ended meanwhile. */
    private static @Nullable Request<?> firstLive(ArrayDeque<Request<?>> queue) {
        dropEnded(queue);
        return queue.peekFirst();
    }

    private static void dropEnded(ArrayDeque<Request<?>> queue) {
        for (Request<?> request = queue.peekFirst(); request != null && request.finished; request = queue.peekFirst()) {
            queue.removeFirst();
        }
    }

    private boolean hasQueued() {
        return firstLive(reads) != null || firstLive(resentWrites) != null || firstLive(newWrites) != null;
    }

    // ---- Connections

    private void connectWhenDue(long nowNs) {
        if (active != null || closed || nowNs - connectNotBeforeNs < 0) {
            return;
        }
        ClientConnection connection = new ClientConnection(this, locator.next(), clusterIdHash, clientId, encoder);
        active = connection;
        connection.connect(bootstrap, eventLoop);
        armTick();
    }

    @Override
    public void onReady(ClientConnection connection) {
        refusedGreetings = 0;
        LOG.debug("connected server={}", connection.server());
        if (!config.servers().contains(connection.server())) {
            learnNotBeforeNs = System.nanoTime();
        }
        // What waits is sent when the greeting's read is complete.
    }

    @Override
    public void onMomentToSend(ClientConnection connection) {
        pump();
    }

    @Override
    public void onClosed(ClientConnection connection, String problem, @Nullable Status refusal) {
        LOG.debug("disconnected server={} problem={}", connection.server(), problem);
        inFlight.forEachOn(connection, this::loseTransmission);
        retired.remove(connection);
        if (connection == active) {
            giveUpActive(connection, problem, "");
            if (refusal == Status.WRONG_CLUSTER || refusal == Status.UNSUPPORTED_VERSION) {
                onRefusedGreeting(refusal);
            } else {
                refusedGreetings = 0;
            }
        }
        if (!closed) {
            pump();
        }
    }

    /** The transmission's fate is unknown: nobody will answer it. */
    private void loseTransmission(Request<?> request) {
        endTransmission(request);
        request.inDoubt = true;
        requeue(request);
    }

    private void giveUpActive(ClientConnection connection, String problem, String leaderHint) {
        active = null;
        long nowNs = System.nanoTime();
        locator.onFailure(connection.server(), problem, leaderHint, nowNs);
        connectNotBeforeNs = nowNs + locator.pauseNs(nowNs);
    }

    /** The server does not lead: it owes replies only for what was sent to it. */
    private void retire(ClientConnection connection, String problem, String leaderHint) {
        if (connection != active) {
            return;
        }
        giveUpActive(connection, problem, leaderHint);
        if (connection.inFlight == 0 && connection.cursors.isEmpty()) {
            connection.close(problem);
        } else {
            retired.add(connection);
        }
    }

    /** When every server refuses the greeting, waiting for the deadline helps nobody. */
    private void onRefusedGreeting(Status refusal) {
        refusedGreetings++;
        if (refusedGreetings < config.servers().size()) {
            return;
        }
        refusedGreetings = 0;
        String message = "no server takes this client: " + locator.lastProblem();
        LOG.warn("no server takes this client status={} last={}", refusal, locator.lastProblem());
        for (Request<?> request = deadlines.first(); request != null; request = deadlines.first()) {
            fail(
                    request,
                    request.mayHaveBeenExecuted()
                            ? unknown(request, message, true)
                            : new ServerRefusedException(refusal, message));
        }
    }

    // ---- Replies

    @Override
    public void onCommandReply(
            ClientConnection connection,
            long requestId,
            Status status,
            long revision,
            ByteBuf frame,
            int resultOffset,
            int resultLength) {
        Request<?> request = endTransmission(connection, requestId);
        if (request == null) {
            return;
        }
        if (!status.isResult()) {
            onRefusal(connection, request, status, "", "");
        } else if (request instanceof CommandRequest<?> command) {
            noSpace = null;
            onSuccess();
            onResult(connection, command, status, revision, frame, resultOffset, resultLength);
        } else if (request instanceof OpenSessionRequest) {
            onSuccess();
            sessionOpening = false;
            session = new ClientSession(revision);
            LOG.debug("session opened id={} server={}", revision, connection.server());
        } else {
            loseTransmission(connection, request);
        }
    }

    private <R> void onResult(
            ClientConnection connection,
            CommandRequest<R> request,
            Status status,
            long revision,
            ByteBuf frame,
            int offset,
            int length) {
        if (RequestRejectedException.isWithoutChange(status)) {
            finish(request);
            request.completeExceptionally(RequestRejectedException.of(status, request.verb()));
            return;
        }
        R result = request.result(status, revision, frame, offset, length);
        if (result == null) {
            loseTransmission(connection, request);
            return;
        }
        if (request instanceof ResolveRequest resolve && result instanceof Resolution resolution) {
            resolve.target.resolution = resolution;
            resolve.target.session.settle(resolve.target.sequence);
        }
        finish(request);
        request.complete(result);
    }

    @Override
    public void onGetReply(
            ClientConnection connection,
            long requestId,
            Status status,
            long createRevision,
            long modRevision,
            long version,
            ByteBuf frame,
            int valueOffset,
            int valueLength) {
        Request<?> request = endTransmission(connection, requestId);
        if (request == null) {
            return;
        }
        if (!status.isResult()) {
            onRefusal(connection, request, status, "", "");
        } else if (request instanceof GetRequest get) {
            onAnswered(get);
            finish(get);
            if (status == Status.NOT_FOUND) {
                get.complete(Optional.empty());
                return;
            }
            byte[] value = new byte[valueLength];
            frame.getBytes(valueOffset, value);
            get.complete(Optional.of(new KeyValue(get.key, value, createRevision, modRevision, version)));
        } else {
            loseTransmission(connection, request);
        }
    }

    @Override
    public void onMultiGetReply(
            ClientConnection connection,
            long requestId,
            Status status,
            long revision,
            int entryCount,
            ByteBuf frame,
            int offset) {
        Request<?> request = endTransmission(connection, requestId);
        if (request == null) {
            return;
        }
        if (!status.isResult()) {
            onRefusal(connection, request, status, "", "");
        } else if (request instanceof MultiGetRequest multiGet && multiGet.keyCount() == entryCount) {
            onAnswered(multiGet);
            finish(multiGet);
            multiGet.complete(multiGet.result(revision, frame, offset));
        } else {
            loseTransmission(connection, request);
        }
    }

    @Override
    public void onScanReply(ClientConnection connection, long requestId, Status status, ScanChunk chunk) {
        Request<?> request = endTransmission(connection, requestId);
        if (request == null) {
            if (chunk.more()) {
                // Its caller has given up: so do we.
                closeCursorOnLoop(connection, chunk.cursorId());
            }
            return;
        }
        if (!status.isResult()) {
            onRefusal(connection, request, status, "", "");
        } else if (request instanceof ScanRequest scan) {
            onAnswered(scan);
            onChunk(connection, scan, chunk);
        } else if (request instanceof ScanNextRequest next) {
            if (chunk.cursorId() != next.cursorId) {
                connection.cursors.remove(next.cursorId);
            }
            onChunk(connection, next, chunk);
        } else {
            loseTransmission(connection, request);
        }
    }

    private void onChunk(ClientConnection connection, Request<ScanChunk> request, ScanChunk chunk) {
        if (chunk.more()) {
            connection.cursors.add(chunk.cursorId());
        }
        finish(request);
        request.complete(chunk);
        closeIfDone(connection);
    }

    @Override
    public void onWaitAppliedReply(ClientConnection connection, long requestId, long appliedIndex) {
        Request<?> request = endTransmission(connection, requestId);
        if (request instanceof WaitAppliedRequest wait) {
            finish(wait);
            wait.complete(appliedIndex);
        } else if (request != null) {
            loseTransmission(connection, request);
        }
    }

    @Override
    public void onErrorReply(
            ClientConnection connection, long requestId, Status status, String leaderAddress, String text) {
        if (requestId == FrameHeader.CONNECTION_REQUEST_ID) {
            onConnectionError(connection, status, leaderAddress, text);
            return;
        }
        Request<?> request = endTransmission(connection, requestId);
        if (request != null) {
            onRefusal(connection, request, status, leaderAddress, text);
        }
    }

    /** Nothing in flight on this connection will be answered. */
    private void onConnectionError(ClientConnection connection, Status status, String leaderAddress, String text) {
        if (status != Status.NOT_LEADER && status != Status.SHUTTING_DOWN) {
            LOG.warn("server={} status={} text={}", connection.server(), status, text);
        }
        String problem = "the server ended the connection: " + status + (text.isEmpty() ? "" : ", " + text);
        if (connection == active) {
            giveUpActive(connection, problem, leaderAddress);
        }
        connection.close(problem);
    }

    /** An answer of a server that need not lead says nothing about the leader. */
    private void onAnswered(Request<?> request) {
        if (!request.isForAnyServer()) {
            onSuccess();
        }
    }

    private void onSuccess() {
        locator.onSuccess();
        pauses = 0;
    }

    /** The answered transmission was refused; what becomes of the request depends on why, and on earlier transmissions. */
    private void onRefusal(
            ClientConnection connection, Request<?> request, Status status, String leaderAddress, String text) {
        if (request.isWrite()) {
            noSpace = status == Status.NO_SPACE ? text : null;
        }
        switch (status) {
            case NOT_LEADER, SHUTTING_DOWN -> {
                requeue(request);
                retire(connection, status + (text.isEmpty() ? "" : ", " + text), leaderAddress);
            }
            case BUSY -> {
                requeue(request);
                pauseWrites();
                readsNotBeforeNs = writesNotBeforeNs;
            }
            case NO_SPACE, SESSION_FULL -> {
                requeue(request);
                pauseWrites();
            }
            case INTERNAL, DEADLINE -> {
                request.inDoubt = true;
                requeue(request);
                if (!(request instanceof WaitAppliedRequest)) {
                    pauseWrites();
                    readsNotBeforeNs = writesNotBeforeNs;
                }
            }
            case SESSION_EXPIRED -> onSessionExpired(request);
            default -> reject(request, status, text);
        }
        closeIfDone(connection);
    }

    /** Pauses grow with refusals in a row; those of one burst count once. */
    private void pauseWrites() {
        long nowNs = System.nanoTime();
        if (nowNs - writesNotBeforeNs >= 0) {
            long pause = MIN_PAUSE_NS << Math.min(pauses++, MAX_PAUSE_DOUBLINGS);
            writesNotBeforeNs = nowNs + pause / 2 + random.nextLong(pause);
        }
    }

    /**
     * This transmission did nothing. Was it the only one, the write may go on in a new session; else an earlier one may have
     * been executed while the session lived, and a new sequence could execute it again.
     */
    private void onSessionExpired(Request<?> request) {
        if (request instanceof ResolveRequest resolve) {
            fail(resolve, lost(resolve.target));
            return;
        }
        if (!request.isSequenced()) {
            // Only commands of a session can be told so.
            reject(request, Status.SESSION_EXPIRED, "");
            return;
        }
        if (request.session == session) {
            LOG.info("session expired id={}", request.sessionId());
            session = null;
        }
        if (request.inDoubt) {
            fail(request, unknown(request, "the session expired after the write had been sent without a reply", false));
            return;
        }
        request.session = null;
        request.sequence = 0;
        request.lowestOpenSequence = 0;
        requeue(request);
    }

    private void reject(Request<?> request, Status status, String text) {
        String reason = text.isEmpty() ? "" : ": " + text;
        if (request instanceof OpenSessionRequest) {
            LOG.warn("no session: status={} text={}", status, text);
            sessionOpening = false;
            pauseWrites();
        } else if (request instanceof ResolveRequest resolve && status == Status.SEQUENCE_OUT_OF_WINDOW) {
            fail(resolve, lost(resolve.target));
        } else if (request instanceof ScanNextRequest next && status == Status.CURSOR_EXPIRED) {
            interrupt(next, next.holder.server() + " does not know the cursor any more" + reason);
        } else if (request.mayHaveBeenExecuted() && status != Status.CANCELLED) {
            fail(
                    request,
                    unknown(request, "answered " + status + " after an earlier transmission without a reply", true));
        } else {
            fail(request, new RequestRejectedException(status, request.verb() + " was rejected, " + status + reason));
        }
    }

    private void interrupt(ScanNextRequest request, String problem) {
        request.holder.cursors.remove(request.cursorId);
        fail(request, new ScanInterruptedException("the scan cannot go on: " + problem, null));
    }

    /** The reply is of a kind that the request cannot have: the server breaks the protocol. */
    private void loseTransmission(ClientConnection connection, Request<?> request) {
        request.inDoubt = true;
        requeue(request);
        connection.close("the server answered a " + request.verb() + " with another request's reply");
    }

    // ---- The life of a request

    /** Ends the transmission that a reply answers; null when none with this id is under way here: a late or double reply. */
    private @Nullable Request<?> endTransmission(ClientConnection connection, long requestId) {
        Request<?> request = inFlight.find(requestId);
        if (request == null || request.connection != connection) {
            LOG.debug("reply without request id={} server={}", requestId, connection.server());
            return null;
        }
        endTransmission(request);
        closeIfDone(connection);
        return request;
    }

    private void endTransmission(Request<?> request) {
        inFlight.remove(request);
        if (request.connection != null) {
            request.connection.inFlight--;
            request.connection = null;
        }
    }

    private void closeIfDone(ClientConnection connection) {
        if (connection.inFlight == 0 && connection.cursors.isEmpty() && connection != active) {
            connection.close("not the leader");
        }
    }

    private void requeue(Request<?> request) {
        if (request instanceof OpenSessionRequest) {
            sessionOpening = false;
        } else if (request instanceof ScanNextRequest next) {
            if (next.inDoubt || next.holder.isClosed()) {
                // The server may have moved on: asked again it would leave a chunk out.
                interrupt(next, "no reply from " + next.holder.server() + ", which had the cursor");
            } else {
                cursorReads.addLast(next);
            }
        } else if (request.isWrite()) {
            resentWrites.addLast(request);
        } else {
            reads.addLast(request);
        }
    }

    /** The caller is about to be told the outcome. */
    private void finish(Request<?> request) {
        end(request);
        if (request.session != null) {
            request.session.settle(request.sequence);
        }
    }

    private void end(Request<?> request) {
        deadlines.remove(request);
        request.finished = true;
        outstanding.decrementAndGet();
    }

    private void fail(Request<?> request, CairnException exception) {
        if (request.connection != null) {
            endTransmission(request);
        }
        if (exception instanceof OutcomeUnknownException unknown && unknown.isResolvable()) {
            // Its sequence stays open, so that it can be asked for.
            end(request);
        } else {
            finish(request);
        }
        request.completeExceptionally(exception);
    }

    /**
     * @param resolvable whether the servers may still know the sequence
     */
    private OutcomeUnknownException unknown(Request<?> request, String reason, boolean resolvable) {
        Unresolved unresolved = null;
        ClientSession of = request.session;
        if (resolvable && !closed && of != null && request instanceof CommandRequest<?> command) {
            unresolved = new Unresolved(this, of, command);
            of.keepOpen(unresolved);
        }
        String advice = unresolved == null ? "; read the key before you repeat it" : "; resolve() asks for it";
        return new OutcomeUnknownException(
                "the outcome of a " + request.verb() + " is unknown (session " + request.sessionId() + ", sequence "
                        + request.sequence + "): " + reason + advice,
                unresolved);
    }

    // ---- Time

    private void armTick() {
        if (tickTimer == null && !closed && (deadlines.first() != null || !retired.isEmpty() || greeting())) {
            tickTimer = eventLoop.schedule(tick, TICK_NS, TimeUnit.NANOSECONDS);
        }
    }

    private boolean greeting() {
        return active != null && !active.isReady();
    }

    private void tick() {
        tickTimer = null;
        if (closed) {
            return;
        }
        long nowNs = System.nanoTime();
        expire(nowNs);
        closeSilent(nowNs);
        pump();
    }

    private void expire(long nowNs) {
        for (Request<?> request = deadlines.first();
                request != null && nowNs - request.deadlineNs >= 0;
                request = deadlines.first()) {
            fail(request, deadlinePassed(request));
        }
        // Ended requests at the heads; those further behind end soon after them.
        dropEnded(reads);
        dropEnded(resentWrites);
        dropEnded(newWrites);
    }

    private CairnException deadlinePassed(Request<?> request) {
        String within =
                request instanceof WaitAppliedRequest ? "in time" : "within " + requestTimeoutNs / 1_000_000 + " ms";
        if (request.mayHaveBeenExecuted()) {
            return unknown(request, "no reply " + within, true);
        }
        if (request.isWrite() && noSpace != null) {
            return new RequestRejectedException(
                    Status.NO_SPACE, "a " + request.verb() + " was refused " + within + ": NO_SPACE, " + noSpace);
        }
        String last = locator.lastProblem().isEmpty() ? "" : "; last problem: " + locator.lastProblem();
        if (request.connection == null && (active == null || !active.isReady())) {
            return new NoLeaderException("no leader " + within + " among " + String.join(",", config.servers()) + last);
        }
        return new RequestTimeoutException("no reply to a " + request.verb() + " " + within
                + (request.isSequenced() ? ", it was not sent" : "") + last);
    }

    private void closeSilent(long nowNs) {
        ClientConnection connection = active;
        if (connection != null) {
            long quietNs = nowNs - connection.quietSinceNs;
            if (!connection.isReady() && quietNs >= connectTimeoutNs) {
                connection.close("no greeting within " + connectTimeoutNs / 1_000_000 + " ms");
            } else if (connection.inFlight > 0 && quietNs >= silenceTimeoutNs) {
                connection.close("silent for " + quietNs / 1_000_000 + " ms");
            }
        }
        for (int i = retired.size() - 1; i >= 0; i--) {
            ClientConnection old = retired.get(i);
            if (nowNs - old.quietSinceNs >= (old.inFlight > 0 ? RETIRED_SILENCE_NS : CURSOR_SILENCE_NS)) {
                old.close("silent after it lost leadership");
            }
        }
    }

    // ---- The end

    private void closeOnLoop() {
        takeInbox();
        ClientConnection connection = active;
        active = null;
        for (ClientConnection old : List.copyOf(retired)) {
            old.close("client closed");
        }
        if (connection == null) {
            farewell.complete(null);
        } else if (session != null && session.hasRoom() && connection.isWritable()) {
            long sequence = session.take();
            ByteBuf last = connection.newBatch();
            encoder.closeSession(last, NO_REPLY_WANTED, session.id(), sequence, session.lowestOpen());
            connection.writeAndClose(last, () -> farewell.complete(null));
        } else {
            connection.close("client closed");
            farewell.complete(null);
        }
    }

    private void failOutstanding() {
        for (Request<?> request = deadlines.first(); request != null; request = deadlines.first()) {
            fail(
                    request,
                    request.mayHaveBeenExecuted()
                            ? unknown(request, "the client was closed", false)
                            : closedException());
        }
    }
}
