package dev.cairn.server;

import dev.cairn.engine.KvStore;
import dev.cairn.engine.KvStoreException;
import dev.cairn.engine.RocksStore;
import dev.cairn.engine.RocksStoreConfig;
import dev.cairn.engine.WriteBackStore;
import dev.cairn.raft.RaftConfig;
import dev.cairn.server.metrics.ReplicaMetrics;
import dev.cairn.server.replica.Capacities;
import dev.cairn.server.replica.ClientTransport;
import dev.cairn.server.replica.ConsensusAgent;
import dev.cairn.server.replica.EventLog;
import dev.cairn.server.replica.LeaseClock;
import dev.cairn.server.replica.MemberAddresses;
import dev.cairn.server.replica.PeerTransport;
import dev.cairn.server.replica.Replica;
import dev.cairn.server.replica.ReplicaLog;
import dev.cairn.server.replica.Wakeable;
import dev.cairn.server.snapshot.CheckpointAgent;
import dev.cairn.server.snapshot.SnapshotService;
import dev.cairn.wal.FileSegmentDirectory;
import dev.cairn.wal.RecoveryReport;
import dev.cairn.wal.WalConfig;
import dev.cairn.wal.WriterChoice;
import java.security.SecureRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Store, log, replica and their threads: one life of them. The installation of a snapshot ends one life and begins the
 * next while transports, ports, the loop's thread and the open log stay. Opened, started, stopped and closed by one thread.
 */
final class RunningReplica {
    private static final Logger LOGGER = LoggerFactory.getLogger(RunningReplica.class);

    /** Between processes of one machine a group takes half of it; puts that come each millisecond find it passed. ADR 21. */
    private static final long LINGER_NS = TimeUnit.MILLISECONDS.toNanos(1);

    private final KvStore store;
    private final OpenLog log;
    private final Replica replica;
    private final AgentThread logSyncThread;
    private final AgentThread applyThread;
    private final AgentThread readerThread;
    private final AgentThread rangeReaderThread;
    private final HousekeepingThread housekeeping;
    private final CheckpointAgent checkpoints;

    /** The log with the directories that it works in. */
    record OpenLog(ReplicaLog log, FileSegmentDirectory rootDirectory, FileSegmentDirectory walDirectory) {
        void close() {
            log.close();
            walDirectory.close();
            rootDirectory.close();
        }
    }

    /** What outlives a replica. */
    record Surroundings(
            NodeConfig config,
            Identity identity,
            SecureRandom random,
            PeerTransport peers,
            ClientTransport clients,
            EventLog events,
            Wakeable loop,
            SnapshotService snapshots,
            ReplicaMetrics metrics,
            MemberAddresses addresses,
            FatalErrorHandler fatal) {}

    /**
     * At the node's start: recovers store, then hard state and log, then the core as follower.
     *
     * @param installed the snapshot whose database stands in the store's place and that the log has to follow, or null
     */
    static RunningReplica open(final Surroundings around, final Replica.@Nullable Installed installed) {
        final NodeConfig config = around.config();
        final KvStore store = openStore(config);
        final long startNs = System.nanoTime();
        final FileSegmentDirectory rootDirectory = FileSegmentDirectory.open(config.dataDir(), WriterChoice.CHANNEL);
        final FileSegmentDirectory walDirectory = FileSegmentDirectory.open(
                config.dataDir().resolve("wal"), config.walWriter().choice());
        final ReplicaLog log = ReplicaLog.open(
                walConfig(config, around.identity()),
                rootDirectory,
                walDirectory,
                store.flushedApplied(),
                installed,
                config.walRepair().isOnWith(members(config, store)),
                around.random()::nextLong);
        logDamage(log);
        logRecovery(log.recovery(), store.flushedApplied().index(), millis(startNs, System.nanoTime()));
        return new RunningReplica(around, store, new OpenLog(log, rootDirectory, walDirectory));
    }

    /**
     * Behind an installed snapshot, on the log of the replica before: the log follows the snapshot.
     *
     * @param log from {@link #closeForReplacement}
     */
    static RunningReplica reopen(final Surroundings around, final OpenLog log, final Replica.Installed installed) {
        final KvStore store = openStore(around.config());
        log.log().follow(installed, store.flushedApplied());
        return new RunningReplica(around, store, log);
    }

    /** Voters as the store knows them; before any configuration was applied those of the settings, or some others'. */
    private static int members(final NodeConfig config, final KvStore store) {
        final int voters = ReplicaLog.votersIn(store);
        if (voters > 0) {
            return voters;
        }
        return config.isJoining() ? Integer.MAX_VALUE : config.members().size();
    }

    private static KvStore openStore(final NodeConfig config) {
        final long startNs = System.nanoTime();
        final RocksStoreConfig files = RocksStoreConfig.of(config.dataDir().resolve("kv"));
        final RocksStore rows =
                StoreEvents.isLogged() ? RocksStore.open(files, new StoreEvents()) : RocksStore.open(files);
        final KvStore store = new WriteBackStore(rows, config.storeTableBytes());
        LOGGER.info(
                "event=start.store flushedIndex={} flushedTerm={} ms={}",
                store.flushedApplied().index(),
                store.flushedApplied().term(),
                millis(startNs, System.nanoTime()));
        return store;
    }

    private RunningReplica(final Surroundings around, final KvStore store, final OpenLog log) {
        this.store = store;
        this.log = log;
        final LateWake logSyncWake = new LateWake();
        final LateWake applyWake = new LateWake();
        final LateWake readerWake = new LateWake();
        final LateWake rangeReaderWake = new LateWake();
        replica = new Replica(
                replicaConfig(around.config(), around.identity(), around.addresses()),
                new Replica.Surroundings(
                        log.log(),
                        store,
                        around.peers(),
                        around.clients(),
                        around.events(),
                        around.random()::nextLong,
                        around.random()::nextInt,
                        around.loop(),
                        logSyncWake,
                        applyWake,
                        readerWake,
                        rangeReaderWake,
                        around.snapshots(),
                        around.metrics(),
                        new SystemClocks()),
                System.nanoTime());
        logSyncThread = new AgentThread("log-sync", replica.logSync(), around.fatal());
        applyThread = new AgentThread("apply", replica.apply(), around.fatal());
        readerThread = new AgentThread("reader-1", replica.slowReader(), around.fatal());
        rangeReaderThread = new AgentThread("reader-2", replica.rangeReader(), around.fatal());
        logSyncWake.to = logSyncThread;
        applyWake.to = applyThread;
        readerWake.to = readerThread;
        rangeReaderWake.to = rangeReaderThread;
        checkpoints = around.snapshots().agentFor(store, replica.apply()::appliedIndex);
        housekeeping = new HousekeepingThread(
                log.log().spares(), () -> around.metrics().storeBytes().set(store.fileBytes()), around.fatal());
    }

    private static WalConfig walConfig(final NodeConfig config, final Identity identity) {
        return WalConfig.of(config.clusterIdHash(), config.nodeId(), identity.storageId())
                .withSegmentBytes(config.walSegmentBytes())
                .withReserveBytes(config.diskReserveBytes())
                .withWriter(config.walWriter().choice());
    }

    private static Replica.Config replicaConfig(
            final NodeConfig config, final Identity identity, final MemberAddresses addresses) {
        final int tickMs = config.raftTickMs();
        final long tickNs = TimeUnit.MILLISECONDS.toNanos(tickMs);
        return new Replica.Config(
                RaftConfig.of(
                                config.nodeId(),
                                config.bootstrapAddresses().keySet(),
                                config.raftHeartbeatMs() / tickMs,
                                config.raftElectionMinMs() / tickMs,
                                config.raftElectionMaxMs() / tickMs)
                        .withLeaseNs(Replica.leaseNs(config.raftElectionMinMs() / tickMs, tickNs))
                        .withLingerNs(LINGER_NS),
                walConfig(config, identity),
                addresses,
                tickNs,
                System.currentTimeMillis(),
                TimeUnit.MILLISECONDS.toNanos(config.walSlowForceMs()),
                Capacities.NODE);
    }

    private static void logDamage(final ReplicaLog log) {
        final RecoveryReport.Damage damage = log.recovery().damage();
        if (damage != null && damage.repairing()) {
            LOGGER.error(
                    "event=repair.started lost={} lastIndex={} storageEpoch={} keptAside={} reason=\"{}\"",
                    damage.lost(),
                    log.recovery().lastIndex(),
                    damage.storageEpoch(),
                    damage.keptAside(),
                    damage.text());
        } else if (damage != null) {
            LOGGER.warn(
                    "event=repair.forgotten lost={} firstIndex={} keptAside={} reason=\"{}\"",
                    damage.lost(),
                    log.recovery().firstIndex(),
                    damage.keptAside(),
                    damage.text());
        } else if (log.isRepairing()) {
            LOGGER.warn(
                    "event=repair.resumed lastIndex={} reason=\"the log was damaged before, and is not whole yet\"",
                    log.recovery().lastIndex());
        }
    }

    private static void logRecovery(final RecoveryReport report, final long appliedIndex, final long ms) {
        LOGGER.info(
                "event=start.log writer=\"{}\" segments={} firstIndex={} lastIndex={} lastTerm={} copiedEntries={}"
                        + " copiedBytes={} restored={} supersededDamage={} commitHint={} appliedIndex={} ms={}",
                report.writer(),
                report.segments(),
                report.firstIndex(),
                report.lastIndex(),
                report.lastTerm(),
                report.copiedEntries(),
                report.copiedBytes(),
                report.restored(),
                report.supersededDamage(),
                report.commitHint(),
                appliedIndex,
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

    /** For the loop thread. */
    ConsensusAgent consensus() {
        return replica.consensus();
    }

    void start() {
        logSyncThread.start();
        applyThread.start();
        readerThread.start();
        rangeReaderThread.start();
        housekeeping.start();
        checkpoints.start();
    }

    /** What the loop has published last is to be forced now. */
    void wakeLogSync() {
        logSyncThread.wake();
    }

    /** Ends the threads; each first finishes what it finds. The loop must not step the consensus agent any more. */
    void stop() throws InterruptedException {
        logSyncThread.stop();
        applyThread.stop();
        readerThread.stop();
        rangeReaderThread.stop();
        housekeeping.stop();
        checkpoints.stop();
    }

    /** A received snapshot waits until its log finds a segment: without one the node could not go on behind it. */
    boolean hasRoomToInstall() {
        return log.log().hasRoomToFollow();
    }

    /** Behind {@link #stop}: closes log and store; what the store holds is flushed. */
    void close() {
        replica.close();
        log.close();
        closeStore();
    }

    /** On a full disk the flush has to wait for the next start: the log has all of it. */
    private void closeStore() {
        try {
            store.close();
        } catch (KvStoreException failure) {
            if (!failure.isNoSpace()) {
                throw failure;
            }
            LOGGER.warn("event=stop.unflushed reason=\"{}\"", failure.getMessage());
        }
    }

    /**
     * Behind {@link #stop}: closes the store as it is, for another database takes its place.
     *
     * @return the log, still open
     */
    OpenLog closeForReplacement() {
        replica.close();
        store.closeWithoutFlush();
        return log;
    }

    private static long millis(final long fromNs, final long toNs) {
        return TimeUnit.NANOSECONDS.toMillis(toNs - fromNs);
    }

    private static final class SystemClocks implements LeaseClock {
        @Override
        public long monotonicNs() {
            return System.nanoTime();
        }

        @Override
        public long wallMs() {
            return System.currentTimeMillis();
        }
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
}
