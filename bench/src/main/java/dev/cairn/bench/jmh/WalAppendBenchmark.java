package dev.cairn.bench.jmh;

import dev.cairn.wal.EntryDescriptor;
import dev.cairn.wal.LogPosition;
import dev.cairn.wal.Wal;
import dev.cairn.wal.WriterChoice;
import java.io.IOException;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Appending to the log, without and with forces; the pattern for benchmarks of a stage.
 *
 * <p>One invocation writes a fixed amount into a fresh log that fits into one segment: a benchmark by time would fill the disk,
 * and would measure how segments are prepared. So the mode is single shot, one invocation is one iteration, and the score is
 * the time per entry or per group within it. The log lies in the directory that system property {@code java.io.tmpdir} names: let
 * it be on the disk that is to be measured.
 *
 * <p>Both threads' work is done by one thread: what a hand-over costs is not in here.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.SingleShotTime)
@Warmup(iterations = 10)
@Measurement(iterations = 20)
@Fork(2)
public class WalAppendBenchmark {
    /** Entries of one invocation of {@link #append}: some 15 ms, so that the start of an invocation does not count. */
    static final int ENTRIES = 150_000;

    /** Entries between two publishes of {@link #append}. */
    static final int ENTRIES_PER_GROUP = 64;

    /** Forces of one invocation of the forced benchmarks. */
    static final int GROUPS = 100;

    private static final long TERM = 1;

    /** How many entries one force covers. */
    @State(Scope.Thread)
    public static class Group {
        @Param({"1", "64", "256"})
        public int entries = 1;
    }

    @Param({"mapped", "channel"})
    public String writer = "mapped";

    @Param("300")
    public int payloadBytes = 300;

    /** Whether every page of the segment was touched before: a node's spares are not, each 4 KiB costs a page fault. */
    @Param({"cold", "prefaulted"})
    public String pages = "cold";

    private UnsafeBuffer payload = new UnsafeBuffer(new byte[0]);
    private @Nullable BenchmarkLog log;

    @Setup(Level.Trial)
    public void makePayload() {
        byte[] bytes = new byte[payloadBytes];
        new SplittableRandom(1).nextBytes(bytes);
        payload = new UnsafeBuffer(bytes);
    }

    @Setup(Level.Invocation)
    public void openLog() throws IOException {
        boolean prefaulted = pages.equals("prefaulted");
        if (!prefaulted && !pages.equals("cold")) {
            throw new IllegalArgumentException("pages=" + pages);
        }
        log = BenchmarkLog.open(
                null,
                WriterChoice.valueOf(writer.toUpperCase(Locale.ROOT)),
                BenchmarkLog.segmentBytes(ENTRIES, payloadBytes, ENTRIES_PER_GROUP),
                0,
                prefaulted);
        log.ready(ENTRIES);
    }

    @TearDown(Level.Invocation)
    public void deleteLog() throws IOException {
        BenchmarkLog opened = log;
        log = null;
        if (opened != null) {
            opened.delete();
        }
    }

    /** Appending alone: encoding, checksums and the store; time per entry. */
    @Benchmark
    @OperationsPerInvocation(ENTRIES)
    @OutputTimeUnit(TimeUnit.NANOSECONDS)
    public long append() {
        Wal wal = wal();
        for (int i = 0; i < ENTRIES; i += ENTRIES_PER_GROUP) {
            appendGroup(wal, Math.min(ENTRIES_PER_GROUP, ENTRIES - i));
        }
        return position(wal.appendedPosition());
    }

    /** A group and its force; time per group. */
    @Benchmark
    @OperationsPerInvocation(GROUPS)
    @OutputTimeUnit(TimeUnit.MICROSECONDS)
    public long appendAndForce(Group group) {
        Wal wal = wal();
        for (int i = 0; i < GROUPS; i++) {
            appendGroup(wal, group.entries);
            wal.force();
        }
        return position(wal.durablePosition());
    }

    private void appendGroup(Wal wal, int entries) {
        for (int i = 0; i < entries; i++) {
            long index = wal.appendedIndex() + 1;
            wal.append(index, TERM, index, EntryDescriptor.TYPE_COMMAND, payload, 0, payload.capacity());
        }
        wal.publish();
    }

    /** A log that has rolled has measured how a segment is made. */
    private static long position(long end) {
        if (LogPosition.segment(end) != 1) {
            throw new IllegalStateException("the log has rolled, its end is at " + LogPosition.toString(end));
        }
        return end;
    }

    private Wal wal() {
        BenchmarkLog opened = log;
        if (opened == null) {
            throw new IllegalStateException("no log is open");
        }
        return opened.wal();
    }
}
