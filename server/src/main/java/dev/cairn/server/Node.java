package dev.cairn.server;

import dev.cairn.engine.CheckpointStore;
import dev.cairn.raft.Membership;
import dev.cairn.raft.Role;
import dev.cairn.server.http.HttpGateway;
import dev.cairn.server.http.HttpObserver;
import dev.cairn.server.metrics.NodeMetrics;
import dev.cairn.server.metrics.ReplicaMetrics;
import dev.cairn.server.net.CheckpointSocket;
import dev.cairn.server.net.NetLoop;
import dev.cairn.server.net.NettyClientTransport;
import dev.cairn.server.net.NettyPeerTransport;
import dev.cairn.server.net.PortInUseException;
import dev.cairn.server.replica.ConsensusAgent;
import dev.cairn.server.replica.EventLog;
import dev.cairn.server.replica.InProcessClients;
import dev.cairn.server.replica.MemberAddress;
import dev.cairn.server.replica.MemberAddresses;
import dev.cairn.server.replica.Replica;
import dev.cairn.server.snapshot.Installation;
import dev.cairn.server.snapshot.SnapshotService;
import dev.cairn.server.snapshot.StagedSnapshot;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One node of a cluster: opens and recovers its data directory, starts the threads, listens, and stops cleanly. Wiring
 * only; what the threads do stands in the agents.
 *
 * <p>Start, strictly in order: lock and identity, store, hard state and log, core as follower, threads, ports. The ports
 * open last: nobody is answered by a node that has not recovered.
 */
public final class Node implements AutoCloseable {
    private static final Logger LOGGER = LoggerFactory.getLogger(Node.class);

    /** Longest time that a clean stop waits for commands under way. */
    private static final long DRAIN_NS = TimeUnit.SECONDS.toNanos(5);

    /** Requests of the gateway that may wait for the loop; an eighth of it is the longest. */
    private static final int HTTP_INBOX_BYTES = 16 << 20;

    private final NodeConfig config;
    private final FatalErrorHandler fatal;
    private final Identity identity;
    private final NetLoop loop;
    private final NettyPeerTransport peers;
    private final NettyClientTransport clients;
    private final InProcessClients allClients;
    private final long instance;
    private @Nullable HttpGateway gateway;
    private final NettyPeerTransport.Self self;
    private final MemberAddresses addresses;
    private final SnapshotService snapshots;
    private final Installation installation;
    private final NodeMetrics metrics;
    private final RunningReplica.Surroundings surroundings;
    private final Thread loopThread;
    /** Made by the thread that starts the node, later changed by the loop thread only. */
    private RunningReplica running;

    private final CompletableFuture<Void> listening = new CompletableFuture<>();
    private volatile boolean stopping;
    private volatile boolean abandoned;
    private boolean closed;

    /**
     * Starts a node; when this returns its ports are open.
     *
     * @throws IdentityException when the data directory belongs to another node or is in use
     * @throws dev.cairn.wal.WalException when log or hard state are damaged
     * @throws dev.cairn.server.net.PortInUseException when a port cannot be had
     */
    public static Node start(final NodeConfig config, final FatalErrorHandler fatal) {
        final SecureRandom random = new SecureRandom();
        final Identity identity =
                Identity.open(config.dataDir(), config.nodeId(), config.clusterId(), random::nextLong);
        try {
            final Node node = new Node(config, identity, random, fatal);
            node.startThreads();
            return node;
        } catch (RuntimeException failure) {
            identity.close();
            throw failure;
        }
    }

    private Node(
            final NodeConfig config,
            final Identity identity,
            final SecureRandom random,
            final FatalErrorHandler fatal) {
        this.config = config;
        this.identity = identity;
        this.fatal = fatal;
        loopThread = NetLoop.newThread(this::runLoop, "loop");
        loop = new NetLoop(loopThread);
        self = new NettyPeerTransport.Self(config.nodeId(), config.clusterIdHash(), identity.storageId());
        addresses = new MemberAddresses(config.bootstrapAddresses());
        addresses.introduce(config.nodeId(), config.self().address());
        peers = new NettyPeerTransport(loop, self, addresses);
        clients = new NettyClientTransport(loop, config.nodeId(), config.clusterIdHash(), System.nanoTime());
        allClients = new InProcessClients(clients, loop, HTTP_INBOX_BYTES);
        instance = random.nextLong();
        final ReplicaMetrics replicaMetrics = new ReplicaMetrics(
                System::nanoTime,
                IntStream.of(addresses.members())
                        .filter(id -> id != config.nodeId())
                        .toArray());
        metrics = new NodeMetrics(config.nodeId(), config.clusterId(), version(), replicaMetrics);
        final CheckpointStore checkpoints = new CheckpointStore(config.dataDir(), config.clusterId(), random::nextLong);
        snapshots = new SnapshotService(
                config.snapshots(),
                config.dataDir(),
                config.clusterId(),
                checkpoints,
                this::readCheckpointsOf,
                loop,
                fatal,
                metrics.snapshots());
        snapshots.open();
        peers.serveCheckpoints(snapshots.requests());
        surroundings = new RunningReplica.Surroundings(
                config,
                identity,
                random,
                peers,
                allClients,
                new LoggedEvents(),
                loop,
                snapshots,
                replicaMetrics,
                addresses,
                fatal);
        installation = new Installation(config.dataDir());
        final Replica.Installed installed = installation.recover(checkpoints).orElse(null);
        running = RunningReplica.open(surroundings, installed);
        if (installed != null) {
            installation.clear();
        }
    }

    private CheckpointSocket readCheckpointsOf(final int nodeId) throws IOException {
        final MemberAddress address = addresses.address(nodeId);
        if (address == null) {
            throw new IOException("the address of node " + nodeId + " is not known");
        }
        return CheckpointSocket.toPeer(address.host(), address.peerPort(), nodeId, self);
    }

    private static String version() {
        final String version = Node.class.getPackage().getImplementationVersion();
        return version == null ? "unpackaged" : version;
    }

    /** Any thread: what this node counts and measures. */
    public NodeMetrics metrics() {
        return metrics;
    }

    private void startThreads() {
        running.start();
        snapshots.start();
        loopThread.start();
        try {
            listening.join();
            gateway = startGateway();
        } catch (CompletionException failure) {
            close();
            throw failure.getCause() instanceof RuntimeException cause ? cause : failure;
        } catch (PortInUseException failure) {
            close();
            throw failure;
        }
        LOGGER.info(
                "event=start.done node={} cluster={} peer={} client={} http={} transport={}",
                config.nodeId(),
                config.clusterId(),
                config.peerListen(),
                config.clientListen(),
                config.httpListen() == null ? "off" : config.httpListen(),
                loop.transport());
    }

    private @Nullable HttpGateway startGateway() {
        final Address listen = config.httpListen();
        if (listen == null) {
            return null;
        }
        return HttpGateway.start(
                new HttpGateway.Config(socketAddress(listen), addresses, instance), allClients, new ObservedHttp());
    }

    // ---- loop thread ---------------------------------------------------------------------------------------------

    private void runLoop() {
        try {
            if (listen()) {
                runCycles();
                if (!abandoned) {
                    drain();
                }
            }
            clients.close();
            peers.close();
            loop.close();
        } catch (Throwable failure) {
            fatal.onFatalError("loop", failure);
        }
    }

    private boolean listen() {
        try {
            peers.listen(socketAddress(config.peerListen()));
            clients.listen(socketAddress(config.clientListen()));
        } catch (RuntimeException failure) {
            listening.completeExceptionally(failure);
            return false;
        }
        listening.complete(null);
        return true;
    }

    private static InetSocketAddress socketAddress(final Address address) {
        return new InetSocketAddress(address.host(), address.port());
    }

    private void runCycles() throws InterruptedException {
        while (!stopping) {
            final StagedSnapshot staged = snapshots.staged();
            if (staged != null && running.hasRoomToInstall()) {
                install(staged);
            }
            final ConsensusAgent consensus = running.consensus();
            final long nowNs = System.nanoTime();
            consensus.doWork(nowNs);
            clients.endOverdue(nowNs);
            loop.runOnce(consensus.hasClientFrames() ? 0 : consensus.nextTickNs() - System.nanoTime());
        }
    }

    /**
     * Replaces the store by a received snapshot, and the log follows: a restart of the replica, while ports, the threads of
     * the network and the open log stay. A failure on the way ends the process; the next start goes on by the intent.
     * Nothing is voted or appended in between, for this thread would do it.
     */
    private void install(final StagedSnapshot staged) throws InterruptedException {
        final long commitIndex = running.consensus().core().commitIndex();
        if (commitIndex >= staged.index()) {
            LOGGER.info("event=snapshot.install.skipped index={} commitIndex={}", staged.index(), commitIndex);
            snapshots.takeStaged(true);
            return;
        }
        final long startNs = System.nanoTime();
        LOGGER.info(
                "event=snapshot.install.start index={} term={} commitIndex={}",
                staged.index(),
                staged.term(),
                commitIndex);
        installation.intend(staged);
        // Their requests will not be answered: clients ask again, here or elsewhere.
        clients.closeConnections();
        allClients.closePorts();
        running.stop();
        final RunningReplica.OpenLog log = running.closeForReplacement();
        installation.swap(staged);
        running = RunningReplica.reopen(surroundings, log, new Replica.Installed(staged.index(), staged.term()));
        installation.clear();
        running.start();
        snapshots.takeStaged(false);
        metrics.snapshots().onInstalled();
        LOGGER.info(
                "event=snapshot.installed index={} term={} bytes={} ms={}",
                staged.index(),
                staged.term(),
                staged.checkpoint().manifest().totalBytes(),
                millis(startNs, System.nanoTime()));
    }

    /** A leader hands over; commands under way are answered and forced, then the log gets its last record. */
    private void drain() {
        final ConsensusAgent consensus = running.consensus();
        final long deadlineNs = System.nanoTime() + DRAIN_NS;
        while (consensus.handOver() && System.nanoTime() - deadlineNs < 0) {
            consensus.doWork(System.nanoTime());
            loop.runOnce(TimeUnit.MILLISECONDS.toNanos(1));
        }
        consensus.refuseNewCommands();
        while (!consensus.isDrained() && System.nanoTime() - deadlineNs < 0) {
            consensus.doWork(System.nanoTime());
            loop.runOnce(TimeUnit.MILLISECONDS.toNanos(1));
        }
        consensus.endLog();
        running.wakeLogSync();
    }

    // ---- stop ----------------------------------------------------------------------------------------------------

    /** Stops cleanly: refuses new commands, answers those under way, forces the log, flushes the store. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        final long startNs = System.nanoTime();
        if (gateway != null) {
            gateway.stop(!abandoned);
        }
        stopping = true;
        loop.wake();
        try {
            loopThread.join();
            running.stop();
            snapshots.stop();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while stopping: the data directory stays locked", e);
        }
        running.close();
        identity.close();
        LOGGER.info("event=stop.done node={} ms={}", config.nodeId(), millis(startNs, System.nanoTime()));
    }

    /**
     * Stops at once, for tests of what a crash leaves: nothing under way is answered or waited for, and the log gets no last
     * record. A killed process leaves less still.
     */
    public void abandon() {
        abandoned = true;
        close();
    }

    private static long millis(final long fromNs, final long toNs) {
        return TimeUnit.NANOSECONDS.toMillis(toNs - fromNs);
    }

    /** The gateway's side of this node's metrics. */
    private final class ObservedHttp implements HttpObserver {
        @Override
        public void onResponse(final int code, final long durationNs) {
            metrics.http().onResponse(code, durationNs);
        }

        @Override
        public String scrape() {
            return metrics.scrape();
        }

        @Override
        public String contentType() {
            return NodeMetrics.CONTENT_TYPE;
        }
    }

    /** One line per fact. */
    private final class LoggedEvents implements EventLog {
        @Override
        public void onRoleChanged(final Role role, final long term, final int leaderId, final String reason) {
            LOGGER.info(
                    "event=role node={} role={} term={} leader={} reason=\"{}\"",
                    config.nodeId(),
                    role,
                    term,
                    leaderId,
                    reason);
        }

        @Override
        public void onMembershipChanged(final long index, final Membership membership) {
            LOGGER.info("event=membership node={} index={} {}", config.nodeId(), index, membership);
        }

        @Override
        public void onOutside(final String reason) {
            LOGGER.warn(
                    "event=membership.outside node={} reason=\"{}\" advice=\"clients are refused here\"",
                    config.nodeId(),
                    reason);
        }

        @Override
        public void onLogDropped(final long firstIndex) {
            LOGGER.info("event=log.dropped node={} firstIndex={}", config.nodeId(), firstIndex);
        }

        @Override
        public void onLogRolled(final long lastIndex, final long ns) {
            if (LOGGER.isDebugEnabled()) {
                LOGGER.debug(
                        "event=log.rolled node={} lastIndex={} us={}",
                        config.nodeId(),
                        lastIndex,
                        TimeUnit.NANOSECONDS.toMicros(ns));
            }
        }

        @Override
        public void onSlowForce(
                final String what, final long ms, final long bytes, final String position, final long untold) {
            LOGGER.warn(
                    "event=log.slow node={} what={} ms={} bytes={} durable={} untold={}",
                    config.nodeId(),
                    what,
                    ms,
                    bytes,
                    position,
                    untold);
        }

        @Override
        public void onDiskSpace(final boolean low, final long freeBytes, final long reserveBytes) {
            if (low) {
                LOGGER.warn(
                        "event=disk.low node={} freeBytes={} reserveBytes={} advice=\"writes of clients are refused until"
                                + " there is space; reads go on\"",
                        config.nodeId(),
                        freeBytes,
                        reserveBytes);
            } else {
                LOGGER.info(
                        "event=disk.ok node={} freeBytes={} reserveBytes={}", config.nodeId(), freeBytes, reserveBytes);
            }
        }

        @Override
        public void onApplyStalled(final boolean stalled, final long appliedIndex) {
            if (stalled) {
                LOGGER.warn(
                        "event=apply.stalled node={} appliedIndex={} reason=\"no space on the disk; the same batch is"
                                + " tried again\"",
                        config.nodeId(),
                        appliedIndex);
            } else {
                LOGGER.info("event=apply.resumed node={} appliedIndex={}", config.nodeId(), appliedIndex);
            }
        }

        @Override
        public void onRepairTarget(final long targetIndex, final long lastIndex, final int leaderId) {
            LOGGER.info(
                    "event=repair.target node={} targetIndex={} lastIndex={} leader={}",
                    config.nodeId(),
                    targetIndex,
                    lastIndex,
                    leaderId);
        }

        @Override
        public void onRepairDone(final long lastIndex) {
            LOGGER.info("event=repair.done node={} lastIndex={}", config.nodeId(), lastIndex);
        }

        @Override
        public void onRepairStalled(final String lost, final long lastIndex) {
            LOGGER.error(
                    "event=repair.stalled node={} lost={} lastIndex={} advice=\"the log of this node is damaged and there is"
                            + " no leader with a majority of intact logs: start the nodes that are down; where a majority"
                            + " has damaged logs only a backup helps\"",
                    config.nodeId(),
                    lost,
                    lastIndex);
        }

        @Override
        public void onReadFailed(final String reason) {
            LOGGER.error("event=read.failed node={} reason=\"{}\"", config.nodeId(), reason);
        }

        @Override
        public void onBadPeerFrame(final int peerId, final String reason) {
            LOGGER.warn("event=peer.badframe node={} peer={} reason=\"{}\"", config.nodeId(), peerId, reason);
        }
    }
}
