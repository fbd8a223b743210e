package dev.cairn.server.snapshot;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.engine.Checkpoint;
import dev.cairn.engine.CheckpointException;
import dev.cairn.engine.CheckpointStore;
import dev.cairn.engine.DurableFiles;
import dev.cairn.server.replica.Replica;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts a staged snapshot in the place of a node's database. A forced intent stands over all steps; from it on every restart
 * goes forward, so a crash at any step leaves the old state or the new one:
 *
 * <ol>
 *   <li>{@link #intend}: {@code snapshot-install} names index, term and checkpoint
 *   <li>{@link #swap}: {@code kv} becomes {@code kv-old}, the staged database becomes {@code kv}, {@code kv-old} goes
 *   <li>the log starts again behind the snapshot, or keeps the suffix that it holds: {@link Replica}
 *   <li>{@link #clear}: the intent goes
 * </ol>
 *
 * The store and the log must be closed from the first step to the second; nobody votes or appends in between.
 */
public final class Installation {
    static final String INTENT = "snapshot-install";
    static final String STORE = "kv";
    private static final String OLD_STORE = "kv-old";
    private static final String RESTORED_STORE = "kv-new";

    private static final Logger LOGGER = LoggerFactory.getLogger(Installation.class);
    private static final Pattern TEXT = Pattern.compile(
            "(cairn-install 1\\nindex=([0-9]{1,19})\\nterm=([0-9]{1,19})\\ncheckpoint\\.id=([0-9a-f]{16})\\n)"
                    + "crc32c=([0-9a-f]{8})\\n");

    /** Steps that a crash may follow. */
    enum Step {
        INTENT_FORCED,
        OLD_MOVED,
        NEW_MOVED,
        SWAP_FORCED,
        OLD_DELETED,
        INTENT_CLEARED
    }

    /** Told what has been reached; production does nothing. */
    interface Probe {
        void reached(Step step);
    }

    private record Intent(long index, long term, long checkpointId) {}

    private final Path data;
    private final Probe probe;

    public Installation(final Path dataDirectory) {
        this(dataDirectory, step -> {});
    }

    Installation(final Path dataDirectory, final Probe probe) {
        this.data = dataDirectory;
        this.probe = probe;
    }

    /**
     * Before the store is opened: finishes what an intent says, else removes what was left over. A missing database is made
     * anew from the newest checkpoint; the log has all that follows.
     *
     * @return what the log has to follow, if anything
     * @throws CheckpointException when the intent is damaged or cannot be followed
     */
    public Optional<Replica.Installed> recover(final CheckpointStore checkpoints) {
        try {
            final Optional<Intent> intent = read();
            if (intent.isPresent()) {
                LOGGER.info(
                        "event=start.install index={} term={}",
                        intent.get().index(),
                        intent.get().term());
                swap(intent.get());
                return Optional.of(
                        new Replica.Installed(intent.get().index(), intent.get().term()));
            }
            DurableFiles.deleteTree(data.resolve(OLD_STORE));
            DurableFiles.deleteTree(data.resolve(RESTORED_STORE));
            if (!Files.exists(data.resolve(STORE))) {
                final Optional<Checkpoint> newest = checkpoints.newest();
                if (newest.isPresent()) {
                    restoreStore(newest.get());
                }
            }
            return Optional.empty();
        } catch (IOException e) {
            throw new CheckpointException("installation of a snapshot in " + data + " cannot be finished: " + e, e);
        }
    }

    private void restoreStore(final Checkpoint checkpoint) throws IOException {
        checkpoint.verify();
        checkpoint.copyDatabase(data.resolve(RESTORED_STORE));
        Files.move(data.resolve(RESTORED_STORE), data.resolve(STORE), StandardCopyOption.ATOMIC_MOVE);
        DurableFiles.forceDirectory(data);
        LOGGER.info("event=start.restored index={} term={}", checkpoint.index(), checkpoint.term());
    }

    /** First step; the staged files are verified and forced. When this returns the installation will happen. */
    public void intend(final StagedSnapshot staged) {
        intend(staged.index(), staged.term(), staged.checkpoint().id());
    }

    void intend(final long index, final long term, final long checkpointId) {
        final String text = "cairn-install 1\nindex=" + index + "\nterm=" + term + "\ncheckpoint.id="
                + HexFormat.of().toHexDigits(checkpointId) + "\n";
        final Path temporary = data.resolve(INTENT + ".new");
        try {
            DurableFiles.write(temporary, (text + "crc32c=" + checksum(text) + "\n").getBytes(UTF_8));
            Files.move(temporary, data.resolve(INTENT), StandardCopyOption.ATOMIC_MOVE);
            DurableFiles.forceDirectory(data);
            probe.reached(Step.INTENT_FORCED);
        } catch (IOException e) {
            throw new CheckpointException("intent to install a snapshot in " + data + " cannot be written: " + e, e);
        }
    }

    private static String checksum(final String text) {
        final CRC32C crc = new CRC32C();
        crc.update(text.getBytes(UTF_8));
        return HexFormat.of().toHexDigits((int) crc.getValue());
    }

    private Optional<Intent> read() throws IOException {
        final Path file = data.resolve(INTENT);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        final Matcher text = TEXT.matcher(Files.readString(file, UTF_8));
        if (!text.matches() || !checksum(text.group(1)).equals(text.group(5))) {
            throw new CheckpointException(file + " is damaged; this node cannot tell which state is its own: remove its"
                    + " data directory and let it join again under a new node id");
        }
        return Optional.of(new Intent(
                Long.parseLong(text.group(2)),
                Long.parseLong(text.group(3)),
                HexFormat.fromHexDigitsToLong(text.group(4))));
    }

    /** Second step. */
    public void swap(final StagedSnapshot staged) {
        try {
            swap(new Intent(staged.index(), staged.term(), staged.checkpoint().id()));
        } catch (IOException e) {
            throw new CheckpointException("installation of a snapshot in " + data + " failed: " + e, e);
        }
    }

    private void swap(final Intent intent) throws IOException {
        final Path staged =
                data.resolve(SnapshotReceiver.STAGING).resolve(HexFormat.of().toHexDigits(intent.checkpointId()));
        final Path database = staged.resolve(Checkpoint.DATABASE_DIRECTORY);
        final Path store = data.resolve(STORE);
        final Path old = data.resolve(OLD_STORE);
        if (Files.exists(database)) {
            if (Files.exists(store)) {
                DurableFiles.deleteTree(old);
                Files.move(store, old, StandardCopyOption.ATOMIC_MOVE);
            }
            // The old one must be out of the way on disk before the new one arrives: one name never stands for both.
            DurableFiles.forceDirectory(data);
            probe.reached(Step.OLD_MOVED);
            Files.move(database, store, StandardCopyOption.ATOMIC_MOVE);
            probe.reached(Step.NEW_MOVED);
        } else if (!Files.exists(store)) {
            throw new CheckpointException("neither " + database + " nor " + store + " exists");
        }
        DurableFiles.forceDirectory(data);
        if (Files.exists(staged)) {
            DurableFiles.forceDirectory(staged);
        }
        probe.reached(Step.SWAP_FORCED);
        DurableFiles.deleteTree(old);
        DurableFiles.deleteTree(staged);
        probe.reached(Step.OLD_DELETED);
    }

    /** Last step, when the log follows the snapshot. */
    public void clear() {
        try {
            Files.deleteIfExists(data.resolve(INTENT));
            DurableFiles.forceDirectory(data);
            probe.reached(Step.INTENT_CLEARED);
        } catch (IOException e) {
            throw new CheckpointException("intent to install a snapshot in " + data + " cannot be removed: " + e, e);
        }
    }
}
