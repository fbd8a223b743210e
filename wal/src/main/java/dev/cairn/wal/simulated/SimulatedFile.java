package dev.cairn.wal.simulated;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;

/** The bytes of one file, twice: as the system sees them, and as the disk holds them. */
final class SimulatedFile {
    static final int SECTOR_BYTES = 512;
    private static final int PAGE_SECTORS = 8;
    private static final int LINE_BYTES = 64;

    /** What a sector held after one of the stores since it was last forced. */
    private static final class Version {
        final long time;
        final byte[] bytes;

        Version(long time, byte[] bytes) {
            this.time = time;
            this.bytes = bytes;
        }
    }

    private byte[] cache = new byte[0];
    private byte[] disk = new byte[0];
    /** Whether another file reads the same array: it is copied before the first change. */
    private boolean cacheShared;

    private boolean diskShared;
    private final UnsafeBuffer view = new UnsafeBuffer(cache);
    private int length;
    private int diskLength;
    /** Sectors that the next force writes. */
    private final BitSet dirty = new BitSet();
    /** Sectors that a failed force lost: readable until a power cut, never written unless stored to again. */
    private final BitSet lost = new BitSet();
    /** Sectors that the disk has held since the file was made; what it holds at another one is the past of some other file. */
    private final BitSet written = new BitSet();

    private @Nullable Recording recording;
    /** By sector, oldest first; only of dirty sectors, and only while recording. */
    private final Map<Integer, List<Version>> versions = new HashMap<>();

    void record(Recording with) {
        recording = with;
    }

    int length() {
        return length;
    }

    UnsafeBuffer view() {
        return view;
    }

    byte[] copy() {
        return Arrays.copyOf(cache, length);
    }

    void put(int offset, byte[] bytes, int from, int count) {
        if (count == 0) {
            return;
        }
        grow(offset + count);
        ownCache();
        System.arraycopy(bytes, from, cache, offset, count);
        int first = offset / SECTOR_BYTES;
        int end = (offset + count - 1) / SECTOR_BYTES + 1;
        dirty.set(first, end);
        lost.clear(first, end);
        noteVersions(first, end);
    }

    private void noteVersions(int first, int end) {
        Recording with = recording;
        if (with == null) {
            return;
        }
        long time = with.tick();
        for (int sector = first; sector < end; sector++) {
            versions.computeIfAbsent(sector, s -> new ArrayList<>()).add(new Version(time, sectorOf(cache, sector)));
        }
    }

    private static byte[] sectorOf(byte[] bytes, int sector) {
        int at = sector * SECTOR_BYTES;
        byte[] content = new byte[SECTOR_BYTES];
        System.arraycopy(bytes, at, content, 0, Math.min(SECTOR_BYTES, bytes.length - at));
        return content;
    }

    private void grow(int toLength) {
        if (toLength > cache.length) {
            int capacity = Math.max(toLength, cache.length * 2);
            cache = Arrays.copyOf(cache, capacity);
            cacheShared = false;
        }
        if (disk.length < cache.length) {
            disk = Arrays.copyOf(disk, cache.length);
            diskShared = false;
        }
        if (toLength > length) {
            length = toLength;
        }
        view.wrap(cache, 0, length);
    }

    private void ownCache() {
        if (cacheShared) {
            cache = cache.clone();
            cacheShared = false;
            view.wrap(cache, 0, length);
        }
    }

    private void ownDisk() {
        if (diskShared) {
            disk = disk.clone();
            diskShared = false;
        }
    }

    void force() {
        Recording with = recording;
        if (with == null) {
            persist(dirty);
            dirty.clear();
            diskLength = length;
            return;
        }
        BitSet covered = (BitSet) dirty.clone();
        int coveredLength = length;
        long start = with.time();
        with.points.duringForce();
        mixStoredMeanwhile(covered, start, with.random);
        persistAsOf(covered, start);
        diskLength = Math.max(diskLength, coveredLength);
    }

    private void persist(BitSet sectors) {
        ownDisk();
        for (int sector = sectors.nextSetBit(0); sector >= 0; sector = sectors.nextSetBit(sector + 1)) {
            int at = sector * SECTOR_BYTES;
            System.arraycopy(cache, at, disk, at, Math.min(SECTOR_BYTES, cache.length - at));
            written.set(sector);
            versions.remove(sector);
        }
    }

    /** What a force guarantees that began at that time: what is stored since may be on disk, too, or not. */
    private void persistAsOf(BitSet sectors, long time) {
        ownDisk();
        for (int sector = sectors.nextSetBit(0); sector >= 0; sector = sectors.nextSetBit(sector + 1)) {
            List<Version> known = versions.getOrDefault(sector, new ArrayList<>());
            byte[] content = sectorOf(disk, sector);
            while (!known.isEmpty() && known.get(0).time <= time) {
                content = known.remove(0).bytes;
            }
            int at = sector * SECTOR_BYTES;
            System.arraycopy(content, 0, disk, at, Math.min(SECTOR_BYTES, disk.length - at));
            written.set(sector);
            if (known.isEmpty()) {
                versions.remove(sector);
                dirty.clear(sector);
            }
        }
    }

    /** The device reads a page while it is stored to: line by line it takes what stands there before or after. */
    private void mixStoredMeanwhile(BitSet covered, long start, RandomGenerator random) {
        BitSet pages = new BitSet();
        covered.stream().forEach(sector -> pages.set(sector / PAGE_SECTORS));
        for (int sector = dirty.nextSetBit(0); sector >= 0; sector = dirty.nextSetBit(sector + 1)) {
            List<Version> known = versions.get(sector);
            if (!pages.get(sector / PAGE_SECTORS) || known == null || known.get(known.size() - 1).time <= start) {
                continue;
            }
            byte[] mixed = sectorOf(disk, sector);
            for (Version version : known) {
                if (version.time <= start) {
                    mixed = version.bytes.clone();
                }
            }
            byte[] newest = known.get(known.size() - 1).bytes;
            for (int line = 0; line < SECTOR_BYTES; line += LINE_BYTES) {
                if (random.nextBoolean()) {
                    System.arraycopy(newest, line, mixed, line, LINE_BYTES);
                }
            }
            known.add(known.size() - 1, new Version(known.get(known.size() - 1).time, mixed));
        }
    }

    void loseUnforced() {
        lost.or(dirty);
        dirty.clear();
        versions.clear();
    }

    boolean hasUnforced() {
        return !dirty.isEmpty() || !lost.isEmpty() || diskLength != length;
    }

    boolean isForced(int end) {
        return end <= diskLength && isClear(dirty, end) && isClear(lost, end);
    }

    private static boolean isClear(BitSet sectors, int end) {
        int first = sectors.nextSetBit(0);
        return first < 0 || first * SECTOR_BYTES >= end;
    }

    void writeBack(RandomGenerator random, int keptOf, int sides) {
        BitSet kept = chosen(random, keptOf, sides);
        persist(kept);
        dirty.andNot(kept);
        diskLength = Math.max(diskLength, Math.min(length, kept.length() * SECTOR_BYTES));
    }

    void crashHost(RandomGenerator random, int keptOf, int sides) {
        writeBack(random, keptOf, sides);
        if (length > diskLength && random.nextBoolean()) {
            diskLength = length;
        }
        ownDisk();
        Arrays.fill(disk, diskLength, disk.length, (byte) 0);
        leaveStale(disk, unwritten(), diskLength, random);
        length = diskLength;
        written.set(0, sectors(length));
        cache = disk.clone();
        cacheShared = false;
        view.wrap(cache, 0, length);
        dirty.clear();
        lost.clear();
        versions.clear();
    }

    private BitSet chosen(RandomGenerator random, int keptOf, int sides) {
        BitSet kept = new BitSet();
        for (int sector = dirty.nextSetBit(0); sector >= 0; sector = dirty.nextSetBit(sector + 1)) {
            if (random.nextInt(sides) < keptOf) {
                kept.set(sector);
            }
        }
        return kept;
    }

    void overwrite(int offset, byte[] bytes) {
        grow(offset + bytes.length);
        ownCache();
        ownDisk();
        System.arraycopy(bytes, 0, cache, offset, bytes.length);
        System.arraycopy(bytes, 0, disk, offset, bytes.length);
        diskLength = Math.max(diskLength, offset + bytes.length);
        written.set(offset / SECTOR_BYTES, sectors(offset + bytes.length));
    }

    /** Rot: what lies behind is gone. */
    void truncate(int newLength) {
        byte[] left = Arrays.copyOf(cache, newLength);
        reset(left, newLength);
    }

    private void reset(byte[] content, int newLength) {
        cache = content;
        disk = content;
        cacheShared = true;
        diskShared = true;
        length = newLength;
        diskLength = newLength;
        written.set(0, sectors(newLength));
        view.wrap(cache, 0, length);
    }

    private static int sectors(int bytes) {
        return (bytes + SECTOR_BYTES - 1) / SECTOR_BYTES;
    }

    SimulatedFile copyForced() {
        SimulatedFile copy = new SimulatedFile();
        cacheShared = true;
        copy.reset(cache, length);
        return copy;
    }

    /** The same bytes, forced and unforced as here; nothing is copied until one of the two changes. */
    SimulatedFile copyAsIs() {
        SimulatedFile copy = new SimulatedFile();
        cacheShared = true;
        diskShared = true;
        copy.reset(cache, length);
        copy.disk = disk;
        copy.diskLength = diskLength;
        copy.dirty.or(dirty);
        copy.lost.or(lost);
        copy.written.clear();
        copy.written.or(written);
        versions.forEach((sector, known) -> copy.versions.put(sector, new ArrayList<>(known)));
        return copy;
    }

    /** What a power cut leaves of it; this file stays as it is. */
    SimulatedFile afterPowerCut(CrashKind kind, RandomGenerator random, int keptOf, int sides) {
        BitSet kept = new BitSet();
        byte[] left = disk;
        if (!dirty.isEmpty() && kind != CrashKind.NOTHING_KEPT) {
            left = disk.clone();
            long moment = 0;
            int momentOf = -1;
            boolean torn = false;
            for (int sector = dirty.nextSetBit(0); sector >= 0; sector = dirty.nextSetBit(sector + 1)) {
                if (sector / PAGE_SECTORS != momentOf) {
                    momentOf = sector / PAGE_SECTORS;
                    moment = anyMoment(momentOf, random);
                    torn = random.nextBoolean();
                }
                byte[] content = switch (kind) {
                    case SECTORS -> random.nextInt(sides) < keptOf ? sectorOf(cache, sector) : null;
                    case VERSIONS -> anyVersion(sector, random);
                    case MOMENTS -> torn && random.nextBoolean() ? null : versionAt(sector, moment);
                    default -> sectorOf(cache, sector);
                };
                if (content != null) {
                    int at = sector * SECTOR_BYTES;
                    System.arraycopy(content, 0, left, at, Math.min(SECTOR_BYTES, left.length - at));
                    kept.set(sector);
                }
            }
        }
        int newLength = Math.max(diskLength, Math.min(length, kept.length() * SECTOR_BYTES));
        if (length > newLength && (kind == CrashKind.ALL_KEPT || random.nextBoolean())) {
            newLength = length;
        }
        BitSet stale = unwritten();
        stale.andNot(kept);
        if (!stale.isEmpty() && newLength > diskLength) {
            left = left == disk ? disk.clone() : left;
            leaveStale(left, stale, newLength, random);
        }
        SimulatedFile file = new SimulatedFile();
        diskShared |= left == disk;
        file.reset(left, newLength);
        return file;
    }

    /** Stored to, but nothing of it has reached the disk. Where nothing was stored to is a hole: zeros. */
    private BitSet unwritten() {
        BitSet sectors = (BitSet) dirty.clone();
        sectors.andNot(written);
        return sectors;
    }

    /** Where no journal forbids it a file may have got its blocks, and not yet its bytes. */
    private static void leaveStale(byte[] left, BitSet sectors, int end, RandomGenerator random) {
        if (sectors.isEmpty() || random.nextBoolean()) {
            return;
        }
        byte past = (byte) random.nextInt(1, 256);
        for (int sector = sectors.nextSetBit(0);
                sector >= 0 && sector * SECTOR_BYTES < end;
                sector = sectors.nextSetBit(sector + 1)) {
            int at = sector * SECTOR_BYTES;
            Arrays.fill(left, at, Math.min(at + SECTOR_BYTES, end), past);
        }
    }

    private byte @Nullable [] anyVersion(int sector, RandomGenerator random) {
        List<Version> known = versions.getOrDefault(sector, List.of());
        int choice = random.nextInt(known.size() + 1);
        return choice == 0 ? null : known.get(choice - 1).bytes;
    }

    private byte @Nullable [] versionAt(int sector, long moment) {
        byte[] content = null;
        for (Version version : versions.getOrDefault(sector, List.of())) {
            if (version.time <= moment) {
                content = version.bytes;
            }
        }
        return content;
    }

    /** The time of some store to this page, or one before all of them. */
    private long anyMoment(int page, RandomGenerator random) {
        List<Version> all = new ArrayList<>();
        for (int sector = page * PAGE_SECTORS; sector < (page + 1) * PAGE_SECTORS; sector++) {
            all.addAll(versions.getOrDefault(sector, List.of()));
        }
        int choice = random.nextInt(all.size() + 1);
        return choice == 0 ? -1 : all.get(choice - 1).time;
    }
}
