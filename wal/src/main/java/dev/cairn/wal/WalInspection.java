package dev.cairn.wal;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.cairn.wal.RecoveredRecords.Cut;
import dev.cairn.wal.SegmentEvidence.Found;
import dev.cairn.wal.SegmentEvidence.Headless;
import dev.cairn.wal.SegmentItem.Stored;
import dev.cairn.wal.SegmentItem.Unreadable;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Looks at a log without changing anything, also beside the node that appends to it. The verdict is that of recovery, made by
 * its own first three steps; what {@link WalRecovery} would do next is not done.
 */
public final class WalInspection {
    /** What a recovery would do: go on, cut off a torn tail, or refuse. */
    public enum Verdict {
        CLEAN,
        TORN,
        DAMAGED
    }

    /**
     * A place where the log is not what it should be.
     *
     * @param file name within the log's directory
     * @param index first index that cannot be read there, 0 if unknown
     */
    public record Place(String file, long offset, long index, String expected, String found) {}

    /**
     * What was found.
     *
     * @param places of the damage, the one that recovery would name first; or where the torn tail begins
     * @param superseded damaged records that later ones have superseded: nothing is lost with them
     * @param segments that make up the log
     * @param firstIndex first live index; this and the next two are 0 where the log is damaged
     * @param unproven entries at its end of which the log does not state that they are durable
     * @param durablePosition highest that anything valid states; {@link LogPosition}
     * @param hardState whether there was a hard state to compare with
     */
    public record Report(
            Verdict verdict,
            List<Place> places,
            List<Place> superseded,
            int segments,
            long firstIndex,
            long lastIndex,
            long unproven,
            long durablePosition,
            boolean hardState) {}

    /** There is nothing here that could be looked at. The message says what to do. */
    public static final class NothingToReadException extends WalException {
        private static final long serialVersionUID = 1L;

        NothingToReadException(String message, @Nullable Throwable cause) {
            super(message, cause);
        }
    }

    private static final String LOG_DIRECTORY = "wal";
    private static final String HARD_STATE_FILE = "hard-state";
    private static final String BAD_BODY = "a body that fails its crc";

    /**
     * What a running node is writing just now looks torn for a moment. So what is not clean is read again, and counts when the
     * same places are found so often.
     */
    private static final int EQUAL_READS = 4;

    private static final int MOST_READS = 50;
    private static final long PAUSE_NS = TimeUnit.MILLISECONDS.toNanos(60);

    private final SegmentDirectory log;
    private final SegmentDirectory root;
    private final String hardStateName;
    /** A node's data directory must have a hard state; of a log's directory by itself nobody knows where it is. */
    private final boolean hardStateMustBeThere;

    private WalInspection(
            SegmentDirectory log, SegmentDirectory root, String hardStateName, boolean hardStateMustBeThere) {
        this.log = log;
        this.root = root;
        this.hardStateName = hardStateName;
        this.hardStateMustBeThere = hardStateMustBeThere;
    }

    // ---- verify

    /**
     * Judges a log.
     *
     * @param directory a node's data directory, or the log's directory in it
     * @throws NothingToReadException when there is no log, or it may not be read
     */
    public static Report verify(Path directory) {
        Path logPath = logDirectory(directory);
        Path parent = logPath.toAbsolutePath().getParent();
        Path rootPath = parent != null && Files.exists(parent.resolve(HARD_STATE_FILE)) ? parent : logPath;
        boolean isDataDirectory = !logPath.equals(directory);
        WalInspection inspection = new WalInspection(
                new ReadOnlyDirectory(logPath), new ReadOnlyDirectory(rootPath), HARD_STATE_FILE, isDataDirectory);
        try {
            return inspection.stableReport();
        } catch (NothingToReadException e) {
            throw e;
        } catch (WalException e) {
            throw new NothingToReadException(text(e) + "; run this as a user who may read the files", e.getCause());
        }
    }

    /** A directory that nobody writes to; for tests with a directory of their own. */
    static Report verify(SegmentDirectory directory, String hardStateName) {
        return new WalInspection(directory, directory, hardStateName, true).report();
    }

    private static Path logDirectory(Path directory) {
        if (!Files.isDirectory(directory)) {
            throw new NothingToReadException(
                    directory + (Files.exists(directory) ? " is no directory" : " does not exist")
                            + "; give a node's data.dir, or the directory wal in it",
                    null);
        }
        Path inside = directory.resolve(LOG_DIRECTORY);
        Path logPath = Files.isDirectory(inside) ? inside : directory;
        if (new ReadOnlyDirectory(logPath).list().stream().noneMatch(WalInspection::isLogFile)) {
            throw new NothingToReadException(
                    "no segment of a log in " + logPath + "; give a node's data.dir, or the directory wal in it", null);
        }
        return logPath;
    }

    private static boolean isLogFile(String name) {
        return Segment.isSegmentName(name) || name.startsWith(WalRecovery.SPARE_PREFIX);
    }

    private Report stableReport() {
        Report last = reportOfWhatIsThere();
        int equal = 1;
        for (int read = 1; read < MOST_READS && equal < EQUAL_READS; read++) {
            if (last.verdict() == Verdict.CLEAN) {
                return last;
            }
            LockSupport.parkNanos(PAUSE_NS);
            Report again = reportOfWhatIsThere();
            equal = again.places().equals(last.places()) ? equal + 1 : 1;
            last = again;
        }
        return last;
    }

    /** Files come, go and are renamed beside a running node; then all of it is read again. */
    private Report reportOfWhatIsThere() {
        ReadOnlyDirectory.@Nullable GoneException gone = null;
        for (int read = 0; read < MOST_READS; read++) {
            try {
                return report();
            } catch (ReadOnlyDirectory.GoneException e) {
                gone = e;
            }
        }
        throw new NothingToReadException("files come and go too fast here; try again", gone);
    }

    private Report report() {
        SegmentImage image = new SegmentImage();
        SegmentEvidence evidence = new SegmentEvidence(identity(), log, image, false);
        boolean hardStateThere = root.list().contains(hardStateName);
        List<Found> links = List.of();
        try {
            SegmentLinks linked = linksBeside(hardStateThere, evidence);
            evidence.collect();
            linked.link();
            links = linked.links();
            RecoveredRecords records = new RecoveredRecords(evidence, linked, image, Floor.UNKNOWN, false);
            records.read();
            return readable(evidence, linked, records, image, hardStateThere);
        } catch (WalDamagedException e) {
            Place first = new Place(e.file(), e.offset(), e.index(), e.expected(), e.found());
            return damaged(first, otherPlaces(first, links, image), evidence, links.size(), hardStateThere);
        } catch (HardStateInDoubtException e) {
            Place place = new Place(hardStateName, 0, 0, "term and vote of this log's owner", text(e));
            return damaged(place, List.of(), evidence, 0, hardStateThere);
        } finally {
            evidence.openFiles().forEach(SegmentFile::close);
        }
    }

    private static String text(WalException e) {
        return String.valueOf(e.getMessage());
    }

    private SegmentLinks linksBeside(boolean hardStateThere, SegmentEvidence evidence) {
        if (!hardStateThere) {
            return new SegmentLinks(evidence, hardStateMustBeThere, 1);
        }
        try (SegmentFile file = root.open(hardStateName)) {
            HardState hardState =
                    HardStateFile.read(identity(), file, hardStateName).current();
            return new SegmentLinks(evidence, false, hardState.sequence());
        }
    }

    /** Whose log it is: what the hard state says, else the first file with a valid header. */
    private WalConfig identity() {
        Checksum checksum = new Checksum();
        if (root.list().contains(hardStateName)) {
            UnsafeBuffer slots = start(root, hardStateName, HardStateDescriptor.FILE_LENGTH);
            for (int at = 0; at < HardStateDescriptor.FILE_LENGTH; at += HardStateDescriptor.SLOT_STRIDE) {
                if (HardStateDescriptor.isValid(slots, at, checksum)) {
                    return WalConfig.of(
                            slots.getLong(at + HardStateDescriptor.CLUSTER_OFFSET, LITTLE_ENDIAN),
                            slots.getInt(at + HardStateDescriptor.NODE_OFFSET, LITTLE_ENDIAN),
                            slots.getLong(at + HardStateDescriptor.STORAGE_OFFSET, LITTLE_ENDIAN));
                }
            }
        }
        for (String name : log.list()) {
            if (isLogFile(name)) {
                UnsafeBuffer header = start(log, name, SegmentHeaderDescriptor.LENGTH);
                if (SegmentHeaderDescriptor.isValid(header, checksum)) {
                    return WalConfig.of(
                            header.getLong(SegmentHeaderDescriptor.CLUSTER_OFFSET, LITTLE_ENDIAN),
                            header.getInt(SegmentHeaderDescriptor.NODE_OFFSET, LITTLE_ENDIAN),
                            header.getLong(SegmentHeaderDescriptor.STORAGE_OFFSET, LITTLE_ENDIAN));
                }
            }
        }
        return WalConfig.of(0, 0, 0);
    }

    private static UnsafeBuffer start(SegmentDirectory directory, String name, int bytes) {
        byte[] read = new byte[bytes];
        try (SegmentFile file = directory.open(name)) {
            file.read(0, ByteBuffer.wrap(read));
        }
        return new UnsafeBuffer(read);
    }

    private Report readable(
            SegmentEvidence evidence,
            SegmentLinks linked,
            RecoveredRecords records,
            SegmentImage image,
            boolean hardStateThere) {
        List<Place> torn = new ArrayList<>();
        IndexTable table = records.table();
        Cut cut = records.cut();
        if (cut != null) {
            Found found = linked.links().get(cut.slot());
            image.load(found.name(), found.file());
            boolean begun = image.hasRecordHeader(cut.offset(), image.length());
            torn.add(new Place(
                    found.name(),
                    cut.offset(),
                    table.last() + 1,
                    "a whole record, or zeros",
                    begun ? "a record that lacks a sector" : "bytes of a record that was not completed"));
        }
        for (Found found : linked.torn()) {
            torn.add(new Place(
                    found.name(),
                    ActivationDescriptor.FILE_OFFSET,
                    found.activation().previousIndex() + 1,
                    "the segment before it",
                    "no such segment in use"));
        }
        for (Headless lost : records.headless()) {
            torn.add(new Place(
                    lost.name(), ActivationDescriptor.FILE_OFFSET, table.last() + 1, "an activation block", "zeros"));
        }
        return new Report(
                torn.isEmpty() ? Verdict.CLEAN : Verdict.TORN,
                torn,
                records.supersededDamage() == 0
                        ? List.of()
                        : places(linked.links(), image).stream()
                                .filter(place -> place.found().equals(BAD_BODY))
                                .limit(records.supersededDamage())
                                .toList(),
                linked.links().size(),
                table.first(),
                table.last(),
                table.last() - Math.min(table.last(), records.keep().lastIndex()),
                evidence.highestDurable(),
                hardStateThere);
    }

    private static Report damaged(
            Place first, List<Place> others, SegmentEvidence evidence, int segments, boolean hardStateThere) {
        List<Place> places = new ArrayList<>(List.of(first));
        places.addAll(others);
        return new Report(
                Verdict.DAMAGED, places, List.of(), segments, 0, 0, 0, evidence.highestDurable(), hardStateThere);
    }

    /** Recovery stops at the first place; these are the others where reading fails. */
    private List<Place> otherPlaces(Place first, List<Found> links, SegmentImage image) {
        return (links.isEmpty() ? placesOfFiles(image) : places(links, image))
                .stream()
                        .filter(place -> !place.file().equals(first.file()) || place.offset() != first.offset())
                        .toList();
    }

    private List<Place> places(List<Found> links, SegmentImage image) {
        List<Place> places = new ArrayList<>();
        for (int slot = 0; slot < links.size(); slot++) {
            Found found = links.get(slot);
            image.load(found.name(), found.file());
            int stated = slot == links.size() - 1
                    ? image.length()
                    : links.get(slot + 1).activation().previousEnd();
            new SegmentWalk(image, new Places(places, found.activation().previousIndex()))
                    .records(
                            Math.min(stated, image.length()), found.activation().seed());
        }
        return places;
    }

    private List<Place> placesOfFiles(SegmentImage image) {
        List<Place> places = new ArrayList<>();
        for (String name : log.list()) {
            if (!isLogFile(name)) {
                continue;
            }
            try (SegmentFile file = log.open(name)) {
                image.load(name, file);
                SegmentWalk walk = new SegmentWalk(image, new Places(places, 0));
                if (walk.isSegment()) {
                    walk.walk();
                }
            } catch (WalDamagedException e) {
                places.add(new Place(e.file(), e.offset(), e.index(), e.expected(), e.found()));
            }
        }
        return places;
    }

    /** What of a walk is not as it should be. */
    private static final class Places implements Consumer<SegmentItem> {
        private final List<Place> places;
        private long lastIndex;

        Places(List<Place> places, long lastIndex) {
            this.places = places;
            this.lastIndex = lastIndex;
        }

        @Override
        public void accept(SegmentItem item) {
            if (item instanceof SegmentItem.Header header && !header.valid()) {
                add(item, "a preparation header", "none that is valid");
            } else if (item instanceof SegmentItem.Activated activated) {
                if (activated.state() == SegmentItem.Activated.State.BAD) {
                    add(item, "an activation block", "bytes that are none");
                }
                lastIndex = activated.previousIndex();
            } else if (item instanceof Stored stored) {
                if (!stored.empty()) {
                    lastIndex = stored.index() - 1;
                }
                if (stored.verdict() == Stored.Verdict.BAD_BODY) {
                    add(item, "a body with the stated crc", BAD_BODY);
                } else if (stored.verdict() == Stored.Verdict.NOT_IN_CHAIN) {
                    add(item, "the record before it", "a record that does not continue the chain");
                }
                lastIndex = stored.index();
            } else if (item instanceof Unreadable unreadable) {
                add(item, "records", unreadable.found() + ", up to offset " + unreadable.end());
            }
        }

        private void add(SegmentItem item, String expected, String found) {
            places.add(new Place(item.file(), item.offset(), lastIndex + 1, expected, found));
        }
    }

    // ---- dump

    /**
     * Every piece of one segment file, or of all files of a log's directory in the order of their names.
     *
     * @param path a file, a node's data directory, or the log's directory in it
     * @param sink gets the pieces; beside a running node each file as it is when it is read
     * @throws NothingToReadException when there is nothing of a log, or it may not be read
     */
    public static void dump(Path path, Consumer<? super SegmentItem> sink) {
        try {
            if (Files.isRegularFile(path)) {
                Path parent = path.toAbsolutePath().getParent();
                dumpFile(
                        new ReadOnlyDirectory(parent == null ? path : parent),
                        String.valueOf(path.getFileName()),
                        true,
                        new SegmentImage(),
                        sink);
                return;
            }
            Path logPath = logDirectory(path);
            ReadOnlyDirectory directory = new ReadOnlyDirectory(logPath);
            SegmentImage image = new SegmentImage();
            for (String name : directory.list()) {
                if (isLogFile(name)) {
                    dumpFile(directory, name, false, image, sink);
                }
            }
        } catch (NothingToReadException e) {
            throw e;
        } catch (WalException e) {
            throw new NothingToReadException(text(e) + "; run this as a user who may read the files", e.getCause());
        }
    }

    private static void dumpFile(
            ReadOnlyDirectory directory,
            String name,
            boolean mustBeSegment,
            SegmentImage image,
            Consumer<? super SegmentItem> sink) {
        try (SegmentFile file = directory.open(name)) {
            image.load(name, file);
        } catch (ReadOnlyDirectory.GoneException e) {
            if (mustBeSegment) {
                throw e;
            }
            // The running node has deleted or renamed it since the directory was listed.
            return;
        }
        SegmentWalk walk = new SegmentWalk(image, sink);
        if (walk.isSegment()) {
            walk.walk();
        } else if (mustBeSegment) {
            throw new NothingToReadException(
                    name + " is no segment: " + image.length()
                            + " bytes that do not begin with CAIRNWAL; segments are named <20 digits>.wal",
                    null);
        } else {
            sink.accept(new Unreadable(name, 0, image.length(), "no header of a segment"));
        }
    }
}
