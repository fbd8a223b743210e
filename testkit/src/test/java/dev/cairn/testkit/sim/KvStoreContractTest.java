package dev.cairn.testkit.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.engine.AppliedDescriptor;
import dev.cairn.engine.AppliedState;
import dev.cairn.engine.BrokenInvariantException;
import dev.cairn.engine.KvReader;
import dev.cairn.engine.KvStore;
import dev.cairn.engine.RocksStore;
import dev.cairn.engine.RocksStoreConfig;
import dev.cairn.engine.RowKind;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What every {@link KvStore} must do, run against both. */
final class KvStoreContractTest {
    @TempDir
    Path directory;

    @Nested
    final class InMemory extends Contract {
        @Override
        KvStore open() {
            return new MapStore();
        }

        @Override
        KvStore crash(KvStore store) {
            ((MapStore) store).crash();
            return store;
        }
    }

    @Nested
    final class OnRocksDb extends Contract {
        @Override
        KvStore open() {
            return RocksStore.open(RocksStoreConfig.of(directory.resolve("kv")));
        }

        @Override
        KvStore crash(KvStore store) {
            ((RocksStore) store).closeWithoutFlush();
            return open();
        }
    }

    abstract static class Contract {
        abstract KvStore open();

        /** Loses what was not flushed, and starts again; after a close nothing is lost. */
        abstract KvStore crash(KvStore store);

        @Test
        void anOpenBatchIsSeenByNobodyUntilWritten() {
            try (KvStore store = open();
                    KvReader reader = store.newReader()) {
                put(store, RowKind.DATA, "a", "1");
                assertThat(get(store, RowKind.DATA, "a")).isNull();
                assertThat(read(reader, "a")).isNull();
                store.write();
                assertThat(get(store, RowKind.DATA, "a")).isEqualTo("1");
                assertThat(read(reader, "a")).isEqualTo("1");
            }
        }

        @Test
        void theLastChangeOfARowInABatchWins() {
            try (KvStore store = open()) {
                put(store, RowKind.DATA, "a", "1");
                put(store, RowKind.DATA, "a", "22");
                put(store, RowKind.DATA, "b", "1");
                delete(store, RowKind.DATA, "b");
                delete(store, RowKind.DATA, "never");
                store.write();
                assertThat(rows(store, RowKind.DATA)).containsExactly("a=22");
            }
        }

        @Test
        void kindsDoNotMeet() {
            try (KvStore store = open();
                    KvReader reader = store.newReader()) {
                put(store, RowKind.SESSION, "k", "session");
                put(store, RowKind.META, "k", "meta");
                store.write();
                assertThat(read(reader, "k")).isNull();
                assertThat(get(store, RowKind.SESSION, "k")).isEqualTo("session");
                assertThat(rows(store, RowKind.DATA)).isEmpty();
                assertThat(rows(store, RowKind.META)).containsExactly("k=meta");
            }
        }

        @Test
        void aScanGoesInUnsignedOrder() {
            try (KvStore store = open()) {
                for (String key : List.of("\u00ff", "b", "\u0080", "a\u0000", "a", "\u007f")) {
                    put(store, RowKind.SESSION, key, "v");
                }
                put(store, RowKind.META, "z", "v");
                put(store, (byte) (RowKind.SESSION + 1), "z", "v");
                store.write();
                assertThat(rows(store, RowKind.SESSION))
                        .containsExactly("a=v", "a\u0000=v", "b=v", "\u007f=v", "\u0080=v", "\u00ff=v");
            }
        }

        @Test
        void aCrashLeavesTheLastFlush() {
            KvStore store = open();
            assertThat(store.flushedApplied()).isEqualTo(AppliedState.NONE);
            putApplied(store, 7);
            put(store, RowKind.DATA, "a", "1");
            put(store, RowKind.DATA, "b", "1");
            store.write();
            assertThat(store.flushedAppliedIndex()).isZero();
            store.flush();
            assertThat(store.flushedApplied()).isEqualTo(new AppliedState(7, 3, 70, -7));
            putApplied(store, 8);
            put(store, RowKind.DATA, "a", "2");
            delete(store, RowKind.DATA, "b");
            put(store, RowKind.DATA, "c", "2");
            store.write();
            assertThat(store.flushedAppliedIndex()).isEqualTo(7);
            put(store, RowKind.DATA, "d", "open batch");

            store = crash(store);
            assertThat(rows(store, RowKind.DATA)).containsExactly("a=1", "b=1");
            assertThat(store.flushedAppliedIndex()).isEqualTo(7);
            store.write();
            assertThat(rows(store, RowKind.DATA)).containsExactly("a=1", "b=1");
            store.close();
        }

        @Test
        void closeFlushes() {
            KvStore store = open();
            putApplied(store, 9);
            store.write();
            store.close();
            store.close();
            store = crash(store);
            assertThat(store.flushedAppliedIndex()).isEqualTo(9);
            store.close();
        }

        @Test
        void longRowsPassAndTooLongOnesAreRefused() {
            try (KvStore store = open();
                    KvReader reader = store.newReader()) {
                for (int length : new int[] {0, 1, 4095, 4096, 4097, 1 << 20, KvStore.MAX_ROW_BYTES}) {
                    byte[] bytes = new byte[length];
                    Arrays.fill(bytes, (byte) (length + 1));
                    UnsafeBuffer key = buffer("key of " + length);
                    store.valueBuffer(length).putBytes(0, bytes);
                    store.put(RowKind.DATA, key, 0, key.capacity(), length);
                    store.write();
                    assertThat(reader.get(key, 0, key.capacity(), false)).isEqualTo(length);
                    byte[] found = new byte[length];
                    reader.buffer().getBytes(0, found);
                    assertThat(Arrays.equals(found, bytes))
                            .as("length %d", length)
                            .isTrue();
                    assertThat(store.get(RowKind.DATA, key, 0, key.capacity())).isEqualTo(length);
                }
                assertThatThrownBy(() -> store.valueBuffer(KvStore.MAX_ROW_BYTES + 1))
                        .isInstanceOf(BrokenInvariantException.class)
                        .hasMessageContaining("8388609");
            }
        }

        @Test
        void keysAreTakenFromTheMiddleOfABuffer() {
            try (KvStore store = open()) {
                DirectBuffer keys = buffer("xxkeyyy");
                store.valueBuffer(1).putByte(0, (byte) 'v');
                store.put(RowKind.DATA, keys, 2, 3, 1);
                store.write();
                assertThat(rows(store, RowKind.DATA)).containsExactly("key=v");
                store.delete(RowKind.DATA, keys, 2, 3);
                store.write();
                assertThat(rows(store, RowKind.DATA)).isEmpty();
            }
        }

        @Test
        void aClosedReaderRefuses() {
            try (KvStore store = open()) {
                KvReader reader = store.newReader();
                reader.close();
                reader.close();
                assertThatThrownBy(() -> read(reader, "a")).isInstanceOf(BrokenInvariantException.class);
            }
        }

        @Test
        void randomBatchesFlushesAndCrashesMatchAPlainMap() {
            long seed = Seeds.choose();
            Random random = new Random(seed);
            KvStore store = open();
            TreeMap<String, String> written = new TreeMap<>();
            TreeMap<String, String> flushed = new TreeMap<>();
            for (int step = 0; step < 60; step++) {
                for (int i = random.nextInt(8); i > 0; i--) {
                    String key = "k" + random.nextInt(20);
                    if (random.nextInt(3) == 0) {
                        delete(store, RowKind.DATA, key);
                        written.remove(key);
                    } else {
                        String value = "v" + step + "x".repeat(random.nextInt(100));
                        put(store, RowKind.DATA, key, value);
                        written.put(key, value);
                    }
                }
                store.write();
                switch (random.nextInt(12)) {
                    case 0, 1, 2 -> {
                        store.flush();
                        flushed = new TreeMap<>(written);
                    }
                    case 3 -> {
                        store = crash(store);
                        written = new TreeMap<>(flushed);
                    }
                    default -> {}
                }
                List<String> expected = new ArrayList<>();
                written.forEach((key, value) -> expected.add(key + "=" + value));
                assertThat(rows(store, RowKind.DATA))
                        .as("seed %d step %d", seed, step)
                        .isEqualTo(expected);
            }
            store.close();
        }
    }

    private static void put(KvStore store, byte kind, String key, String value) {
        UnsafeBuffer valueBytes = buffer(value);
        UnsafeBuffer keyBytes = buffer(key);
        store.valueBuffer(valueBytes.capacity()).putBytes(0, valueBytes, 0, valueBytes.capacity());
        store.put(kind, keyBytes, 0, keyBytes.capacity(), valueBytes.capacity());
    }

    private static void putApplied(KvStore store, long index) {
        UnsafeBuffer row = new UnsafeBuffer(new byte[AppliedDescriptor.LENGTH]);
        row.putLong(AppliedDescriptor.INDEX_OFFSET, index, ByteOrder.LITTLE_ENDIAN);
        row.putLong(AppliedDescriptor.TERM_OFFSET, 3, ByteOrder.LITTLE_ENDIAN);
        row.putLong(AppliedDescriptor.LOG_TIME_OFFSET, index * 10, ByteOrder.LITTLE_ENDIAN);
        row.putLong(AppliedDescriptor.DIGEST_OFFSET, -index, ByteOrder.LITTLE_ENDIAN);
        row.putInt(AppliedDescriptor.LAYOUT_OFFSET, AppliedDescriptor.LAYOUT, ByteOrder.LITTLE_ENDIAN);
        store.valueBuffer(row.capacity()).putBytes(0, row, 0, row.capacity());
        store.put(RowKind.META, AppliedDescriptor.NAME, 0, AppliedDescriptor.NAME.capacity(), row.capacity());
    }

    private static void delete(KvStore store, byte kind, String key) {
        UnsafeBuffer keyBytes = buffer(key);
        store.delete(kind, keyBytes, 0, keyBytes.capacity());
    }

    private static @Nullable String get(KvStore store, byte kind, String key) {
        UnsafeBuffer keyBytes = buffer(key);
        int length = store.get(kind, keyBytes, 0, keyBytes.capacity());
        return length == KvStore.NOT_FOUND ? null : text(store.row(), 0, length);
    }

    private static @Nullable String read(KvReader reader, String key) {
        UnsafeBuffer keyBytes = buffer(key);
        int length = reader.get(keyBytes, 0, keyBytes.capacity(), true);
        return length == KvReader.NOT_FOUND ? null : text(reader.buffer(), 0, length);
    }

    static List<String> rows(KvStore store, byte kind) {
        List<String> rows = new ArrayList<>();
        store.scan(
                kind,
                (key, keyOffset, keyLength, value, valueOffset, valueLength) ->
                        rows.add(text(key, keyOffset, keyLength) + "=" + text(value, valueOffset, valueLength)));
        return rows;
    }

    private static UnsafeBuffer buffer(String text) {
        return new UnsafeBuffer(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    static String text(DirectBuffer buffer, int offset, int length) {
        byte[] bytes = new byte[length];
        buffer.getBytes(offset, bytes);
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }
}
