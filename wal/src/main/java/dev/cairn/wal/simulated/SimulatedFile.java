package dev.cairn.wal.simulated;

import java.util.Arrays;
import java.util.BitSet;
import java.util.random.RandomGenerator;
import org.agrona.concurrent.UnsafeBuffer;

/** The bytes of one file, twice: as the system sees them, and as the disk holds them. */
final class SimulatedFile {
    static final int SECTOR_BYTES = 512;

    private byte[] cache = new byte[0];
    private byte[] disk = new byte[0];
    private final UnsafeBuffer view = new UnsafeBuffer(cache);
    private int length;
    private int diskLength;
    /** Sectors that the next force writes. */
    private final BitSet dirty = new BitSet();
    /** Sectors that a failed force lost: readable until a power cut, never written unless stored to again. */
    private final BitSet lost = new BitSet();

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
        System.arraycopy(bytes, from, cache, offset, count);
        int first = offset / SECTOR_BYTES;
        int end = (offset + count - 1) / SECTOR_BYTES + 1;
        dirty.set(first, end);
        lost.clear(first, end);
    }

    private void grow(int toLength) {
        if (toLength > cache.length) {
            int capacity = Math.max(toLength, cache.length * 2);
            cache = Arrays.copyOf(cache, capacity);
            disk = Arrays.copyOf(disk, capacity);
        }
        if (toLength > length) {
            length = toLength;
        }
        view.wrap(cache, 0, length);
    }

    void force() {
        persist(dirty);
        dirty.clear();
        diskLength = length;
    }

    private void persist(BitSet sectors) {
        for (int sector = sectors.nextSetBit(0); sector >= 0; sector = sectors.nextSetBit(sector + 1)) {
            int at = sector * SECTOR_BYTES;
            System.arraycopy(cache, at, disk, at, Math.min(SECTOR_BYTES, cache.length - at));
        }
    }

    void loseUnforced() {
        lost.or(dirty);
        dirty.clear();
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
        Arrays.fill(disk, diskLength, disk.length, (byte) 0);
        length = diskLength;
        cache = disk.clone();
        view.wrap(cache, 0, length);
        dirty.clear();
        lost.clear();
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
        System.arraycopy(bytes, 0, cache, offset, bytes.length);
        System.arraycopy(bytes, 0, disk, offset, bytes.length);
        diskLength = Math.max(diskLength, offset + bytes.length);
    }

    SimulatedFile copyForced() {
        SimulatedFile copy = new SimulatedFile();
        copy.overwrite(0, copy());
        return copy;
    }
}
