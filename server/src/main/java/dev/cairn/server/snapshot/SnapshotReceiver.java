package dev.cairn.server.snapshot;

import dev.cairn.engine.Checkpoint;
import dev.cairn.engine.CheckpointException;
import dev.cairn.engine.CheckpointManifest;
import dev.cairn.engine.DurableFiles;
import dev.cairn.server.BackgroundThread;
import dev.cairn.server.FatalErrorHandler;
import dev.cairn.server.metrics.SnapshotMetrics;
import dev.cairn.server.replica.Snapshots;
import dev.cairn.server.replica.Wakeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HexFormat;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Fetches an offered snapshot into {@code staging/}, on a thread of its own and over a connection of its own. What has
 * arrived stays over cuts, changes of leader and restarts of this node, as long as the other end still has the same
 * checkpoint: its id tells, so files of two databases never mix. When all is there, verified and forced, the loop is told
 * by {@link #staged}.
 */
final class SnapshotReceiver {
    /** Directory under the data directory. Anything in it may be deleted while there is no intent to install. */
    static final String STAGING = "staging";

    private static final Logger LOGGER = LoggerFactory.getLogger(SnapshotReceiver.class);

    /** One request. Small enough that a rate limit gives an even stream. */
    private static final int CHUNK_BYTES = 256 << 10;

    /** Bytes written before the next force: much at once would keep the log's forces waiting. */
    private static final long FORCE_EVERY_BYTES = 512 << 10;

    /** What a disk must have left when all has arrived: room for the log meanwhile. */
    private static final long SPARE_BYTES = 8 << 20;

    private static final long IDLE_NS = TimeUnit.MILLISECONDS.toNanos(100);

    /** How often a file that arrived altered is fetched again before the whole snapshot is given up. */
    private static final int MAX_ATTEMPTS_PER_FILE = 2;

    private record Offered(int leaderId, Snapshots.Offer offer) {}

    private final Path stagingDirectory;
    private final String clusterId;
    private final CheckpointConnection.Factory connections;
    private final Wakeable loop;
    private final SnapshotMetrics metrics;
    private final BackgroundThread thread;
    private final AtomicReference<@Nullable Offered> offered = new AtomicReference<>();
    private volatile @Nullable StagedSnapshot staged;
    private volatile boolean discard;
    private volatile @Nullable CheckpointConnection current;

    // Of the thread.
    private int cuts;
    private long receivedBytes;
    private String lastProblem = "";

    SnapshotReceiver(
            final Path dataDirectory,
            final String clusterId,
            final CheckpointConnection.Factory connections,
            final Wakeable loop,
            final FatalErrorHandler fatal,
            final SnapshotMetrics metrics) {
        this.stagingDirectory = dataDirectory.resolve(STAGING);
        this.clusterId = clusterId;
        this.connections = connections;
        this.loop = loop;
        this.metrics = metrics;
        thread = new BackgroundThread("snapshot-receiver", this::fetchAsOffered, fatal);
    }

    void start() {
        thread.start();
    }

    void stop() throws InterruptedException {
        thread.beginStop();
        // Else the thread might wait for an answer as long as its connection allows.
        final CheckpointConnection open = current;
        if (open != null) {
            try {
                open.close();
            } catch (IOException e) {
                LOGGER.debug("event=snapshot.transfer.closed reason=\"{}\"", e.toString());
            }
        }
        thread.stop();
    }

    /** Loop: a newer offer takes the place of one that was not begun. */
    void offer(final int leaderId, final Snapshots.Offer offer) {
        if (staged == null) {
            offered.set(new Offered(leaderId, offer));
            thread.wake();
        }
    }

    /** Loop: what is ready to be installed. */
    @Nullable
    StagedSnapshot staged() {
        return staged;
    }

    /** Loop: the staged snapshot was installed, or is not needed and can go; the next offer counts again. */
    void takeStaged(final boolean unused) {
        discard = unused;
        offered.set(null);
        staged = null;
    }

    // ---- thread --------------------------------------------------------------------------------------------------

    private void fetchAsOffered() {
        while (!thread.isStopping()) {
            final Offered next = staged == null ? offered.getAndSet(null) : null;
            if (next == null) {
                thread.pause(IDLE_NS);
                continue;
            }
            try {
                staged = fetch(next);
                loop.wake();
            } catch (IOException | CheckpointException problem) {
                if (!thread.isStopping()) {
                    cuts++;
                    report(next, problem);
                }
            }
        }
    }

    /** The leader repeats its offer, so the next one is the next attempt; the same problem is logged once. */
    private void report(final Offered from, final Exception problem) {
        final String text = String.valueOf(problem.getMessage());
        if (!text.equals(lastProblem)) {
            lastProblem = text;
            LOGGER.info(
                    "event=snapshot.transfer.cut leader={} checkpoint={} receivedBytes={} reason=\"{}\"",
                    from.leaderId(),
                    hex(from.offer().checkpointId()),
                    receivedBytes,
                    text);
        }
    }

    private StagedSnapshot fetch(final Offered from) throws IOException {
        if (discard) {
            discard = false;
            DurableFiles.deleteTree(stagingDirectory);
        }
        final long startNs = System.nanoTime();
        final long index = from.offer().index();
        try (CheckpointConnection connection = connections.connect(from.leaderId())) {
            current = connection;
            Checkpoint target = resumable(connection);
            final boolean resumed = target != null;
            if (target == null) {
                receivedBytes = 0;
                target = begin(connection);
            }
            LOGGER.info(
                    "event=snapshot.transfer.start leader={} checkpoint={} index={} bytes={} resumed={} offeredIndex={}",
                    from.leaderId(),
                    hex(target.id()),
                    target.index(),
                    target.manifest().totalBytes(),
                    resumed,
                    index);
            for (int number = 0; number < target.manifest().files().size(); number++) {
                fetchFile(connection, target, number);
            }
            DurableFiles.forceDirectory(target.directory().resolve(Checkpoint.DATABASE_DIRECTORY));
            DurableFiles.forceDirectory(target.directory());
            DurableFiles.forceDirectory(stagingDirectory);
            LOGGER.info(
                    "event=snapshot.transfer.done leader={} checkpoint={} index={} bytes={} cuts={} ms={}",
                    from.leaderId(),
                    hex(target.id()),
                    target.index(),
                    target.manifest().totalBytes(),
                    cuts,
                    TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - startNs));
            cuts = 0;
            lastProblem = "";
            return new StagedSnapshot(target);
        } finally {
            current = null;
        }
    }

    /** What is staged already, if the other end still has it; else null, and the staging is empty. */
    private @Nullable Checkpoint resumable(final CheckpointConnection connection) throws IOException {
        for (final String name : DurableFiles.list(stagingDirectory)) {
            final Path directory = stagingDirectory.resolve(name);
            final Checkpoint found = readStaged(directory);
            if (found != null && has(connection, found.id())) {
                return found;
            }
            DurableFiles.deleteTree(directory);
        }
        return null;
    }

    private static @Nullable Checkpoint readStaged(final Path directory) throws IOException {
        final Path manifest = directory.resolve(Checkpoint.MANIFEST_FILE);
        if (!Files.exists(manifest)) {
            return null;
        }
        try {
            return new Checkpoint(
                    directory, CheckpointManifest.decode(Files.readAllBytes(manifest), manifest.toString()));
        } catch (CheckpointException cutByACrash) {
            LOGGER.info("event=snapshot.staging.dropped reason=\"{}\"", cutByACrash.getMessage());
            return null;
        }
    }

    private static boolean has(final CheckpointConnection connection, final long checkpointId) throws IOException {
        try {
            connection.read(checkpointId, 0, 0, 1);
            return true;
        } catch (CheckpointConnection.Refused gone) {
            LOGGER.info(
                    "event=snapshot.staging.dropped checkpoint={} reason=\"{}\"", hex(checkpointId), gone.getMessage());
            return false;
        }
    }

    private Checkpoint begin(final CheckpointConnection connection) throws IOException {
        final byte[] text = connection.open();
        final CheckpointManifest manifest = CheckpointManifest.decode(text, "the manifest of the leader");
        if (!manifest.clusterId().equals(clusterId)) {
            throw new CheckpointException("the checkpoint is of cluster " + manifest.clusterId());
        }
        Files.createDirectories(stagingDirectory);
        final long usable = Files.getFileStore(stagingDirectory).getUsableSpace();
        if (usable < manifest.totalBytes() + SPARE_BYTES) {
            throw new IOException(
                    "no space: the snapshot has " + manifest.totalBytes() + " bytes, " + usable + " are free");
        }
        final Path directory = stagingDirectory.resolve(hex(manifest.checkpointId()));
        Files.createDirectories(directory.resolve(Checkpoint.DATABASE_DIRECTORY));
        DurableFiles.write(directory.resolve(Checkpoint.MANIFEST_FILE), text);
        return new Checkpoint(directory, manifest);
    }

    /** The rest of a file behind what is there, then all of it compared with the manifest. */
    private void fetchFile(final CheckpointConnection connection, final Checkpoint target, final int number)
            throws IOException {
        final CheckpointManifest.Entry entry = target.manifest().files().get(number);
        final Path file = target.file(number);
        for (int attempt = 1; ; attempt++) {
            fetchRest(connection, target, number);
            final int crc = DurableFiles.checksum(file);
            if (crc == entry.crc()) {
                return;
            }
            // Bytes that a crash of this host took away read as zeros, for instance.
            Files.delete(file);
            if (attempt == MAX_ATTEMPTS_PER_FILE) {
                throw new CheckpointException(entry.name() + " arrives with checksum " + Integer.toHexString(crc)
                        + ", the manifest says " + Integer.toHexString(entry.crc()));
            }
        }
    }

    private void fetchRest(final CheckpointConnection connection, final Checkpoint target, final int number)
            throws IOException {
        final CheckpointManifest.Entry entry = target.manifest().files().get(number);
        try (FileChannel channel =
                FileChannel.open(target.file(number), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            if (channel.size() > entry.length()) {
                channel.truncate(0);
            }
            long offset = channel.size();
            long forced = offset;
            while (offset < entry.length()) {
                if (thread.isStopping()) {
                    throw new IOException("this node stops");
                }
                final ByteBuffer bytes = connection.read(target.id(), number, offset, CHUNK_BYTES);
                if (!bytes.hasRemaining() || bytes.remaining() > entry.length() - offset) {
                    throw new CheckpointException(entry.name() + ": " + bytes.remaining() + " bytes at offset " + offset
                            + " of " + entry.length());
                }
                while (bytes.hasRemaining()) {
                    final int written = channel.write(bytes, offset);
                    offset += written;
                    receivedBytes += written;
                    metrics.onReceived(written);
                }
                if (offset - forced >= FORCE_EVERY_BYTES) {
                    channel.force(false);
                    forced = offset;
                }
            }
            channel.force(true);
        }
    }

    private static String hex(final long id) {
        return HexFormat.of().toHexDigits(id);
    }
}
