package dev.cairn.wal;

import dev.cairn.wal.RecoveredRecords.Cut;
import dev.cairn.wal.SegmentEvidence.Found;
import dev.cairn.wal.SegmentEvidence.Headless;
import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Keeps what a crash tore off, for the curious: in files of their own, within a cap for all of them together. */
final class CutCopies {
    private static final int FIRST_RECORD = ActivationDescriptor.RECORDS_OFFSET;

    private final SegmentDirectory directory;
    private final SegmentImage image;
    private final long capBytes;
    private long cutBytes;
    private long keptBytes;

    CutCopies(SegmentDirectory directory, SegmentImage image, long capBytes) {
        this.directory = directory;
        this.image = image;
        this.capBytes = capBytes;
    }

    /** Bytes dropped, up to the last of each segment that is not zero. */
    long cutBytes() {
        return cutBytes;
    }

    /** Of these, the bytes kept aside. */
    long keptBytes() {
        return keptBytes;
    }

    /** The rest of the segment that was cut, the segments behind it, and those that hang in the air. */
    void keep(List<Found> links, @Nullable Cut cut, List<Found> torn, List<Headless> headless) {
        if (cut == null && torn.isEmpty() && headless.isEmpty()) {
            return;
        }
        long room = capBytes - bytesAside();
        if (cut != null) {
            keep(links.get(cut.slot()), cut.offset(), room);
            links.subList(cut.slot() + 1, links.size()).forEach(found -> keep(found, FIRST_RECORD, room));
        }
        torn.forEach(found -> keep(found, FIRST_RECORD, room));
        headless.forEach(found -> keep(found.name(), found.file(), found.sequence(), FIRST_RECORD, room));
    }

    private void keep(Found found, int from, long room) {
        keep(found.name(), found.file(), found.sequence(), from, room);
    }

    private void keep(String fileName, SegmentFile file, int sequence, int from, long room) {
        image.load(fileName, file);
        int count = image.lastNonZero(from) - from;
        cutBytes += count;
        int keepBytes = (int) Math.min(count, room - keptBytes);
        if (keepBytes > 0 && copyAside(sequence, from, keepBytes)) {
            keptBytes += keepBytes;
        }
    }

    private long bytesAside() {
        long bytes = 0;
        for (String name : directory.list()) {
            if (name.startsWith(WalRecovery.CUT_PREFIX)) {
                try (SegmentFile file = directory.open(name)) {
                    bytes += file.length();
                }
            }
        }
        return bytes;
    }

    private boolean copyAside(int sequence, int from, int bytes) {
        String name = WalRecovery.CUT_PREFIX + sequence + "-" + from + "-" + bytes;
        if (directory.list().contains(name)) {
            return true;
        }
        try (SegmentFile aside = directory.create(name, bytes)) {
            aside.write(0, ByteBuffer.wrap(image.buffer().byteArray(), from, bytes));
            aside.force();
            return true;
        } catch (NoSpaceException e) {
            // A copy for the curious is worth less than a node that starts; the report says that it is missing.
            if (directory.list().contains(name)) {
                directory.delete(name);
            }
            return false;
        }
    }
}
