package dev.cairn.wal;

import java.util.Set;

/**
 * Everything that a log must know to open.
 *
 * @param clusterIdHash first 8 bytes of the cluster id's SHA-256, little-endian
 * @param nodeId 1 to 65535
 * @param storageId random number of this data directory
 * @param group Raft group, 0 for now
 * @param segmentBytes length of a segment file: {@link #MIN_SEGMENT_BYTES} to {@link #MAX_SEGMENT_BYTES}, a multiple of 4096
 * @param spareCount segments prepared ahead, 0 to {@link #MAX_SPARES}
 * @param cutCopyCapBytes most bytes of cut torn tails that are kept aside, all copies together
 * @param maxEntries entries beyond which no further segment is begun: each takes {@value IndexTable#ENTRY_BYTES} bytes of
 *     memory
 * @param reserveBytes room on the disk in which no segment is made: what the owner of the log needs for other things
 * @param writer how records are stored; used by {@link FileSegmentDirectory} only
 * @param faults planted bugs; test only, empty otherwise
 */
public record WalConfig(
        long clusterIdHash,
        int nodeId,
        long storageId,
        int group,
        int segmentBytes,
        int spareCount,
        long cutCopyCapBytes,
        int maxEntries,
        long reserveBytes,
        WriterChoice writer,
        Set<WalFault> faults) {
    public static final int MIN_SEGMENT_BYTES = 64 * 1024;
    public static final int MAX_SEGMENT_BYTES = 1024 * 1024 * 1024;
    public static final int DEFAULT_SEGMENT_BYTES = 64 * 1024 * 1024;
    public static final int DEFAULT_SPARES = 2;
    public static final int MAX_SPARES = 8;
    public static final long DEFAULT_CUT_COPY_CAP_BYTES = 64L * 1024 * 1024;

    /** 480 MiB of memory. */
    public static final int DEFAULT_MAX_ENTRIES = 40 * 1024 * 1024;

    public WalConfig {
        if (segmentBytes < MIN_SEGMENT_BYTES
                || segmentBytes > MAX_SEGMENT_BYTES
                || segmentBytes % RecordDescriptor.BLOCK_BYTES != 0) {
            throw new IllegalArgumentException("segmentBytes=" + segmentBytes + " allowed=" + MIN_SEGMENT_BYTES + ".."
                    + MAX_SEGMENT_BYTES + " in steps of " + RecordDescriptor.BLOCK_BYTES);
        }
        if (spareCount < 0 || spareCount > MAX_SPARES) {
            throw new IllegalArgumentException("spareCount=" + spareCount + " allowed=0.." + MAX_SPARES);
        }
        if (cutCopyCapBytes < 0) {
            throw new IllegalArgumentException("cutCopyCapBytes=" + cutCopyCapBytes + " allowed=0 or more");
        }
        if (maxEntries < 1) {
            throw new IllegalArgumentException("maxEntries=" + maxEntries + " allowed=1 or more");
        }
        if (reserveBytes < 0) {
            throw new IllegalArgumentException("reserveBytes=" + reserveBytes + " allowed=0 or more");
        }
        faults = Set.copyOf(faults);
    }

    /** Safe defaults for one node's storage. */
    public static WalConfig of(long clusterIdHash, int nodeId, long storageId) {
        return new WalConfig(
                clusterIdHash,
                nodeId,
                storageId,
                0,
                DEFAULT_SEGMENT_BYTES,
                DEFAULT_SPARES,
                DEFAULT_CUT_COPY_CAP_BYTES,
                DEFAULT_MAX_ENTRIES,
                0,
                WriterChoice.CHANNEL,
                Set.of());
    }

    public WalConfig withSegmentBytes(int bytes) {
        return new WalConfig(
                clusterIdHash,
                nodeId,
                storageId,
                group,
                bytes,
                spareCount,
                cutCopyCapBytes,
                maxEntries,
                reserveBytes,
                writer,
                faults);
    }

    public WalConfig withSpareCount(int count) {
        return new WalConfig(
                clusterIdHash,
                nodeId,
                storageId,
                group,
                segmentBytes,
                count,
                cutCopyCapBytes,
                maxEntries,
                reserveBytes,
                writer,
                faults);
    }

    public WalConfig withCutCopyCapBytes(long bytes) {
        return new WalConfig(
                clusterIdHash,
                nodeId,
                storageId,
                group,
                segmentBytes,
                spareCount,
                bytes,
                maxEntries,
                reserveBytes,
                writer,
                faults);
    }

    public WalConfig withMaxEntries(int count) {
        return new WalConfig(
                clusterIdHash,
                nodeId,
                storageId,
                group,
                segmentBytes,
                spareCount,
                cutCopyCapBytes,
                count,
                reserveBytes,
                writer,
                faults);
    }

    public WalConfig withReserveBytes(long bytes) {
        return new WalConfig(
                clusterIdHash,
                nodeId,
                storageId,
                group,
                segmentBytes,
                spareCount,
                cutCopyCapBytes,
                maxEntries,
                bytes,
                writer,
                faults);
    }

    public WalConfig withWriter(WriterChoice choice) {
        return new WalConfig(
                clusterIdHash,
                nodeId,
                storageId,
                group,
                segmentBytes,
                spareCount,
                cutCopyCapBytes,
                maxEntries,
                reserveBytes,
                choice,
                faults);
    }

    /** Test only. */
    public WalConfig withFaults(Set<WalFault> planted) {
        return new WalConfig(
                clusterIdHash,
                nodeId,
                storageId,
                group,
                segmentBytes,
                spareCount,
                cutCopyCapBytes,
                maxEntries,
                reserveBytes,
                writer,
                planted);
    }
}
