package dev.cairn.wal;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Append, publish, force and both cursors allocate nothing once warm. */
final class AllocationTest {
    private static final int GROUPS = 200;
    private static final int GROUP = 8;
    private static final int ATTEMPTS = 5;

    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"mapped", "channel"})
    void theSteadyStateAllocatesNothing(String kind) {
        SegmentDirectory directory =
                FileSegmentDirectory.open(folder, kind.equals("mapped") ? WriterChoice.MAPPED : WriterChoice.CHANNEL);
        WalConfig config =
                WalConfig.of(1, 1, 1).withSegmentBytes(32 * 1024 * 1024).withSpareCount(0);
        LogFixture log = new LogFixture(directory, config, () -> 5);
        UnsafeBuffer payload = new UnsafeBuffer(new byte[300]);
        LogCursor cursor = log.wal.newCursor();
        LogCursor loopCursor = log.wal.newLoopCursor();
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long me = Thread.currentThread().getId();
        long least = Long.MAX_VALUE;
        for (int attempt = 0; attempt < ATTEMPTS && least > 0; attempt++) {
            long before = threads.getThreadAllocatedBytes(me);
            groups(log.wal, payload, cursor, loopCursor);
            // A page of the index table falls due every 4096 entries; 5 attempts cross at most two of them.
            least = Math.min(least, threads.getThreadAllocatedBytes(me) - before);
        }
        assertThat(least).isZero();
        log.close();
    }

    /** What is on the heap is copied by young collections while nodes answer nobody. */
    @Test
    void theIndexLiesOutsideOfTheHeap() {
        LogFixture log = new LogFixture(
                FileSegmentDirectory.open(folder, WriterChoice.CHANNEL),
                WalConfig.of(1, 1, 1).withSegmentBytes(32 * 1024 * 1024).withSpareCount(0),
                () -> 5);
        UnsafeBuffer payload = new UnsafeBuffer(new byte[100]);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long me = Thread.currentThread().getId();
        appendPages(log.wal, 2, payload);
        long before = threads.getThreadAllocatedBytes(me);
        appendPages(log.wal, 8, payload);
        assertThat(threads.getThreadAllocatedBytes(me) - before)
                .as("bytes for %d entries", 8 * IndexTable.PAGE_ENTRIES)
                .isLessThan(IndexTable.PAGE_ENTRIES);
        log.close();
    }

    private static void appendPages(Wal wal, int pages, UnsafeBuffer payload) {
        for (int i = 0; i < pages * IndexTable.PAGE_ENTRIES; i++) {
            wal.append(wal.appendedIndex() + 1, 1, 7, EntryDescriptor.TYPE_COMMAND, payload, 0, payload.capacity());
        }
        wal.publish();
        wal.force();
    }

    private static void groups(Wal wal, UnsafeBuffer payload, LogCursor cursor, LogCursor loopCursor) {
        for (int group = 0; group < GROUPS; group++) {
            for (int i = 0; i < GROUP; i++) {
                wal.append(wal.appendedIndex() + 1, 1, 7, EntryDescriptor.TYPE_COMMAND, payload, 0, 300);
            }
            wal.publish();
            wal.force();
            for (int i = 0; i < GROUP; i++) {
                long index = wal.appendedIndex() - i;
                if (!cursor.seek(index) || !loopCursor.seek(index) || cursor.crc() != loopCursor.crc()) {
                    throw new AssertionError("index=" + index);
                }
            }
        }
    }
}
