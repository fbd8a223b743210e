package dev.cairn.wal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.cairn.wal.LogFixture.Entry;
import dev.cairn.wal.simulated.CrashKind;
import dev.cairn.wal.simulated.CrashPoints;
import dev.cairn.wal.simulated.SimulatedDirectory;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * One seed of {@link CrashStateTest}: a log lives, crashes and lives on, on a directory that records every change; between
 * any two changes, those of recovery included, states that a crash may leave are opened and compared with what was
 * acknowledged.
 */
final class CrashStateRun implements CrashPoints {
    private static final int LIVES = 3;
    private static final int STEPS = 40;
    /** An entry of this size fits an empty segment only: to roll early. */
    private static final int ROLLING_BYTES = 40_900;

    private static final CrashKind[] KINDS = CrashKind.values();

    /** What was stored, in physical order: an entry, or a restart behind a snapshot (no payload). */
    private record Event(Entry entry, boolean reset) {}

    private record Content(List<Entry> entries, long lastIndex) {}

    private final SplittableRandom steps;
    private final SplittableRandom crashes;
    private final double statesPerChange;
    private final WalConfig config;
    private SimulatedDirectory directory = new SimulatedDirectory();
    private @Nullable LogFixture log;

    // the oracle
    private Content base = new Content(List.of(), 0);
    private final List<Event> stored = new ArrayList<>();
    private final List<Long> ends = new ArrayList<>();
    private int acknowledged;
    private long truncatedUpTo;
    private Floor applied = Floor.EMPTY;
    private boolean resetInFlight;
    private HardState hardState = new HardState(0, 0, false, 0, 0);
    private @Nullable HardState hardStateInFlight;

    private long term = 1;
    private boolean groupOpen;
    private boolean forcing;
    private int change;
    private String doing = "";

    private final Map<CrashKind, Integer> states = new EnumMap<>(CrashKind.class);
    private int secondCrashes;
    private int duringRecovery;
    private int torn;
    private int recycled;

    CrashStateRun(long seed, double statesPerChange) {
        SplittableRandom random = new SplittableRandom(seed);
        this.steps = random.split();
        this.crashes = random.split();
        this.statesPerChange = statesPerChange;
        this.config = WalConfig.of(7, 3, 11)
                .withSegmentBytes(WalConfig.MIN_SEGMENT_BYTES)
                .withSpareCount(random.nextInt(3));
    }

    /** States opened and compared, second crashes included. */
    int states() {
        return states.values().stream().mapToInt(Integer::intValue).sum() + secondCrashes;
    }

    int states(CrashKind kind) {
        return states.getOrDefault(kind, 0);
    }

    int secondCrashes() {
        return secondCrashes;
    }

    int duringRecovery() {
        return duringRecovery;
    }

    int torn() {
        return torn;
    }

    int recycled() {
        return recycled;
    }

    void run() {
        try {
            for (int life = 0; life < LIVES; life++) {
                open();
                for (int step = 0; step < STEPS; step++) {
                    oneStep(opened());
                }
                acknowledged = acknowledged();
                recycled += (int) opened().wal.sparePreparer().recycledCount();
                log = null;
                directory = directory.afterCrash(anyKind(), crashes);
            }
        } catch (RuntimeException | AssertionError e) {
            throw new AssertionError("change=" + change + " doing=" + doing + ": " + e, e);
        }
    }

    private LogFixture opened() {
        LogFixture fixture = log;
        if (fixture == null) {
            throw new IllegalStateException("not open");
        }
        return fixture;
    }

    private void open() {
        doing = "open";
        directory.record(steps.split(), this);
        LogFixture fixture = new LogFixture(directory, config, steps::nextLong, floor());
        checkRecovered(fixture);
        List<Entry> found = fixture.entries();
        base = new Content(found, fixture.wal.appendedIndex());
        hardState = fixture.hardState.current();
        hardStateInFlight = null;
        stored.clear();
        ends.clear();
        acknowledged = 0;
        if (resetInFlight && fixture.wal.firstIndex() > applied.index() + 1) {
            applied = new Floor(fixture.wal.firstIndex() - 1, fixture.wal.term(fixture.wal.firstIndex() - 1));
        }
        resetInFlight = false;
        term = Math.max(term, fixture.wal.recovery().highestTerm());
        groupOpen = false;
        forcing = false;
        log = fixture;
    }

    // ---- what the log does

    private void oneStep(LogFixture fixture) {
        Wal wal = fixture.wal;
        int dice = steps.nextInt(100);
        if (dice < 35) {
            doing = "append";
            append(fixture, 1 + steps.nextInt(4));
            if (steps.nextInt(4) > 0) {
                publish(wal);
            }
        } else if (dice < 55) {
            doing = "force";
            force(wal);
        } else if (dice < 62) {
            doing = "truncate suffix";
            truncateSuffix(wal);
        } else if (dice < 68) {
            doing = "truncate prefix";
            truncatePrefix(wal);
        } else if (dice < 74) {
            doing = "roll";
            assertThat(wal.ensureRoom(ROLLING_BYTES)).isTrue();
        } else if (dice < 85) {
            doing = "housekeeping";
            housekeeping(fixture, 3);
        } else if (dice < 90) {
            doing = "idle";
            wal.onIdle(applied.index());
            publish(wal);
        } else if (dice < 95) {
            doing = "hard state";
            writeHardState(fixture);
        } else if (dice < 99) {
            doing = "mirror";
            fixture.hardState.mirror();
        } else {
            doing = "reset";
            reset(fixture);
        }
    }

    private void append(LogFixture fixture, int count) {
        for (int i = 0; i < count; i++) {
            long index = fixture.wal.appendedIndex() + 1;
            Entry entry = Entry.of(index, term, stored.size(), EntryDescriptor.TYPE_COMMAND, payload(index));
            stored.add(new Event(entry, false));
            groupOpen = true;
            fixture.append(entry);
            ends.add(fixture.wal.appendedPosition());
        }
    }

    private byte[] payload(long index) {
        int kind = steps.nextInt(20);
        int length = kind == 0 ? steps.nextInt(9000) : steps.nextInt(kind < 5 ? 1600 : 200);
        byte[] payload = LogFixture.payload(length, index, steps.nextInt(1000));
        if (kind % 6 == 1) {
            java.util.Arrays.fill(payload, steps.nextInt(length + 1), length, (byte) 0);
        }
        return payload;
    }

    private void publish(Wal wal) {
        wal.publish();
        groupOpen = false;
    }

    private void force(Wal wal) {
        forcing = !groupOpen;
        wal.force();
        forcing = false;
    }

    private static void housekeeping(LogFixture fixture, int count) {
        for (int i = 0; i < count; i++) {
            fixture.wal.sparePreparer().doWork(fixture.nowNs += SparePreparer.PAUSE_NS);
        }
    }

    private void truncateSuffix(Wal wal) {
        long lowest = Math.max(applied.index() + 1, wal.firstIndex());
        if (lowest <= wal.appendedIndex()) {
            wal.truncateSuffix(lowest + steps.nextLong(wal.appendedIndex() - lowest + 1));
            term++;
        }
    }

    private void truncatePrefix(Wal wal) {
        long durable = wal.durableIndex();
        if (durable > applied.index()) {
            long index = durable - steps.nextLong(durable - applied.index());
            applied = new Floor(index, wal.term(index));
        }
        truncatedUpTo = Math.max(truncatedUpTo, applied.index());
        wal.truncatePrefix(applied.index());
        publish(wal);
    }

    private void writeHardState(LogFixture fixture) {
        HardState next = new HardState(
                hardState.term() + steps.nextInt(3), steps.nextInt(4), steps.nextInt(8) == 0, steps.nextInt(3), 0);
        hardStateInFlight = next;
        fixture.hardState.write(next.term(), next.votedFor(), next.repairing(), next.storageEpoch());
        hardState = next;
        hardStateInFlight = null;
    }

    /** Until it is durable, the log is the old or the new one, and the applied index proves neither. */
    private void reset(LogFixture fixture) {
        Wal wal = fixture.wal;
        long index = wal.appendedIndex() + 1 + steps.nextInt(50);
        resetInFlight = true;
        truncatedUpTo = Math.max(truncatedUpTo, index);
        stored.add(new Event(Entry.of(index, term, 0, EntryDescriptor.TYPE_NOOP, new byte[0]), true));
        wal.reset(index, term);
        ends.add(wal.appendedPosition());
        publish(wal);
        housekeeping(fixture, steps.nextInt(4));
        force(wal);
        applied = new Floor(index, term);
        resetInFlight = false;
    }

    // ---- what a crash leaves of it

    @Override
    public void duringForce() {
        if (forcing && steps.nextBoolean()) {
            forcing = false;
            append(opened(), 1 + steps.nextInt(3));
            housekeeping(opened(), steps.nextInt(2));
            if (steps.nextBoolean()) {
                publish(opened().wal);
            }
        }
    }

    @Override
    public void afterChange() {
        change++;
        if (crashes.nextDouble() < statesPerChange) {
            CrashKind kind = anyKind();
            try {
                checkState(kind);
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError("crash=" + kind + ": " + e, e);
            }
        }
    }

    private CrashKind anyKind() {
        return KINDS[crashes.nextInt(KINDS.length)];
    }

    private void checkState(CrashKind kind) {
        SimulatedDirectory state = directory.afterCrash(kind, crashes);
        states.merge(kind, 1, Integer::sum);
        duringRecovery += log == null ? 1 : 0;
        LogFixture fixture = new LogFixture(state, config, crashes::nextLong, floor());
        torn += fixture.wal.recovery().torn() ? 1 : 0;
        Content found = checkRecovered(fixture);
        if (crashes.nextInt(4) == 0) {
            secondCrash(state, fixture, found);
        }
    }

    /** What an open log holds is durable, all of it. */
    private void secondCrash(SimulatedDirectory state, LogFixture fixture, Content found) {
        secondCrashes++;
        HardState before = fixture.hardState.current();
        LogFixture again =
                new LogFixture(state.afterCrash(anyKind(), crashes), config, crashes::nextLong, Floor.UNKNOWN);
        assertThat(again.entries()).as("after a second crash").isEqualTo(found.entries);
        assertThat(again.wal.appendedIndex()).isEqualTo(found.lastIndex);
        assertThat(same(again.hardState.current(), before)).isTrue();
    }

    private Floor floor() {
        return resetInFlight ? Floor.UNKNOWN : applied;
    }

    private int acknowledged() {
        LogFixture fixture = log;
        if (fixture == null) {
            return acknowledged;
        }
        long durable = fixture.wal.durablePosition();
        int count = 0;
        while (count < ends.size() && ends.get(count) <= durable) {
            count++;
        }
        return count;
    }

    private Content checkRecovered(LogFixture fixture) {
        HardState now = fixture.hardState.current();
        HardState inFlight = hardStateInFlight;
        if (!same(now, hardState) && (inFlight == null || !same(now, inFlight))) {
            fail("hard state " + now + " of " + hardState + " and " + inFlight);
        }
        Content found = new Content(fixture.entries(), fixture.wal.appendedIndex());
        long first = fixture.wal.firstIndex();
        if (first > truncatedUpTo + 1) {
            fail("first index " + first + " although no more than " + truncatedUpTo + " was given up");
        }
        int atLeast = acknowledged();
        for (int count = stored.size(); count >= atLeast; count--) {
            if (from(replay(count), first).equals(found)) {
                return found;
            }
        }
        return fail("recovered " + first + ".." + found.lastIndex + " is no prefix of the stores from " + atLeast
                + " of " + stored.size() + " on; acknowledged were " + replay(atLeast) + ", found " + found);
    }

    private static boolean same(HardState a, HardState b) {
        return a.term() == b.term()
                && a.votedFor() == b.votedFor()
                && a.repairing() == b.repairing()
                && a.storageEpoch() == b.storageEpoch();
    }

    private Content replay(int count) {
        List<Entry> entries = new ArrayList<>(base.entries);
        long last = base.lastIndex;
        for (Event event : stored.subList(0, count)) {
            last = event.entry.index();
            while (!entries.isEmpty()
                    && (event.reset || entries.get(entries.size() - 1).index() >= last)) {
                entries.remove(entries.size() - 1);
            }
            if (!event.reset) {
                entries.add(event.entry);
            }
        }
        return new Content(entries, last);
    }

    private static Content from(Content content, long first) {
        return new Content(
                content.entries.stream().filter(entry -> entry.index() >= first).toList(), content.lastIndex);
    }
}
