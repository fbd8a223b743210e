package dev.cairn.engine;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.covers.Covers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Covers("W02")
final class RocksStoreTest {
    private static final int KEYS = 200;

    private final UnsafeBuffer key = new UnsafeBuffer(new byte[8]);

    @TempDir
    Path directory;

    /** Every batch writes its index to the applied row and to a key of its own cycle: what survives must be one whole batch's end. */
    @Test
    @Covers({"W03", "W12", "X06", "X13"})
    void afterACrashDataAndAppliedIndexAgreeWhereverRocksDbFlushedByItself() {
        long seed = TestCommands.seed();
        Random random = new Random(seed);
        // Memtables so small that they are flushed in the background all the time.
        RocksStoreConfig config = new RocksStoreConfig(directory.resolve("kv"), 64 << 10, 1 << 20, 2);
        long applied = 0;
        long behind = 0;
        long flushes = 0;
        for (int crash = 0; crash < 8; crash++) {
            RocksStore store = RocksStore.open(config);
            assertThat(appliedRow(store)).as("seed %d", seed).isEqualTo(store.flushedAppliedIndex());
            applied = appliedRow(store);
            long start = applied;
            assertWholeBatches(store, applied);
            for (int batches = 1_000 + random.nextInt(5_000); batches > 0; batches--) {
                applied++;
                writeBatch(store, applied);
            }
            long flushed = store.flushedAppliedIndex();
            assertThat(flushed).isBetween(0L, applied);
            behind += applied - flushed;
            flushes += flushed > start ? 1 : 0;
            store.closeWithoutFlush();
        }
        assertThat(flushes).as("RocksDB flushed by itself").isGreaterThan(0);
        assertThat(behind).as("some batches were lost").isGreaterThan(0);
    }

    /** Nothing is flushed before a memtable is full, and then whole batches, in order. */
    @Test
    @Covers({"W03", "W12"})
    void aFlushHoldsWholeBatchesInOrder() {
        int valueBytes = 64 << 10;
        int gathered = 12 << 20;
        RocksStoreConfig config = new RocksStoreConfig(directory.resolve("kv"), gathered, 1 << 20, 2);
        long applied = 0;
        long first = 0;
        try (RocksStore store = RocksStore.open(config)) {
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
            while (first == 0) {
                assertThat(System.nanoTime()).as("RocksDB flushed by itself").isLessThan(deadline);
                writeLargeBatch(store, ++applied, valueBytes);
                first = store.flushedAppliedIndex();
            }
            store.closeWithoutFlush();
        }
        assertThat(first).as("rows of the first flush").isGreaterThan(gathered * 2 / 3 / valueBytes);
        try (RocksStore store = RocksStore.open(config)) {
            long flushed = appliedRow(store);
            assertThat(flushed).isBetween(first, applied);
            for (long index = 1; index <= applied; index++) {
                key.putLong(0, index);
                assertThat(store.get(RowKind.DATA, key, 0, 8))
                        .as("row %d, flushed %d", index, flushed)
                        .isEqualTo(index <= flushed ? valueBytes : KvStore.NOT_FOUND);
            }
        }
    }

    /** What was written comes out of flushes and through compactions, at the pace of the store, and each end has its begin. */
    @Test
    void flushesAndCompactionsAreTold() {
        RocksStoreConfig config = new RocksStoreConfig(directory.resolve("kv"), 64 << 10, 1 << 20, 2);
        Jobs flushes = new Jobs();
        Jobs compactions = new Jobs();
        BackgroundWork told = new BackgroundWork() {
            @Override
            public void onFlushBegin(int job) {
                flushes.begin(job);
            }

            @Override
            public void onFlushEnd(int job, long bytes) {
                flushes.end(job, bytes);
            }

            @Override
            public void onCompactionBegin(int job) {
                compactions.begin(job);
            }

            @Override
            public void onCompactionEnd(int job, long readBytes, long writtenBytes) {
                compactions.end(job, Math.min(readBytes, writtenBytes));
            }
        };
        long applied = 0;
        try (RocksStore store = RocksStore.open(config, told)) {
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
            while (compactions.ended.get() < 2) {
                assertThat(System.nanoTime()).as("RocksDB compacted by itself").isLessThan(deadline);
                writeLargeBatch(store, ++applied, 4096);
            }
            store.flush();
            while (flushes.bytes.get() < applied * 4096) {
                assertThat(System.nanoTime()).as("%d rows were told", applied).isLessThan(deadline);
                Thread.onSpinWait();
            }
            long inFiles = flushes.bytes.get() + compactions.bytes.get();
            assertThat(store.pacedBytes()).as("of %d bytes", inFiles).isGreaterThanOrEqualTo(inFiles);
        }
        assertThat(flushes.ended.get())
                .as("flushes, four of which make a compaction")
                .isGreaterThan(4);
        assertThat(compactions.bytes.get()).isPositive();
        assertThat(flushes.unknown.get() + compactions.unknown.get())
                .as("ends without a begin")
                .isZero();
    }

    /** Counts, from the store's threads: what one of them threw would be lost there. */
    private static final class Jobs {
        private final Set<Integer> open = ConcurrentHashMap.newKeySet();
        private final AtomicInteger ended = new AtomicInteger();
        private final AtomicInteger unknown = new AtomicInteger();
        private final AtomicLong bytes = new AtomicLong();

        void begin(int job) {
            open.add(job);
        }

        void end(int job, long jobBytes) {
            bytes.addAndGet(jobBytes);
            unknown.addAndGet(open.remove(job) ? 0 : 1);
            ended.incrementAndGet();
        }
    }

    private void writeLargeBatch(RocksStore store, long index, int valueBytes) {
        store.valueBuffer(valueBytes).setMemory(0, valueBytes, (byte) index);
        key.putLong(0, index);
        store.put(RowKind.DATA, key, 0, 8, valueBytes);
        AppliedDescriptor.encode(store.valueBuffer(AppliedDescriptor.LENGTH), index, 2, index * 10, index * 100);
        store.put(RowKind.META, AppliedDescriptor.NAME, 0, AppliedDescriptor.NAME.capacity(), AppliedDescriptor.LENGTH);
        store.write();
    }

    @Test
    void aCopyOfTheDirectoryTakenWhileOpenHoldsTheLastFlush() throws IOException {
        Path copy = directory.resolve("copy");
        try (RocksStore store = RocksStore.open(RocksStoreConfig.of(directory.resolve("kv")))) {
            for (long index = 1; index <= 50; index++) {
                writeBatch(store, index);
            }
            store.flush();
            for (long index = 51; index <= 70; index++) {
                writeBatch(store, index);
            }
            assertThat(store.flushedApplied()).isEqualTo(new AppliedState(50, 2, 500, 5000));
            copyDirectory(directory.resolve("kv"), copy);
        }
        try (RocksStore store = RocksStore.open(RocksStoreConfig.of(copy))) {
            assertThat(appliedRow(store)).isEqualTo(50);
            assertWholeBatches(store, 50);
        }
        try (RocksStore store = RocksStore.open(RocksStoreConfig.of(directory.resolve("kv")))) {
            assertThat(appliedRow(store)).as("after the clean close").isEqualTo(70);
            assertWholeBatches(store, 70);
        }
    }

    @Test
    void aMemoryOnlyReadSaysIncompleteInsteadOfTouchingTheDisk() {
        RocksStoreConfig config = RocksStoreConfig.of(directory.resolve("kv"));
        try (RocksStore store = RocksStore.open(config)) {
            writeBatch(store, 7);
        }
        try (RocksStore store = RocksStore.open(config);
                KvReader reader = store.newReader()) {
            key.putLong(0, 7 % KEYS);
            assertThat(reader.get(key, 0, 8, true)).isEqualTo(KvReader.INCOMPLETE);
            assertThat(reader.get(key, 0, 8, false)).isEqualTo(100);
            assertThat(reader.get(key, 0, 8, true)).as("now cached").isEqualTo(100);
            assertThat(reader.buffer().getLong(0, LITTLE_ENDIAN)).isEqualTo(7);
            key.putLong(0, -1);
            assertThat(reader.get(key, 0, 8, false)).isEqualTo(KvReader.NOT_FOUND);
        }
    }

    @Test
    @Covers("K16")
    void readersSeeWholeRowsWhileTheApplyThreadWrites() throws Exception {
        ExecutorService pool = Executors.newSingleThreadExecutor();
        AtomicBoolean stop = new AtomicBoolean();
        CountDownLatch reading = new CountDownLatch(1);
        try (RocksStore store = RocksStore.open(RocksStoreConfig.of(directory.resolve("kv")))) {
            Future<Long> reads = pool.submit(() -> readUntil(stop, reading, store));
            assertThat(reading.await(10, TimeUnit.SECONDS)).isTrue();
            for (long index = 1; index <= 3000; index++) {
                // From 100 bytes to beyond a reader's first buffer.
                int length = 100 + (int) (index % 3) * 9000;
                UnsafeBuffer value = (UnsafeBuffer) store.valueBuffer(length);
                value.setMemory(0, length, (byte) index);
                key.putLong(0, 1);
                store.put(RowKind.DATA, key, 0, 8, length);
                store.write();
            }
            stop.set(true);
            assertThat(reads.get(10, TimeUnit.SECONDS)).isGreaterThan(0);
        } finally {
            stop.set(true);
            pool.shutdownNow();
        }
    }

    private static long readUntil(AtomicBoolean stop, CountDownLatch reading, RocksStore store) {
        UnsafeBuffer readKey = new UnsafeBuffer(new byte[8]);
        readKey.putLong(0, 1);
        long found = 0;
        try (KvReader reader = store.newReader()) {
            while (!stop.get()) {
                int length = reader.get(readKey, 0, 8, false);
                reading.countDown();
                for (int i = 1; i < length; i++) {
                    assertThat(reader.buffer().getByte(i) == reader.buffer().getByte(0))
                            .isTrue();
                }
                found += length > 0 ? 1 : 0;
            }
        }
        return found;
    }

    @Test
    void openFailuresNameTheDirectory() throws IOException {
        Path file = Files.createFile(directory.resolve("file"));
        assertThatThrownBy(() -> RocksStore.open(RocksStoreConfig.of(file)))
                .isInstanceOf(KvStoreException.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining("open failed");
    }

    @Test
    void aStoreInUseIsRefused() {
        RocksStoreConfig config = RocksStoreConfig.of(directory.resolve("kv"));
        try (RocksStore store = RocksStore.open(config)) {
            assertThat(store.flushedAppliedIndex()).isZero();
            assertThatThrownBy(() -> RocksStore.open(config))
                    .isInstanceOf(KvStoreException.class)
                    .hasMessageContaining(config.directory().toString());
        }
    }

    @Test
    void aDamagedFileIsReportedNotReturned() throws IOException {
        RocksStoreConfig config = RocksStoreConfig.of(directory.resolve("kv"));
        try (RocksStore store = RocksStore.open(config)) {
            writeBatch(store, 3);
        }
        try (Stream<Path> files = Files.list(config.directory())) {
            Path table =
                    files.filter(f -> f.toString().endsWith(".sst")).findFirst().orElseThrow();
            byte[] bytes = Files.readAllBytes(table);
            bytes[40] ^= 1;
            Files.write(table, bytes);
        }
        try (RocksStore store = RocksStore.open(config);
                KvReader reader = store.newReader()) {
            key.putLong(0, 3);
            assertThatThrownBy(() -> reader.get(key, 0, 8, false))
                    .isInstanceOf(KvStoreException.class)
                    .hasMessageContaining("Corruption");
        }
    }

    @Test
    void closeRefusesWhileAReaderIsOpen() {
        RocksStore store = RocksStore.open(RocksStoreConfig.of(directory.resolve("kv")));
        KvReader reader = store.newReader();
        assertThatThrownBy(store::close)
                .isInstanceOf(BrokenInvariantException.class)
                .hasMessageContaining("1 readers open");
        reader.close();
        store.close();
        store.close();
    }

    private void writeBatch(RocksStore store, long index) {
        UnsafeBuffer value = (UnsafeBuffer) store.valueBuffer(100);
        value.setMemory(0, 100, (byte) index);
        value.putLong(0, index, LITTLE_ENDIAN);
        key.putLong(0, index % KEYS);
        store.put(RowKind.DATA, key, 0, 8, 100);
        AppliedDescriptor.encode(store.valueBuffer(AppliedDescriptor.LENGTH), index, 2, index * 10, index * 100);
        store.put(RowKind.META, AppliedDescriptor.NAME, 0, AppliedDescriptor.NAME.capacity(), AppliedDescriptor.LENGTH);
        store.write();
    }

    private void assertWholeBatches(RocksStore store, long applied) {
        for (long index = Math.max(1, applied - KEYS + 1); index <= applied; index++) {
            key.putLong(0, index % KEYS);
            assertThat(store.get(RowKind.DATA, key, 0, 8)).isEqualTo(100);
            assertThat(store.row().getLong(0, LITTLE_ENDIAN)).isEqualTo(index);
        }
    }

    private static long appliedRow(RocksStore store) {
        int length = store.get(RowKind.META, AppliedDescriptor.NAME, 0, AppliedDescriptor.NAME.capacity());
        return length == KvStore.NOT_FOUND
                ? 0
                : AppliedDescriptor.decode(store.row(), 0, length).index();
    }

    private static void copyDirectory(Path from, Path to) throws IOException {
        Files.createDirectory(to);
        List<Path> files;
        try (Stream<Path> list = Files.list(from)) {
            files = list.toList();
        }
        for (Path file : files) {
            Files.copy(file, to.resolve(file.getFileName()));
        }
    }
}
