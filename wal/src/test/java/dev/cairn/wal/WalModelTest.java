package dev.cairn.wal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.cairn.covers.Covers;
import dev.cairn.wal.LogFixture.Entry;
import dev.cairn.wal.simulated.SimulatedDirectory;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Random steps against a plain list. After a crash the log must hold what some prefix of the stores amounts to, and that
 * prefix must reach at least as far as the durable position had.
 */
final class WalModelTest {
    private static final int SEEDS = 200;
    private static final int STEPS = 120;

    @Test
    @Covers({"W03", "W04"})
    void whateverWasDurableIsThereAfterAnyCrash() {
        long first = Seeds.first();
        int crashes = 0;
        int torn = 0;
        for (int i = 0; i < Seeds.count(SEEDS); i++) {
            Run run = new Run(first + i, Set.of());
            try {
                run.steps();
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError("-Dseed=" + (first + i) + " step=" + run.step + " " + e.getMessage(), e);
            }
            crashes += run.crashes;
            torn += run.torn;
        }
        System.out.println("model: first seed=" + first + " crashes=" + crashes + " torn tails=" + torn);
        if (!Seeds.given()) {
            assertThat(torn).isGreaterThan(SEEDS / 10);
        }
    }

    @ParameterizedTest
    @EnumSource(WalFault.class)
    void plantedBugsAreFound(WalFault fault) {
        for (int seed = 0; seed < SEEDS; seed++) {
            try {
                new Run(seed, EnumSet.of(fault)).steps();
            } catch (WalException | AssertionError e) {
                assertThat(e.getMessage()).isNotEmpty();
                return;
            }
        }
        fail(fault + " was not found in " + SEEDS + " seeds");
    }

    /** One seed. */
    private static final class Run {
        private final SplittableRandom random;
        private final SimulatedDirectory directory = new SimulatedDirectory();
        private final LogFixture log;
        private final LogCursor[] cursors = new LogCursor[2];
        /** What the log held when it was last opened, and every store since, in physical order. */
        private List<Entry> base = new ArrayList<>();

        private final List<Entry> stored = new ArrayList<>();
        private final List<Long> ends = new ArrayList<>();
        private List<Entry> live = new ArrayList<>();
        private Floor applied = Floor.EMPTY;
        private long term = 1;
        private boolean forceWillFail;
        private int crashes;
        private int torn;
        private int step;

        Run(long seed, Set<WalFault> faults) {
            random = new SplittableRandom(seed);
            WalConfig config = WalConfig.of(7, 3, 11)
                    .withSegmentBytes(WalConfig.MIN_SEGMENT_BYTES)
                    .withSpareCount(random.nextInt(3))
                    .withFaults(faults);
            log = new LogFixture(directory, config, random::nextLong, applied);
            newCursors();
        }

        void steps() {
            for (step = 0; step < STEPS; step++) {
                try {
                    oneStep();
                } catch (WalDamagedException e) {
                    throw e;
                } catch (WalException e) {
                    if (!forceWillFail) {
                        throw e;
                    }
                    crash();
                }
            }
        }

        private void oneStep() {
            int dice = random.nextInt(100);
            if (dice < 35) {
                append(1 + random.nextInt(12));
            } else if (dice < 50) {
                log.wal.publish();
            } else if (dice < 65) {
                log.wal.force();
            } else if (dice < 70) {
                truncateSuffix();
            } else if (dice < 74) {
                advanceApplied();
            } else if (dice < 80) {
                log.wal.sparePreparer().doWork(log.nowNs += SparePreparer.PAUSE_NS);
            } else if (dice < 83) {
                log.wal.onIdle(applied.index());
            } else if (dice < 87) {
                directory.writeBack(random);
            } else if (dice < 93) {
                checkReads();
            } else if (dice < 94) {
                directory.failForceAfter(random.nextInt(6), random);
                forceWillFail = true;
            } else if (dice < 98) {
                crash();
            } else {
                cleanRestart();
            }
        }

        private void append(int count) {
            for (int i = 0; i < count; i++) {
                long index = log.wal.appendedIndex() + 1;
                Entry entry = Entry.of(index, term, index * 3, EntryDescriptor.TYPE_COMMAND, payload(index));
                log.append(entry);
                stored.add(entry);
                ends.add(log.wal.appendedPosition());
                live.add(entry);
            }
        }

        private byte[] payload(long index) {
            int kind = random.nextInt(40);
            int length = kind == 0 ? random.nextInt(60_000) : random.nextInt(kind < 4 ? 3000 : 400);
            return kind % 4 == 1 ? new byte[length] : LogFixture.payload(length, index, random.nextInt(1000));
        }

        private void truncateSuffix() {
            long lowest = Math.max(applied.index() + 1, log.wal.firstIndex());
            if (lowest > log.wal.appendedIndex()) {
                return;
            }
            long from = lowest + random.nextLong(log.wal.appendedIndex() - lowest + 1);
            log.wal.truncateSuffix(from);
            cutFrom(live, from);
            term++;
        }

        private static void cutFrom(List<Entry> entries, long from) {
            while (!entries.isEmpty() && entries.get(entries.size() - 1).index() >= from) {
                entries.remove(entries.size() - 1);
            }
        }

        private void advanceApplied() {
            long durable = log.wal.durableIndex();
            if (durable > applied.index()) {
                long index = applied.index() + random.nextLong(durable - applied.index() + 1);
                applied = new Floor(index, index == 0 ? 0 : log.wal.term(index));
            }
            if (random.nextBoolean() && applied.index() > 0) {
                log.wal.truncatePrefix(applied.index());
            }
        }

        private void checkReads() {
            log.wal.publish();
            LogCursor cursor = cursors[random.nextInt(2)];
            long index = log.wal.firstIndex() + random.nextInt(20);
            for (; index <= log.wal.appendedIndex(); index++) {
                assertThat(cursor.seek(index)).isTrue();
                assertThat(LogFixture.read(cursor))
                        .isEqualTo(live.get((int) (index - live.get(0).index())));
            }
            assertThat(cursor.seek(index)).isFalse();
        }

        private void newCursors() {
            cursors[0] = log.wal.newCursor();
            cursors[1] = log.wal.newLoopCursor();
        }

        private void cleanRestart() {
            log.wal.publish();
            log.wal.force();
            if (random.nextBoolean() && log.wal.onIdle(applied.index())) {
                log.wal.publish();
                log.wal.force();
            }
            long durable = log.wal.durablePosition();
            log.close();
            reopen(durable, stored.size());
        }

        private void crash() {
            long durable = log.wal.durablePosition();
            boolean host = random.nextBoolean();
            crashNow(host);
            reopen(durable, host ? 0 : stored.size());
        }

        private void crashNow(boolean host) {
            crashes++;
            forceWillFail = false;
            if (host) {
                directory.crashHost(random);
            } else {
                directory.crashProcess();
            }
        }

        private void reopen(long durable, int leastCertain) {
            int atLeast = leastCertain;
            while (true) {
                if (random.nextInt(3) == 0) {
                    directory.failForceAfter(random.nextInt(10), random);
                    forceWillFail = true;
                }
                try {
                    log.reopen(applied);
                    break;
                } catch (WalDamagedException e) {
                    throw e;
                } catch (WalException e) {
                    if (!forceWillFail) {
                        throw e;
                    }
                    boolean host = random.nextBoolean();
                    crashNow(host);
                    atLeast = host ? 0 : atLeast;
                }
            }
            torn += log.wal.recovery().torn() ? 1 : 0;
            for (int i = 0; i < ends.size(); i++) {
                if (ends.get(i) <= durable) {
                    atLeast = Math.max(atLeast, i + 1);
                }
            }
            checkRecovered(atLeast);
        }

        private void checkRecovered(int atLeast) {
            List<Entry> found = log.entries();
            long first = log.wal.firstIndex();
            boolean explained = false;
            for (int count = stored.size(); count >= atLeast && !explained; count--) {
                explained = from(replay(count), first).equals(found);
            }
            if (!explained) {
                fail("recovered " + first + ".." + log.wal.appendedIndex() + " is no prefix of the stores from "
                        + atLeast + " of " + stored.size() + " on; all would be " + replay(stored.size()) + ", found "
                        + found);
            }
            assertThat(log.wal.durablePosition()).isEqualTo(log.wal.appendedPosition());
            assertThat(log.wal.durableIndex()).isEqualTo(log.wal.appendedIndex());
            assertThat(log.hardState.current().sequence())
                    .isEqualTo(log.wal.recovery().hardStateSequence());
            base = found;
            live = new ArrayList<>(found);
            stored.clear();
            ends.clear();
            term = Math.max(term, log.wal.recovery().highestTerm());
            newCursors();
        }

        private List<Entry> replay(int count) {
            List<Entry> entries = new ArrayList<>(base);
            for (Entry entry : stored.subList(0, count)) {
                cutFrom(entries, entry.index());
                entries.add(entry);
            }
            return entries;
        }

        private static List<Entry> from(List<Entry> entries, long first) {
            return entries.stream().filter(entry -> entry.index() >= first).toList();
        }
    }
}
