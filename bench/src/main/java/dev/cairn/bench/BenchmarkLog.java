package dev.cairn.bench;

import dev.cairn.wal.FileSegmentDirectory;
import dev.cairn.wal.Floor;
import dev.cairn.wal.HardStateFile;
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

/** A fresh log in a temporary directory of its own, without spares: it is meant to stay within its first segment. */
record BenchmarkLog(Path path, FileSegmentDirectory directory, HardStateFile hardState, Wal wal) {
    static BenchmarkLog open(WriterChoice writer, int segmentBytes) throws IOException {
        Path path = Files.createTempDirectory("cairn-wal-benchmark-");
        WalConfig config = WalConfig.of(1, 1, 1)
                .withSegmentBytes(segmentBytes)
                .withSpareCount(0)
                .withWriter(writer);
        FileSegmentDirectory directory = FileSegmentDirectory.open(path, writer);
        HardStateFile hardState = HardStateFile.open(config, directory, "hard-state");
        Wal wal = Wal.open(config, directory, hardState, Floor.EMPTY, new SplittableRandom(1)::nextLong);
        return new BenchmarkLog(path, directory, hardState, wal);
    }

    /** Closes the log and removes its files. */
    void delete() throws IOException {
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
