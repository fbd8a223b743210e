package dev.cairn.server.replica;

import dev.cairn.engine.AppliedState;
import dev.cairn.engine.KvReader;
import dev.cairn.engine.KvStateMachine;
import dev.cairn.engine.KvStore;
import dev.cairn.engine.SessionLimits;
import dev.cairn.raft.RaftConfig;
import dev.cairn.server.metrics.ReplicaMetrics;
import dev.cairn.wal.Floor;
import dev.cairn.wal.HardState;
import dev.cairn.wal.HardStateFile;
import dev.cairn.wal.RecoveryReport;
import dev.cairn.wal.SegmentDirectory;
import dev.cairn.wal.SparePreparer;
import dev.cairn.wal.Wal;
import dev.cairn.wal.WalConfig;
import java.util.Map;
import java.util.function.IntUnaryOperator;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Log, state machine and agents of one node, wired and recovered, waiting to be stepped: by the node's threads, or by a
 * simulator in one thread. Wiring only.
 *
 * <p>Each agent may be stepped by a thread of its own: {@link #consensus}, {@link #logSync}, {@link #apply},
 * {@link #slowReader}, {@link #rangeReader}, {@link #spares}. {@link #close} comes after all of them have stopped.
 */
public final class Replica implements AutoCloseable {
    private static final String HARD_STATE_FILE = "hard-state";

    private final HardStateFile hardStateFile;
    private final Wal wal;
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
     * @param clientAddresses {@code host:port} for clients of every member, by node id
     * @param tickNs one tick of the core, nanoseconds
     * @param wallClockMs milliseconds since 1970: seeds the log time of the very first entry, nothing else
     */
    public record Config(
            RaftConfig raft,
            WalConfig wal,
            Map<Integer, String> clientAddresses,
            long tickNs,
            long wallClockMs,
            Capacities capacities) {}

    /**
     * What surrounds a replica.
     *
     * @param rootDirectory holds the hard-state file
     * @param salts random numbers for new segment files
     * @param jitter random numbers for election timeouts: maps n to [0, n)
     * @param loopWake wakes whoever steps the consensus agent; the others likewise
     */
    public record Surroundings(
            SegmentDirectory rootDirectory,
            SegmentDirectory walDirectory,
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
            ReplicaMetrics metrics) {
        /** Without snapshots, and with numbers that nobody reads. */
        public Surroundings(
                final SegmentDirectory rootDirectory,
                final SegmentDirectory walDirectory,
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
                    rootDirectory,
                    walDirectory,
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
                    ReplicaMetrics.unread());
        }
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
            LogSyncAgent logSync,
            ApplyAgent apply,
            KvReader memoryReader,
            ReaderAgent slowReader,
            RangeReaderAgent rangeReader) {}

    /**
     * Recovers strictly in order: hard state, log against what the store has flushed, state machine, core as follower.
     *
     * @param startNs the monotonic clock's reading now
     * @throws dev.cairn.wal.WalException when the log or the hard state is damaged or unreadable; files are kept
     */
    public Replica(final Config config, final Surroundings around, final long startNs) {
        this(config, around, startNs, null);
    }

    /**
     * As above, behind a snapshot: the log keeps what it holds behind the snapshot's entry, or starts again right behind it.
     * When this returns that is durable.
     *
     * @param installed null when no installation is under way
     */
    public Replica(
            final Config config, final Surroundings around, final long startNs, final @Nullable Installed installed) {
        hardStateFile = HardStateFile.open(config.wal(), around.rootDirectory(), HARD_STATE_FILE);
        final AppliedState flushed = around.store().flushedApplied();
        final Floor floor = installed == null ? new Floor(flushed.index(), flushed.term()) : Floor.UNKNOWN;
        wal = Wal.open(config.wal(), around.walDirectory(), hardStateFile, floor, around.salts());
        if (installed != null) {
            startLogBehind(installed, flushed);
        }
        final HardState hardState = hardStateFile.current();
        final long startTerm =
                Math.max(Math.max(hardState.term(), wal.recovery().highestTerm()), flushed.term());

        final KvStateMachine stateMachine =
                new KvStateMachine(around.store(), config.capacities().headerCacheEntries(), SessionLimits.REPLICATED);
        logSync = new LogSyncAgent(wal, hardStateFile, hardState, around.loopWake(), around.metrics());
        apply = new ApplyAgent(wal.newCursor(), stateMachine, around.loopWake(), config.capacities(), around.metrics());
        memoryReader = around.store().newReader();
        slowKvReader = around.store().newReader();
        slowReader = new ReaderAgent(slowKvReader, around.loopWake(), config.capacities(), around.metrics());
        rangeKvReader = around.store().newReader();
        rangeReader = new RangeReaderAgent(rangeKvReader, around.loopWake(), config.capacities(), around.salts());
        consensus = new ConsensusAgent(
                new Parts(
                        config,
                        around,
                        wal,
                        startTerm,
                        stateMachine.lastLogTimeMs(),
                        logSync,
                        apply,
                        memoryReader,
                        slowReader,
                        rangeReader),
                startNs);
    }

    private void startLogBehind(final Installed installed, final AppliedState flushed) {
        if (flushed.index() != installed.index() || flushed.term() != installed.term()) {
            throw new IllegalStateException("the store holds index " + flushed.index() + " term " + flushed.term()
                    + ", the installed snapshot index " + installed.index() + " term " + installed.term());
        }
        if (!wal.reaches(installed.index(), installed.term())) {
            wal.reset(installed.index(), installed.term());
            wal.publish();
            wal.force();
        }
    }

    public RecoveryReport recovery() {
        return wal.recovery();
    }

    /** The log, for checks: read it on the loop thread. */
    public Wal wal() {
        return wal;
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

    /** For the housekeeping thread. */
    public SparePreparer spares() {
        return wal.sparePreparer();
    }

    /** Releases log and readers; forces nothing, and leaves store and directories to whoever opened them. */
    @Override
    public void close() {
        memoryReader.close();
        slowKvReader.close();
        rangeReader.close();
        rangeKvReader.close();
        wal.close();
        hardStateFile.close();
    }
}
