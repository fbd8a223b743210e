package dev.cairn.server.snapshot;

import dev.cairn.engine.Checkpoint;
import dev.cairn.engine.CheckpointManifest;
import dev.cairn.protocol.Limits;
import dev.cairn.protocol.Status;
import dev.cairn.server.BackgroundThread;
import dev.cairn.server.FatalErrorHandler;
import dev.cairn.server.metrics.SnapshotMetrics;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads checkpoints for whoever asks, on a thread of its own: one piece at a time through one buffer, all requests
 * together within the rate. What waits is bounded; who asks too much is told so.
 */
final class CheckpointServer implements CheckpointRequests {
    private static final Logger LOGGER = LoggerFactory.getLogger(CheckpointServer.class);

    /** Requests that may wait, all connections together. */
    static final int MAX_WAITING = 64;

    /** How long a client waits for a checkpoint of what is applied now. */
    private static final long FRESH_NS = TimeUnit.SECONDS.toNanos(60);

    private static final long IDLE_NS = TimeUnit.MILLISECONDS.toNanos(50);

    /** The rate is kept over a window of this length: so much may be sent at once after a pause. */
    private static final long BURST_NS = TimeUnit.MILLISECONDS.toNanos(50);

    private final CheckpointCatalog catalog;
    private final Pins pins;
    private final LongSupplier appliedIndex;
    private final long bytesPerSecond;
    private final SnapshotMetrics metrics;
    private final ArrayBlockingQueue<Runnable> requests = new ArrayBlockingQueue<>(MAX_WAITING);
    private final BackgroundThread thread;

    // Of the thread.
    private final Deque<Opening> openings = new ArrayDeque<>();
    private final ByteBuffer chunk = ByteBuffer.allocateDirect(Limits.MAX_CHECKPOINT_CHUNK_BYTES);
    private @Nullable Path openPath;
    private @Nullable FileChannel openChannel;
    private long paidUntilNs;

    /** A client that waits for a checkpoint not older than its request. */
    private record Opening(long index, long deadlineNs, Replies to) {}

    CheckpointServer(
            final CheckpointCatalog catalog,
            final Pins pins,
            final LongSupplier appliedIndex,
            final long bytesPerSecond,
            final FatalErrorHandler fatal,
            final SnapshotMetrics metrics) {
        this.catalog = catalog;
        this.pins = pins;
        this.appliedIndex = appliedIndex;
        this.bytesPerSecond = bytesPerSecond;
        this.metrics = metrics;
        thread = new BackgroundThread("checkpoint-server", this::answerRequests, fatal);
    }

    void start() {
        thread.start();
    }

    void stop() throws InterruptedException {
        thread.stop();
    }

    @Override
    public boolean open(final boolean forPeer, final Replies to) {
        return offer(() -> onOpen(forPeer, to));
    }

    @Override
    public boolean read(
            final boolean forPeer,
            final long checkpointId,
            final int fileNumber,
            final long offset,
            final int maxBytes,
            final Replies to) {
        return offer(() -> onRead(forPeer, checkpointId, fileNumber, offset, maxBytes, to));
    }

    private boolean offer(final Runnable request) {
        final boolean taken = requests.offer(request);
        thread.wake();
        return taken;
    }

    // ---- thread --------------------------------------------------------------------------------------------------

    private void answerRequests() {
        paidUntilNs = System.nanoTime();
        while (!thread.isStopping()) {
            final Runnable next = requests.poll();
            if (next == null) {
                closeChannel();
                thread.pause(openings.isEmpty() ? IDLE_NS : IDLE_NS / 10);
            } else {
                next.run();
            }
            answerOpenings();
        }
        closeChannel();
    }

    private void onOpen(final boolean forPeer, final Replies to) {
        final long index = forPeer ? 1 : appliedIndex.getAsLong();
        catalog.want(index);
        openings.add(new Opening(index, System.nanoTime() + FRESH_NS, to));
        final Checkpoint newest = catalog.newest();
        if (forPeer && newest != null) {
            pins.touchForPeer(newest.id(), newest.index(), System.nanoTime());
        }
    }

    private void answerOpenings() {
        final Checkpoint newest = catalog.newest();
        final long nowNs = System.nanoTime();
        for (int i = openings.size(); i > 0; i--) {
            final Opening opening = openings.remove();
            if (newest != null && newest.index() >= opening.index()) {
                pins.touch(newest.id(), newest.index(), nowNs);
                opening.to().opened(newest, newest.manifest().encode());
            } else if (nowNs - opening.deadlineNs() > 0) {
                opening.to()
                        .refused(
                                newest == null ? Status.NOT_FOUND : Status.DEADLINE,
                                newest == null ? "nothing was applied here yet" : "no checkpoint could be made");
            } else if (opening.index() == 0) {
                opening.to().refused(Status.NOT_FOUND, "nothing was applied here yet");
            } else {
                openings.add(opening);
            }
        }
    }

    private void onRead(
            final boolean forPeer,
            final long checkpointId,
            final int fileNumber,
            final long offset,
            final int maxBytes,
            final Replies to) {
        final Checkpoint checkpoint = catalog.find(checkpointId);
        if (checkpoint == null) {
            to.refused(Status.NOT_FOUND, "no checkpoint of this id is here any more");
            return;
        }
        if (fileNumber < 0
                || fileNumber >= checkpoint.manifest().files().size()
                || maxBytes < 1
                || maxBytes > Limits.MAX_CHECKPOINT_CHUNK_BYTES
                || offset < 0) {
            to.refused(
                    Status.BAD_REQUEST,
                    "file " + fileNumber + " of "
                            + checkpoint.manifest().files().size() + ", " + maxBytes + " bytes at offset " + offset
                            + ", at most " + Limits.MAX_CHECKPOINT_CHUNK_BYTES);
            return;
        }
        touch(forPeer, checkpoint);
        try {
            final CheckpointManifest.Entry file = checkpoint.manifest().files().get(fileNumber);
            chunk.clear().limit((int) Math.max(0, Math.min(maxBytes, file.length() - offset)));
            final FileChannel channel = channel(checkpoint.file(fileNumber));
            while (chunk.hasRemaining() && channel.read(chunk, offset + chunk.position()) >= 0) {
                // until the piece is whole
            }
            chunk.flip();
            pay(chunk.remaining());
            metrics.onSent(chunk.remaining());
            to.chunk(offset, chunk);
        } catch (IOException e) {
            LOGGER.warn("event=snapshot.read.failed checkpoint={} reason=\"{}\"", checkpoint.directory(), e.toString());
            to.refused(Status.INTERNAL, "the checkpoint cannot be read");
        }
        touch(forPeer, checkpoint);
    }

    private void touch(final boolean forPeer, final Checkpoint checkpoint) {
        if (forPeer) {
            pins.touchForPeer(checkpoint.id(), checkpoint.index(), System.nanoTime());
        } else {
            pins.touch(checkpoint.id(), checkpoint.index(), System.nanoTime());
        }
    }

    private FileChannel channel(final Path path) throws IOException {
        final FileChannel open = openChannel;
        if (open != null && path.equals(openPath)) {
            return open;
        }
        closeChannel();
        final FileChannel opened = FileChannel.open(path, StandardOpenOption.READ);
        openPath = path;
        openChannel = opened;
        return opened;
    }

    private void closeChannel() {
        final FileChannel open = openChannel;
        if (open != null) {
            openChannel = null;
            openPath = null;
            try {
                open.close();
            } catch (IOException e) {
                LOGGER.warn("event=snapshot.read.failed reason=\"close: {}\"", e.toString());
            }
        }
    }

    /** Waits until these bytes fit the rate. */
    private void pay(final int bytes) {
        if (bytesPerSecond == 0) {
            return;
        }
        paidUntilNs = Math.max(paidUntilNs, System.nanoTime() - BURST_NS) + bytes * 1_000_000_000L / bytesPerSecond;
        for (long aheadNs = paidUntilNs - System.nanoTime(); aheadNs > 0 && !thread.isStopping(); ) {
            thread.pause(aheadNs);
            aheadNs = paidUntilNs - System.nanoTime();
        }
    }
}
