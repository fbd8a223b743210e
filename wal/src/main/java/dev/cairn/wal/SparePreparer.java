package dev.cairn.wal;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.agrona.concurrent.OneToOneConcurrentArrayQueue;
import org.jspecify.annotations.Nullable;

/**
 * Keeps spares ready and clears away what the loop no longer uses. {@link #doWork} belongs to the housekeeping thread;
 * the loop takes spares and hands over retired segments. A step is one paced write, or what one file needs
 * to be named or cleared away: few forces.
 *
 * <p>Preparation is paced: unpaced it made other writers' forces ten times slower.
 */
public final class SparePreparer {
    /** Longest time from one step to the next: with {@link SegmentPreparation#STEP_BYTES} 4 MB/s. */
    public static final long PAUSE_NS = 32_000_000;

    /** The same while the log, at its rate, may want the spare before it is ready, or refuses writes until there is one: 33 MB/s. */
    static final long PAUSE_BEHIND_NS = 4_000_000;

    /** The same while no spare stands ready: 80 MB/s, since a roll that finds none waits for a short segment to be made. */
    static final long PAUSE_WITHOUT_SPARE_NS = 1_600_000;

    public static final long FULL_DISK_RETRY_NS = 1_000_000_000;

    /**
     * Dropped segments that are kept to become spares, for each spare: a snapshot drops several at once, and a file that was written to has its blocks,
     * where a new one takes them from the file system as it grows.
     */
    private static final int DISCHARGED_PER_SPARE = 2;

    /** What housekeeping shall do with a segment once the log is durable up to {@code safePosition}. */
    private record Retired(Segment segment, boolean delete, long safePosition) {}

    private final SegmentDirectory directory;
    private final WalConfig config;
    private final LongSupplier salts;
    private final AtomicInteger nextSpare;
    private final AtomicLong durablePosition;
    private final OneToOneConcurrentArrayQueue<PreparedSegment> ready =
            new OneToOneConcurrentArrayQueue<>(WalConfig.MAX_SPARES);
    private final Queue<Segment> unnamed = new ConcurrentLinkedQueue<>();
    private final Queue<Retired> retired = new ConcurrentLinkedQueue<>();
    private final AtomicInteger readyCount = new AtomicInteger();
    private final DiskSpace space;
    private final AtomicLong recycledCount = new AtomicLong();
    private volatile boolean outOfSpace;

    // housekeeping thread
    /** Names of dropped segments that lie ready to be filled with zeros again. */
    private final Queue<String> discharged = new ArrayDeque<>();

    private @Nullable SegmentPreparation preparation;
    private long nextStepNs;
    private boolean paused;
    private long nextNameNs;
    private boolean namePaused;

    SparePreparer(
            SegmentDirectory directory,
            WalConfig config,
            LongSupplier salts,
            AtomicInteger nextSpare,
            AtomicLong durablePosition) {
        this.directory = directory;
        this.config = config;
        this.salts = salts;
        this.nextSpare = nextSpare;
        this.durablePosition = durablePosition;
        this.space = new DiskSpace(directory, config.reserveBytes(), config.segmentBytes());
    }

    /**
     * One step, or none while paced. Housekeeping thread.
     *
     * @param nowNs monotonic time
     * @return steps done, 0 when there is nothing to do now
     */
    public int doWork(long nowNs) {
        space.check(nowNs);
        return giveName(nowNs) + clearRetired() + giveBack() + prepare(nowNs);
    }

    /** How long a spare that is wanted still waits for its next step, ns; at least 0, and very long when none is wanted. */
    public long pauseLeftNs(long nowNs) {
        boolean wanted = preparation != null || readyCount.get() < config.spareCount() || outOfSpace;
        if (!wanted) {
            return Long.MAX_VALUE;
        }
        return paused ? Math.max(0, nextStepNs - nowNs) : 0;
    }

    /** How much room the disk has. Any thread. */
    public DiskSpace space() {
        return space;
    }

    /** Spares that stand ready. Any thread. */
    public int readyCount() {
        return readyCount.get();
    }

    /** Spares that were made from dropped segments. Any thread. */
    public long recycledCount() {
        return recycledCount.get();
    }

    /**
     * Whether the last attempt at a segment found no room for it; housekeeping tries each second, and until it finds room
     * nobody else does. Any thread.
     */
    public boolean outOfSpace() {
        return outOfSpace;
    }

    /**
     * A segment in use is told by its activation block; its name is for people and for order. So nobody waits for the rename
     * and the force of the directory, which may take as long as a commit of the file system's journal.
     */
    private int giveName(long nowNs) {
        Segment segment = unnamed.peek();
        if (segment == null || (namePaused && nowNs - nextNameNs < 0)) {
            return 0;
        }
        String name = Segment.nameOf(segment.sequence);
        try {
            directory.rename(segment.name, name);
        } catch (NoSpaceException e) {
            // A name may need a block of the directory.
            namePaused = true;
            nextNameNs = nowNs + FULL_DISK_RETRY_NS;
            return 0;
        }
        namePaused = false;
        segment.name = name;
        directory.force();
        unnamed.remove();
        return 1;
    }

    private int clearRetired() {
        Retired next = retired.peek();
        if (next == null || next.safePosition > durablePosition.getAcquire()) {
            return 0;
        }
        retired.remove();
        if (next.delete) {
            unnamed.remove(next.segment);
            next.segment.file.close();
            // In sequence order, one by one: recovery takes a hole among the segments for damage.
            if (!mayServeAgain(next.segment) || !discharge(next.segment.name)) {
                directory.delete(next.segment.name);
                directory.force();
            }
        } else {
            next.segment.file.stopAppending();
        }
        return 1;
    }

    /**
     * Whether the file may become a spare. Not one that was found at the start: to read it, the system filled its cache with
     * large folios, and where zeros go through the cache each force of a small record would then write all of one.
     */
    private boolean mayServeAgain(Segment segment) {
        return segment.madeHere
                && segment.file.length() == config.segmentBytes()
                && discharged.size() < mostDischarged();
    }

    /** How many files may wait for a further life: where room is short, those of which a spare is wanted now. */
    private int mostDischarged() {
        int missing = config.spareCount() - readyCount.get() - (preparation == null ? 0 : 1);
        return space.isLow() ? Math.max(0, missing) : DISCHARGED_PER_SPARE * config.spareCount();
    }

    /** Deletes a dropped segment that may not wait any more, now that room has become short. */
    private int giveBack() {
        if (discharged.size() <= mostDischarged()) {
            return 0;
        }
        directory.delete(discharged.remove());
        directory.force();
        return 1;
    }

    /** False where the directory has no room for the other name; nothing was changed then. */
    private boolean discharge(String segment) {
        String name = WalRecovery.SPARE_PREFIX + nextSpare.getAndIncrement();
        try {
            directory.rename(segment, name);
        } catch (NoSpaceException e) {
            return false;
        }
        SegmentPreparation.discharge(directory, name);
        discharged.add(name);
        return true;
    }

    private int prepare(long nowNs) {
        if (paused && nowNs - nextStepNs < 0) {
            return 0;
        }
        boolean enough = preparation == null && readyCount.get() >= config.spareCount();
        if (enough && !outOfSpace) {
            return 0;
        }
        try {
            if (enough) {
                // The loop found no room although spares are ready, for an entry that is larger than they are.
                space.require(config.segmentBytes());
                outOfSpace = false;
            } else {
                step();
            }
            nextStepNs = nowNs + pauseNs();
        } catch (NoSpaceException e) {
            outOfSpace = true;
            nextStepNs = nowNs + FULL_DISK_RETRY_NS;
            SegmentPreparation started = preparation;
            preparation = null;
            if (started != null) {
                started.abandon();
            }
        }
        paused = true;
        return 1;
    }

    private long pauseNs() {
        if (readyCount.get() == 0) {
            return PAUSE_WITHOUT_SPARE_NS;
        }
        return outOfSpace || isBehind() ? PAUSE_BEHIND_NS : PAUSE_NS;
    }

    /** Whether less than twice as much of the spare is filled as of the segment that the log writes to. */
    private boolean isBehind() {
        return preparation != null && preparation.zeroed() < 2L * LogPosition.offset(durablePosition.getAcquire());
    }

    private void step() {
        SegmentPreparation current = preparation;
        if (current == null) {
            preparation = begin();
            return;
        }
        if (current.step()) {
            return;
        }
        preparation = null;
        PreparedSegment spare = current.result();
        spare.file().startAppending();
        readyCount.incrementAndGet();
        ready.add(spare);
        outOfSpace = false;
    }

    private SegmentPreparation begin() {
        String name = discharged.poll();
        if (name != null) {
            recycledCount.incrementAndGet();
            return SegmentPreparation.again(directory, config, name, salts.getAsLong());
        }
        space.require(config.segmentBytes());
        return new SegmentPreparation(
                directory,
                config,
                WalRecovery.SPARE_PREFIX + nextSpare.getAndIncrement(),
                config.segmentBytes(),
                salts.getAsLong());
    }

    /** Loop thread. */
    @Nullable
    PreparedSegment take() {
        PreparedSegment spare = ready.poll();
        if (spare != null) {
            readyCount.decrementAndGet();
        }
        return spare;
    }

    /** Loop thread: it wanted a segment at once, and there was no room for one. */
    void onOutOfSpace() {
        outOfSpace = true;
    }

    /** Loop thread: the segment is in use under the name of the spare that it was. */
    void name(Segment segment) {
        unnamed.add(segment);
    }

    /** Loop thread: the loop does not touch the segment's memory any more. */
    void retireMapping(Segment segment) {
        retired.add(new Retired(segment, false, 0));
    }

    /** Loop thread: no index leads to the segment any more; its file may go once {@code safePosition} is durable. */
    void retire(Segment segment, long safePosition) {
        retired.add(new Retired(segment, true, safePosition));
    }

    /** After all threads have stopped. */
    void close() {
        for (Retired left : retired) {
            left.segment.file.close();
        }
        retired.clear();
        for (PreparedSegment spare = take(); spare != null; spare = take()) {
            spare.file().close();
        }
        SegmentPreparation started = preparation;
        if (started != null) {
            preparation = null;
            started.result().file().close();
        }
    }
}
