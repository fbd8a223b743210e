package dev.cairn.bench.jmh;

import dev.cairn.wal.EntryDescriptor;
import dev.cairn.wal.FileSegmentDirectory;
import dev.cairn.wal.Floor;
import dev.cairn.wal.HardStateFile;
import dev.cairn.wal.RecordDescriptor;
import dev.cairn.wal.SegmentDirectory;
import dev.cairn.wal.Wal;
import dev.cairn.wal.WalConfig;
import dev.cairn.wal.WriterChoice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;

/** A fresh log in a temporary directory of its own. */
public record BenchmarkLog(
        Path path,
        FileSegmentDirectory directory,
        @Nullable PrefaultedDirectory pages,
        HardStateFile hardState,
        Wal wal) {
    /** For what a segment holds beside its records. */
    private static final int SPARE_BLOCKS = 64;

    private static final UnsafeBuffer NOTHING = new UnsafeBuffer(new byte[0]);

    /** Size of a segment, in bytes, in which so many entries find room after {@link #ready}; each group begins on a block of its own. */
    static int segmentBytes(int entries, int payloadBytes, int entriesPerGroup) {
        int record = RecordDescriptor.alignedLength(
                RecordDescriptor.HEADER_LENGTH + EntryDescriptor.HEADER_LENGTH + payloadBytes);
        int empty = RecordDescriptor.HEADER_LENGTH + EntryDescriptor.HEADER_LENGTH;
        int group = Math.addExact(RecordDescriptor.BLOCK_BYTES, Math.multiplyExact(record, entriesPerGroup));
        int groups = Math.multiplyExact(entries / entriesPerGroup + 1, group);
        return Math.multiplyExact(
                RecordDescriptor.BLOCK_BYTES, blocks(groups) + blocks(empty * entries) + SPARE_BLOCKS);
    }

    private static int blocks(int bytes) {
        return bytes / RecordDescriptor.BLOCK_BYTES + 1;
    }

    /** Without spares, in the directory for temporary files: it is meant to stay within its first segment. */
    static BenchmarkLog open(WriterChoice writer, int segmentBytes) throws IOException {
        return open(null, writer, segmentBytes, 0, false);
    }

    /**
     * A log.
     *
     * @param below where its directory is made; null = the directory for temporary files
     * @param spares made by whoever steps the log's preparer
     * @param prefaulted whether {@link #ready} shall write to all pages of the segment; mapped writer only
     */
    public static BenchmarkLog open(
            @Nullable Path below, WriterChoice writer, int segmentBytes, int spares, boolean prefaulted)
            throws IOException {
        String prefix = "cairn-wal-benchmark-";
        Path path = below == null ? Files.createTempDirectory(prefix) : Files.createTempDirectory(below, prefix);
        WalConfig config = WalConfig.of(1, 1, 1)
                .withSegmentBytes(segmentBytes)
                .withSpareCount(spares)
                .withWriter(writer);
        FileSegmentDirectory directory = FileSegmentDirectory.open(path, writer);
        HardStateFile hardState = HardStateFile.open(config, directory, "hard-state");
        PrefaultedDirectory pages =
                prefaulted && writer == WriterChoice.MAPPED ? new PrefaultedDirectory(directory) : null;
        SegmentDirectory segments = pages == null ? directory : pages;
        Wal wal = Wal.open(config, segments, hardState, Floor.EMPTY, new SplittableRandom(1)::nextLong);
        return new BenchmarkLog(path, directory, pages, hardState, wal);
    }

    /**
     * Makes the log's memory what it is in a node that has run for a while: the table of indexes has its pages for so many
     * entries. They are appended and truncated, so the segment holds that many empty entries more. The pages of the segment are
     * written to afterwards, where that was asked for.
     */
    public void ready(int entries) {
        for (int i = 0; i < entries; i++) {
            wal.append(wal.appendedIndex() + 1, 1, 0, EntryDescriptor.TYPE_NOOP, NOTHING, 0, 0);
        }
        wal.publish();
        wal.force();
        wal.truncateSuffix(1);
        if (pages != null) {
            pages.prefault();
        }
    }

    /** Closes the log and removes its files. */
    public void delete() throws IOException {
        wal.close();
        hardState.close();
        directory.close();
        List<Path> deepestFirst;
        try (Stream<Path> files = Files.walk(path)) {
            deepestFirst = files.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path file : deepestFirst) {
            Files.delete(file);
        }
    }
}
