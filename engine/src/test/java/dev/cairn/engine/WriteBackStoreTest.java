package dev.cairn.engine;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.covers.Covers;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the contract of stores does not cover: readers beside the writer, failures of the store below. The tables are the smallest. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class WriteBackStoreTest {
    private static final int TABLE_BYTES = 4096;
    private static final int KEYS = 6;
    private static final int BATCHES = 40_000;

    @TempDir
    Path directory;

    /**
     * Each batch gives all keys its number; some are written twice in it, some deleted first, and values are of all lengths. So whoever has
     * seen a number on one key must see it or a higher one on every other key, and a snapshot shows one number.
     */
    /** No command has an empty key; a hint must not end a node even so. */
    @Test
    void aHintMayLeadToTheLastBytesOfATable() {
        int rows = 171;
        UnsafeBuffer noKey = new UnsafeBuffer(new byte[0]);
        long[] hashes = {KeyHash.of(noKey, 0, 0)};
        try (WriteBackStore tables = new WriteBackStore(
                RocksStore.open(RocksStoreConfig.of(directory.resolve("hints"))),
                rows * RowTable.rowLength(0, RowTable.DELETED),
                () -> 0)) {
            for (int i = 0; i < rows; i++) {
                tables.delete(RowKind.DATA, noKey, 0, 0);
                tables.write();
                tables.bring(hashes, 1);
            }
            assertThat(tables.get(RowKind.DATA, noKey, 0, 0)).isEqualTo(KvStore.NOT_FOUND);
        }
    }

    @Test
    @Covers({"K16", "W14"})
    void readersSeeWholeBatchesInOrder() throws Exception {
        long seed = TestCommands.seed();
        ExecutorService threads = Executors.newFixedThreadPool(3);
        AtomicBoolean done = new AtomicBoolean();
        try (KvStore store = new WriteBackStore(open(), TABLE_BYTES)) {
            List<Callable<Long>> readers = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                readers.add(() -> readKeys(store, new Random(seed), done));
            }
            readers.add(() -> readSnapshots(store, done));
            writeNumber(store, 1, new Random(seed));
            List<Future<Long>> looks = new ArrayList<>();
            readers.forEach(reader -> looks.add(threads.submit(reader)));
            try {
                Random random = new Random(seed);
                for (long number = 2; number <= BATCHES; number++) {
                    writeNumber(store, number, random);
                }
            } finally {
                done.set(true);
            }
            for (Future<Long> look : looks) {
                assertThat(look.get(60, TimeUnit.SECONDS))
                        .as("seed %d: looks", seed)
                        .isGreaterThan(100);
            }
        } finally {
            done.set(true);
            threads.shutdownNow();
            assertThat(threads.awaitTermination(60, TimeUnit.SECONDS)).isTrue();
        }
    }

    private static void writeNumber(KvStore store, long number, Random random) {
        for (int key = 0; key < KEYS; key++) {
            UnsafeBuffer name = name("k" + key);
            if (random.nextInt(4) == 0) {
                store.delete(RowKind.DATA, name, 0, name.capacity());
            }
            int times = random.nextInt(3) == 0 ? 2 : 1;
            for (int i = times; i > 0; i--) {
                int length = Long.BYTES * (1 + random.nextInt(12));
                for (int at = 0; at < length; at += Long.BYTES) {
                    // An earlier row of the same batch must never be seen.
                    store.valueBuffer(length).putLong(at, i == 1 ? number : -1, LITTLE_ENDIAN);
                }
                store.put(RowKind.DATA, name, 0, name.capacity(), length);
            }
        }
        AppliedDescriptor.encode(store.valueBuffer(AppliedDescriptor.LENGTH), number, 1, number, number);
        store.put(RowKind.META, AppliedDescriptor.NAME, 0, AppliedDescriptor.NAME.capacity(), AppliedDescriptor.LENGTH);
        store.write();
    }

    private static long readKeys(KvStore store, Random random, AtomicBoolean done) {
        long looks = 0;
        long seen = 1;
        try (KvReader reader = store.newReader()) {
            while (!done.get()) {
                UnsafeBuffer name = name("k" + random.nextInt(KEYS));
                int length = reader.get(name, 0, name.capacity(), false);
                assertThat(length).isPositive();
                long number = reader.buffer().getLong(0, LITTLE_ENDIAN);
                assertThat(number).isGreaterThanOrEqualTo(seen);
                for (int at = Long.BYTES; at < length; at += Long.BYTES) {
                    assertThat(reader.buffer().getLong(at, LITTLE_ENDIAN)).isEqualTo(number);
                }
                seen = number;
                looks++;
            }
        }
        return looks;
    }

    private static long readSnapshots(KvStore store, AtomicBoolean done) {
        long looks = 0;
        long seen = 1;
        try (KvReader reader = store.newReader()) {
            while (!done.get()) {
                try (KvSnapshot snapshot = reader.snapshot()) {
                    long number = snapshot.appliedIndex();
                    assertThat(number).isGreaterThanOrEqualTo(seen);
                    for (int key = 0; key < KEYS; key++) {
                        UnsafeBuffer name = name("k" + key);
                        assertThat(snapshot.get(name, 0, name.capacity())).isPositive();
                        assertThat(snapshot.buffer().getLong(0, LITTLE_ENDIAN)).isEqualTo(number);
                    }
                    seen = number;
                }
                looks++;
            }
        }
        return looks;
    }

    /** What was written is there however often the disk below was full, and what was refused is there once it was written again. */
    @Test
    @Covers("W14")
    void aFullDiskBelowLosesNothing() {
        AtomicInteger refusals = new AtomicInteger();
        AtomicInteger drained = new AtomicInteger();
        KvStore counted = proxy(
                (method, arguments) -> {
                    if (method.equals("put")) {
                        drained.incrementAndGet();
                    }
                },
                open());
        KvStore full = failing(counted, refusals, new KvStoreException("planted", true, null));
        int refused = 0;
        try (KvStore store = new WriteBackStore(full, TABLE_BYTES)) {
            for (int number = 0; number < 2_000; number++) {
                if (number % 100 == 50) {
                    refusals.set(3);
                }
                put(store, "k" + number % 500, "value " + number);
                while (!written(store)) {
                    refused++;
                }
                assertThat(get(store, "k" + number % 500)).isEqualTo("value " + number);
            }
        }
        assertThat(refused).isPositive();
        assertThat(drained).as("a batch that was refused is not gathered again").hasValueLessThanOrEqualTo(2_000);
        try (KvStore store = open()) {
            for (int number = 1_500; number < 2_000; number++) {
                assertThat(get(store, "k" + number % 500)).isEqualTo("value " + number);
            }
        }
    }

    private static boolean written(KvStore store) {
        try {
            store.write();
            return true;
        } catch (KvStoreException e) {
            assertThat(e.isNoSpace()).isTrue();
            return false;
        }
    }

    /** A batch that deletes a range goes through at once: refused, it is written by the next try, in its place. */
    @Test
    void aRangeThatAFullDiskRefusedIsDeletedInItsPlace() {
        AtomicInteger refusals = new AtomicInteger();
        Thread writer = Thread.currentThread();
        KvStore full = proxy(
                (method, arguments) -> {
                    if (method.equals("write") && Thread.currentThread() == writer && refusals.getAndSet(0) > 0) {
                        throw new KvStoreException("planted", true, null);
                    }
                },
                open());
        try (KvStore store = new WriteBackStore(full, TABLE_BYTES)) {
            put(store, "a", "1");
            put(store, "b", "1");
            store.write();
            put(store, "b", "2");
            store.deleteRange(RowKind.DATA, name("a"), 0, 1, name("c"), 0, 1);
            put(store, "a", "3");
            for (int tries = 1; tries <= 2; tries++) {
                refusals.set(1);
                assertThat(written(store)).isFalse();
            }
            assertThat(written(store)).isTrue();
            assertThat(get(store, "a")).isEqualTo("3");
            assertThat(get(store, "b")).isNull();
        }
    }

    /** The thread that drains cannot throw to anybody: the next write does, also where there is room for it. */
    @Test
    void aFailureOfTheDrainingThreadEndsTheWrites() {
        KvStoreException broken = new KvStoreException("planted: the disk is gone", false, null);
        WriteBackStore store = new WriteBackStore(failing(open(), new AtomicInteger(1), broken), TABLE_BYTES);
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        assertThatThrownBy(() -> {
                    for (int number = 0; System.nanoTime() - deadline < 0; number++) {
                        put(store, "k" + number, "v");
                        store.write();
                    }
                })
                .isSameAs(broken);
        store.closeWithoutFlush();
    }

    /** Its readers search memory that close gives back. */
    @Test
    void itIsNotClosedWhileAReaderIsOpenAndAClosedReaderReadsNothing() {
        WriteBackStore store = new WriteBackStore(open(), TABLE_BYTES);
        KvReader reader = store.newReader();
        put(store, "k", "v");
        store.write();
        assertThatThrownBy(store::close).isInstanceOf(BrokenInvariantException.class);
        assertThat(reader.get(name("k"), 0, 1, false)).isEqualTo(1);
        reader.close();
        assertThatThrownBy(() -> reader.get(name("k"), 0, 1, false)).isInstanceOf(BrokenInvariantException.class);
        assertThatThrownBy(reader::snapshot).isInstanceOf(BrokenInvariantException.class);
        store.close();
        store.close();
        try (KvStore again = open()) {
            assertThat(get(again, "k")).isEqualTo("v");
        }
    }

    /** A little at a time, so that no drain takes long. */
    @Test
    void whatASlowWriterWroteIsDrainedAfterASecond() {
        AtomicLong nowNs = new AtomicLong();
        AtomicInteger drains = new AtomicInteger();
        RocksStore rocks = open();
        KvStore counted = proxy(
                (method, arguments) -> {
                    if (method.equals("write")) {
                        drains.incrementAndGet();
                    }
                },
                rocks);
        try (KvStore store = new WriteBackStore(counted, TABLE_BYTES, nowNs::get);
                KvReader below = rocks.newReader()) {
            for (int round = 1; round <= 3; round++) {
                nowNs.addAndGet(TimeUnit.HOURS.toNanos(1));
                put(store, "a", "first " + round);
                store.write();
                nowNs.addAndGet(TimeUnit.MILLISECONDS.toNanos(740));
                put(store, "b", "second " + round);
                store.write();
                assertThat(drains).hasValue(round - 1);
                nowNs.addAndGet(TimeUnit.MILLISECONDS.toNanos(260));
                put(store, "c", "third " + round);
                store.write();
                while (!holds(below, "c", "third " + round)) {
                    Thread.onSpinWait();
                }
                assertThat(drains).hasValue(round);
            }
        }
    }

    @Test
    void aTableTooSmallIsRefused() {
        try (KvStore below = open()) {
            assertThatThrownBy(() -> new WriteBackStore(below, 4095))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("4095");
        }
    }

    /** Bytes that wait in the tables count as bytes that a checkpoint will write. */
    @Test
    void aCheckpointNeedsRoomForTheTablesToo() {
        long[] asked = {0};
        RocksStore below = open();
        KvStore asking = proxy(
                (method, arguments) -> {
                    if (method.equals("requireRoomForCheckpoint")) {
                        asked[0] = (Long) arguments[0];
                    }
                },
                below);
        try (KvStore store = new WriteBackStore(asking, TABLE_BYTES)) {
            put(store, "k", "x".repeat(1000));
            store.write();
            store.requireRoomForCheckpoint(7);
            assertThat(asked[0]).isBetween(1007L, 1100L);
        }
    }

    private static boolean holds(KvReader reader, String key, String value) {
        int length = reader.get(name(key), 0, key.length(), false);
        return length == value.length()
                && reader.buffer().getStringWithoutLengthAscii(0, length).equals(value);
    }

    /** The first writes fail while the counter says so. */
    private static KvStore failing(KvStore below, AtomicInteger refusals, KvStoreException failure) {
        return proxy(
                (method, arguments) -> {
                    if (method.equals("write") && refusals.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
                        throw failure;
                    }
                },
                below);
    }

    private interface Before {
        void call(String method, Object[] arguments);
    }

    private static KvStore proxy(Before before, KvStore below) {
        return (KvStore) Proxy.newProxyInstance(
                KvStore.class.getClassLoader(), new Class<?>[] {KvStore.class}, (self, method, arguments) -> {
                    before.call(method.getName(), arguments == null ? new Object[0] : arguments);
                    try {
                        return method.invoke(below, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    private RocksStore open() {
        return RocksStore.open(new RocksStoreConfig(directory.resolve("kv"), 1 << 20, 1 << 20, 1));
    }

    private static UnsafeBuffer name(String key) {
        return new UnsafeBuffer(key.getBytes(StandardCharsets.US_ASCII));
    }

    private static void put(KvStore store, String key, String value) {
        byte[] bytes = value.getBytes(StandardCharsets.US_ASCII);
        store.valueBuffer(bytes.length).putBytes(0, bytes);
        store.put(RowKind.DATA, name(key), 0, key.length(), bytes.length);
    }

    private static @Nullable String get(KvStore store, String key) {
        int length = store.get(RowKind.DATA, name(key), 0, key.length());
        if (length == KvStore.NOT_FOUND) {
            return null;
        }
        byte[] bytes = new byte[length];
        store.row().getBytes(0, bytes);
        return new String(bytes, StandardCharsets.US_ASCII);
    }
}
