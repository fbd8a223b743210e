package dev.cairn.bench.machine;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;

/**
 * What the disk under a directory can do by itself: time of one force of a small record appended to a prepared (zero-filled and
 * forced) file. Shows whether a slow result is the disk's.
 */
public final class ForceProbe {
    public static final int FORCES = 200;
    public static final int RECORD_BYTES = 300;

    private static final int BLOCK_BYTES = 4096;

    /** Times of the forces of one probe, ascending, ns. */
    public static long[] run(Path directory) throws IOException {
        Path file = Files.createTempFile(directory, "cairn-force-probe-", ".tmp");
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            prepare(channel);
            long[] times = new long[FORCES];
            ByteBuffer bytes = ByteBuffer.allocateDirect(RECORD_BYTES);
            for (int i = 0; i < FORCES; i++) {
                fill(bytes, (byte) (i + 1));
                long begin = System.nanoTime();
                writeAll(channel, bytes, (long) i * RECORD_BYTES);
                channel.force(false);
                times[i] = System.nanoTime() - begin;
            }
            Arrays.sort(times);
            return times;
        } finally {
            Files.delete(file);
        }
    }

    /** Median of one or more probes together, us. */
    public static double medianUs(long[]... probes) {
        long[] all =
                Arrays.stream(probes).flatMapToLong(Arrays::stream).sorted().toArray();
        int middle = all.length / 2;
        return (all.length % 2 == 1 ? all[middle] : (all[middle - 1] + all[middle]) / 2.0) / 1000;
    }

    /** Blocks of 4 KiB each, so that a later store of one record does not dirty more than its page. */
    private static void prepare(FileChannel channel) throws IOException {
        ByteBuffer zeros = ByteBuffer.allocateDirect(BLOCK_BYTES);
        for (long at = 0; at < (long) FORCES * RECORD_BYTES; at += BLOCK_BYTES) {
            zeros.clear();
            writeAll(channel, zeros, at);
        }
        channel.force(true);
    }

    private static void fill(ByteBuffer bytes, byte content) {
        bytes.clear();
        while (bytes.hasRemaining()) {
            bytes.put(content);
        }
        bytes.flip();
    }

    private static void writeAll(FileChannel channel, ByteBuffer bytes, long position) throws IOException {
        long at = position;
        while (bytes.hasRemaining()) {
            at += channel.write(bytes, at);
        }
    }

    private ForceProbe() {}
}
