package dev.cairn.server.snapshot;

import dev.cairn.engine.Checkpoint;
import dev.cairn.engine.CheckpointException;
import dev.cairn.engine.CheckpointStore;
import dev.cairn.engine.KvStore;
import dev.cairn.engine.KvStoreException;
import dev.cairn.server.BackgroundThread;
import dev.cairn.server.FatalErrorHandler;
import dev.cairn.server.metrics.SnapshotMetrics;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes checkpoints when the policy or somebody's wish makes one due, deletes those that nobody needs, and says how much log
 * may go. On a thread of its own: a checkpoint may take as long as a flush and the reading of new files, and neither apply
 * nor the spares of the log may wait for that. One life per store.
 */
public final class CheckpointAgent {
    private static final Logger LOGGER = LoggerFactory.getLogger(CheckpointAgent.class);

    private static final long STEP_NS = TimeUnit.MILLISECONDS.toNanos(50);

    /** After a failure, a full disk for instance. */
    private static final long RETRY_NS = TimeUnit.SECONDS.toNanos(10);

    private final SnapshotConfig config;
    private final CheckpointStore checkpoints;
    private final CheckpointCatalog catalog;
    private final Pins pins;
    private final LogRetention retention;
    private final KvStore store;
    private final LongSupplier appliedIndex;
    private final SnapshotMetrics metrics;
    private final BackgroundThread thread;

    // Of the thread.
    private long lastTakenNs;
    private long notBeforeNs;

    CheckpointAgent(
            final SnapshotConfig config,
            final CheckpointStore checkpoints,
            final CheckpointCatalog catalog,
            final Pins pins,
            final LogRetention retention,
            final KvStore store,
            final LongSupplier appliedIndex,
            final FatalErrorHandler fatal,
            final SnapshotMetrics metrics) {
        this.config = config;
        this.checkpoints = checkpoints;
        this.catalog = catalog;
        this.pins = pins;
        this.retention = retention;
        this.store = store;
        this.appliedIndex = appliedIndex;
        this.metrics = metrics;
        thread = new BackgroundThread("checkpoint", this::stepUntilStopped, fatal);
    }

    public void start() {
        thread.start();
    }

    /** Ends the thread; a checkpoint under way is finished first. */
    public void stop() throws InterruptedException {
        thread.stop();
    }

    private void stepUntilStopped() {
        begin(System.nanoTime());
        while (!thread.isStopping()) {
            final long nowNs = System.nanoTime();
            try {
                step(nowNs);
            } catch (CheckpointException | KvStoreException failure) {
                // Nothing is lost by a checkpoint that was not taken: the log keeps what it would have replaced.
                notBeforeNs = nowNs + RETRY_NS;
                LOGGER.warn(
                        "event=snapshot.failed retryMs={} reason=\"{}\"", RETRY_NS / 1_000_000, failure.getMessage());
            }
            thread.pause(STEP_NS);
        }
    }

    /** The interval counts from now. */
    void begin(final long nowNs) {
        lastTakenNs = nowNs;
        notBeforeNs = nowNs;
    }

    /** One cycle: (1) take a checkpoint that is due (2) delete what it replaces (3) say how much log may go. */
    void step(final long nowNs) {
        if (nowNs - notBeforeNs < 0) {
            return;
        }
        final String reason = dueFor(nowNs);
        if (!reason.isEmpty()) {
            take(reason);
            lastTakenNs = nowNs;
        }
        pins.removeExpired(nowNs);
        deleteOlder(nowNs);
        allowDropping(nowNs);
    }

    /** Why a checkpoint is due, in a word for the log; empty when none is. */
    private String dueFor(final long nowNs) {
        final long applied = appliedIndex.getAsLong();
        final long newest = catalog.newestIndex();
        if (applied <= newest) {
            return "";
        }
        if (catalog.isWanted()) {
            return "wanted";
        } else if (retention.firstIndex() > 1 && newest < retention.firstIndex() - 1) {
            // Behind an installed snapshot: until there is one of its own this node could serve no peer.
            return "installed";
        } else if (retention.bytesBehindSnapshot(newest) >= config.logBytes()) {
            return "log-bytes";
        } else if (applied - newest >= LogRetention.MOST_ENTRIES_BEHIND_SNAPSHOT) {
            return "log-entries";
        } else if (config.entries() > 0 && applied - newest >= config.entries()) {
            return "entries";
        } else if (config.intervalNs() > 0 && nowNs - lastTakenNs >= config.intervalNs()) {
            return "interval";
        }
        return "";
    }

    private void take(final String reason) {
        final long startNs = System.nanoTime();
        final Optional<Checkpoint> taken = checkpoints.create(store);
        final long ms = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - startNs);
        if (taken.isPresent()) {
            final Checkpoint checkpoint = taken.get();
            catalog.add(checkpoint);
            metrics.onTaken(checkpoint.index(), checkpoint.manifest().totalBytes(), ms);
            LOGGER.info(
                    "event=snapshot.taken index={} term={} checkpoint={} files={} bytes={} reason={} ms={}",
                    checkpoint.index(),
                    checkpoint.term(),
                    Long.toHexString(checkpoint.id()),
                    checkpoint.manifest().files().size(),
                    checkpoint.manifest().totalBytes(),
                    reason,
                    ms);
        }
    }

    private void deleteOlder(final long nowNs) {
        final Checkpoint newest = catalog.newest();
        for (final Checkpoint checkpoint : catalog.all()) {
            if (checkpoint.equals(newest) || pins.pinsFiles(checkpoint.id(), nowNs)) {
                continue;
            }
            catalog.remove(checkpoint);
            checkpoints.delete(checkpoint);
            LOGGER.info(
                    "event=snapshot.deleted index={} checkpoint={}",
                    checkpoint.index(),
                    Long.toHexString(checkpoint.id()));
        }
    }

    /** Never above the newest checkpoint, nor above what the store has flushed, nor above what a peer still needs. */
    private void allowDropping(final long nowNs) {
        final long newest = catalog.newestIndex();
        if (newest == 0) {
            return;
        }
        final long pinned = pins.logIndex(nowNs);
        final long entries = appliedIndex.getAsLong() - retention.firstIndex() + 1;
        final double filled = retention.filled(config.maxRetainedLogBytes(), entries);
        if (pinned != Long.MAX_VALUE && filled > LogRetention.GIVEN_UP) {
            pins.dropLogPins();
            LOGGER.warn(
                    "event=snapshot.pin.dropped index={} logBytes={} maxBytes={} entries={} maxEntries={} advice=\"the"
                            + " peer will need another snapshot; raise snapshot.retain.max.log.bytes or"
                            + " snapshot.transfer.bytes.per.s\"",
                    pinned,
                    retention.logBytes(),
                    config.maxRetainedLogBytes(),
                    entries,
                    LogRetention.MOST_RETAINED_ENTRIES);
        }
        final long stillPinned = pins.logIndex(nowNs);
        retention.slowWrites(stillPinned != Long.MAX_VALUE && filled > 1);
        final long limit = Math.min(newest, stillPinned);
        if (limit > retention.droppableIndex()) {
            retention.allowDropping(Math.min(limit, store.flushedApplied().index()));
        }
    }
}
