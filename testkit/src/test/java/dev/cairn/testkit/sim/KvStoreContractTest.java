package dev.cairn.testkit.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.covers.Covers;
import dev.cairn.engine.AppliedDescriptor;
import dev.cairn.engine.AppliedState;
import dev.cairn.engine.BrokenInvariantException;
import dev.cairn.engine.KvIterator;
import dev.cairn.engine.KvReader;
import dev.cairn.engine.KvSnapshot;
import dev.cairn.engine.KvStore;
import dev.cairn.engine.KvStoreException;
import dev.cairn.engine.RocksStore;
import dev.cairn.engine.RocksStoreConfig;
import dev.cairn.engine.RowKind;
import dev.cairn.engine.WriteBackStore;
import dev.cairn.testkit.Seeds;
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

/** What every {@link KvStore} must do, run against each. */
@Covers({"W14", "W15"})
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

        @Override
        KvStore openCheckpoint(Path checkpoint) {
            return MapStore.openCheckpoint(checkpoint);
        }

        @Override
        Path temporary() {
            return directory;
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
            store.closeWithoutFlush();
            return open();
        }

        @Override
        KvStore openCheckpoint(Path checkpoint) {
            return RocksStore.open(RocksStoreConfig.of(checkpoint));
        }

        @Override
        Path temporary() {
            return directory;
        }
    }

    /** With the smallest tables, so that they are full every few rows. */
    @Nested
    final class WriteBackToRocksDb extends Contract {
        @Override
        KvStore open() {
            return writeBack(directory.resolve("kv"));
        }

        @Override
        KvStore crash(KvStore store) {
            store.closeWithoutFlush();
            return open();
        }

        @Override
        KvStore openCheckpoint(Path checkpoint) {
            return writeBack(checkpoint);
        }

        @Override
        Path temporary() {
            return directory;
        }

        private static KvStore writeBack(Path kv) {
            return new WriteBackStore(RocksStore.open(RocksStoreConfig.of(kv)), 4096);
        }
    }

    abstract static class Contract {
        abstract KvStore open();

        /** Loses what was not flushed, and starts again; after a close nothing is lost. */
        abstract KvStore crash(KvStore store);

        abstract KvStore openCheckpoint(Path checkpoint);

        abstract Path temporary();

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
        void aRangeTakesItsFirstRowAndLeavesItsEnd() {
            try (KvStore store = open()) {
                for (String key : List.of("a", "b", "b\u0000", "bb", "c", "d")) {
                    put(store, RowKind.DATA, key, "v");
                }
                store.write();
                deleteRange(store, "b", "c");
                store.write();
                assertThat(rows(store, RowKind.DATA)).containsExactly("a=v", "c=v", "d=v");
            }
        }

        @Test
        void anEmptyBoundOfARangeIsTheEndOfItsKind() {
            try (KvStore store = open()) {
                put(store, RowKind.SESSION, "s", "v");
                put(store, RowKind.META, "m", "v");
                put(store, (byte) (RowKind.DATA - 1), "x", "v");
                put(store, (byte) (RowKind.DATA + 1), "x", "v");
                for (String key : List.of("a", "b", "\u00ff\u00ff")) {
                    put(store, RowKind.DATA, key, "v");
                }
                store.write();
                deleteRange(store, "b", "");
                store.write();
                assertThat(rows(store, RowKind.DATA)).containsExactly("a=v");
                deleteRange(store, "", "");
                store.write();
                assertThat(rows(store, RowKind.DATA)).isEmpty();
                assertThat(rows(store, RowKind.SESSION)).containsExactly("s=v");
                assertThat(rows(store, RowKind.META)).containsExactly("m=v");
                assertThat(rows(store, (byte) (RowKind.DATA - 1))).containsExactly("x=v");
                assertThat(rows(store, (byte) (RowKind.DATA + 1))).containsExactly("x=v");
            }
        }

        @Test
        void aRangeThatEndsBeforeItBeginsTakesNothing() {
            try (KvStore store = open()) {
                put(store, RowKind.DATA, "b", "v");
                deleteRange(store, "c", "a");
                deleteRange(store, "b", "b");
                store.write();
                assertThat(rows(store, RowKind.DATA)).containsExactly("b=v");
            }
        }

        @Test
        void aRangeTakesWhatItsBatchWroteBeforeItAndNothingAfter() {
            KvStore store = open();
            put(store, RowKind.DATA, "a", "before");
            put(store, RowKind.DATA, "b", "before");
            deleteRange(store, "a", "z");
            put(store, RowKind.DATA, "b", "after");
            store.write();
            assertThat(rows(store, RowKind.DATA)).containsExactly("b=after");
            store.flush();
            deleteRange(store, "a", "z");
            store.write();
            assertThat(rows(store, RowKind.DATA)).isEmpty();
            store = crash(store);
            assertThat(rows(store, RowKind.DATA)).containsExactly("b=after");
            deleteRange(store, "a", "z");
            store.write();
            store.flush();
            store = crash(store);
            assertThat(rows(store, RowKind.DATA)).isEmpty();
            store.close();
        }

        @Test
        void aSnapshotShowsOneStateAndItsIndex() {
            try (KvStore store = open();
                    KvReader reader = store.newReader()) {
                try (KvSnapshot empty = reader.snapshot()) {
                    assertThat(empty.appliedIndex()).isZero();
                    assertThat(read(empty, "a")).isNull();
                }
                putApplied(store, 7);
                put(store, RowKind.DATA, "a", "1");
                put(store, RowKind.DATA, "b", "1");
                store.write();
                try (KvSnapshot snapshot = reader.snapshot();
                        KvIterator before = walk(snapshot, "", "", false)) {
                    putApplied(store, 8);
                    put(store, RowKind.DATA, "a", "2");
                    delete(store, RowKind.DATA, "b");
                    put(store, RowKind.DATA, "c", "2");
                    store.write();
                    store.flush();
                    assertThat(snapshot.appliedIndex()).isEqualTo(7);
                    assertThat(read(snapshot, "a")).isEqualTo("1");
                    assertThat(read(snapshot, "b")).isEqualTo("1");
                    assertThat(read(snapshot, "c")).isNull();
                    assertThat(rest(before)).containsExactly("a=1", "b=1");
                    try (KvIterator after = walk(snapshot, "", "", true)) {
                        assertThat(rest(after)).containsExactly("b=1", "a=1");
                    }
                    assertThat(read(reader, "a")).isEqualTo("2");
                }
                try (KvSnapshot snapshot = reader.snapshot()) {
                    assertThat(snapshot.appliedIndex()).isEqualTo(8);
                    assertThat(read(snapshot, "b")).isNull();
                }
            }
        }

        @Test
        void aWalkKeepsToItsBoundsInBothDirections() {
            try (KvStore store = open();
                    KvReader reader = store.newReader()) {
                put(store, (byte) (RowKind.DATA - 1), "b", "other kind");
                put(store, (byte) (RowKind.DATA + 1), "b", "other kind");
                for (String key : List.of("a", "b", "b\u0000", "c", "\u00ff")) {
                    put(store, RowKind.DATA, key, "v");
                }
                store.write();
                try (KvSnapshot snapshot = reader.snapshot()) {
                    assertThat(walked(snapshot, "", "", false)).containsExactly("a", "b", "b\u0000", "c", "\u00ff");
                    assertThat(walked(snapshot, "", "", true)).containsExactly("\u00ff", "c", "b\u0000", "b", "a");
                    assertThat(walked(snapshot, "b", "c", false)).containsExactly("b", "b\u0000");
                    assertThat(walked(snapshot, "b", "c", true)).containsExactly("b\u0000", "b");
                    assertThat(walked(snapshot, "c", "", false)).containsExactly("c", "\u00ff");
                    assertThat(walked(snapshot, "", "b", true)).containsExactly("a");
                    assertThat(walked(snapshot, "aa", "az", false)).isEmpty();
                    assertThat(walked(snapshot, "b", "b", false)).isEmpty();
                    assertThat(walked(snapshot, "c", "a", false)).isEmpty();
                    assertThat(walked(snapshot, "c", "a", true)).isEmpty();
                }
            }
        }

        @Test
        void aWalkCopiesAsMuchOfAValueAsItIsAskedFor() {
            try (KvStore store = open();
                    KvReader reader = store.newReader()) {
                String longKey = "k".repeat(4096);
                put(store, RowKind.DATA, longKey, "0123456789".repeat(1000));
                store.write();
                try (KvSnapshot snapshot = reader.snapshot();
                        KvIterator walk = walk(snapshot, "", "", false)) {
                    assertThatThrownBy(walk::readKey).isInstanceOf(BrokenInvariantException.class);
                    assertThat(walk.next()).isTrue();
                    assertThat(walk.readKey()).isEqualTo(4096);
                    assertThat(text(walk.key(), 0, 4096)).isEqualTo(longKey);
                    assertThat(walk.readValue(4)).isEqualTo(10_000);
                    assertThat(text(walk.value(), 0, 4)).isEqualTo("0123");
                    assertThat(walk.readValue(Integer.MAX_VALUE)).isEqualTo(10_000);
                    assertThat(text(walk.value(), 9_990, 10)).isEqualTo("0123456789");
                    assertThat(walk.next()).isFalse();
                    assertThat(walk.next()).isFalse();
                    assertThatThrownBy(() -> walk.readValue(1)).isInstanceOf(BrokenInvariantException.class);
                }
            }
        }

        @Test
        void closedSnapshotsAndWalksRefuse() {
            try (KvStore store = open()) {
                KvReader reader = store.newReader();
                KvSnapshot snapshot = reader.snapshot();
                KvIterator walk = walk(snapshot, "", "", false);
                snapshot.close();
                snapshot.close();
                assertThatThrownBy(() -> read(snapshot, "a")).isInstanceOf(BrokenInvariantException.class);
                assertThatThrownBy(() -> walk(snapshot, "", "", false)).isInstanceOf(BrokenInvariantException.class);
                walk.close();
                walk.close();
                assertThatThrownBy(walk::next).isInstanceOf(BrokenInvariantException.class);
                reader.close();
                assertThatThrownBy(reader::snapshot).isInstanceOf(BrokenInvariantException.class);
            }
        }

        @Test
        void aCheckpointIsAStoreOfItsOwn() {
            Path checkpoint = temporary().resolve("checkpoint");
            try (KvStore store = open()) {
                putApplied(store, 7);
                put(store, RowKind.DATA, "a", "1");
                put(store, RowKind.SESSION, "s", "1");
                store.write();
                put(store, RowKind.DATA, "open", "batch");
                store.checkpoint(checkpoint);
                putApplied(store, 8);
                deleteRange(store, "", "");
                store.write();
                store.flush();
                assertThatThrownBy(() -> store.checkpoint(checkpoint)).isInstanceOf(KvStoreException.class);
            }
            try (KvStore copy = openCheckpoint(checkpoint)) {
                assertThat(copy.flushedApplied()).isEqualTo(new AppliedState(7, 3, 70, -7));
                assertThat(rows(copy, RowKind.DATA)).containsExactly("a=1");
                assertThat(rows(copy, RowKind.SESSION)).containsExactly("s=1");
                put(copy, RowKind.DATA, "b", "2");
                copy.write();
                assertThat(rows(copy, RowKind.DATA)).containsExactly("a=1", "b=2");
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
                    int change = random.nextInt(8);
                    if (change < 2) {
                        delete(store, RowKind.DATA, key);
                        written.remove(key);
                    } else if (change == 2) {
                        String end = "k" + random.nextInt(20);
                        deleteRange(store, key, end);
                        if (key.compareTo(end) < 0) {
                            written.subMap(key, end).clear();
                        }
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

    private static void deleteRange(KvStore store, String from, String to) {
        UnsafeBuffer first = buffer(from);
        UnsafeBuffer end = buffer(to);
        store.deleteRange(RowKind.DATA, first, 0, first.capacity(), end, 0, end.capacity());
    }

    private static KvIterator walk(KvSnapshot snapshot, String from, String to, boolean reverse) {
        UnsafeBuffer first = buffer(from);
        UnsafeBuffer end = buffer(to);
        return snapshot.iterator(first, 0, first.capacity(), end, 0, end.capacity(), reverse);
    }

    private static List<String> walked(KvSnapshot snapshot, String from, String to, boolean reverse) {
        List<String> keys = new ArrayList<>();
        try (KvIterator walk = walk(snapshot, from, to, reverse)) {
            while (walk.next()) {
                int length = walk.readKey();
                keys.add(text(walk.key(), 0, length));
            }
        }
        return keys;
    }

    private static List<String> rest(KvIterator walk) {
        List<String> rows = new ArrayList<>();
        while (walk.next()) {
            int keyLength = walk.readKey();
            int valueLength = walk.readValue(Integer.MAX_VALUE);
            rows.add(text(walk.key(), 0, keyLength) + "=" + text(walk.value(), 0, valueLength));
        }
        return rows;
    }

    private static @Nullable String read(KvSnapshot snapshot, String key) {
        UnsafeBuffer keyBytes = buffer(key);
        int length = snapshot.get(keyBytes, 0, keyBytes.capacity());
        return length == KvReader.NOT_FOUND ? null : text(snapshot.buffer(), 0, length);
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
