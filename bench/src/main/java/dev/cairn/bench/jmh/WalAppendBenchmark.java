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

/** Appending to the log, without a force; the pattern for benchmarks of a stage. */
public class WalAppendBenchmark extends FreshLogBenchmark {
    /** Entries of one invocation: some 15 ms, so that its start does not count. */
    static final int ENTRIES = 150_000;

    /** Entries between two publishes. */
    static final int ENTRIES_PER_GROUP = 64;

    /** Whether every page of the segment was touched before: a node's spares are not, each 4 KiB costs a page fault. */
    @Param({"cold", "prefaulted"})
    public String pages = "cold";

    @Setup(Level.Invocation)
    public void openLog() throws IOException {
        boolean prefaulted = pages.equals("prefaulted");
        if (!prefaulted && !pages.equals("cold")) {
            throw new IllegalArgumentException("pages=" + pages);
        }
        open(ENTRIES, ENTRIES_PER_GROUP, prefaulted);
    }

    /** Encoding, checksums and the store; time per entry. */
    @Benchmark
    @OperationsPerInvocation(ENTRIES)
    @OutputTimeUnit(TimeUnit.NANOSECONDS)
    public long append() {
        Wal wal = wal();
        for (int i = 0; i < ENTRIES; i += ENTRIES_PER_GROUP) {
            appendGroup(wal, Math.min(ENTRIES_PER_GROUP, ENTRIES - i));
        }
        return checked(wal.appendedPosition());
    }
}
