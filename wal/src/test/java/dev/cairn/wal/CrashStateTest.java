package dev.cairn.wal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.covers.Covers;
import dev.cairn.wal.simulated.CrashKind;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/**
 * States that a crash may leave, made between any two changes of the disk while logs append, supersede, roll, drop prefixes,
 * recycle segments, restart behind snapshots, write hard state and recover. Each must open, and hold what was acknowledged:
 * that, or more of what was stored. The profile {@code stress} makes twenty times as many.
 */
final class CrashStateTest {
    private static final boolean STRESS = Boolean.getBoolean("cairn.stress");
    private static final int LEAST_STATES = STRESS ? 2_000_000 : 100_000;
    private static final int RUNS = STRESS ? 4_000 : 200;
    private static final double STATES_PER_CHANGE = 0.5;

    @Test
    @Covers({"W03", "W04", "W12", "W16"})
    void everyStateThatACrashCanLeaveOpensWithWhatWasAcknowledged() {
        long first = Seeds.first();
        AtomicLong states = new AtomicLong();
        AtomicLong secondCrashes = new AtomicLong();
        AtomicLong duringRecovery = new AtomicLong();
        AtomicLong torn = new AtomicLong();
        AtomicLong recycled = new AtomicLong();
        Map<CrashKind, AtomicLong> byKind = new EnumMap<>(CrashKind.class);
        for (CrashKind kind : CrashKind.values()) {
            byKind.put(kind, new AtomicLong());
        }
        List<Long> seeds =
                LongStream.range(first, first + Seeds.count(RUNS)).boxed().toList();
        InParallel.forEach(seeds, seed -> {
            CrashStateRun run = new CrashStateRun(seed, STATES_PER_CHANGE);
            try {
                run.run();
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError(
                        "-Dseed=" + seed + " state=" + run.states() + " of all=" + (states.get() + run.states()) + " "
                                + e.getMessage(),
                        e);
            }
            states.addAndGet(run.states());
            secondCrashes.addAndGet(run.secondCrashes());
            duringRecovery.addAndGet(run.duringRecovery());
            torn.addAndGet(run.torn());
            recycled.addAndGet(run.recycled());
            byKind.forEach((kind, count) -> count.addAndGet(run.states(kind)));
        });
        System.out.println("crash states: first seed=" + first + " states=" + states + " torn=" + torn
                + " during recovery=" + duringRecovery + " second crashes=" + secondCrashes + " recycled="
                + recycled + " " + byKind);
        if (!Seeds.given()) {
            assertThat(states.get()).isGreaterThanOrEqualTo(LEAST_STATES);
            assertThat(torn.get()).isGreaterThan(states.get() / 100);
            assertThat(recycled.get()).isGreaterThan(RUNS / 10);
            byKind.forEach((kind, count) -> assertThat(count.get()).isGreaterThan(LEAST_STATES / 20));
        }
    }
}
