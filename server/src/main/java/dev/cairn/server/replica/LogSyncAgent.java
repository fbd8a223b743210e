package dev.cairn.server.replica;

import dev.cairn.server.metrics.ReplicaMetrics;
import dev.cairn.wal.HardState;
import dev.cairn.wal.HardStateDescriptor;
import dev.cairn.wal.HardStateFile;
import dev.cairn.wal.Wal;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * Makes things durable, on its own thread: the newest hard state, then one force for everything that was published while
 * the last force ran. That is the whole of group commit: no timer, the disk's own speed makes the groups.
 *
 * <p>A write or force that fails throws and is never repeated: the kernel may report a second force as done although it
 * has dropped the pages.
 */
public final class LogSyncAgent implements DutyCycle {
    private final Wal wal;
    private final HardStateFile hardStateFile;
    private final Wakeable loop;
    private final SlowForces slow;
    private final ReplicaMetrics metrics;

    // The sequence in both is the core's, which may skip; the file counts its own writes.

    /** Written by the loop: the newest hard state that it wants on disk. */
    private volatile @Nullable HardState requested;

    /** Written by this agent: the newest hard state that is on disk. */
    private volatile HardState durable;

    /** Written by the loop. */
    private volatile boolean forceAwaited = true;

    LogSyncAgent(
            final Wal wal,
            final HardStateFile hardStateFile,
            final HardState durable,
            final Wakeable loop,
            final SlowForces slow,
            final ReplicaMetrics metrics) {
        this.wal = wal;
        this.hardStateFile = hardStateFile;
        this.durable = durable;
        this.loop = loop;
        this.slow = slow;
        this.metrics = metrics;
    }

    /** Loop thread: wants this state on disk; one that was requested before and is not yet written may be skipped. */
    void request(final HardState hardState) {
        requested = hardState;
    }

    /**
     * Loop thread: whether a force of the log is by itself something that the loop can go on with. If not, the loop is left
     * asleep, and learns of the force with whatever wakes it next.
     *
     * @param takenPosition durable position that the loop has already taken
     */
    void awaitForce(final boolean awaited, final long takenPosition) {
        if (awaited == forceAwaited) {
            return;
        }
        forceAwaited = awaited;
        // Either the force that ends now sees the flag, or this sees its position.
        VarHandle.fullFence();
        if (awaited && wal.durablePosition() != takenPosition) {
            loop.wake();
        }
    }

    /** Any thread: the newest hard state that is on disk. */
    public HardState durable() {
        return durable;
    }

    /** Any thread: true when {@link #doWork} would find something. */
    @Override
    public boolean hasWork() {
        final HardState wanted = requested;
        return (wanted != null && wanted.sequence() > durable.sequence()) || wal.hasUnforced();
    }

    /** One cycle: (1) the hard state (2) the log (3) with nothing else to do, the hard state's second copy. */
    @Override
    public int doWork() {
        final int work = writeHardState() + forceLog();
        if (work == 0) {
            hardStateFile.mirror();
        }
        return work;
    }

    private int writeHardState() {
        final HardState wanted = requested;
        if (wanted == null || wanted.sequence() <= durable.sequence()) {
            return 0;
        }
        final long startNs = metrics.nowNs();
        hardStateFile.write(wanted.term(), wanted.votedFor(), wanted.repairing(), wanted.storageEpoch());
        durable = wanted;
        loop.wake();
        final long endNs = metrics.nowNs();
        metrics.disk().onHardStateWrite(endNs - startNs);
        slow.onForce("hard-state", endNs - startNs, HardStateDescriptor.LENGTH, wal.durablePosition(), endNs);
        return 1;
    }

    private int forceLog() {
        if (!wal.hasUnforced()) {
            return 0;
        }
        final long startNs = metrics.nowNs();
        final long before = wal.durablePosition();
        final long after = wal.force();
        VarHandle.fullFence();
        if (forceAwaited) {
            loop.wake();
        }
        final long endNs = metrics.nowNs();
        final long bytes = bytesBetween(before, after);
        metrics.disk().onForce(endNs - startNs, bytes);
        slow.onForce("log", endNs - startNs, bytes, after, endNs);
        return 1;
    }

    /** Of positions in one segment the distance; else what the force wrote to the later one. */
    private static long bytesBetween(final long before, final long after) {
        return before >>> Integer.SIZE == after >>> Integer.SIZE ? after - before : after & 0xFFFF_FFFFL;
    }
}
