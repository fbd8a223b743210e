package dev.cairn.server.snapshot;

import dev.cairn.engine.Checkpoint;
import dev.cairn.engine.CheckpointStore;
import dev.cairn.engine.KvStore;
import dev.cairn.protocol.Status;
import dev.cairn.server.FatalErrorHandler;
import dev.cairn.server.metrics.SnapshotMetrics;
import dev.cairn.server.replica.Snapshots;
import dev.cairn.server.replica.Wakeable;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Everything about snapshots of one node, over all lives of its replica: the loop's port, the thread that reads checkpoints
 * for others, the thread that fetches one. A {@link CheckpointAgent} per life takes new ones.
 */
public final class SnapshotService implements Snapshots {
    private final SnapshotConfig config;
    private final CheckpointStore checkpoints;
    private final CheckpointCatalog catalog = new CheckpointCatalog();
    private final Pins pins = new Pins();
    private final LogRetention retention = new LogRetention();
    private final CheckpointServer server;
    private final SnapshotReceiver receiver;
    private final Wakeable loop;
    private final FatalErrorHandler fatal;
    private final SnapshotMetrics metrics;
    private volatile LongSupplier appliedIndex = () -> 0;

    /** Answers for clients of the loop. As many as may wait there, so there is always room. */
    private final ArrayBlockingQueue<Reply> replies = new ArrayBlockingQueue<>(2 * CheckpointServer.MAX_WAITING);

    private interface Reply {
        void to(ReplyHandler handler);
    }

    public SnapshotService(
            final SnapshotConfig config,
            final Path dataDirectory,
            final String clusterId,
            final CheckpointStore checkpoints,
            final CheckpointConnection.Factory connections,
            final Wakeable loop,
            final FatalErrorHandler fatal,
            final SnapshotMetrics metrics) {
        this.config = config;
        this.checkpoints = checkpoints;
        this.loop = loop;
        this.fatal = fatal;
        this.metrics = metrics;
        server = new CheckpointServer(
                catalog, pins, () -> appliedIndex.getAsLong(), config.transferBytesPerSecond(), fatal, metrics);
        receiver = new SnapshotReceiver(dataDirectory, clusterId, connections, loop, fatal, metrics);
    }

    /** Looks what is there; before a replica is opened. */
    public void open() {
        checkpoints.deleteUnfinished();
        catalog.reset(checkpoints.list());
        final Checkpoint newest = catalog.newest();
        if (newest != null) {
            metrics.onNewest(newest.index(), newest.manifest().totalBytes());
        }
    }

    public void start() {
        server.start();
        receiver.start();
    }

    public void stop() throws InterruptedException {
        server.stop();
        receiver.stop();
    }

    /** What takes checkpoints of this store, to be started; one at a time. */
    public CheckpointAgent agentFor(final KvStore store, final LongSupplier applied) {
        appliedIndex = applied;
        return new CheckpointAgent(config, checkpoints, catalog, pins, retention, store, applied, fatal, metrics);
    }

    /** For the transport of the peers. */
    public CheckpointRequests requests() {
        return server;
    }

    /** Loop: a snapshot that is ready to be installed, null = none. */
    public @Nullable StagedSnapshot staged() {
        return receiver.staged();
    }

    /** Loop: it was installed, or with {@code unused} is not needed any more. */
    public void takeStaged(final boolean unused) {
        receiver.takeStaged(unused);
    }

    // ---- loop ----------------------------------------------------------------------------------------------------

    @Override
    public @Nullable Offer offerTo(final int peerId) {
        final Checkpoint newest = catalog.newest();
        if (newest == null || newest.index() < retention.firstIndex() - 1) {
            catalog.want(retention.firstIndex() - 1);
            return null;
        }
        pins.touchForPeer(newest.id(), newest.index(), System.nanoTime());
        return offer(newest);
    }

    private static Offer offer(final Checkpoint checkpoint) {
        return new Offer(checkpoint.id(), checkpoint.index(), checkpoint.term());
    }

    @Override
    public void onOffered(final int leaderId, final Offer offer) {
        receiver.offer(leaderId, offer);
    }

    @Override
    public long newestIndex() {
        return catalog.newestIndex();
    }

    @Override
    public void onLogSize(
            final long firstIndex, final long bytes, final long snapshotIndex, final long bytesBehindSnapshot) {
        retention.onLogSize(firstIndex, bytes, snapshotIndex, bytesBehindSnapshot);
    }

    @Override
    public long droppableIndex() {
        return retention.droppableIndex();
    }

    @Override
    public long keptLogBytes() {
        return config.keptLogBytes();
    }

    @Override
    public boolean slowsWrites() {
        return retention.slowsWrites();
    }

    @Override
    public boolean open(final long connectionId, final long requestId) {
        return server.open(false, new ClientReplies(connectionId, requestId));
    }

    @Override
    public boolean read(
            final long connectionId,
            final long requestId,
            final long checkpointId,
            final int fileNumber,
            final long offset,
            final int maxBytes) {
        return server.read(
                false, checkpointId, fileNumber, offset, maxBytes, new ClientReplies(connectionId, requestId));
    }

    @Override
    public int pollReplies(final ReplyHandler handler) {
        int taken = 0;
        for (Reply reply = replies.poll(); reply != null; reply = replies.poll()) {
            reply.to(handler);
            taken++;
        }
        return taken;
    }

    /** Carries answers of the reading thread to the loop. A client that asks no more than it reads finds room always. */
    private final class ClientReplies implements CheckpointRequests.Replies {
        private final long connectionId;
        private final long requestId;

        ClientReplies(final long connectionId, final long requestId) {
            this.connectionId = connectionId;
            this.requestId = requestId;
        }

        @Override
        public void opened(final Checkpoint checkpoint, final byte[] manifest) {
            put(handler -> handler.onOpened(connectionId, requestId, offer(checkpoint), manifest));
        }

        @Override
        public void chunk(final long offset, final ByteBuffer bytes) {
            final ByteBuffer copy = ByteBuffer.allocate(bytes.remaining());
            copy.put(bytes).flip();
            put(handler -> handler.onChunk(connectionId, requestId, offset, copy));
        }

        @Override
        public void refused(final Status status, final String text) {
            put(handler -> handler.onRefused(connectionId, requestId, status, text));
        }

        private void put(final Reply reply) {
            // Full only when the loop stands still; then the client's own deadline tells it.
            replies.offer(reply);
            loop.wake();
        }
    }
}
