package dev.cairn.bench.jmh;

import dev.cairn.wal.EntryDescriptor;
import dev.cairn.wal.EntryValidator;
import dev.cairn.wal.LogCursor;
import dev.cairn.wal.Wal;
import dev.cairn.wal.WalInspection;
import dev.cairn.wal.WriterChoice;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.agrona.DirectBuffer;
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
 * What was appended, read again: by a cursor, as a peer that is behind and the apply thread get it; by the steps with which recovery
 * judges a log; and an entry as a follower checks it when it arrives.
 *
 * <p>The log fits into one segment and into the page cache: what the disk takes to read it is not in here.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class WalReadBenchmark {
    /** Of the log; one invocation reads all. */
    static final int ENTRIES = 100_000;

    private static final long TERM = 1;

    @Param("300")
    public int payloadBytes = 300;

    private final EntryValidator validator = new EntryValidator();
    private UnsafeBuffer entry = new UnsafeBuffer(new byte[0]);
    private @Nullable BenchmarkLog log;
    private @Nullable LogCursor cursor;

    @Setup(Level.Trial)
    public void fill() throws IOException {
        byte[] bytes = new byte[payloadBytes];
        new SplittableRandom(1).nextBytes(bytes);
        UnsafeBuffer payload = new UnsafeBuffer(bytes);
        BenchmarkLog opened =
                BenchmarkLog.open(WriterChoice.MAPPED, BenchmarkLog.segmentBytes(ENTRIES, payloadBytes, ENTRIES));
        log = opened;
        Wal wal = opened.wal();
        for (int index = 1; index <= ENTRIES; index++) {
            wal.append(index, TERM, index, EntryDescriptor.TYPE_COMMAND, payload, 0, payload.capacity());
        }
        wal.publish();
        wal.force();
        LogCursor made = wal.newCursor();
        cursor = made;
        made.seek(ENTRIES);
        entry = new UnsafeBuffer(ByteBuffer.allocateDirect(made.length()));
        entry.putBytes(0, made.buffer(), made.offset(), made.length());
    }

    @TearDown(Level.Trial)
    public void delete() throws IOException {
        if (log != null) {
            log.delete();
        }
    }

    /** Each entry of the log in turn, checked: header, place and body; time per entry. */
    @Benchmark
    @OperationsPerInvocation(ENTRIES)
    public long read() {
        LogCursor reading = cursor;
        if (reading == null) {
            throw new IllegalStateException("no log is open");
        }
        long bytes = 0;
        for (int index = 1; index <= ENTRIES; index++) {
            if (!reading.seek(index)) {
                throw new IllegalStateException("there is no entry " + index);
            }
            bytes += reading.length();
        }
        return bytes;
    }

    /** All that stands in the files, as recovery judges it and {@code wal verify} prints it; time per entry. */
    @Benchmark
    @OperationsPerInvocation(ENTRIES)
    public long verify() {
        BenchmarkLog opened = log;
        if (opened == null) {
            throw new IllegalStateException("no log is open");
        }
        WalInspection.Report report = WalInspection.verify(opened.path());
        if (report.verdict() != WalInspection.Verdict.CLEAN || report.lastIndex() != ENTRIES) {
            throw new IllegalStateException(report.toString());
        }
        return report.durablePosition();
    }

    /** One entry off the heap: its length and CRC-32C. */
    @Benchmark
    public boolean checkEntry() {
        DirectBuffer received = entry;
        if (!validator.isValid(received, 0, received.capacity())) {
            throw new IllegalStateException("the entry fails its CRC");
        }
        return true;
    }
}
