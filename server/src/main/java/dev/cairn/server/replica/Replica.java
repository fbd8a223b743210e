package dev.cairn.server.replica;

import dev.cairn.engine.AppliedConfiguration;
import dev.cairn.engine.AppliedState;
import dev.cairn.engine.KvReader;
import dev.cairn.engine.KvStateMachine;
import dev.cairn.engine.KvStore;
import dev.cairn.engine.SessionLimits;
import dev.cairn.raft.RaftConfig;
import dev.cairn.server.metrics.ReplicaMetrics;
import dev.cairn.wal.HardState;
import dev.cairn.wal.HardStateFile;
import dev.cairn.wal.Wal;
import dev.cairn.wal.WalConfig;
import java.util.function.IntUnaryOperator;
import java.util.function.LongSupplier;

/**
 * State machine and agents of one node, wired over its log, waiting to be stepped: by the node's threads, or by a
 * simulator in one thread. Wiring only.
 *
 * <p>Each agent may be stepped by a thread of its own: {@link #consensus}, {@link #logSync}, {@link #apply},
 * {@link #slowReader}, {@link #rangeReader}. {@link #close} comes after all of them have stopped.
 */
public final class Replica implements AutoCloseable {
    private final ReplicaLog log;
    private final KvReader memoryReader;
    private final KvReader slowKvReader;
    private final KvReader rangeKvReader;
    private final LogSyncAgent logSync;
    private final ApplyAgent apply;
    private final ReaderAgent slowReader;
    private final RangeReaderAgent rangeReader;
    private final ConsensusAgent consensus;

    /**
     * What a replica is told.
     *
     * @param addresses where the members are as far as the settings say; it is told what configurations say
     * @param tickNs one tick of the core, nanoseconds
     * @param wallClockMs milliseconds since 1970: seeds the log time of the very first entry, nothing else
     * @param slowForceNs a force that takes longer is told
     */
    public record Config(
            RaftConfig raft,
            WalConfig wal,
            MemberAddresses addresses,
            long tickNs,
            long wallClockMs,
            long slowForceNs,
            Capacities capacities) {}

    /**
     * What surrounds a replica.
     *
     * @param log recovered, and where it has to, behind the snapshot that the store holds; stays open
     * @param salts random numbers for the ids of cursors
     * @param jitter random numbers for election timeouts: maps n to [0, n)
     * @param loopWake wakes whoever steps the consensus agent; the others likewise
     */
    public record Surroundings(
            ReplicaLog log,
            KvStore store,
            PeerTransport peers,
            ClientTransport clients,
            EventLog events,
            LongSupplier salts,
            IntUnaryOperator jitter,
            Wakeable loopWake,
            Wakeable logSyncWake,
            Wakeable applyWake,
            Wakeable slowReaderWake,
            Wakeable rangeReaderWake,
            Snapshots snapshots,
            ReplicaMetrics metrics,
            LeaseClock leaseClock) {
        /** Without snapshots and leases, and with numbers that nobody reads. */
        public Surroundings(
                final ReplicaLog log,
                final KvStore store,
                final PeerTransport peers,
                final ClientTransport clients,
                final EventLog events,
                final LongSupplier salts,
                final IntUnaryOperator jitter,
                final Wakeable loopWake,
                final Wakeable logSyncWake,
                final Wakeable applyWake,
                final Wakeable slowReaderWake,
                final Wakeable rangeReaderWake) {
            this(
                    log,
                    store,
                    peers,
                    clients,
                    events,
                    salts,
                    jitter,
                    loopWake,
                    logSyncWake,
                    applyWake,
                    slowReaderWake,
                    rangeReaderWake,
                    Snapshots.NONE,
                    ReplicaMetrics.unread(),
                    LeaseClock.NONE);
        }
    }

    /** How long leases of a cluster with this timing may be, ns; for {@link RaftConfig#leaseNs}. */
    public static long leaseNs(final int electionMinTicks, final long tickNs) {
        return LeaseGuard.leaseNs(electionMinTicks, tickNs);
    }

    /**
     * A snapshot whose database was put in the store's place; the log has to follow.
     *
     * @param index everything up to it is in the store
     * @param term of the entry at that index
     */
    public record Installed(long index, long term) {}

    /** What the consensus agent is built from. */
    record Parts(
            Config config,
            Surroundings around,
            Wal wal,
            long startTerm,
            long startLogTimeMs,
            AppliedConfiguration configuration,
            LogSyncAgent logSync,
            ApplyAgent apply,
            KvReader memoryReader,
            ReaderAgent slowReader,
            RangeReaderAgent rangeReader) {}

    /**
     * State machine, then core as follower, on a log and a store that are recovered.
     *
     * @param startNs the monotonic clock's reading now
     */
    public Replica(final Config config, final Surroundings around, final long startNs) {
        log = around.log();
        final Wal wal = log.wal();
        final HardStateFile hardStateFile = log.hardStateFile();
        final AppliedState flushed = around.store().flushedApplied();
        final HardState hardState = hardStateFile.current();
        final long startTerm =
                Math.max(Math.max(hardState.term(), wal.recovery().highestTerm()), flushed.term());

        final KvStateMachine stateMachine =
                new KvStateMachine(around.store(), config.capacities().headerCacheEntries(), SessionLimits.REPLICATED);
        logSync = new LogSyncAgent(
                wal,
                hardStateFile,
                hardState,
                around.loopWake(),
                new SlowForces(config.slowForceNs(), around.events(), around.metrics()),
                around.metrics());
        apply = new ApplyAgent(wal.newCursor(), stateMachine, around.loopWake(), config.capacities(), around.metrics());
        memoryReader = around.store().newReader();
        slowKvReader = around.store().newReader();
        slowReader = new ReaderAgent(slowKvReader, around.loopWake(), config.capacities(), around.metrics());
        rangeKvReader = around.store().newReader();
        rangeReader = new RangeReaderAgent(
                rangeKvReader, around.loopWake(), config.capacities(), around.salts(), around.metrics());
        consensus = new ConsensusAgent(
                new Parts(
                        config,
                        around,
                        wal,
                        startTerm,
                        stateMachine.lastLogTimeMs(),
                        stateMachine.configuration(),
                        logSync,
                        apply,
                        memoryReader,
                        slowReader,
                        rangeReader),
                startNs);
    }

    /** The log, for checks: read it on the loop thread. */
    public Wal wal() {
        return log.wal();
    }

    /** For the loop thread. */
    public ConsensusAgent consensus() {
        return consensus;
    }

    /** For the log-sync thread. */
    public LogSyncAgent logSync() {
        return logSync;
    }

    /** For the apply thread. */
    public ApplyAgent apply() {
        return apply;
    }

    /** For the reader thread. */
    public ReaderAgent slowReader() {
        return slowReader;
    }

    /** For the thread that reads ranges. */
    public RangeReaderAgent rangeReader() {
        return rangeReader;
    }

    /** Releases the readers; leaves log and store to whoever opened them. */
    @Override
    public void close() {
        memoryReader.close();
        slowKvReader.close();
        rangeReader.close();
        rangeKvReader.close();
    }
}
