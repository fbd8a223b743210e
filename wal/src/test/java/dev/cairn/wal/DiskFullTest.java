package dev.cairn.wal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.wal.FaultyDirectory.Operation;
import dev.cairn.wal.LogFixture.Entry;
import dev.cairn.wal.simulated.SimulatedDirectory;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A log whose disk is full, at every step of whatever it does: it refuses, keeps what it has, and goes on by itself. */
@Tag("W12")
final class DiskFullTest {
    private static final int ENTRY_BYTES = EntryDescriptor.HEADER_LENGTH + 1000;
    private static final int SEGMENT_BYTES = WalConfig.MIN_SEGMENT_BYTES;
    private static final byte[] PAYLOAD = LogFixture.payload(1000, 1, 1);

    /** Appends what finds room, group by group, with housekeeping in between; at most four segments. */
    private static List<Entry> fill(LogFixture log, long term) {
        List<Entry> stored = new ArrayList<>();
        for (int i = 0; i < 4 * SEGMENT_BYTES / ENTRY_BYTES && log.wal.ensureRoom(ENTRY_BYTES); i++) {
            stored.add(log.append(term, PAYLOAD));
            log.publishAndForce();
            log.nowNs += SparePreparer.PAUSE_NS;
            log.wal.sparePreparer().doWork(log.nowNs);
        }
        return stored;
    }

    private static Entry noop(LogFixture log, long term) {
        Entry noop = Entry.of(log.wal.appendedIndex() + 1, term, 0, EntryDescriptor.TYPE_NOOP, new byte[0]);
        log.append(noop);
        log.publishAndForce();
        return noop;
    }

    /** Room for any number of blocks, so that the disk fills up at each step of making a segment, in both threads. */
    @Test
    void aDiskThatFillsUpAtAnyBlockLosesNothingAndIsNoHindranceOnceThereIsRoom() {
        for (int blocks = 0; blocks <= 3 * SEGMENT_BYTES / RecordDescriptor.BLOCK_BYTES; blocks++) {
            SimulatedDirectory directory = new SimulatedDirectory();
            LogFixture log = new LogFixture(directory);
            directory.freeBytes((long) blocks * RecordDescriptor.BLOCK_BYTES);
            List<Entry> expected = new ArrayList<>(fill(log, 1));
            assertThat(expected).as("blocks=%d", blocks).isNotEmpty();
            assertThat(log.wal.ensureRoom(ENTRY_BYTES)).isFalse();
            while (log.wal.ensureRoom(EntryDescriptor.HEADER_LENGTH)) {
                expected.add(log.append(1, new byte[0]));
            }
            assertThat(log.wal.ensureRoom(EntryDescriptor.HEADER_LENGTH, EntryDescriptor.TYPE_COMMAND))
                    .isFalse();
            assertThat(log.wal.ensureRoom(EntryDescriptor.HEADER_LENGTH, EntryDescriptor.TYPE_NOOP))
                    .isTrue();
            expected.add(noop(log, 2));
            assertThat(log.wal.onIdle(0)).isTrue();
            log.publishAndForce();

            SimulatedDirectory atRestart = directory.copyForced();
            List<Entry> before = List.copyOf(expected);
            directory.freeBytes(Long.MAX_VALUE);
            log.nowNs += SparePreparer.FULL_DISK_RETRY_NS;
            log.makeSpares();
            expected.addAll(fill(log, 2));
            assertThat(log.entries()).as("blocks=%d", blocks).isEqualTo(expected);
            assertThat(directory.list())
                    .filteredOn(name -> name.startsWith(WalRecovery.SPARE_PREFIX))
                    .as("blocks=%d", blocks)
                    .hasSizeLessThanOrEqualTo(log.config.spareCount() + 1);
            directory.crashHost(new SplittableRandom(blocks));
            log.reopen();
            assertThat(log.entries()).as("blocks=%d", blocks).isEqualTo(expected);

            LogFixture restarted = new LogFixture(atRestart);
            assertThat(restarted.entries()).as("blocks=%d", blocks).isEqualTo(before);
        }
    }

    @Test
    void theReserveIsNotTouchedBySegments() {
        long reserve = 10L * SEGMENT_BYTES;
        SimulatedDirectory directory = new SimulatedDirectory();
        directory.freeBytes(reserve + 4L * SEGMENT_BYTES);
        WalConfig config =
                WalConfig.of(77, 1, 99).withSegmentBytes(SEGMENT_BYTES).withReserveBytes(reserve);
        LogFixture log = new LogFixture(directory, config, new SplittableRandom(1)::nextLong);
        DiskSpace space = log.wal.sparePreparer().space();
        fill(log, 1);
        assertThat(log.wal.ensureRoom(ENTRY_BYTES)).isFalse();
        assertThat(directory.freeBytes()).isGreaterThanOrEqualTo(reserve);
        assertThat(space.isLow()).as("a segment was refused").isTrue();
        directory.freeBytes(reserve + SEGMENT_BYTES);
        log.wal.sparePreparer().doWork(log.nowNs += DiskSpace.CHECK_NS);
        assertThat(space.isLow()).isFalse();

        directory.freeBytes(reserve - 1);
        log.wal.sparePreparer().doWork(log.nowNs += DiskSpace.CHECK_NS);
        assertThat(space.isLow()).isTrue();
        assertThat(space.freeBytes()).isEqualTo(reserve - 1);
        directory.freeBytes(reserve + SEGMENT_BYTES - 1);
        log.wal.sparePreparer().doWork(log.nowNs += DiskSpace.CHECK_NS);
        assertThat(space.isLow()).as("not before a segment fits").isTrue();
        directory.freeBytes(reserve + SEGMENT_BYTES);
        log.wal.sparePreparer().doWork(log.nowNs += DiskSpace.CHECK_NS - 1);
        assertThat(space.isLow()).as("it looks no more often").isTrue();
        log.wal.sparePreparer().doWork(log.nowNs += 1);
        assertThat(space.isLow()).isFalse();
    }

    /** A refusal must cost the loop next to nothing: it comes with every command of every client. */
    @Test
    void aRefusalTouchesNoFile() {
        SimulatedDirectory disk = new SimulatedDirectory();
        FaultyDirectory directory = new FaultyDirectory(disk);
        LogFixture log = new LogFixture(directory);
        disk.freeBytes(SEGMENT_BYTES / 2);
        fill(log, 1);
        assertThat(log.wal.ensureRoom(ENTRY_BYTES)).isFalse();
        directory.failAfter(0, Operation.CREATE, () -> new AssertionError("tried again"));
        for (int i = 0; i < 1000; i++) {
            assertThat(log.wal.ensureRoom(ENTRY_BYTES)).isFalse();
        }
        assertThat(directory.hasFailed()).isFalse();
    }

    @Test
    void anEntryLargerThanAllSparesFindsRoomAgain() {
        SimulatedDirectory directory = new SimulatedDirectory();
        LogFixture log = new LogFixture(directory);
        log.makeSpares();
        int large = 10 * SEGMENT_BYTES;
        directory.freeBytes(SEGMENT_BYTES / 2);
        assertThat(log.wal.ensureRoom(large)).isFalse();
        log.wal.sparePreparer().doWork(log.nowNs += SparePreparer.FULL_DISK_RETRY_NS);
        assertThat(log.wal.sparePreparer().outOfSpace()).isTrue();
        assertThat(log.wal.ensureRoom(ENTRY_BYTES)).as("spares are there").isTrue();
        assertThat(log.wal.sparePreparer().space().isLow()).as("for others").isFalse();
        directory.freeBytes(20 * SEGMENT_BYTES);
        assertThat(log.wal.ensureRoom(large)).as("not tried by the loop").isFalse();
        log.wal.sparePreparer().doWork(log.nowNs += SparePreparer.FULL_DISK_RETRY_NS);
        assertThat(log.wal.ensureRoom(large)).isTrue();
    }

    /** The name of a segment may need a block of the directory. */
    @Test
    void aSegmentWithoutRoomForItsNameIsUsedUnderThatOfTheSpare() {
        FaultyDirectory directory = new FaultyDirectory(new SimulatedDirectory());
        LogFixture log = new LogFixture(directory);
        log.makeSpares();
        directory.failAfter(0, Operation.RENAME, () -> new NoSpaceException("No space left on device", null));
        while (!log.wal.needsRoll(ENTRY_BYTES)) {
            log.append(1, PAYLOAD);
        }
        log.append(1, PAYLOAD);
        log.publishAndForce();
        List<Entry> stored = log.entries();
        String name = Segment.nameOf(log.wal.segments()[1].sequence);
        log.wal.sparePreparer().doWork(log.nowNs);
        log.wal.sparePreparer().doWork(log.nowNs + SparePreparer.FULL_DISK_RETRY_NS - 1);
        assertThat(directory.list()).doesNotContain(name);
        assertThat(log.wal.sparePreparer().outOfSpace()).isFalse();
        log.wal.sparePreparer().doWork(log.nowNs += SparePreparer.FULL_DISK_RETRY_NS);
        assertThat(directory.list()).contains(name);
        log.reopen();
        assertThat(log.entries()).isEqualTo(stored);
    }

    /** What a truncated suffix had taken is not given back: a node with conflicting entries can be full, too. */
    @Test
    void aFullLogRefusesSupersedingEntriesAcrossSegments() {
        SimulatedDirectory directory = new SimulatedDirectory();
        LogFixture log = new LogFixture(directory);
        directory.freeBytes(SEGMENT_BYTES);
        List<Entry> stored = fill(log, 1);
        assertThat(log.wal.segments()).hasSizeGreaterThan(1);
        log.wal.truncateSuffix(2);
        assertThat(log.wal.ensureRoom(EntryDescriptor.HEADER_LENGTH, EntryDescriptor.TYPE_NOOP))
                .as("it would need a segment of its own")
                .isFalse();
        assertThat(log.wal.ensureRoom(ENTRY_BYTES)).isFalse();
        directory.freeBytes(Long.MAX_VALUE);
        log.nowNs += SparePreparer.FULL_DISK_RETRY_NS;
        log.makeSpares();
        Entry noop = noop(log, 2);
        directory.crashHost(new SplittableRandom(3));
        log.reopen();
        assertThat(log.entries()).isEqualTo(List.of(stored.get(0), noop));
    }

    /** Behind a snapshot the log has to go on, whatever housekeeping found last and whatever is kept for others. */
    @Test
    void aFullLogStartsAgainBehindASnapshotAsSoonAsThereIsRoom() {
        SimulatedDirectory directory = new SimulatedDirectory();
        WalConfig config =
                WalConfig.of(77, 1, 99).withSegmentBytes(SEGMENT_BYTES).withReserveBytes(10L * SEGMENT_BYTES);
        LogFixture log = new LogFixture(directory, config, new SplittableRandom(1)::nextLong);
        directory.freeBytes(0);
        fill(log, 1);
        assertThat(log.wal.sparePreparer().outOfSpace()).isTrue();
        log.wal.sparePreparer().doWork(log.nowNs += DiskSpace.CHECK_NS);
        assertThat(log.wal.hasRoomForReset()).isFalse();
        directory.freeBytes(2L * SEGMENT_BYTES);
        log.wal.sparePreparer().doWork(log.nowNs += DiskSpace.CHECK_NS);
        assertThat(log.wal.hasRoomForReset()).isTrue();
        log.wal.reset(1000, 2);
        log.publishAndForce();
        assertThat(log.wal.appendedIndex()).isEqualTo(1000);
        assertThat(log.wal.ensureRoom(ENTRY_BYTES)).isTrue();
    }

    /** Each start needs a segment; the spares of the process before make room for it. */
    @Test
    void restartsOnADiskWithoutRoomFindItInTheOldSpares() {
        SimulatedDirectory directory = new SimulatedDirectory();
        LogFixture log = new LogFixture(directory);
        log.makeSpares();
        List<Entry> expected = log.appendMany(5, 1, 100);
        log.publishAndForce();
        directory.freeBytes(0);
        directory.crashProcess();
        log.reopen();
        assertThat(log.entries()).isEqualTo(expected);
        assertThat(directory.list()).noneMatch(name -> name.startsWith(WalRecovery.SPARE_PREFIX));
    }

    /** Between the step that drops a segment and the one that deletes its file, or with some of the files deleted. */
    @Test
    void aCrashBetweenDropAndDeleteLeavesAPrefixOfDeletions() {
        for (int steps = 0; steps <= 6; steps++) {
            for (int seed = 0; seed < 20; seed++) {
                SimulatedDirectory directory = new SimulatedDirectory();
                LogFixture log = new LogFixture(directory);
                log.makeSpares();
                List<Entry> all = new ArrayList<>();
                while (log.wal.segments().length < 5) {
                    all.add(log.append(1, PAYLOAD));
                }
                log.publishAndForce();
                directory.freeBytes(0);
                log.wal.truncatePrefix(log.wal.prefixBehind(all.size(), 0));
                long first = log.wal.firstIndex();
                assertThat(first).isGreaterThan(100);
                log.wal.publish();
                for (int i = 0; i < steps; i++) {
                    log.wal.sparePreparer().doWork(log.nowNs);
                }
                directory.crashHost(new SplittableRandom(seed));
                directory.freeBytes(Long.MAX_VALUE);
                log.reopen();
                long found = log.wal.firstIndex();
                assertThat(found).as("steps=%d seed=%d", steps, seed).isBetween(1L, first);
                assertThat(log.entries())
                        .as("steps=%d seed=%d", steps, seed)
                        .isEqualTo(all.subList((int) found - 1, all.size()));
            }
        }
    }
}
