package dev.cairn.wal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import dev.cairn.covers.Covers;
import dev.cairn.wal.LogFixture.Entry;
import dev.cairn.wal.simulated.SimulatedDirectory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Crash and corruption, each at every place of a small log. */
@Covers({"W01", "W03"})
final class RecoveryTest {
    private static final int SECTOR = RecordDescriptor.SECTOR_BYTES;

    /** Two segments of entries that were all durable when the last record was stored. */
    private static LogFixture provenLog(List<Entry> written) {
        LogFixture log = new LogFixture(new SimulatedDirectory());
        written.addAll(log.appendMany(4, 1, 60));
        log.publishAndForce();
        written.addAll(log.appendMany(3, 2, 600));
        log.publishAndForce();
        assertThat(log.wal.onIdle(5)).isTrue();
        log.publishAndForce();
        return log;
    }

    private static SimulatedDirectory simulated(LogFixture log) {
        return (SimulatedDirectory) log.directory;
    }

    private static Segment current(LogFixture log) {
        Segment[] segments = log.wal.segments();
        return segments[segments.length - 1];
    }

    /** Opens a copy of the files after some change. */
    private static LogFixture openChanged(LogFixture log, Consumer<SimulatedDirectory> change) {
        SimulatedDirectory copy = simulated(log).copyForced();
        change.accept(copy);
        return new LogFixture(copy, log.config, new SplittableRandom(4)::nextLong);
    }

    private static Map<String, byte[]> contents(SimulatedDirectory directory) {
        Map<String, byte[]> contents = new TreeMap<>();
        directory.list().forEach(name -> contents.put(name, directory.bytes(name)));
        return contents;
    }

    /** Of a block that is written in part the system reads the rest first, where zeros went past its cache. */
    @Test
    void segmentsAreMadeAndCopiedToInWholeBlocks() {
        FaultyDirectory directory = new FaultyDirectory(new SimulatedDirectory());
        LogFixture log = new LogFixture(directory);
        List<Entry> written = new ArrayList<>(log.appendMany(5, 1, 60));
        written.addAll(log.appendMany(3, 1, 9000));
        log.wal.publish();

        log.reopen();

        assertThat(log.wal.recovery().copiedEntries()).isEqualTo(8);
        assertThat(log.entries()).isEqualTo(written);
        assertThat(directory.partialWrites()).allMatch(write -> write.startsWith(LogFixture.HARD_STATE));
    }

    @Test
    @Covers({"W12", "X06"})
    void noFlippedByteLosesADurableEntry() {
        List<Entry> written = new ArrayList<>();
        LogFixture log = provenLog(written);
        Segment segment = current(log);
        int end = LogPosition.offset(log.wal.endPosition(7));
        byte[] bytes = simulated(log).bytes(segment.name);
        Map<String, byte[]> before = contents(simulated(log));
        int damaged = 0;
        for (int at = 0; at < end; at++) {
            int offset = at;
            boolean unusedByte = at < ActivationDescriptor.RECORDS_OFFSET
                    && at % RecordDescriptor.BLOCK_BYTES >= ActivationDescriptor.LENGTH;
            if (unusedByte) {
                continue;
            }
            for (int flip : new int[] {0xFF, 0x01, bytes[at] & 0xFF}) {
                byte[] flipped = {(byte) (bytes[at] ^ flip)};
                SimulatedDirectory copy = simulated(log).copyForced();
                copy.overwrite(segment.name, offset, flipped);
                try {
                    LogFixture opened = new LogFixture(copy, log.config, new SplittableRandom(4)::nextLong);
                    assertThat(opened.entries()).as("flip at %s", at).isEqualTo(written);
                } catch (WalDamagedException e) {
                    damaged++;
                    assertThat(e.file()).isEqualTo(segment.name);
                    copy.overwrite(segment.name, offset, new byte[] {bytes[offset]});
                    assertUnchanged(copy, before);
                }
            }
        }
        int recordBytes = end - ActivationDescriptor.RECORDS_OFFSET;
        assertThat(damaged).isGreaterThan(2 * recordBytes);
    }

    private static void assertUnchanged(SimulatedDirectory directory, Map<String, byte[]> before) {
        Map<String, byte[]> after = contents(directory);
        assertThat(after.keySet()).isEqualTo(before.keySet());
        after.forEach((name, bytes) -> {
            if (!Arrays.equals(bytes, before.get(name))) {
                fail("changed: " + name);
            }
        });
    }

    @Test
    void damageNamesFileOffsetAndIndex() {
        LogFixture log = provenLog(new ArrayList<>());
        String name = current(log).name;
        int third = LogPosition.offset(log.wal.table().start(3));
        assertThatThrownBy(() -> openChanged(log, copy -> copy.overwrite(name, third + 100, new byte[] {1, 2, 3})))
                .isInstanceOfSatisfying(WalDamagedException.class, e -> {
                    assertThat(e.file()).isEqualTo(name);
                    assertThat(e.offset()).isEqualTo(third);
                    assertThat(e.index()).isEqualTo(3);
                    assertThat(e.found()).contains("crc");
                });
    }

    /** A last group that nothing proves durable, cut or zeroed at every sector: torn, and only that group suffers. */
    @Test
    void everyCutAndEveryZeroSectorOfTheUnprovenGroupIsTorn() {
        List<Entry> written = new ArrayList<>();
        LogFixture log = provenLog(written);
        int provenEnd = current(log).file.length();
        int from = LogPosition.offset(log.wal.appendedPosition());
        written.addAll(log.appendMany(6, 2, 700));
        log.publishAndForce();
        int to = LogPosition.offset(log.wal.appendedPosition());
        String name = current(log).name;
        int firstWhole = (from + SECTOR - 1) / SECTOR * SECTOR;
        for (int at = firstWhole; at < to; at += SECTOR) {
            int offset = at;
            LogFixture cut =
                    openChanged(log, copy -> copy.overwrite(name, offset, new byte[Math.min(to, provenEnd) - offset]));
            checkTorn(cut, written);
            LogFixture zeroed = openChanged(log, copy -> copy.overwrite(name, offset, new byte[SECTOR]));
            checkTorn(zeroed, written);
            assertThat(zeroed.directory.list()).anyMatch(file -> file.startsWith(WalRecovery.CUT_PREFIX));
            assertThat(zeroed.wal.recovery().cutBytesKept())
                    .isEqualTo(zeroed.wal.recovery().cutBytes());
        }
    }

    private static void checkTorn(LogFixture opened, List<Entry> written) {
        List<Entry> found = opened.entries();
        assertThat(found).hasSizeBetween(7, written.size());
        assertThat(found).isEqualTo(written.subList(0, found.size()));
        if (found.size() < written.size()) {
            assertThat(opened.wal.recovery().torn()
                            || found.size() == opened.wal.recovery().lastIndex())
                    .isTrue();
        }
        opened.appendMany(2, 3, 50);
        opened.publishAndForce();
        opened.close();
        opened.reopen();
        assertThat(opened.entries()).hasSize(found.size() + 2);
    }

    @Test
    void aZeroSectorOfAnEarlierGroupIsDamage() {
        LogFixture log = provenLog(new ArrayList<>());
        String name = current(log).name;
        int end = LogPosition.offset(log.wal.endPosition(7));
        for (int at = ActivationDescriptor.RECORDS_OFFSET; at + SECTOR <= end; at += SECTOR) {
            int offset = at;
            assertThatThrownBy(() -> openChanged(log, copy -> copy.overwrite(name, offset, new byte[SECTOR])))
                    .isInstanceOf(WalDamagedException.class);
        }
    }

    @Test
    void aRecordWithZeroSectorsOfItsOwnIsTornOnlyByMoreOfThem() {
        LogFixture log = provenLog(new ArrayList<>());
        byte[] payload = LogFixture.payload(4000, 8, 2);
        Arrays.fill(payload, 1000, 2600, (byte) 0);
        log.append(2, payload);
        log.publishAndForce();
        String name = current(log).name;
        int start = LogPosition.offset(log.wal.table().start(8));
        assertThat(RecordDescriptor.zeroWords(current(log).file.view(), start)).isBetween(128, 200);
        LogFixture whole = openChanged(log, copy -> {});
        assertThat(whole.entries()).hasSize(8);
        int lost = (start / SECTOR + 7) * SECTOR;
        LogFixture torn = openChanged(log, copy -> copy.overwrite(name, lost, new byte[SECTOR]));
        assertThat(torn.entries()).hasSize(7);
        assertThat(torn.wal.recovery().cutFile()).isEqualTo(name);
        assertThatThrownBy(() -> openChanged(log, copy -> copy.overwrite(name, lost, new byte[] {1, 2, 3})))
                .isInstanceOf(WalDamagedException.class);
    }

    @Test
    void staleRecordsOfAnotherLifeAreACleanEnd() {
        LogFixture log = provenLog(new ArrayList<>());
        String name = current(log).name;
        int end = LogPosition.offset(log.wal.appendedPosition());
        LogFixture other = new LogFixture(new SimulatedDirectory(), log.config, new SplittableRandom(99)::nextLong);
        other.appendMany(40, 1, 500);
        byte[] stale = simulated(other).bytes(current(other).name);
        LogFixture behindRecord = openChanged(log, copy -> {
            int start = LogPosition.offset(other.wal.table().start(3));
            copy.overwrite(name, end, Arrays.copyOfRange(stale, start, start + stale.length - Math.max(start, end)));
        });
        assertThat(behindRecord.entries()).hasSize(7);
    }

    @Test
    void aSupersededSuffixStaysSupersededAcrossARollAndTwoCrashes() {
        for (int seed = 0; seed < 50; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            LogFixture log = new LogFixture(new SimulatedDirectory());
            List<Entry> model = log.appendMany(60, 1, 1500);
            log.publishAndForce();
            log.wal.truncateSuffix(21);
            model = new ArrayList<>(model.subList(0, 20));
            model.addAll(log.appendMany(5, 3, 1500));
            log.publishAndForce();
            log.appendMany(40, 3, 1500);
            simulated(log).crashHost(random);
            log.reopen();
            assertThat(log.entries().subList(0, 25)).isEqualTo(model);
            simulated(log).crashHost(random);
            log.reopen();
            assertThat(log.entries().subList(0, 25)).isEqualTo(model);
        }
    }

    @Test
    void rotInASupersededRecordLosesNothing() {
        LogFixture log = new LogFixture(new SimulatedDirectory());
        log.appendMany(10, 1, 300);
        log.publishAndForce();
        int start = LogPosition.offset(log.wal.table().start(8));
        log.wal.truncateSuffix(6);
        log.appendMany(3, 2, 300);
        log.publishAndForce();
        List<Entry> model = log.entries();
        String name = current(log).name;
        LogFixture opened = openChanged(log, copy -> copy.overwrite(name, start + 120, new byte[] {0, 0, 0}));
        assertThat(opened.entries()).isEqualTo(model);
        assertThat(opened.wal.recovery().supersededDamage()).isEqualTo(1);
        assertThat(opened.wal.recovery().highestTerm()).isEqualTo(2);
    }

    @Test
    void aLengthThatDidNotReachTheDiskIsPutBackAndTold() {
        LogFixture log = new LogFixture(new SimulatedDirectory());
        log.appendMany(10, 1, 300);
        log.publishAndForce();
        List<Entry> model = log.entries();
        int start = LogPosition.offset(log.wal.table().start(10));
        String name = current(log).name;
        LogFixture opened = openChanged(log, copy -> copy.overwrite(name, start, new byte[] {0, 0, 0, 0}));
        assertThat(opened.entries()).isEqualTo(model);
        assertThat(opened.wal.recovery().restored()).isEqualTo(1);
    }

    @Test
    void whatAProcessCrashLeavesReadableIsMadeDurableBeforeItCounts() {
        LogFixture log = new LogFixture(new SimulatedDirectory());
        List<Entry> written = log.appendMany(20, 1, 300);
        simulated(log).crashProcess();
        log.reopen();
        assertThat(log.wal.recovery().copiedEntries()).isEqualTo(20);
        for (int seed = 0; seed < 20; seed++) {
            simulated(log).crashHost(new SplittableRandom(seed));
            log.reopen();
            assertThat(log.entries()).isEqualTo(written);
        }
    }

    @Test
    void aPrefixIsKeptWhileACrashCouldUndoTheTruncationThatFreedIt() {
        for (int seed = 0; seed < 20; seed++) {
            LogFixture log = smallLog();
            log.appendMany(100, 1, 1000);
            log.publishAndForce();
            log.wal.truncateSuffix(30);
            log.wal.truncatePrefix(29);
            log.appendMany(1, 2, 10);
            log.wal.truncatePrefix(29);
            log.wal.publish();
            assertThat(log.wal.firstIndex()).isEqualTo(1);
            log.makeSpares();
            simulated(log).crashHost(new SplittableRandom(seed));
            log.reopen(new Floor(29, 1));
            assertThat(log.wal.appendedIndex()).isGreaterThanOrEqualTo(30);
        }
        LogFixture log = smallLog();
        log.appendMany(100, 1, 1000);
        log.publishAndForce();
        log.wal.truncateSuffix(30);
        log.appendMany(1, 2, 10);
        log.publishAndForce();
        log.wal.truncatePrefix(29);
        assertThat(log.wal.firstIndex()).isEqualTo(30);
    }

    private static LogFixture smallLog() {
        WalConfig config = WalConfig.of(1, 1, 1)
                .withSegmentBytes(WalConfig.MIN_SEGMENT_BYTES)
                .withSpareCount(0);
        return new LogFixture(new SimulatedDirectory(), config, new SplittableRandom(6)::nextLong);
    }

    @Test
    void aCrashWhileAPrefixIsDeletedLeavesNoHole() {
        for (int seed = 0; seed < 40; seed++) {
            LogFixture log = smallLog();
            log.appendMany(250, 1, 1000);
            log.publishAndForce();
            log.makeSpares();
            log.wal.truncatePrefix(249);
            log.wal.publish();
            for (int step = 0; step <= seed % 5; step++) {
                assertThat(log.wal.sparePreparer().doWork(0)).isEqualTo(1);
            }
            simulated(log).crashHost(new SplittableRandom(seed));
            log.reopen(new Floor(249, 1));
            assertThat(log.wal.appendedIndex()).isEqualTo(250);
        }
    }

    /** Any moment of the restart behind a snapshot: the old log, or the new one, and then the restart again. */
    @Test
    void aCrashDuringAResetLeavesTheOldLogOrTheNewOne() {
        int oldLogs = 0;
        for (int seed = 0; seed < 120; seed++) {
            LogFixture log = smallLog();
            List<Entry> written = log.appendMany(150, 1, 1000);
            log.publishAndForce();
            log.wal.reset(1000, 5);
            int step = seed % 6;
            if (step > 0) {
                log.wal.publish();
            }
            if (step > 1) {
                log.wal.force();
            }
            for (int deletion = 2; deletion < step; deletion++) {
                log.wal.sparePreparer().doWork(0);
            }
            if (seed % 7 == 0) {
                simulated(log).crashProcess();
            } else {
                simulated(log).crashHost(new SplittableRandom(seed));
            }
            log.reopen();
            if (log.wal.reaches(1000, 5)) {
                assertThat(log.wal.appendedIndex()).isEqualTo(1000);
            } else {
                oldLogs++;
                assertThat(step).as("a forced reset stays").isLessThan(2);
                assertThat(log.entries()).isEqualTo(written);
                log.wal.reset(1000, 5);
                log.publishAndForce();
                log.reopen(new Floor(1000, 5));
            }
            log.appendMany(3, 6, 10);
            log.publishAndForce();
            log.reopen(new Floor(1000, 5));
            assertThat(log.wal.appendedIndex()).isEqualTo(1003);
            assertThat(log.wal.firstIndex()).isEqualTo(1001);
        }
        assertThat(oldLogs).isBetween(1, 60);
    }

    @Test
    void theFloorIsEvidenceForDamage() {
        LogFixture log = new LogFixture(new SimulatedDirectory());
        log.appendMany(20, 3, 300);
        log.publishAndForce();
        log.reopen(new Floor(20, 3));
        assertThatThrownBy(() -> log.reopen(new Floor(21, 3)))
                .isInstanceOf(WalDamagedException.class)
                .hasMessageContaining("21");
        assertThatThrownBy(() -> log.reopen(new Floor(20, 2)))
                .isInstanceOf(WalDamagedException.class)
                .hasMessageContaining("term 2");
        log.reopen(new Floor(5, 3));
        assertThat(log.entries()).hasSize(20);
    }

    @Test
    void aMissingSegmentIsDamage() {
        LogFixture log = new LogFixture(new SimulatedDirectory());
        log.appendMany(150, 1, 1000);
        log.publishAndForce();
        log.wal.onIdle(1);
        log.publishAndForce();
        assertThat(log.wal.segments().length).isGreaterThan(3);
        for (int slot = 1; slot < log.wal.segments().length - 1; slot++) {
            String name = log.wal.segments()[slot].name;
            assertThatThrownBy(() -> openChanged(log, copy -> copy.delete(name)))
                    .isInstanceOf(WalDamagedException.class);
        }
        SimulatedDirectory withoutFirst = simulated(log).copyForced();
        withoutFirst.delete(log.wal.segments()[0].name);
        assertThatThrownBy(
                        () -> new LogFixture(withoutFirst, log.config, new SplittableRandom(1)::nextLong, Floor.EMPTY))
                .isInstanceOf(WalDamagedException.class);
    }

    @Test
    void aLogOfOtherStorageIsRefused() {
        LogFixture log = provenLog(new ArrayList<>());
        SimulatedDirectory copy = simulated(log).copyForced();
        copy.delete(LogFixture.HARD_STATE);
        WalConfig other = WalConfig.of(77, 2, 99).withSegmentBytes(WalConfig.MIN_SEGMENT_BYTES);
        assertThatThrownBy(() -> new LogFixture(copy, other, new SplittableRandom(1)::nextLong))
                .isInstanceOf(WalDamagedException.class)
                .hasMessageContaining("node=2");
    }

    @Test
    void cutCopiesStayBelowTheirCap() {
        LogFixture log = new LogFixture(
                new SimulatedDirectory(),
                WalConfig.of(1, 1, 1)
                        .withSegmentBytes(WalConfig.MIN_SEGMENT_BYTES)
                        .withCutCopyCapBytes(1000),
                new SplittableRandom(1)::nextLong);
        log.appendMany(3, 1, 3000);
        log.publishAndForce();
        int second = LogPosition.offset(log.wal.table().start(2));
        String name = current(log).name;
        LogFixture opened =
                openChanged(log, copy -> copy.overwrite(name, (second / SECTOR + 2) * SECTOR, new byte[SECTOR]));
        assertThat(opened.entries()).hasSize(1);
        assertThat(opened.wal.recovery().cutBytes()).isGreaterThan(6000);
        assertThat(opened.wal.recovery().cutBytesKept()).isEqualTo(1000);
    }
}
