package dev.cairn.wal;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * First step of recovery: what the files say, each for itself. Identity and activation of every file, and every record
 * header that proves itself, also behind a damaged one.
 */
final class SegmentEvidence {
    /** A file with its activation block. */
    record Found(String name, SegmentFile file, Activation activation) {
        int sequence() {
            return activation.segment();
        }
    }

    /** A file with records, but without the activation block before them; and the last whole entry in it. */
    record Headless(String name, SegmentFile file, int sequence, long lastIndex, long lastTerm) {}

    /** A superseding record that is whole. */
    private record Superseding(long position, long index) {}

    private final WalConfig config;
    private final SegmentDirectory directory;
    private final SegmentImage image;
    /** Whether a file that says nothing for itself is set apart, not thrown about. */
    private final boolean tolerant;

    private final Checksum checksum = new Checksum();
    private final Map<String, SegmentFile> opened = new HashMap<>();
    private final List<Found> activated = new ArrayList<>();
    private final List<String> unused = new ArrayList<>();
    private final List<String> unreadable = new ArrayList<>();
    private final List<Headless> headless = new ArrayList<>();
    private final List<Superseding> superseding = new ArrayList<>();
    private long highestDurable;
    private long highestTerm;
    private long highestIndex;
    private int highestSequence;
    private int nextSpare;

    SegmentEvidence(WalConfig config, SegmentDirectory directory, SegmentImage image, boolean tolerant) {
        this.config = config;
        this.directory = directory;
        this.image = image;
        this.tolerant = tolerant;
    }

    /** Files with a valid activation block, by sequence. */
    List<Found> activated() {
        return activated;
    }

    /** Spares and files whose activation never reached the disk. */
    List<String> unused() {
        return unused;
    }

    /** Those of the {@link #unused} that hold entries: what a roll or a recovery stored before its activation block. */
    List<Headless> headless() {
        return headless;
    }

    /** Files that may have been in use but do not prove it; empty where such a file is an exception. */
    List<String> unreadable() {
        return unreadable;
    }

    /** Two files claim the same place in the log: neither proves anything. */
    void setApart(Found found) {
        if (activated.remove(found)) {
            unreadable.add(found.name());
        }
    }

    /** All files that were opened, for the one who closes them. */
    Collection<SegmentFile> openFiles() {
        return opened.values();
    }

    /** Highest durable position that any valid record or activation block states. */
    long highestDurable() {
        return highestDurable;
    }

    /** Highest term of any whole record, superseded and torn ones too. */
    long highestTerm() {
        return highestTerm;
    }

    /** Highest index of any whole entry, superseded ones too. */
    long highestIndex() {
        return highestIndex;
    }

    /** Highest sequence in any name, activation block or record. */
    int highestSequence() {
        // A file that tells nothing may have had a sequence of its own.
        return highestSequence + unreadable.size();
    }

    /** A spare number that no file has. */
    int nextSpare() {
        return nextSpare;
    }

    void close(String name) {
        SegmentFile file = opened.get(name);
        if (file != null) {
            file.close();
        }
    }

    /** Whether some later record takes the place of this one. */
    boolean isSuperseded(long position, long index) {
        return superseding.stream().anyMatch(later -> later.position() > position && later.index() <= index);
    }

    void collect() {
        for (String name : directory.list()) {
            boolean spare = name.startsWith(WalRecovery.SPARE_PREFIX);
            if (!spare && !Segment.isSegmentName(name)) {
                continue;
            }
            SegmentFile file = directory.open(name);
            opened.put(name, file);
            if (spare) {
                noteSpareName(name);
            } else {
                noteSegmentName(name);
            }
            collectFrom(name, file, spare);
        }
        activated.sort(Comparator.comparingInt(Found::sequence));
    }

    private void noteSpareName(String name) {
        String number = name.substring(WalRecovery.SPARE_PREFIX.length());
        if (!number.isEmpty() && number.length() < 10 && number.chars().allMatch(c -> c >= '0' && c <= '9')) {
            nextSpare = Math.max(nextSpare, Integer.parseInt(number) + 1);
        }
    }

    /** A file whose activation was lost has only its name to tell that its sequence was used. */
    private void noteSegmentName(String name) {
        highestSequence = Math.max(highestSequence, Segment.sequenceOf(name));
    }

    private void collectFrom(String name, SegmentFile file, boolean spare) {
        try {
            image.load(name, file);
            collectFromImage(name, file, spare);
        } catch (WalDamagedException damage) {
            if (!tolerant || damage.isForeignFile()) {
                throw damage;
            }
            unreadable.add(name);
        }
    }

    private void collectFromImage(String name, SegmentFile file, boolean spare) {
        boolean active = image.hasActivation();
        if (!image.hasHeader()) {
            if (spare && !active) {
                unused.add(name);
                return;
            }
            throw image.damaged(0, 0, "a preparation header", "none that is valid");
        }
        checkIdentity();
        boolean inUse = active && image.activation().salt() == image.salt();
        if (inUse) {
            Activation activation = image.activation();
            activated.add(new Found(name, file, activation));
            highestDurable = Math.max(highestDurable, activation.durablePosition());
            highestSequence = Math.max(highestSequence, activation.segment());
        } else if (active || image.activationMissing()) {
            unused.add(name);
        } else {
            throw image.damaged(ActivationDescriptor.FILE_OFFSET, 0, "an activation block", "bytes that are none");
        }
        int last = collectFromRecords();
        if (!inUse && last > 0) {
            int entry = last + RecordDescriptor.HEADER_LENGTH;
            headless.add(new Headless(
                    name,
                    file,
                    RecordDescriptor.segment(image.buffer(), last),
                    EntryDescriptor.index(image.buffer(), entry),
                    EntryDescriptor.term(image.buffer(), entry)));
        }
    }

    private void checkIdentity() {
        UnsafeBuffer expected = new UnsafeBuffer(new byte[SegmentHeaderDescriptor.LENGTH]);
        SegmentHeaderDescriptor.encode(expected, config, image.salt(), image.length(), checksum);
        for (int i = 0; i < SegmentHeaderDescriptor.CRC_OFFSET; i++) {
            if (expected.getByte(i) != image.buffer().getByte(i)) {
                throw image.damaged(
                                i,
                                0,
                                "version=" + SegmentHeaderDescriptor.VERSION + " group=" + config.group() + " cluster="
                                        + config.clusterIdHash() + " node=" + config.nodeId() + " storage="
                                        + config.storageId(),
                                "a file of another version or owner")
                        .ofForeignFile();
            }
        }
    }

    /** Returns where the last whole entry's record stands, 0 if there is none. */
    private int collectFromRecords() {
        int last = 0;
        int end = image.length();
        UnsafeBuffer buffer = image.buffer();
        int at = ActivationDescriptor.RECORDS_OFFSET;
        while (at <= end - RecordDescriptor.HEADER_LENGTH) {
            if (!image.hasRecordHeader(at, end)) {
                at += RecordDescriptor.ALIGNMENT;
                continue;
            }
            highestDurable = Math.max(highestDurable, RecordDescriptor.durablePosition(buffer, at));
            highestSequence = Math.max(highestSequence, RecordDescriptor.segment(buffer, at));
            boolean whole = image.bodyIsValid(at);
            if (whole && !image.isEmptyRecord(at)) {
                last = at;
                highestIndex = Math.max(highestIndex, RecordDescriptor.index(buffer, at));
                highestTerm = Math.max(highestTerm, EntryDescriptor.term(buffer, at + RecordDescriptor.HEADER_LENGTH));
                if (image.supersedes(at)) {
                    long position = LogPosition.of(RecordDescriptor.segment(buffer, at), at);
                    superseding.add(new Superseding(position, RecordDescriptor.index(buffer, at)));
                }
            }
            at = image.recordEnd(at);
        }
        return last;
    }
}
