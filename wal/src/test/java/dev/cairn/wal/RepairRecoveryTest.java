package dev.cairn.wal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.wal.LogFixture.Entry;
import dev.cairn.wal.simulated.CrashKind;
import dev.cairn.wal.simulated.SimulatedDirectory;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Recovery that goes on around damage: what stays, what hard state says, and what is kept aside. */
final class RepairRecoveryTest {
    private static final int PAYLOAD_BYTES = 3000;

    private static final int RUNS = 60;
    private static final List<CrashKind> KINDS = List.of(CrashKind.values());

    private final SimulatedDirectory directory = new SimulatedDirectory();
    private final LongSupplier salts = new SplittableRandom(7)::nextLong;
    private final LogFixture log = new LogFixture(
            directory, WalConfig.of(77, 1, 99).withSegmentBytes(WalConfig.MIN_SEGMENT_BYTES), salts, Floor.EMPTY);
    private final List<Entry> entries = new ArrayList<>();

    /** Three segments; all of it durable, and known to be. */
    private void fill() {
        for (int i = 0; i < 50; i++) {
            entries.addAll(log.appendMany(1, 1 + i / 10, PAYLOAD_BYTES));
            log.publishAndForce();
        }
        log.wal.onIdle(40);
        log.publishAndForce();
        log.makeSpares();
    }

    private long term(long index) {
        return entries.get((int) index - 1).term();
    }

    private Floor applied(long index) {
        return new Floor(index, index == 0 ? 0 : term(index));
    }

    private void damage(long index) {
        long start = log.wal.table().start(index);
        String name = log.wal.fileOf(LogPosition.segment(start));
        int at = LogPosition.offset(start) + RecordDescriptor.HEADER_LENGTH + EntryDescriptor.HEADER_LENGTH + 1000;
        flip(name, at);
    }

    private void flip(String name, int at) {
        directory.overwrite(name, at, new byte[] {(byte) (directory.bytes(name)[at] ^ 4)});
    }

    private Wal open(Floor floor, @Nullable Floor store) {
        HardStateFile hardState = HardStateFile.open(log.config, directory, LogFixture.HARD_STATE);
        log.hardState = hardState;
        log.wal = Wal.open(log.config, directory, hardState, floor, store, salts);
        return log.wal;
    }

    private RecoveryReport.Damage repaired(Floor store) {
        log.close();
        Wal wal = open(store, store);
        RecoveryReport.Damage damage = wal.recovery().damage();
        assertThat(damage).isNotNull();
        return Objects.requireNonNull(damage);
    }

    private void assertHolds(long firstIndex, long lastIndex) {
        assertThat(log.wal.firstIndex()).isEqualTo(firstIndex);
        assertThat(log.wal.appendedIndex()).isEqualTo(lastIndex);
        assertThat(log.entries()).isEqualTo(entries.subList((int) firstIndex - 1, (int) lastIndex));
    }

    /** What was made of it stands by itself: the next start finds nothing wrong, also behind a crash. */
    private void assertNextStartIsClean(Floor store) {
        long first = log.wal.firstIndex();
        long last = log.wal.appendedIndex();
        log.close();
        directory.crashHost(new SplittableRandom(1));
        open(store, null);
        assertHolds(first, last);
        entries.subList((int) last, entries.size()).clear();
        entries.addAll(log.appendMany(3, 9, 100));
        log.publishAndForce();
        assertHolds(first, last + 3);
    }

    @Test
    void damageAboveTheStoreLeavesTheBeginning() {
        fill();
        damage(30);
        RecoveryReport.Damage damage = repaired(applied(12));
        assertThat(damage.repairing()).isTrue();
        assertThat(damage.lost()).hasToString("[30]");
        assertThat(damage.text()).contains("index=30").endsWith(" lost=[30]");
        assertHolds(1, 29);
        assertThat(log.hardState.current().repairing()).isTrue();
        assertThat(log.hardState.current().storageEpoch()).isEqualTo(1);
        assertThat(damage.keptAside()).hasSizeGreaterThanOrEqualTo(2).allMatch(name -> name.startsWith("damaged-1-"));
        assertNextStartIsClean(applied(12));
        assertThat(log.hardState.current().repairing()).isTrue();
        assertThat(log.hardState.current().storageEpoch()).isEqualTo(1);
    }

    @Test
    void damageBelowTheStoreIsForgottenAsIfCompacted() {
        fill();
        damage(30);
        RecoveryReport.Damage damage = repaired(applied(30));
        assertThat(damage.repairing()).isFalse();
        assertThat(damage.lost()).hasToString("[30]");
        assertHolds(31, 50);
        assertThat(log.hardState.current().repairing()).isFalse();
        assertThat(log.hardState.current().storageEpoch()).isZero();
        assertNextStartIsClean(applied(30));
    }

    @Test
    void damageOnBothSidesOfTheStoreLeavesWhatStandsBetween() {
        fill();
        damage(10);
        damage(20);
        damage(40);
        RecoveryReport.Damage damage = repaired(applied(25));
        assertThat(damage.repairing()).isTrue();
        assertThat(damage.lost()).hasToString("[10,20,40]");
        assertHolds(26, 39);
        assertNextStartIsClean(applied(25));
    }

    @Test
    void aLostHeaderOrSegmentIsAHole() {
        fill();
        String name = log.wal.fileOf(2);
        long firstOfNext = 0;
        long last = 0;
        for (long index = 50; index > 0; index--) {
            int segment = LogPosition.segment(log.wal.table().start(index));
            firstOfNext = segment > 2 ? index : firstOfNext;
            last = segment < 2 ? Math.max(last, index) : last;
        }
        flip(name, 8);
        RecoveryReport.Damage damage = repaired(applied(5));
        assertThat(damage.repairing()).isTrue();
        assertThat(damage.lost()).hasToString("[" + (last + 1) + ".." + (firstOfNext - 1) + "]");
        assertHolds(1, last);
        assertThat(damage.keptAside()).contains("damaged-1-" + name);
        assertNextStartIsClean(applied(5));
    }

    /** Nothing below it tells that it was there. */
    @Test
    void aLastSegmentThatTellsNothingIsNotTakenForASpare() {
        fill();
        int segment = LogPosition.segment(log.wal.table().start(50));
        long last = 50;
        while (LogPosition.segment(log.wal.table().start(last)) == segment) {
            last--;
        }
        flip(log.wal.fileOf(segment), 8);
        RecoveryReport.Damage damage = repaired(applied(5));
        assertThat(damage.repairing()).isTrue();
        assertHolds(1, last);
        assertNextStartIsClean(applied(5));
    }

    /** What is left may be of a branch that was given up: the store's entry is the one that counts. */
    @Test
    void aLogThatContradictsTheStoreIsGivenUp() {
        fill();
        damage(10);
        Floor other = new Floor(25, term(25) + 1);
        RecoveryReport.Damage damage = repaired(other);
        assertThat(damage.repairing()).isTrue();
        assertThat(log.wal.firstIndex()).isEqualTo(26);
        assertThat(log.wal.appendedIndex()).isEqualTo(25);
        assertThat(log.wal.term(25)).isEqualTo(other.term());
    }

    @Test
    void withoutAnySegmentTheStoreIsAllThatIsLeft() {
        fill();
        directory.list().stream().filter(name -> name.endsWith(".wal")).forEach(directory::delete);
        RecoveryReport.Damage damage = repaired(applied(25));
        assertThat(damage.repairing()).isTrue();
        assertThat(damage.lost()).hasToString("[1..]");
        assertHolds(26, 25);
        assertNextStartIsClean(applied(25));
    }

    @Test
    void withoutAnythingTheLogBeginsAnew() {
        fill();
        directory.list().stream().filter(name -> name.endsWith(".wal")).forEach(directory::delete);
        RecoveryReport.Damage damage = repaired(applied(0));
        assertThat(damage.repairing()).isTrue();
        assertHolds(1, 0);
        assertNextStartIsClean(applied(0));
    }

    @Test
    void withoutRequestTheNodeStopsAndListsWhatIsLost() {
        fill();
        damage(10);
        damage(30);
        damage(31);
        log.close();
        assertThatThrownBy(() -> open(applied(5), null))
                .isInstanceOf(WalDamagedException.class)
                .hasMessageContaining(" index=10 ")
                .hasMessageEndingWith(" lost=[10,30..31]; all files were kept as found");
    }

    @Test
    void newDamageIsANewEpoch() {
        fill();
        damage(40);
        repaired(applied(5));
        damage(20);
        RecoveryReport.Damage damage = repaired(applied(5));
        assertThat(damage.storageEpoch()).isEqualTo(2);
        assertHolds(1, 19);
    }

    /** Any bytes of any segments, any state of the store, and a crash at any change that the recovery makes. */
    @Test
    void whateverIsDamagedNothingIsMissingWithoutAWord() {
        long first = Seeds.first();
        int runs = Seeds.count(RUNS);
        int[] counts = new int[4];
        for (long seed = first; seed < first + runs; seed++) {
            try {
                new DamagedRun(seed, counts).run();
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError("-Dseed=" + seed + " " + e.getMessage(), e);
            }
        }
        System.out.println("repair recovery: first seed=" + first + " runs=" + runs + " undamaged=" + counts[0]
                + " forgotten=" + counts[1] + " repairing=" + counts[2] + " crashes=" + counts[3]);
        if (!Seeds.given()) {
            assertThat(counts).doesNotContain(0);
        }
    }

    /** One log, damaged once. */
    private static final class DamagedRun {
        private final SplittableRandom random;
        private final SplittableRandom crashes;
        private final int[] counts;
        private final SimulatedDirectory directory = new SimulatedDirectory();
        private final LogFixture log;
        private final List<Entry> live = new ArrayList<>();
        private Floor store = Floor.EMPTY;

        DamagedRun(long seed, int[] counts) {
            random = new SplittableRandom(seed);
            crashes = new SplittableRandom(~seed);
            this.counts = counts;
            WalConfig config = WalConfig.of(77, 1, 99).withSegmentBytes(WalConfig.MIN_SEGMENT_BYTES);
            log = new LogFixture(directory, config, random.split()::nextLong, Floor.EMPTY);
        }

        void run() {
            fill();
            log.close();
            int flips = random.nextInt(1, 4);
            List<String> segments = directory.list().stream()
                    .filter(name -> name.endsWith(".wal"))
                    .toList();
            for (int i = 0; i < flips; i++) {
                flip(segments.get(random.nextInt(segments.size())));
            }
            directory.record(new SplittableRandom(1), () -> {
                if (crashes.nextInt(12) == 0) {
                    counts[3]++;
                    CrashKind kind = KINDS.get(crashes.nextInt(KINDS.size()));
                    openAndCheck(directory.afterCrash(kind, crashes));
                }
            });
            Wal wal = openAndCheck(directory);
            RecoveryReport.Damage damage = wal.recovery().damage();
            counts[damage == null ? 0 : damage.repairing() ? 2 : 1]++;
        }

        private void fill() {
            long term = 1;
            int steps = random.nextInt(10, 60);
            for (int i = 0; i < steps; i++) {
                if (random.nextInt(8) == 0) {
                    term++;
                    int keep = (int) Math.max(store.index(), live.size() - random.nextInt(6));
                    live.subList(keep, live.size()).clear();
                    log.wal.truncateSuffix(keep + 1);
                }
                live.addAll(log.appendMany(random.nextInt(1, 3), term, random.nextInt(1, 6000)));
                log.publishAndForce();
                if (random.nextInt(4) == 0) {
                    long index = random.nextLong(store.index(), live.size() + 1);
                    store = index == 0
                            ? Floor.EMPTY
                            : new Floor(index, live.get((int) index - 1).term());
                }
            }
            log.wal.onIdle(store.index());
            log.publishAndForce();
            log.makeSpares();
        }

        private void flip(String name) {
            byte[] bytes = directory.bytes(name);
            int at;
            do {
                at = random.nextInt(bytes.length);
            } while (bytes[at] == 0 && random.nextInt(20) > 0);
            directory.overwrite(name, at, new byte[] {(byte) (bytes[at] ^ 1 << random.nextInt(Byte.SIZE))});
        }

        private Wal openAndCheck(SimulatedDirectory disk) {
            HardStateFile hardState = HardStateFile.open(log.config, disk, LogFixture.HARD_STATE);
            Wal wal = Wal.open(
                    log.config, disk, hardState, store, store, new SplittableRandom(crashes.nextLong())::nextLong);
            boolean repairing = hardState.current().repairing();
            assertThat(wal.firstIndex() - 1).isLessThanOrEqualTo(store.index());
            assertThat(wal.appendedIndex()).isGreaterThanOrEqualTo(store.index());
            assertThat(wal.term(store.index())).isEqualTo(store.term());
            List<Entry> left = LogFixture.read(wal, wal.newCursor());
            assertThat(left).hasSize((int) (wal.appendedIndex() - wal.firstIndex() + 1));
            if (!repairing) {
                assertThat(left).isEqualTo(live.subList((int) wal.firstIndex() - 1, live.size()));
                assertThat(hardState.current().storageEpoch()).isZero();
            } else {
                assertThat(hardState.current().storageEpoch()).isPositive();
                assertThat(disk.list()).anyMatch(name -> name.startsWith(DamagedFiles.PREFIX));
            }
            return wal;
        }
    }
}
