package dev.cairn.server;

import dev.cairn.engine.RocksStore;
import dev.cairn.engine.RocksStoreConfig;
import dev.cairn.raft.RaftConfig;
import dev.cairn.raft.Role;
import dev.cairn.server.net.NetLoop;
import dev.cairn.server.net.NettyClientTransport;
import dev.cairn.server.net.NettyPeerTransport;
import dev.cairn.server.replica.Capacities;
import dev.cairn.server.replica.ConsensusAgent;
import dev.cairn.server.replica.EventLog;
import dev.cairn.server.replica.Replica;
import dev.cairn.server.replica.Wakeable;
import dev.cairn.wal.FileSegmentDirectory;
import dev.cairn.wal.RecoveryReport;
import dev.cairn.wal.WalConfig;
import dev.cairn.wal.WriterChoice;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
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

    /** Pause of the housekeeping thread when it finds nothing to do, and between steps. */
    private static final long HOUSEKEEPING_IDLE_NS = TimeUnit.MILLISECONDS.toNanos(20);

    private static final long HOUSEKEEPING_STEP_NS = TimeUnit.MILLISECONDS.toNanos(1);

    private final NodeConfig config;
    private final FatalErrorHandler fatal;
    private final Identity identity;
    private final RocksStore store;
    private final FileSegmentDirectory rootDirectory;
    private final FileSegmentDirectory walDirectory;
    private final NetLoop loop;
    private final NettyPeerTransport peers;
    private final NettyClientTransport clients;
    private final Replica replica;
    private final Thread loopThread;
    private final AgentThread logSyncThread;
    private final AgentThread applyThread;
    private final AgentThread readerThread;
    private final Thread housekeepingThread;
    private final CompletableFuture<Void> listening = new CompletableFuture<>();
    private volatile boolean stopping;
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
        final long startNs = System.nanoTime();
        final Path data = config.dataDir();
        store = RocksStore.open(RocksStoreConfig.of(data.resolve("kv")));
        final long storeNs = System.nanoTime();
        LOGGER.info(
                "event=start.store flushedIndex={} flushedTerm={} ms={}",
                store.flushedApplied().index(),
                store.flushedApplied().term(),
                millis(startNs, storeNs));

        loopThread = new Thread(this::runLoop, "loop");
        loop = new NetLoop(loopThread);
        peers = new NettyPeerTransport(
                loop, new NettyPeerTransport.Self(config.nodeId(), config.clusterIdHash(), identity.storageId()));
        clients = new NettyClientTransport(loop, config.nodeId(), config.clusterIdHash());
        final WriterChoice writer = WriterChoice.valueOf(config.walWriter().name());
        rootDirectory = FileSegmentDirectory.open(data, WriterChoice.CHANNEL);
        walDirectory = FileSegmentDirectory.open(createDirectory(data.resolve("wal")), writer);
        final LateWake logSyncWake = new LateWake();
        final LateWake applyWake = new LateWake();
        final LateWake readerWake = new LateWake();
        replica = new Replica(
                replicaConfig(config, identity, writer),
                new Replica.Surroundings(
                        rootDirectory,
                        walDirectory,
                        store,
                        peers,
                        clients,
                        new LoggedEvents(),
                        random::nextLong,
                        random::nextInt,
                        loop,
                        logSyncWake,
                        applyWake,
                        readerWake),
                System.nanoTime());
        logRecovery(replica.recovery(), millis(storeNs, System.nanoTime()));
        logSyncThread = new AgentThread("log-sync", replica.logSync(), fatal);
        applyThread = new AgentThread("apply", replica.apply(), fatal);
        readerThread = new AgentThread("reader-1", replica.slowReader(), fatal);
        logSyncWake.to = logSyncThread;
        applyWake.to = applyThread;
        readerWake.to = readerThread;
        housekeepingThread = new Thread(this::runHousekeeping, "housekeeping");
        housekeepingThread.setDaemon(true);
    }

    private static Replica.Config replicaConfig(
            final NodeConfig config, final Identity identity, final WriterChoice writer) {
        final TreeSet<Integer> voters = new TreeSet<>();
        final Map<Integer, String> clientAddresses = new HashMap<>();
        for (final Member member : config.members()) {
            voters.add(member.id());
            clientAddresses.put(member.id(), member.clientAddress().toString());
        }
        final int tickMs = config.raftTickMs();
        return new Replica.Config(
                RaftConfig.of(
                        config.nodeId(),
                        voters,
                        config.raftHeartbeatMs() / tickMs,
                        config.raftElectionMinMs() / tickMs,
                        config.raftElectionMaxMs() / tickMs),
                WalConfig.of(config.clusterIdHash(), config.nodeId(), identity.storageId())
                        .withSegmentBytes(config.walSegmentBytes())
                        .withWriter(writer),
                clientAddresses,
                TimeUnit.MILLISECONDS.toNanos(tickMs),
                System.currentTimeMillis(),
                Capacities.NODE);
    }

    private static Path createDirectory(final Path path) {
        try {
            return Files.createDirectories(path);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot create " + path + ": " + e.getMessage(), e);
        }
    }

    private void logRecovery(final RecoveryReport report, final long ms) {
        LOGGER.info(
                "event=start.log writer=\"{}\" segments={} firstIndex={} lastIndex={} lastTerm={} copiedEntries={}"
                        + " copiedBytes={} commitHint={} appliedIndex={} ms={}",
                report.writer(),
                report.segments(),
                report.firstIndex(),
                report.lastIndex(),
                report.lastTerm(),
                report.copiedEntries(),
                report.copiedBytes(),
                report.commitHint(),
                replica.apply().appliedIndex(),
                ms);
        if (report.torn()) {
            LOGGER.info(
                    "event=start.cut file={} offset={} bytes={} kept={} reason=\"torn tail of a crash, never acknowledged\"",
                    report.cutFile(),
                    report.cutOffset(),
                    report.cutBytes(),
                    report.cutBytesKept());
        }
    }

    private void startThreads() {
        logSyncThread.start();
        applyThread.start();
        readerThread.start();
        housekeepingThread.start();
        loopThread.start();
        try {
            listening.join();
        } catch (CompletionException failure) {
            close();
            throw failure.getCause() instanceof RuntimeException cause ? cause : failure;
        }
        LOGGER.info(
                "event=start.done node={} cluster={} peer={} client={} transport={}",
                config.nodeId(),
                config.clusterId(),
                config.peerListen(),
                config.clientListen(),
                loop.transport());
    }

    // ---- loop thread ---------------------------------------------------------------------------------------------

    private void runLoop() {
        try {
            if (listen()) {
                runCycles();
                drain();
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
        for (final Member member : config.members()) {
            if (member.id() != config.nodeId()) {
                peers.dial(member.id(), member.host(), member.peerPort());
            }
        }
        listening.complete(null);
        return true;
    }

    private static InetSocketAddress socketAddress(final Address address) {
        return new InetSocketAddress(address.host(), address.port());
    }

    private void runCycles() {
        final ConsensusAgent consensus = replica.consensus();
        while (!stopping) {
            consensus.doWork(System.nanoTime());
            loop.runOnce(consensus.hasClientFrames() ? 0 : consensus.nextTickNs() - System.nanoTime());
        }
    }

    /** Commands under way are answered and forced, then the log gets its last record. */
    private void drain() {
        final ConsensusAgent consensus = replica.consensus();
        consensus.refuseNewCommands();
        final long deadlineNs = System.nanoTime() + DRAIN_NS;
        while (!consensus.isDrained() && System.nanoTime() - deadlineNs < 0) {
            consensus.doWork(System.nanoTime());
            loop.runOnce(TimeUnit.MILLISECONDS.toNanos(1));
        }
        consensus.endLog();
        logSyncThread.wake();
    }

    private void runHousekeeping() {
        try {
            while (!stopping) {
                final int work = replica.spares().doWork(System.nanoTime());
                LockSupport.parkNanos(this, work > 0 ? HOUSEKEEPING_STEP_NS : HOUSEKEEPING_IDLE_NS);
            }
        } catch (Throwable failure) {
            fatal.onFatalError("housekeeping", failure);
        }
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
        stopping = true;
        loop.wake();
        try {
            loopThread.join();
            logSyncThread.stop();
            applyThread.stop();
            readerThread.stop();
            LockSupport.unpark(housekeepingThread);
            housekeepingThread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while stopping: the data directory stays locked", e);
        }
        replica.close();
        walDirectory.close();
        rootDirectory.close();
        store.close();
        identity.close();
        LOGGER.info("event=stop.done node={} ms={}", config.nodeId(), millis(startNs, System.nanoTime()));
    }

    private static long millis(final long fromNs, final long toNs) {
        return TimeUnit.NANOSECONDS.toMillis(toNs - fromNs);
    }

    /** Wakes a thread that is made after the agents that wake it; nothing is woken before the threads start. */
    private static final class LateWake implements Wakeable {
        private volatile @Nullable Wakeable to;

        @Override
        public void wake() {
            final Wakeable target = to;
            if (target != null) {
                target.wake();
            }
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
        public void onBadPeerFrame(final int peerId, final String reason) {
            LOGGER.warn("event=peer.badframe node={} peer={} reason=\"{}\"", config.nodeId(), peerId, reason);
        }
    }
}
