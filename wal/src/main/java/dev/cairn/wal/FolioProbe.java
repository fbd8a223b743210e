package dev.cairn.wal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Start-up test: prepares a small file as a segment is prepared, stores one record through a mapping, forces it, and reads
 * from the kernel how many bytes that made it write. A page cache with large folios writes hundreds of kilobytes.
 */
final class FolioProbe {
    /** @param reason with its numbers, for one log line */
    record Result(boolean mappedIsFit, String reason) {}

    static final String FILE_NAME = "probe";
    private static final Path COUNTERS = Path.of("/proc/self/io");
    private static final String COUNTER = "write_bytes: ";
    private static final int FILE_BYTES = 2 * 1024 * 1024;
    private static final int RECORD_BYTES = 304;
    /** The counter is the whole process's, so the least of some trials counts. */
    private static final int TRIALS = 4;

    private static final long LIMIT_BYTES = 16L * RecordDescriptor.BLOCK_BYTES;

    private FolioProbe() {}

    static Result run(SegmentDirectory directory) {
        if (!Files.isReadable(COUNTERS)) {
            return new Result(true, COUNTERS + " is not there, large folios not tested");
        }
        if (directory.list().contains(FILE_NAME)) {
            directory.delete(FILE_NAME);
        }
        long least = Long.MAX_VALUE;
        try (SegmentFile file = directory.create(FILE_NAME, FILE_BYTES)) {
            SegmentPreparation.writeZeros(file, 0, FILE_BYTES);
            file.force();
            file.startAppending();
            UnsafeBuffer record = new UnsafeBuffer(new byte[RECORD_BYTES]);
            record.setMemory(0, RECORD_BYTES, (byte) 1);
            for (int trial = 0; trial < TRIALS; trial++) {
                long before = writtenBytes();
                file.append(trial * (FILE_BYTES / TRIALS), record, 0, RECORD_BYTES);
                file.force();
                least = Math.min(least, writtenBytes() - before);
            }
        } catch (IOException e) {
            return new Result(true, COUNTERS + " cannot be read, large folios not tested: " + e.getMessage());
        } catch (NoSpaceException e) {
            return new Result(true, "the disk is full, large folios not tested");
        } finally {
            if (directory.list().contains(FILE_NAME)) {
                directory.delete(FILE_NAME);
            }
        }
        boolean fit = least <= LIMIT_BYTES;
        return new Result(
                fit, "a record of " + RECORD_BYTES + " bytes wrote " + least + " bytes, limit " + LIMIT_BYTES);
    }

    private static long writtenBytes() throws IOException {
        for (String line : Files.readAllLines(COUNTERS)) {
            if (line.startsWith(COUNTER)) {
                return Long.parseLong(line.substring(COUNTER.length()).trim());
            }
        }
        throw new IOException("no line " + COUNTER);
    }
}
