package dev.cairn.wal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.covers.Covers;
import dev.cairn.wal.LogFixture.Entry;
import dev.cairn.wal.simulated.SimulatedDirectory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The log's own rules, on real files with both writers and on the simulated directory. */
final class WalTest {
    @TempDir
    Path folder;

    private LogFixture open(String kind) {
        return new LogFixture(directory(kind));
    }

    private SegmentDirectory directory(String kind) {
        return switch (kind) {
            case "mapped" -> FileSegmentDirectory.open(folder, WriterChoice.MAPPED);
            case "channel" -> FileSegmentDirectory.open(folder, WriterChoice.CHANNEL);
            default -> new SimulatedDirectory();
        };
    }

    @ParameterizedTest
    @ValueSource(strings = {"mapped", "channel", "simulated"})
    @Covers({"W01", "W12"})
    void readsBackWhatItAppendedBeforeAndAfterReopen(String kind) {
        LogFixture log = open(kind);
        List<Entry> written = log.appendMany(100, 1, 300);
        assertThat(LogFixture.read(log.wal, log.wal.newLoopCursor())).isEqualTo(written);
        assertThat(log.entries()).isEmpty();
        log.wal.publish();
        assertThat(log.entries()).isEqualTo(written);
        assertThat(log.wal.durableIndex()).isZero();
        log.wal.force();
        assertThat(log.wal.durableIndex()).isEqualTo(100);
        assertThat(log.wal.durablePosition()).isEqualTo(log.wal.appendedPosition());
        log.close();
        log.reopen();
        assertThat(log.entries()).isEqualTo(written);
        assertThat(log.wal.appendedTerm()).isEqualTo(1);
        written.addAll(log.appendMany(10, 2, 50));
        log.publishAndForce();
        log.close();
        log.reopen();
        assertThat(log.entries()).isEqualTo(written);
        log.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"mapped", "channel", "simulated"})
    @Covers("X11")
    void rollsOverSegmentsWithAndWithoutSpares(String kind) {
        LogFixture log = open(kind);
        List<Entry> written = new ArrayList<>();
        for (int round = 0; round < 6; round++) {
            if (round % 2 == 0) {
                log.makeSpares();
            }
            written.addAll(log.appendMany(60, 1 + round, 1500));
            log.publishAndForce();
            assertThat(log.wal.sparePreparer().doWork(log.nowNs)).isGreaterThanOrEqualTo(0);
        }
        assertThat(log.wal.segments().length).isGreaterThan(8);
        assertThat(log.entries()).isEqualTo(written);
        assertThat(LogFixture.read(log.wal, log.wal.newLoopCursor())).isEqualTo(written);
        log.close();
        log.reopen();
        assertThat(log.entries()).isEqualTo(written);
        assertThat(log.wal.term(61)).isEqualTo(2);
        log.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"mapped", "channel", "simulated"})
    @Covers("R12")
    void supersedesATruncatedSuffix(String kind) {
        LogFixture log = open(kind);
        List<Entry> written = log.appendMany(50, 1, 200);
        log.publishAndForce();
        long durable = log.wal.durablePosition();
        log.wal.truncateSuffix(31);
        assertThat(log.wal.appendedIndex()).isEqualTo(30);
        assertThat(log.wal.durableIndex()).isEqualTo(30);
        List<Entry> model = new ArrayList<>(written.subList(0, 30));
        model.addAll(log.appendMany(5, 3, 100));
        assertThat(log.wal.appendedPosition()).isGreaterThan(durable);
        assertThat(log.wal.durableIndex()).isEqualTo(30);
        log.publishAndForce();
        assertThat(log.wal.durableIndex()).isEqualTo(35);
        assertThat(log.entries()).isEqualTo(model);
        log.close();
        log.reopen();
        assertThat(log.entries()).isEqualTo(model);
        log.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"mapped", "channel", "simulated"})
    @Covers({"R25", "R27"})
    void dropsAPrefixInWholeSegments(String kind) {
        LogFixture log = open(kind);
        List<Entry> written = log.appendMany(200, 4, 1000);
        log.publishAndForce();
        int before = log.wal.segments().length;
        log.wal.truncatePrefix(120);
        log.wal.publish();
        long first = log.wal.firstIndex();
        assertThat(first).isBetween(60L, 121L);
        assertThat(log.wal.term(first - 1)).isEqualTo(4);
        assertThat(log.wal.newCursor().seek(first - 1)).isFalse();
        log.makeSpares();
        assertThat(log.directory.list())
                .filteredOn(name -> name.endsWith(".wal"))
                .hasSize(log.wal.segments().length)
                .hasSizeLessThan(before);
        assertThat(log.directory.list())
                .as("spares, and files that wait to become some")
                .filteredOn(name -> name.startsWith(WalRecovery.SPARE_PREFIX))
                .hasSizeLessThanOrEqualTo(3 * log.config.spareCount());
        assertThat(log.entries()).isEqualTo(written.subList((int) first - 1, 200));
        log.close();
        log.reopen();
        assertThat(log.wal.firstIndex()).isEqualTo(first);
        assertThat(log.wal.term(first - 1)).isEqualTo(4);
        assertThat(log.entries()).isEqualTo(written.subList((int) first - 1, 200));
        log.close();
    }

    @Test
    @Covers("R27")
    void aTailOfTheWantedSizeIsKept() {
        LogFixture log = open("simulated");
        log.appendMany(300, 4, 1000);
        log.publishAndForce();
        assertThat(log.wal.prefixBehind(300, Long.MAX_VALUE)).isZero();
        assertThat(log.wal.prefixBehind(10, 0)).as("less than a segment").isZero();
        long allBytes = log.wal.bytesBehind(0);
        assertThat(allBytes).isGreaterThan(300_000);
        assertThat(log.wal.bytesBehind(300)).isZero();
        long previous = Long.MAX_VALUE;
        for (long keep = 0; keep < 250_000; keep += 10_000) {
            long upTo = log.wal.prefixBehind(200, keep);
            assertThat(upTo).isLessThanOrEqualTo(Math.min(200, previous));
            long kept = log.wal.bytesBehind(upTo) - log.wal.bytesBehind(200);
            assertThat(upTo == 0 || kept >= keep)
                    .as("kept %d of %d", kept, keep)
                    .isTrue();
            previous = upTo;
        }
        log.wal.truncatePrefix(log.wal.prefixBehind(200, 50_000));
        log.wal.publish();
        assertThat(log.wal.firstIndex()).isGreaterThan(1);
        assertThat(log.wal.bytesBehind(0)).isLessThan(allBytes).isGreaterThan(100_000);
        assertThat(log.wal.reaches(log.wal.firstIndex() - 1, 4)).isTrue();
        assertThat(log.wal.reaches(log.wal.firstIndex() - 2, 4)).isFalse();
        assertThat(log.wal.reaches(300, 4)).isTrue();
        assertThat(log.wal.reaches(300, 3)).isFalse();
        assertThat(log.wal.reaches(301, 4)).isFalse();
        log.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"mapped", "channel", "simulated"})
    @Covers("R27")
    void startsAgainBehindASnapshot(String kind) {
        LogFixture log = open(kind);
        log.appendMany(200, 4, 1000);
        log.publishAndForce();
        log.wal.reset(1000, 9);
        assertThat(log.wal.firstIndex()).isEqualTo(1001);
        assertThat(log.wal.term(1000)).isEqualTo(9);
        List<Entry> written = log.appendMany(3, 9, 10);
        log.publishAndForce();
        log.makeSpares();
        assertThat(log.entries()).isEqualTo(written);
        log.close();
        log.reopen(new Floor(1000, 9));
        assertThat(log.entries()).isEqualTo(written);
        log.close();
    }

    /** The loop makes it while nobody hears from it. */
    @Test
    void aSegmentMadeForWantOfASpareIsAShortOne() {
        LogFixture log = new LogFixture(
                new SimulatedDirectory(),
                WalConfig.of(77, 1, 99).withSegmentBytes(4 * Wal.STOPGAP_BYTES).withSpareCount(1),
                new SplittableRandom(1)::nextLong);
        List<Entry> written = new ArrayList<>();
        while (log.wal.segments().length < 3) {
            written.addAll(log.appendMany(1, 1, 60_000));
            log.publishAndForce();
        }
        assertThat(Stream.of(log.wal.segments()).map(segment -> segment.file.length()))
                .containsExactly(4 * Wal.STOPGAP_BYTES, Wal.STOPGAP_BYTES, Wal.STOPGAP_BYTES);
        int large = EntryDescriptor.MAX_ENTRY_BYTES - EntryDescriptor.HEADER_LENGTH;
        written.addAll(log.appendMany(1, 1, large));
        assertThat(log.wal.segments()[3].file.length()).isGreaterThan(large);

        log.makeSpares();
        while (log.wal.segments().length < 5) {
            written.addAll(log.appendMany(1, 1, 60_000));
            log.publishAndForce();
        }
        assertThat(log.wal.segments()[4].file.length()).as("a spare").isEqualTo(4 * Wal.STOPGAP_BYTES);
        log.close();
        log.reopen();
        assertThat(log.entries()).isEqualTo(written);
        log.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"mapped", "channel", "simulated"})
    void anEntryLargerThanASegmentGetsALargerOne(String kind) {
        LogFixture log = open(kind);
        int most = EntryDescriptor.MAX_ENTRY_BYTES - EntryDescriptor.HEADER_LENGTH;
        List<Entry> written = log.appendMany(1, 1, 10);
        written.addAll(log.appendMany(2, 1, most));
        written.addAll(log.appendMany(1, 1, 10));
        UnsafeBuffer tooLong = new UnsafeBuffer(new byte[most + 1]);
        assertThatThrownBy(() -> log.wal.append(5, 1, 0, EntryDescriptor.TYPE_COMMAND, tooLong, 0, most + 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("entry bytes=" + (EntryDescriptor.MAX_ENTRY_BYTES + 1));
        log.publishAndForce();
        log.close();
        log.reopen();
        assertThat(log.entries()).isEqualTo(written);
        log.close();
    }

    @Test
    void entriesTravelVerbatim() {
        LogFixture leader = open("simulated");
        LogFixture follower = open("simulated");
        List<Entry> written = leader.appendMany(20, 3, 77);
        LogCursor cursor = leader.wal.newLoopCursor();
        EntryValidator validator = new EntryValidator();
        for (long index = 1; index <= 20; index++) {
            assertThat(cursor.seek(index)).isTrue();
            assertThat(validator.isValid(cursor.buffer(), cursor.offset(), cursor.length()))
                    .isTrue();
            follower.wal.appendEntry(cursor.buffer(), cursor.offset(), cursor.length());
        }
        follower.publishAndForce();
        assertThat(follower.entries()).isEqualTo(written);
        assertThat(follower.wal.entryType(7)).isEqualTo(EntryDescriptor.TYPE_COMMAND);
        assertThat(follower.wal.entryLength(7)).isEqualTo(77 + EntryDescriptor.HEADER_LENGTH);
    }

    @Test
    @Covers({"W04", "X03"})
    void aGroupStartsOnANewBlockOnlyWhileAForceMayBeInFlight() {
        LogFixture log = open("simulated");
        log.appendMany(1, 1, 10);
        log.publishAndForce();
        long forced = log.wal.appendedPosition();
        log.appendMany(1, 1, 10);
        assertThat(log.wal.appendedPosition() - forced).isLessThan(200);
        log.wal.publish();
        log.appendMany(1, 1, 10);
        long start = log.wal.table().start(3);
        assertThat(LogPosition.offset(start) % RecordDescriptor.BLOCK_BYTES).isZero();
        log.appendMany(1, 1, 10);
        assertThat(log.wal.table().start(4) - start).isLessThan(200);
        log.publishAndForce();
        log.close();
        log.reopen();
        assertThat(log.entries()).hasSize(4);
    }

    @Test
    void theEmptyRecordIsWrittenOnceAndCarriesTheCommitHintOverRestarts() {
        LogFixture log = open("simulated");
        log.appendMany(10, 1, 10);
        log.wal.publish();
        assertThat(log.wal.onIdle(7)).isFalse();
        log.wal.force();
        assertThat(log.wal.onIdle(7)).isTrue();
        assertThat(log.wal.onIdle(7)).isFalse();
        log.publishAndForce();
        assertThat(log.wal.onIdle(7)).isFalse();
        for (int restart = 0; restart < 3; restart++) {
            log.close();
            log.reopen();
            assertThat(log.wal.startCommitHint()).isEqualTo(7);
            assertThat(log.wal.recovery().copiedEntries()).isZero();
        }
        assertThat(log.entries()).hasSize(10);
        assertThat(log.directory.list()).hasSize(3);
    }

    @Test
    void aLogOfTooManyEntriesRefusesFurtherOnesUntilSomeAreDropped() {
        WalConfig config = WalConfig.of(77, 1, 99)
                .withSegmentBytes(WalConfig.MIN_SEGMENT_BYTES)
                .withMaxEntries(1000);
        LogFixture log = new LogFixture(new SimulatedDirectory(), config, () -> 5);
        byte[] payload = LogFixture.payload(20, 1, 1);
        while (log.wal.ensureRoom(EntryDescriptor.HEADER_LENGTH + payload.length)) {
            log.append(1, payload);
            assertThat(log.wal.appendedIndex())
                    .as("a segment holds fewer than 700")
                    .isLessThan(1700);
        }
        long refused = log.wal.appendedIndex() + 1;
        assertThat(refused).isGreaterThan(1000);
        assertThat(log.wal.holdsMostEntries()).isTrue();
        assertThat(log.wal.sparePreparer().space().isLow())
                .as("the disk has room")
                .isFalse();
        assertThatThrownBy(() -> log.append(1, payload))
                .isInstanceOf(NoSpaceException.class)
                .hasMessageContaining("entries 1.." + (refused - 1) + ", allowed are 1000");
        log.append(Entry.of(refused, 2, 0, EntryDescriptor.TYPE_NOOP, new byte[0]));
        log.publishAndForce();

        assertThat(log.wal.prefixBehind(refused, Long.MAX_VALUE))
                .as("kept are entries of whole segments, a quarter at least")
                .isBetween(refused - 250 - 700, refused - 250);
        log.wal.truncatePrefix(log.wal.prefixBehind(refused, Long.MAX_VALUE));
        assertThat(log.wal.holdsMostEntries()).isFalse();
        assertThat(log.wal.ensureRoom(EntryDescriptor.HEADER_LENGTH + payload.length))
                .isTrue();
        log.append(2, payload);
        log.publishAndForce();
        log.close();
        log.reopen();
        assertThat(log.wal.appendedIndex()).isEqualTo(refused + 1);
        log.close();
    }

    @Test
    void aFullDiskRefusesCommandsKeepsRoomForEssentialsAndRecovers() {
        SimulatedDirectory directory = new SimulatedDirectory();
        LogFixture log = new LogFixture(directory);
        directory.freeBytes(0);
        byte[] payload = LogFixture.payload(1000, 1, 1);
        while (log.wal.ensureRoom(EntryDescriptor.HEADER_LENGTH + 1000)) {
            log.append(1, payload);
        }
        assertThat(log.wal.appendedIndex()).isBetween(30L, 60L);
        long refused = log.wal.appendedIndex() + 1;
        assertThatThrownBy(() -> log.append(1, payload)).isInstanceOf(NoSpaceException.class);
        assertThat(log.wal.appendedIndex()).isEqualTo(refused - 1);
        log.append(Entry.of(refused, 2, 0, EntryDescriptor.TYPE_NOOP, new byte[0]));
        log.publishAndForce();
        log.wal.sparePreparer().doWork(0);
        assertThat(log.wal.sparePreparer().outOfSpace()).isTrue();
        assertThat(log.wal.onIdle(1)).isTrue();
        log.publishAndForce();
        directory.freeBytes(Long.MAX_VALUE);
        assertThat(log.wal.sparePreparer().doWork(1)).isZero();
        assertThat(log.wal.sparePreparer().doWork(SparePreparer.FULL_DISK_RETRY_NS))
                .isEqualTo(1);
        assertThat(log.wal.sparePreparer().outOfSpace())
                .as("until there is a spare")
                .isTrue();
        log.nowNs = SparePreparer.FULL_DISK_RETRY_NS;
        log.makeSpares();
        assertThat(log.wal.sparePreparer().outOfSpace()).isFalse();
        log.append(2, payload);
        log.publishAndForce();
        assertThat(log.entries()).hasSize((int) refused + 1);
    }

    @Test
    void sparesAreMadeNoFasterThanTheLogNeedsThem() {
        LogFixture log = new LogFixture(
                new SimulatedDirectory(),
                WalConfig.of(77, 1, 99).withSegmentBytes(1 << 20).withSpareCount(2),
                new SplittableRandom(1)::nextLong);
        SparePreparer spares = log.wal.sparePreparer();
        List<Long> withoutSpare = pauses(log, 1);
        assertThat(withoutSpare)
                .as("pauses while none is ready")
                .hasSize(9)
                .allMatch(pause -> pause == SparePreparer.PAUSE_WITHOUT_SPARE_NS);
        spares.doWork(log.nowNs += SparePreparer.PAUSE_NS);
        spares.doWork(log.nowNs += SparePreparer.PAUSE_NS);
        assertThat(spares.pauseLeftNs(log.nowNs)).as("an idle log").isEqualTo(SparePreparer.PAUSE_NS);
        // A third of the segment is written: two thirds of a spare are wanted, five and a third of its eight steps.
        log.appendMany(350, 1, 1000);
        log.publishAndForce();
        List<Long> behind = pauses(log, 2);
        assertThat(behind.subList(0, 4))
                .as("a spare that lags behind")
                .allMatch(pause -> pause == SparePreparer.PAUSE_BEHIND_NS);
        assertThat(behind.subList(4, 7)).as("one that does not").allMatch(pause -> pause == SparePreparer.PAUSE_NS);
        log.close();
    }

    /** Clients are refused until the spare is there that the full disk had no room for. */
    @Test
    void aSpareThatAFullDiskRefusedIsMadeFasterThanTheLogNeedsIt() {
        SimulatedDirectory directory = new SimulatedDirectory();
        LogFixture log = new LogFixture(
                directory,
                WalConfig.of(77, 1, 99).withSegmentBytes(1 << 20).withSpareCount(2),
                new SplittableRandom(1)::nextLong);
        pauses(log, 1);
        directory.freeBytes(0);
        SparePreparer spares = log.wal.sparePreparer();
        spares.doWork(log.nowNs += SparePreparer.PAUSE_NS);
        assertThat(spares.outOfSpace()).isTrue();
        directory.freeBytes(Long.MAX_VALUE);
        log.nowNs += SparePreparer.FULL_DISK_RETRY_NS;
        assertThat(pauses(log, 2)).hasSize(9).allMatch(pause -> pause == SparePreparer.PAUSE_BEHIND_NS);
        assertThat(spares.outOfSpace()).isFalse();
        log.close();
    }

    /** Steps until so many spares stand ready, and after each step but the last how long the next one waits, ns. */
    private static List<Long> pauses(LogFixture log, int spares) {
        List<Long> pauses = new ArrayList<>();
        SparePreparer preparer = log.wal.sparePreparer();
        while (true) {
            preparer.doWork(log.nowNs += SparePreparer.PAUSE_NS);
            if (preparer.readyCount() == spares) {
                return pauses;
            }
            pauses.add(preparer.pauseLeftNs(log.nowNs));
        }
    }

    @Test
    void theFirstFailedForceIsFinal() {
        SimulatedDirectory directory = new SimulatedDirectory();
        LogFixture log = new LogFixture(directory);
        log.appendMany(3, 1, 10);
        log.wal.publish();
        directory.failForceAfter(0);
        assertThatThrownBy(log.wal::force).isInstanceOf(LogFailedException.class);
        assertThat(log.wal.hasUnforced()).isTrue();
        assertThatThrownBy(log.wal::force).isInstanceOf(LogFailedException.class);
        assertThatThrownBy(() -> log.appendMany(1, 1, 10)).isInstanceOf(LogFailedException.class);
        // The pages of the failed force can still be read, so a process crash finds them; recovery must make them
        // durable.
        directory.crashProcess();
        log.reopen();
        assertThat(log.wal.recovery().copiedEntries()).isEqualTo(3);
        directory.crashHost(new SplittableRandom(5));
        log.reopen();
        assertThat(log.entries()).hasSize(3);
    }
}
