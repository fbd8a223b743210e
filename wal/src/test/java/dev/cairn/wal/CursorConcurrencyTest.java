package dev.cairn.wal;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Readers, log-sync and housekeeping on threads of their own while the loop appends, truncates, rolls and drops. */
final class CursorConcurrencyTest {
    private static final int ROUNDS = 1500;

    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"mapped", "channel"})
    void aCursorSeesWholeEntriesOfItsIndexOnly(String kind) throws Exception {
        SegmentDirectory directory =
                FileSegmentDirectory.open(folder, kind.equals("mapped") ? WriterChoice.MAPPED : WriterChoice.CHANNEL);
        LogFixture log = new LogFixture(directory);
        AtomicBoolean stop = new AtomicBoolean();
        AtomicLong reads = new AtomicLong();
        // Entries at or below it are never truncated again, as if they were committed.
        AtomicLong settled = new AtomicLong();
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try {
            Future<?> sync = threads.submit(() -> {
                while (!stop.get()) {
                    log.wal.force();
                }
            });
            Future<?> keeping = threads.submit(() -> {
                while (!stop.get()) {
                    log.wal.sparePreparer().doWork(System.nanoTime());
                    Thread.onSpinWait();
                }
            });
            Future<?> random = threads.submit(() -> readAtRandom(log.wal, stop, reads));
            Future<?> ordered = threads.submit(() -> readInOrder(log.wal, stop, settled, reads));
            append(log.wal, settled);
            stop.set(true);
            for (Future<?> each : new Future<?>[] {sync, keeping, random, ordered}) {
                finish(each);
            }
        } finally {
            stop.set(true);
            threads.shutdown();
            assertThat(threads.awaitTermination(30, TimeUnit.SECONDS)).isTrue();
            log.close();
        }
        assertThat(reads.get()).isGreaterThan(1000);
    }

    private static void finish(Future<?> task) throws Exception {
        try {
            task.get(30, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw new AssertionError("a thread failed", e.getCause());
        }
    }

    private static void append(Wal wal, AtomicLong settled) {
        SplittableRandom random = new SplittableRandom(8);
        LogCursor cursor = wal.newLoopCursor();
        UnsafeBuffer payload = new UnsafeBuffer(new byte[1000]);
        long term = 1;
        for (int round = 0; round < ROUNDS; round++) {
            for (int i = 0; i < 10; i++) {
                long index = wal.appendedIndex() + 1;
                payload.putLong(0, index);
                payload.putLong(8, term);
                wal.append(index, term, round, EntryDescriptor.TYPE_COMMAND, payload, 0, 16 + random.nextInt(400));
            }
            checkEntry(cursor, wal.appendedIndex());
            wal.publish();
            long durable = wal.durableIndex();
            if (durable > settled.get() && random.nextInt(4) == 0) {
                settled.set(durable);
            }
            if (random.nextInt(5) == 0) {
                term++;
                wal.truncateSuffix(Math.max(settled.get() + 1, wal.appendedIndex() - random.nextInt(30)));
            }
            if (random.nextInt(200) == 0) {
                wal.truncatePrefix(settled.get());
            }
        }
    }

    private static void checkEntry(LogCursor cursor, long index) {
        assertThat(cursor.seek(index)).isTrue();
        check(cursor, index);
    }

    private static void check(LogCursor cursor, long index) {
        boolean right = cursor.index() == index
                && EntryDescriptor.index(cursor.buffer(), cursor.offset()) == index
                && cursor.buffer().getLong(cursor.payloadOffset()) == index
                && cursor.buffer().getLong(cursor.payloadOffset() + 8) == cursor.term();
        if (!right) {
            throw new AssertionError("index=" + index + " found="
                    + EntryDescriptor.index(cursor.buffer(), cursor.offset()) + " term=" + cursor.term());
        }
    }

    private static void readAtRandom(Wal wal, AtomicBoolean stop, AtomicLong reads) {
        LogCursor cursor = wal.newCursor();
        SplittableRandom random = new SplittableRandom(3);
        while (!stop.get()) {
            long span = wal.publishedIndex() - wal.firstIndex() + 1;
            long index = wal.firstIndex() + (span > 0 ? random.nextLong(span) : 0);
            if (cursor.seek(index)) {
                check(cursor, index);
                reads.incrementAndGet();
            }
        }
    }

    private static void readInOrder(Wal wal, AtomicBoolean stop, AtomicLong settled, AtomicLong reads) {
        LogCursor cursor = wal.newCursor();
        long next = 1;
        long term = 0;
        while (!stop.get()) {
            for (long to = settled.get(); next <= to; next++) {
                if (!cursor.seek(next)) {
                    if (next >= wal.firstIndex()) {
                        throw new AssertionError("not there: index=" + next + " first=" + wal.firstIndex());
                    }
                    continue;
                }
                check(cursor, next);
                if (cursor.term() < term) {
                    throw new AssertionError("term " + cursor.term() + " after " + term + " at index=" + next);
                }
                term = cursor.term();
                reads.incrementAndGet();
            }
            Thread.onSpinWait();
        }
    }
}
