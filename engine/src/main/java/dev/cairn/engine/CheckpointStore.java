package dev.cairn.engine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The checkpoints of a data directory. A checkpoint is made under a temporary name and counts from the forced rename on:
 * a crash leaves the old ones, or the old ones and the new one. Everything that is said about it is read from its own
 * database, which is newer than any note taken before: a receiver would else apply the entries in between twice.
 *
 * <p>One thread creates and deletes; finished checkpoints may be read by any.
 */
public final class CheckpointStore {
    static final String PREFIX = "checkpoint-";
    static final String UNFINISHED = PREFIX + "new";
    private static final String HALF_DELETED = PREFIX + "old";
    private static final Pattern FINISHED = Pattern.compile("checkpoint-[0-9]{1,19}-[0-9]{1,19}");

    /** Files that RocksDB writes for itself and that no copy needs. */
    private static final Pattern NOT_NEEDED = Pattern.compile("LOG.*|LOCK|IDENTITY");

    /** Steps of {@link #create}, in order. Tests end the work at each of them. */
    public enum Step {
        FLUSHED_AND_LINKED,
        CONTENT_READ,
        FILES_FORCED,
        MANIFEST_WRITTEN,
        RENAMED,
        RENAME_FORCED
    }

    /** Told what has been reached; production does nothing. */
    public interface Probe {
        void reached(Step step);
    }

    private final Path dataDirectory;
    private final String clusterId;
    private final LongSupplier ids;
    private final Probe probe;

    /** @param ids random numbers: identities of new checkpoints */
    public CheckpointStore(Path dataDirectory, String clusterId, LongSupplier ids) {
        this(dataDirectory, clusterId, ids, step -> {});
    }

    CheckpointStore(Path dataDirectory, String clusterId, LongSupplier ids, Probe probe) {
        this.dataDirectory = dataDirectory;
        this.clusterId = clusterId;
        this.ids = ids;
        this.probe = probe;
    }

    /** Removes what a crash left unfinished. Before the first {@link #create}. */
    public void deleteUnfinished() {
        delete(dataDirectory.resolve(UNFINISHED));
        delete(dataDirectory.resolve(HALF_DELETED));
    }

    /** All finished checkpoints, oldest first. One whose manifest is unreadable is an error: nothing here repairs it. */
    public List<Checkpoint> list() {
        try {
            List<Checkpoint> found = new ArrayList<>();
            for (String name : DurableFiles.list(dataDirectory)) {
                if (FINISHED.matcher(name).matches()) {
                    found.add(read(dataDirectory.resolve(name)));
                }
            }
            found.sort(Comparator.comparingLong(Checkpoint::index).thenComparingLong(Checkpoint::term));
            return found;
        } catch (IOException e) {
            throw new CheckpointException("checkpoints of " + dataDirectory + " cannot be listed: " + e, e);
        }
    }

    private static Checkpoint read(Path directory) throws IOException {
        Path file = directory.resolve(Checkpoint.MANIFEST_FILE);
        return new Checkpoint(directory, CheckpointManifest.decode(Files.readAllBytes(file), file.toString()));
    }

    /** The one that goes furthest. */
    public Optional<Checkpoint> newest() {
        List<Checkpoint> all = list();
        return all.isEmpty() ? Optional.empty() : Optional.of(all.get(all.size() - 1));
    }

    /**
     * Makes a checkpoint of all that the store holds, or returns the newest one when nothing was applied since. Takes as long
     * as a flush and the reading of the files that are new since the last one.
     *
     * @return empty when nothing was ever applied
     */
    public Optional<Checkpoint> create(KvStore store) {
        deleteUnfinished();
        Path temporary = dataDirectory.resolve(UNFINISHED);
        Path database = temporary.resolve(Checkpoint.DATABASE_DIRECTORY);
        store.requireRoomForCheckpoint(0);
        try {
            Files.createDirectory(temporary);
            store.checkpoint(database);
            probe.reached(Step.FLUSHED_AND_LINKED);
            RocksStore.Content content = RocksStore.contentOf(database);
            probe.reached(Step.CONTENT_READ);
            List<Checkpoint> before = list();
            AppliedState applied = content.applied();
            Optional<Checkpoint> last =
                    before.isEmpty() ? Optional.empty() : Optional.of(before.get(before.size() - 1));
            boolean nothingNew = last.isPresent() && last.get().index() >= applied.index();
            if (nothingNew || applied.index() == 0) {
                delete(temporary);
                return last;
            }
            CheckpointManifest manifest =
                    new CheckpointManifest(clusterId, newId(), applied, content.membership(), entries(database, last));
            DurableFiles.forceDirectory(database);
            probe.reached(Step.FILES_FORCED);
            DurableFiles.write(temporary.resolve(Checkpoint.MANIFEST_FILE), manifest.encode());
            DurableFiles.forceDirectory(temporary);
            probe.reached(Step.MANIFEST_WRITTEN);
            Path finished = dataDirectory.resolve(PREFIX + applied.index() + "-" + applied.term());
            Files.move(temporary, finished, StandardCopyOption.ATOMIC_MOVE);
            probe.reached(Step.RENAMED);
            DurableFiles.forceDirectory(dataDirectory);
            probe.reached(Step.RENAME_FORCED);
            return Optional.of(new Checkpoint(finished, manifest));
        } catch (IOException e) {
            throw new CheckpointException("checkpoint in " + dataDirectory + " failed: " + e, e);
        }
    }

    private long newId() {
        long id = ids.getAsLong();
        while (id == 0) {
            id = ids.getAsLong();
        }
        return id;
    }

    /** A table file never changes: what the last checkpoint links to as well has the checksum that stands there. */
    private static List<CheckpointManifest.Entry> entries(Path database, Optional<Checkpoint> last) throws IOException {
        Map<Object, CheckpointManifest.Entry> known = new HashMap<>();
        if (last.isPresent()) {
            for (int i = 0; i < last.get().manifest().files().size(); i++) {
                Object key = fileKey(last.get().file(i));
                if (key != null) {
                    known.put(key, last.get().manifest().files().get(i));
                }
            }
        }
        List<CheckpointManifest.Entry> entries = new ArrayList<>();
        for (String name : DurableFiles.list(database)) {
            Path file = database.resolve(name);
            if (NOT_NEEDED.matcher(name).matches()) {
                Files.delete(file);
                continue;
            }
            long length = Files.size(file);
            CheckpointManifest.Entry same = known.get(fileKey(file));
            if (same == null || same.length() != length) {
                DurableFiles.forceFile(file);
                same = new CheckpointManifest.Entry(name, length, DurableFiles.checksum(file));
            }
            entries.add(new CheckpointManifest.Entry(name, length, same.crc()));
        }
        return entries;
    }

    private static @Nullable Object fileKey(Path file) throws IOException {
        return Files.readAttributes(file, BasicFileAttributes.class).fileKey();
    }

    /** Removes a checkpoint: its manifest first, by a rename, so that no half of it is ever taken for one. */
    public void delete(Checkpoint checkpoint) {
        Path unfinished = dataDirectory.resolve(HALF_DELETED);
        delete(unfinished);
        try {
            Files.move(checkpoint.directory(), unfinished, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new CheckpointException(checkpoint.directory() + " cannot be removed: " + e, e);
        }
        delete(unfinished);
    }

    private static void delete(Path directory) {
        try {
            DurableFiles.deleteTree(directory);
        } catch (IOException e) {
            throw new CheckpointException(directory + " cannot be removed: " + e, e);
        }
    }
}
