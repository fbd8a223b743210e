package dev.cairn.bench.jmh;

import dev.cairn.wal.Wal;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/**
 * Groups appended and forced. Pages are cold, as a node's spares are: those touched in advance would all be written by the
 * first force.
 *
 * <p>Both threads' work is done by one thread: what a hand-over costs is not in here.
 */
public class WalForceBenchmark extends FreshLogBenchmark {
    /** Forces of one invocation. */
    static final int GROUPS = 100;

    /** How many entries one force covers. */
    @Param({"1", "64", "256"})
    public int entries = 1;

    @Setup(Level.Invocation)
    public void openLog() throws IOException {
        open(Math.multiplyExact(GROUPS, entries), entries, false);
    }

    /** A group and its force; time per group. */
    @Benchmark
    @OperationsPerInvocation(GROUPS)
    @OutputTimeUnit(TimeUnit.MICROSECONDS)
    public long appendAndForce() {
        Wal wal = wal();
        for (int i = 0; i < GROUPS; i++) {
            appendGroup(wal, entries);
            wal.force();
        }
        return checked(wal.durablePosition());
    }
}
