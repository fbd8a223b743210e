package dev.cairn.bench.jmh;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.Test;

/** In the steady state the rules of Raft cost no heap: propose, flush, force, acknowledgements, a read; and at a follower. */
final class RaftCoreAllocationTest {
    private static final int CYCLES = 20_000;

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private final RaftCoreBenchmark benchmark = new RaftCoreBenchmark();

    @Test
    void aCycleOfALeaderAllocatesNothing() {
        long committed = allocatesNothing("leader", benchmark::leader);
        assertThat(committed).isEqualTo(1 + 2L * CYCLES * RaftCoreBenchmark.ENTRIES);
    }

    @Test
    void aCycleOfAFollowerAllocatesNothing() {
        long committed = allocatesNothing("follower", benchmark::follower);
        assertThat(committed).isEqualTo(2L * CYCLES * RaftCoreBenchmark.ENTRIES);
    }

    /** What the last cycle answers. */
    private long allocatesNothing(String what, LongSupplier cycle) {
        run(cycle);
        long before = threads.getCurrentThreadAllocatedBytes();
        long answer = run(cycle);
        double perCycle = (threads.getCurrentThreadAllocatedBytes() - before) / (double) CYCLES;
        System.out.println("allocated bytes per cycle of a " + what + ": " + perCycle);
        assertThat(perCycle).isLessThan(1.0);
        return answer;
    }

    private static long run(LongSupplier cycle) {
        long answer = 0;
        for (int i = 0; i < CYCLES; i++) {
            answer = cycle.getAsLong();
        }
        return answer;
    }
}
