package dev.cairn.wal;

import dev.cairn.wal.RecoveredRecords.Remains;
import dev.cairn.wal.SegmentEvidence.Found;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * What recovery does with the files of a damaged log when it goes on around the damage: nothing of them is thrown away that
 * stood at or behind it. They stay in the log's directory under names that no recovery looks at.
 */
final class DamagedFiles {
    static final String PREFIX = "damaged-";

    private final SegmentDirectory directory;
    private final SegmentImage image;
    private final WalDamagedException damage;
    private final IndexRanges lost;
    private final Remains remains;

    DamagedFiles(
            SegmentDirectory directory,
            SegmentImage image,
            WalDamagedException damage,
            IndexRanges lost,
            Remains remains) {
        this.directory = directory;
        this.image = image;
        this.damage = damage;
        this.lost = lost;
        this.remains = remains;
    }

    /** Whether no old segment stays in use. */
    boolean beginsBehindStore() {
        return remains == Remains.STORE || remains == Remains.ALL_ABOVE_STORE;
    }

    /** A segment whose beginning stays in use is copied whole, before a recovery can overwrite what tells of its end. */
    void copyAside(List<Found> links, int damagedSlot, int keptSlot) {
        if (damagedSlot != keptSlot || keptSlot == links.size()) {
            return;
        }
        Found found = links.get(keptSlot);
        image.load(found.name(), found.file());
        try (SegmentFile aside = directory.create(freeName(directory, found.name()), image.length())) {
            aside.write(0, ByteBuffer.wrap(image.buffer().byteArray(), 0, image.length()));
            aside.force();
        }
        directory.force();
    }

    static void setAside(SegmentDirectory directory, String name) {
        directory.rename(name, freeName(directory, name));
    }

    private static String freeName(SegmentDirectory directory, String name) {
        List<String> names = directory.list();
        int number = 1;
        while (names.contains(PREFIX + number + "-" + name)) {
            number++;
        }
        return PREFIX + number + "-" + name;
    }

    /** Behind all changes. */
    RecoveryReport.Damage report(HardState hardState) {
        List<String> aside = directory.list().stream()
                .filter(name -> name.startsWith(PREFIX))
                .toList();
        boolean repairing = remains == Remains.PREFIX || remains == Remains.STORE;
        return new RecoveryReport.Damage(
                String.valueOf(damage.getMessage()).replace("; all files were kept as found", ""),
                lost,
                repairing,
                hardState.storageEpoch(),
                aside);
    }
}
