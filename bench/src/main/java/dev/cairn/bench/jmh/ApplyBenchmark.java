package dev.cairn.bench.jmh;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import com.sun.management.OperatingSystemMXBean;
import dev.cairn.bench.load.KeySpace;
import dev.cairn.bench.machine.OwnDirectory;
import dev.cairn.engine.KvReader;
import dev.cairn.engine.KvStateMachine;
import dev.cairn.engine.KvStore;
import dev.cairn.engine.ResultSink;
import dev.cairn.engine.RocksStore;
import dev.cairn.engine.RocksStoreConfig;
import dev.cairn.engine.StateMachine;
import dev.cairn.engine.ValueDescriptor;
import dev.cairn.engine.WriteBackStore;
import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.protocol.Status;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.AuxCounters;
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
import org.openjdk.jmh.infra.BenchmarkParams;

/**
 * What the apply thread does with puts, on a store with a node's settings, flushes and compactions included; and point gets while
 * such puts come in. Uniform keys, all of them present. Three nodes on one machine share its caches: run three of this at once
 * before a figure is believed.
 *
 * <p>Beside the time per operation stands {@code cpuNs}: processor time of the whole process per operation, flushes, compactions and
 * compilers included. The store lies in the directory that system property {@code java.io.tmpdir} names.
 *
 * <p>The scope is {@code Benchmark} although one thread does all: of a state of a thread JMH would make two, the one whose method is
 * measured and the one that {@link Writes} is given.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 2)
@Measurement(iterations = 5, time = 4)
@Fork(2)
public class ApplyBenchmark {
    /** Puts of one invocation of {@link #put}; a multiple of each batch. */
    static final int PUTS = 1024;

    /** Gets of one invocation of {@link #get}; before them as many puts, outside of the measured time. */
    static final int GETS = 4096;

    private static final long TERM = 1;
    private static final int KEY_BYTES = 16;
    private static final int KEY_OFFSET = CommandDescriptor.BLOCK_LENGTH;

    /** Commands that the state machine hears of before it applies them, as from a node's apply thread; a divisor of each batch. */
    private static final int EXPECTED = StateMachine.MOST_EXPECTED;

    /** Commands of a session that are under way at a time. */
    private static final int OPEN_SEQUENCES = 256;

    private static final int VALUE_SOURCE_BYTES = 1 << 16;

    @Param("100000")
    public int keys = 100_000;

    @Param("256")
    public int valueBytes = 256;

    /** Commands that are written at once. */
    @Param({"16", "64", "256"})
    public int batch = 64;

    /** Processor time of the process, as a figure beside the time. */
    @AuxCounters(AuxCounters.Type.EVENTS)
    @State(Scope.Thread)
    public static class Processor {
        private final OperatingSystemMXBean system =
                (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        private long startNs;
        private long operations;
        private int iterations = 1;

        @Setup(Level.Iteration)
        public void start(BenchmarkParams parameters) {
            iterations = parameters.getMeasurement().getCount() * Math.max(1, parameters.getForks());
            startNs = system.getProcessCpuTime();
            operations = 0;
        }

        /** Of the process, in nanoseconds per operation, divided by the iterations: JMH adds them up. */
        public double cpuNs() {
            return operations == 0 ? 0 : (double) (system.getProcessCpuTime() - startNs) / operations / iterations;
        }
    }

    private final SplittableRandom random = new SplittableRandom(1);
    private final UnsafeBuffer values = new UnsafeBuffer(new byte[VALUE_SOURCE_BYTES]);
    private final byte[] key = new byte[KEY_BYTES];
    private final UnsafeBuffer keyView = new UnsafeBuffer(key);
    private final ResultSink results = (slot, status, revision, buffer, offset, length) -> {
        if (status != Status.OK) {
            throw new IllegalStateException("put " + slot + " ended with " + status);
        }
    };
    private UnsafeBuffer command = new UnsafeBuffer(0, 0);
    private final UnsafeBuffer[] commands = new UnsafeBuffer[EXPECTED];
    private KeySpace keySpace = new KeySpace(1, KEY_BYTES);
    private long index;
    private long sequence;
    private long indexAtLastGets;
    private @Nullable Path directory;
    private @Nullable KvStore store;
    private @Nullable KvStateMachine machine;
    private @Nullable KvReader reader;

    @Setup(Level.Trial)
    public void fill() throws IOException {
        if (PUTS % batch != 0 || batch % EXPECTED != 0) {
            throw new IllegalArgumentException(
                    "batch=" + batch + ", it must divide " + PUTS + " and be a multiple of " + EXPECTED);
        }
        Path made = Files.createTempDirectory("cairn-apply");
        directory = made;
        KvStore opened = new WriteBackStore(
                RocksStore.open(RocksStoreConfig.of(made.resolve("kv"))), WriteBackStore.DEFAULT_TABLE_BYTES);
        store = opened;
        KvStateMachine applying = new KvStateMachine(opened);
        machine = applying;
        random.nextBytes(values.byteArray());
        keySpace = new KeySpace(keys, KEY_BYTES);
        openSession(applying);
        for (int number = 0; number < keys; number++) {
            apply(applying, number);
            if (number % batch == 0) {
                applying.commit(results);
            }
        }
        applying.commit(results);
        reader = opened.newReader();
    }

    private void openSession(KvStateMachine applying) {
        UnsafeBuffer open = new UnsafeBuffer(new byte[CommandDescriptor.BLOCK_LENGTH]);
        open.putByte(CommandDescriptor.KIND_OFFSET, (byte) CommandDescriptor.KIND_OPEN_SESSION);
        open.putShort(CommandDescriptor.BLOCK_LENGTH_OFFSET, (short) CommandDescriptor.BLOCK_LENGTH, LITTLE_ENDIAN);
        index = 1;
        applying.apply(
                index, TERM, index, StateMachine.ENTRY_COMMAND, 0, open, 0, open.capacity(), StateMachine.NOBODY_WAITS);
        applying.commit(results);
        command = new UnsafeBuffer(new byte[KEY_OFFSET + KEY_BYTES + valueBytes]);
        command.putLong(CommandDescriptor.SESSION_ID_OFFSET, index, LITTLE_ENDIAN);
        command.putByte(CommandDescriptor.KIND_OFFSET, (byte) CommandDescriptor.KIND_PUT);
        command.putShort(CommandDescriptor.BLOCK_LENGTH_OFFSET, (short) CommandDescriptor.BLOCK_LENGTH, LITTLE_ENDIAN);
        command.putInt(CommandDescriptor.KEY_LENGTH_OFFSET, KEY_BYTES, LITTLE_ENDIAN);
        command.putInt(CommandDescriptor.VALUE_LENGTH_OFFSET, valueBytes, LITTLE_ENDIAN);
        for (int i = 0; i < EXPECTED; i++) {
            commands[i] = new UnsafeBuffer(command.byteArray().clone());
        }
    }

    private void apply(KvStateMachine applying, int number) {
        prepare(command, number);
        apply(applying, command);
    }

    private void apply(KvStateMachine applying, UnsafeBuffer command) {
        index++;
        applying.apply(
                index, TERM, index, StateMachine.ENTRY_COMMAND, (int) index, command, 0, command.capacity(), index);
    }

    private void prepare(UnsafeBuffer command, int number) {
        sequence++;
        keySpace.encode(number, key);
        command.putLong(CommandDescriptor.SEQUENCE_OFFSET, sequence, LITTLE_ENDIAN);
        command.putLong(
                CommandDescriptor.LOWEST_OPEN_SEQUENCE_OFFSET, Math.max(1, sequence - OPEN_SEQUENCES), LITTLE_ENDIAN);
        command.putBytes(KEY_OFFSET, key);
        int value = random.nextInt(VALUE_SOURCE_BYTES - valueBytes);
        command.putBytes(KEY_OFFSET + KEY_BYTES, values, value, valueBytes);
    }

    private void putUniform(KvStateMachine applying, int count) {
        for (int i = 0; i < count; i += batch) {
            for (int j = 0; j < batch; j += EXPECTED) {
                for (UnsafeBuffer next : commands) {
                    prepare(next, random.nextInt(keys));
                    applying.expect(next, 0, next.capacity());
                }
                for (UnsafeBuffer next : commands) {
                    apply(applying, next);
                }
            }
            applying.commit(results);
        }
    }

    /** Puts in batches: all that {@link KvStateMachine} does, and the write; time per put. */
    @Benchmark
    @OperationsPerInvocation(PUTS)
    public long put(Processor processor) {
        KvStateMachine applying = machine();
        putUniform(applying, PUTS);
        processor.operations += PUTS;
        return applying.appliedIndex();
    }

    /** Moves what the gets look into: memtables fill, are flushed and compacted while a trial of {@link #get} runs. */
    @State(Scope.Thread)
    public static class Writes {
        @Setup(Level.Invocation)
        public void put(ApplyBenchmark benchmark) {
            benchmark.putUniform(benchmark.machine(), GETS);
        }
    }

    /** Point gets by a node's reader, each of a key that is there; time per get. */
    @Benchmark
    @OperationsPerInvocation(GETS)
    public long get(Writes writes) {
        KvReader reading = reader;
        if (reading == null) {
            throw new IllegalStateException("no store is open");
        }
        if (index == indexAtLastGets) {
            throw new IllegalStateException("nothing was put since the gets before");
        }
        indexAtLastGets = index;
        long revisions = 0;
        for (int i = 0; i < GETS; i++) {
            keySpace.encode(random.nextInt(keys), key);
            int length = reading.get(keyView, 0, KEY_BYTES, false);
            if (length != ValueDescriptor.HEADER_LENGTH + valueBytes) {
                throw new IllegalStateException("a get found " + length + " bytes");
            }
            revisions += reading.buffer().getLong(ValueDescriptor.MOD_REVISION_OFFSET, LITTLE_ENDIAN);
        }
        return revisions;
    }

    private KvStateMachine machine() {
        KvStateMachine applying = machine;
        if (applying == null) {
            throw new IllegalStateException("no store is open");
        }
        return applying;
    }

    @TearDown(Level.Trial)
    public void delete() throws IOException {
        if (reader != null) {
            reader.close();
        }
        if (store != null) {
            store.closeWithoutFlush();
        }
        if (directory != null) {
            OwnDirectory.remove(directory);
        }
    }
}
