package dev.cairn.bench.jmh;

import dev.cairn.wal.EntryDescriptor;
import dev.cairn.wal.LogPosition;
import dev.cairn.wal.Wal;
import dev.cairn.wal.WriterChoice;
import java.io.IOException;
import java.util.Locale;
import java.util.SplittableRandom;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What benchmarks that write to the log share.
 *
 * <p>One invocation writes a fixed amount into a fresh log that fits into one segment: a benchmark by time would fill the disk,
 * and would measure how segments are prepared. So the mode is single shot, one invocation is one iteration, and the score is
 * the time per operation within it. The log lies in the directory that system property {@code java.io.tmpdir} names: let
 * it be on the disk that is to be measured.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.SingleShotTime)
@Warmup(iterations = 10)
@Measurement(iterations = 20)
@Fork(2)
public abstract class FreshLogBenchmark {
    private static final long TERM = 1;

    @Param({"mapped", "channel"})
    public String writer = "mapped";

    @Param("300")
    public int payloadBytes = 300;

    private UnsafeBuffer payload = new UnsafeBuffer(new byte[0]);
    private @Nullable BenchmarkLog log;

    @Setup(Level.Trial)
    public void makePayload() {
        byte[] bytes = new byte[payloadBytes];
        new SplittableRandom(1).nextBytes(bytes);
        payload = new UnsafeBuffer(bytes);
    }

    /** For so many entries, published in groups of so many. */
    void open(int entries, int entriesPerGroup, boolean prefaulted) throws IOException {
        BenchmarkLog opened = BenchmarkLog.open(
                null,
                WriterChoice.valueOf(writer.toUpperCase(Locale.ROOT)),
                BenchmarkLog.segmentBytes(entries, payloadBytes, entriesPerGroup),
                0,
                prefaulted);
        log = opened;
        opened.ready(entries);
    }

    @TearDown(Level.Invocation)
    public void deleteLog() throws IOException {
        BenchmarkLog opened = log;
        log = null;
        if (opened != null) {
            opened.delete();
        }
    }

    final Wal wal() {
        BenchmarkLog opened = log;
        if (opened == null) {
            throw new IllegalStateException("no log is open");
        }
        return opened.wal();
    }

    final void appendGroup(Wal wal, int entries) {
        for (int i = 0; i < entries; i++) {
            long index = wal.appendedIndex() + 1;
            wal.append(index, TERM, index, EntryDescriptor.TYPE_COMMAND, payload, 0, payload.capacity());
        }
        wal.publish();
    }

    /** A log that has rolled has measured how a segment is made. */
    static long checked(long end) {
        if (LogPosition.segment(end) != 1) {
            throw new IllegalStateException("the log has rolled, its end is at " + LogPosition.toString(end));
        }
        return end;
    }
}
