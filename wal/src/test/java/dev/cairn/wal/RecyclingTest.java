package dev.cairn.wal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.covers.Covers;
import dev.cairn.wal.LogFixture.Entry;
import dev.cairn.wal.simulated.SimulatedDirectory;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.NavigableMap;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files of dropped segments serve again, and nothing of their earlier life is ever taken for the log. */
@Covers({"W01", "W03"})
final class RecyclingTest {
    private static final WalConfig CONFIG = WalConfig.of(77, 1, 99).withSegmentBytes(WalConfig.MIN_SEGMENT_BYTES);

    @TempDir
    Path folder;

    private SegmentDirectory directory(String kind) {
        return switch (kind) {
            case "mapped" -> FileSegmentDirectory.open(folder, WriterChoice.MAPPED);
            case "channel" -> FileSegmentDirectory.open(folder, WriterChoice.CHANNEL);
            default -> new SimulatedDirectory();
        };
    }

    @ParameterizedTest
    @ValueSource(strings = {"mapped", "channel", "simulated"})
    void droppedSegmentsServeAgainWithASaltOfTheirOwn(String kind) {
        SegmentDirectory directory = directory(kind);
        LogFixture log = new LogFixture(directory, CONFIG, new SplittableRandom(3)::nextLong);
        int largestCount = 0;
        for (int round = 0; round < 40; round++) {
            log.makeSpares();
            checkSpares(directory);
            List<Entry> written = log.appendMany(60, 1 + round, 1500);
            log.publishAndForce();
            assertThat(log.entries()).endsWith(written.toArray(new Entry[0]));
            log.wal.truncatePrefix(log.wal.appendedIndex() - 10);
            log.wal.publish();
            largestCount = Math.max(largestCount, directory.list().size());
        }
        assertThat(log.wal.sparePreparer().recycledCount()).isGreaterThan(40);
        assertThat(largestCount).isLessThan(14);
        List<Entry> live = log.entries();
        log.close();
        log.reopen();
        // What was dropped last may be there again: housekeeping had not come to it.
        assertThat(log.entries()).endsWith(live.toArray(new Entry[0])).hasSizeLessThan(live.size() + 120);
        log.close();
    }

    /** A spare has a header of this life and zeros behind it; one that is only discharged has none that counts. */
    private static void checkSpares(SegmentDirectory directory) {
        int ready = 0;
        for (String name : directory.list()) {
            if (!name.startsWith(WalRecovery.SPARE_PREFIX)) {
                continue;
            }
            byte[] bytes;
            try (SegmentFile file = directory.open(name)) {
                bytes = new byte[file.length()];
                assertThat(file.read(0, ByteBuffer.wrap(bytes))).isEqualTo(bytes.length);
            }
            UnsafeBuffer buffer = new UnsafeBuffer(bytes);
            assertThat(RecordWriter.isZero(buffer, SegmentHeaderDescriptor.LENGTH, ActivationDescriptor.RECORDS_OFFSET))
                    .isTrue();
            if (RecordWriter.isZero(buffer, ActivationDescriptor.RECORDS_OFFSET, bytes.length)) {
                assertThat(SegmentHeaderDescriptor.isValid(buffer, new Checksum()))
                        .isTrue();
                ready++;
            }
        }
        assertThat(ready).isEqualTo(CONFIG.spareCount());
    }

    @Test
    void everyLifeHasItsOwnSalt() {
        LogFixture log = new LogFixture(new SimulatedDirectory(), CONFIG, new SplittableRandom(3)::nextLong);
        Set<Long> salts = new HashSet<>();
        Set<Integer> sequences = new HashSet<>();
        for (int round = 0; round < 30; round++) {
            log.makeSpares();
            log.appendMany(60, 1, 1500);
            log.publishAndForce();
            for (Segment segment : log.wal.segments()) {
                if (sequences.add(segment.sequence)) {
                    assertThat(salts.add(segment.salt)).isTrue();
                }
            }
            log.wal.truncatePrefix(log.wal.appendedIndex());
            log.wal.publish();
        }
        assertThat(log.wal.sparePreparer().recycledCount()).isGreaterThan(20);
    }

    @Test
    void aFileThatWasFoundAtTheStartIsDeleted() {
        LogFixture log = new LogFixture(new SimulatedDirectory(), CONFIG, new SplittableRandom(3)::nextLong);
        log.appendMany(200, 1, 1500);
        log.publishAndForce();
        log.wal.onIdle(0);
        log.publishAndForce();
        log.close();
        log.reopen();
        int found = log.wal.segments().length - 1;
        assertThat(found).isGreaterThan(3);
        log.makeSpares();
        log.appendMany(1, 2, 10);
        log.publishAndForce();
        log.wal.truncatePrefix(200);
        log.wal.publish();
        for (int i = 0; i < found; i++) {
            assertThat(log.wal.sparePreparer().doWork(log.nowNs)).isEqualTo(1);
        }
        assertThat(log.directory.list().stream().filter(name -> name.startsWith(WalRecovery.SPARE_PREFIX)))
                .hasSize(CONFIG.spareCount());
    }

    /** A snapshot drops many at once: some wait for a further life beside the spares, until room is short. */
    @Test
    void moreAreKeptThanSparesAreWanted() {
        SimulatedDirectory directory = new SimulatedDirectory();
        LogFixture log = new LogFixture(directory, CONFIG.withReserveBytes(1 << 20), new SplittableRandom(3)::nextLong);
        log.makeSpares();
        log.appendMany(500, 1, 1500);
        log.publishAndForce();
        log.makeSpares();
        log.wal.truncatePrefix(log.wal.appendedIndex());
        log.wal.publish();
        log.makeSpares();
        assertThat(directory.list())
                .filteredOn(name -> name.startsWith(WalRecovery.SPARE_PREFIX))
                .hasSize(3 * CONFIG.spareCount());
        directory.freeBytes((1 << 20) - 1);
        log.nowNs += DiskSpace.CHECK_NS;
        log.makeSpares();
        assertThat(directory.list())
                .filteredOn(name -> name.startsWith(WalRecovery.SPARE_PREFIX))
                .hasSize(CONFIG.spareCount());
        checkSpares(directory);
        log.appendMany(10, 1, 1500);
        log.publishAndForce();
        List<Entry> live = log.entries();
        log.close();
        log.reopen();
        assertThat(log.entries()).isEqualTo(live);
    }

    /** What has been dropped is all that a log has for spares where the disk has no room for new files. */
    @Test
    @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void whereRoomIsShortDroppedSegmentsBecomeTheSparesThatAreMissing() {
        SimulatedDirectory directory = new SimulatedDirectory();
        LogFixture log =
                new LogFixture(directory, CONFIG.withReserveBytes(64 << 20), new SplittableRandom(3)::nextLong);
        log.makeSpares();
        log.appendMany(500, 1, 1500);
        log.publishAndForce();
        assertThat(log.wal.sparePreparer().readyCount()).isZero();
        directory.freeBytes(1 << 20);
        log.nowNs += DiskSpace.CHECK_NS;
        log.wal.sparePreparer().space().check(log.nowNs);
        log.wal.truncatePrefix(log.wal.appendedIndex());
        log.wal.publish();
        log.makeSpares();
        assertThat(log.wal.sparePreparer().recycledCount()).isEqualTo(CONFIG.spareCount());
        assertThat(directory.list())
                .filteredOn(name -> name.startsWith(WalRecovery.SPARE_PREFIX))
                .hasSize(CONFIG.spareCount());
        checkSpares(directory);
    }

    /** Crashes of host and process at any step of housekeeping and appending: what was durable is there, and nothing else. */
    @Test
    void noCrashBringsBackAnEarlierLife() {
        long first = Seeds.first();
        long recycled = 0;
        for (long seed = first; seed < first + Seeds.count(60); seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            SimulatedDirectory directory = new SimulatedDirectory();
            LogFixture log = new LogFixture(directory, CONFIG, random.split()::nextLong);
            TreeMap<Long, Entry> model = new TreeMap<>();
            for (int step = 0; step < 300; step++) {
                String what = "seed=" + seed + " step=" + step;
                switch (random.nextInt(12)) {
                    case 0, 1, 2 -> {
                        long term = Math.max(1, log.wal.appendedTerm()) + random.nextInt(2);
                        for (Entry entry : log.appendMany(1 + random.nextInt(20), term, random.nextInt(3000))) {
                            model.put(entry.index(), entry);
                        }
                    }
                    case 3 -> log.publishAndForce();
                    case 4 -> {
                        log.publishAndForce();
                        log.wal.truncatePrefix(Math.max(log.wal.firstIndex() - 1, log.wal.appendedIndex() - 5));
                        log.wal.publish();
                    }
                    case 5 -> {
                        if (random.nextInt(4) == 0) {
                            recycled += log.wal.sparePreparer().recycledCount();
                            crash(log, directory, model, random, what);
                        }
                    }
                    default -> log.wal.sparePreparer().doWork(log.nowNs += SparePreparer.PAUSE_NS);
                }
            }
            recycled += log.wal.sparePreparer().recycledCount();
        }
        if (!Seeds.given()) {
            assertThat(recycled).isGreaterThan(200);
        }
    }

    private static void crash(
            LogFixture log,
            SimulatedDirectory directory,
            NavigableMap<Long, Entry> model,
            SplittableRandom random,
            String what) {
        long durable = log.wal.durableIndex();
        long firstIndex = log.wal.firstIndex();
        if (random.nextInt(3) == 0) {
            directory.crashProcess();
        } else {
            directory.crashHost(random);
        }
        try {
            log.reopen();
        } catch (WalException e) {
            throw new AssertionError(what, e);
        }
        assertThat(log.wal.appendedIndex()).as(what).isGreaterThanOrEqualTo(durable);
        assertThat(log.wal.firstIndex()).as(what).isLessThanOrEqualTo(firstIndex);
        List<Entry> expected = new ArrayList<>(
                model.subMap(log.wal.firstIndex(), log.wal.appendedIndex() + 1).values());
        assertThat(log.entries()).as(what).isEqualTo(expected);
        model.tailMap(log.wal.appendedIndex() + 1).clear();
    }
}
