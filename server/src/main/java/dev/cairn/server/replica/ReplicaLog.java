package dev.cairn.server.replica;

import dev.cairn.engine.AppliedConfiguration;
import dev.cairn.engine.AppliedState;
import dev.cairn.engine.KvStateMachine;
import dev.cairn.engine.KvStore;
import dev.cairn.server.replica.Replica.Installed;
import dev.cairn.wal.Floor;
import dev.cairn.wal.HardStateFile;
import dev.cairn.wal.RecoveryReport;
import dev.cairn.wal.SegmentDirectory;
import dev.cairn.wal.SparePreparer;
import dev.cairn.wal.Wal;
import dev.cairn.wal.WalConfig;
import java.util.function.LongSupplier;
import org.agrona.DirectBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Hard state and log of a node. Recovered once, at the node's start: a replica that is built anew behind an installed
 * snapshot takes over the log of the one before, spare segments included, so that nothing has to be recovered or filled.
 *
 * <p>Methods here are for whoever builds replicas, while no agent is stepped.
 */
public final class ReplicaLog implements AutoCloseable {
    private static final String HARD_STATE_FILE = "hard-state";

    private final HardStateFile hardStateFile;
    private final Wal wal;

    private ReplicaLog(final HardStateFile hardStateFile, final Wal wal) {
        this.hardStateFile = hardStateFile;
        this.wal = wal;
    }

    /**
     * Recovers: the hard state, then the log against what the store has flushed.
     *
     * @param rootDirectory holds the hard-state file
     * @param flushed what the store holds after a crash
     * @param installed a snapshot that was put in the store's place, which the log has to follow; null = none
     * @param repair whether the log may go on around damage, because peers can bring back what is lost; else it is refused
     * @param salts random numbers for new segment files
     * @throws dev.cairn.wal.WalException when the log or the hard state is damaged or unreadable; files are kept
     */
    public static ReplicaLog open(
            final WalConfig config,
            final SegmentDirectory rootDirectory,
            final SegmentDirectory walDirectory,
            final AppliedState flushed,
            final @Nullable Installed installed,
            final boolean repair,
            final LongSupplier salts) {
        // Behind a snapshot the store says nothing about the log that is still there.
        final Floor held = new Floor(flushed.index(), flushed.term());
        final Floor floor = installed == null ? held : Floor.UNKNOWN;
        final HardStateFile hardStateFile = HardStateFile.open(config, rootDirectory, HARD_STATE_FILE);
        final ReplicaLog log = new ReplicaLog(
                hardStateFile, Wal.open(config, walDirectory, hardStateFile, floor, repair ? held : null, salts));
        if (installed != null) {
            log.follow(installed, flushed);
        }
        return log;
    }

    /** How many voters the store knows of, 0 when no configuration has been applied yet. */
    public static int votersIn(final KvStore store) {
        final AppliedConfiguration applied = KvStateMachine.configuration(store);
        if (applied.index() == 0) {
            return 0;
        }
        final DirectBuffer payload = applied.payload();
        return MembershipDescriptor.decode(payload, 0, payload.capacity())
                .membership()
                .voters()
                .length;
    }

    /**
     * The log keeps what it holds behind the snapshot's entry, or starts again right behind it. When this returns all that
     * it holds is durable.
     *
     * @param flushed what the store holds, which must be the snapshot
     */
    public void follow(final Installed installed, final AppliedState flushed) {
        if (flushed.index() != installed.index() || flushed.term() != installed.term()) {
            throw new IllegalStateException("the store holds index " + flushed.index() + " term " + flushed.term()
                    + ", the installed snapshot index " + installed.index() + " term " + installed.term());
        }
        if (!wal.reaches(installed.index(), installed.term())) {
            wal.reset(installed.index(), installed.term());
        }
        // A new replica takes everything that it finds for durable.
        wal.publish();
        wal.force();
    }

    /** Whether {@link #follow} will find room, as far as one can know. */
    public boolean hasRoomToFollow() {
        return wal.hasRoomForReset();
    }

    HardStateFile hardStateFile() {
        return hardStateFile;
    }

    Wal wal() {
        return wal;
    }

    /** What was found at the node's start. */
    public RecoveryReport recovery() {
        return wal.recovery();
    }

    /** Whether entries that may have been acknowledged are missing. */
    public boolean isRepairing() {
        return hardStateFile.current().repairing();
    }

    /** For the housekeeping thread, over all replicas of this log. */
    public SparePreparer spares() {
        return wal.sparePreparer();
    }

    /** Forces nothing. After all threads have stopped. */
    @Override
    public void close() {
        wal.close();
        hardStateFile.close();
    }
}
