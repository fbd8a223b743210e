package dev.cairn.bench.jmh;

import dev.cairn.server.AgentThread;
import dev.cairn.server.replica.DutyCycle;
import dev.cairn.server.replica.Rings;
import java.util.concurrent.TimeUnit;
import org.agrona.concurrent.MessageHandler;
import org.agrona.concurrent.UnsafeBuffer;
import org.agrona.concurrent.ringbuffer.OneToOneRingBuffer;
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
 * From one thread of a node to another: through the rings that it uses, and by the thread that steps its agents. The thread that
 * sends waits for the answer awake; a node's loop would park, which costs another wake-up.
 *
 * <p>The scope is {@code Benchmark} for the reason that {@link ApplyBenchmark} gives.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class RingBenchmark {
    /** Of one invocation of {@link #pass}. */
    static final int MESSAGES = 64;

    private static final int RING_BYTES = 1 << 20;
    private static final int MESSAGE_TYPE = 1;

    /** For an answer; many seconds. */
    private static final long MOST_LOOKS = 1L << 31;

    @Param("64")
    public int messageBytes = 64;

    private final OneToOneRingBuffer there = Rings.create(RING_BYTES);
    private final OneToOneRingBuffer back = Rings.create(RING_BYTES);
    private UnsafeBuffer message = new UnsafeBuffer(new byte[0]);
    private long received;
    private final MessageHandler taken =
            (type, buffer, index, length) -> received += buffer.getByte(index + length - 1);

    @Setup(Level.Trial)
    public void makeMessage() {
        message = new UnsafeBuffer(new byte[messageBytes]);
        message.setMemory(0, messageBytes, (byte) 1);
    }

    private void send() {
        if (!there.write(MESSAGE_TYPE, message, 0, message.capacity())) {
            throw new IllegalStateException("the ring is full");
        }
    }

    private long awaitAnswer() {
        for (long looks = 1; Rings.readAll(back, taken) == 0; looks++) {
            if (looks == MOST_LOOKS) {
                throw new IllegalStateException("no answer came");
            }
            Thread.onSpinWait();
        }
        return received;
    }

    /** Into a ring and out again by one thread, {@value #MESSAGES} at a time: what a ring costs a message; time per message. */
    @Benchmark
    @OperationsPerInvocation(MESSAGES)
    public long pass() {
        for (int i = 0; i < MESSAGES; i++) {
            send();
        }
        int count = Rings.readAll(there, taken);
        if (count != MESSAGES) {
            throw new IllegalStateException(count + " messages came out, " + MESSAGES + " went in");
        }
        return received;
    }

    /** To a thread that looks all the time, and back. */
    @Benchmark
    public long roundTripAwake(Spinning other) {
        send();
        return awaitAnswer();
    }

    /** To a thread that is parked, and back: the wake-up is in here. */
    @Benchmark
    @BenchmarkMode(Mode.SampleTime)
    public long roundTripParked(Parked other) {
        send();
        other.wake();
        return awaitAnswer();
    }

    /** Sends back what comes. */
    private static final class Echo implements DutyCycle {
        private final OneToOneRingBuffer in;
        private final MessageHandler answer;
        private volatile @Nullable Thread thread;

        Echo(RingBenchmark benchmark) {
            in = benchmark.there;
            OneToOneRingBuffer out = benchmark.back;
            answer = (type, buffer, index, length) -> {
                if (!out.write(type, buffer, index, length)) {
                    throw new IllegalStateException("the ring is full");
                }
            };
        }

        @Override
        public int doWork() {
            if (thread == null) {
                thread = Thread.currentThread();
            }
            return Rings.readAll(in, answer);
        }

        @Override
        public boolean hasWork() {
            return in.size() > 0;
        }

        boolean isParked() {
            Thread stepping = thread;
            return stepping != null && stepping.getState() == Thread.State.TIMED_WAITING;
        }
    }

    /** The other thread looks all the time. */
    @State(Scope.Thread)
    public static class Spinning {
        private volatile boolean stopping;
        private @Nullable Thread thread;

        @Setup(Level.Trial)
        public void start(RingBenchmark benchmark) {
            Echo echo = new Echo(benchmark);
            Thread started = new Thread(
                    () -> {
                        while (!stopping) {
                            if (echo.doWork() == 0) {
                                Thread.onSpinWait();
                            }
                        }
                    },
                    "echo");
            started.setDaemon(true);
            thread = started;
            started.start();
        }

        @TearDown(Level.Trial)
        public void stop() throws InterruptedException {
            stopping = true;
            if (thread != null) {
                thread.join();
            }
        }
    }

    /** The other thread steps an agent as a node's threads do, and is parked whenever a message is sent. */
    @State(Scope.Thread)
    public static class Parked {
        private @Nullable Echo echo;
        private @Nullable AgentThread thread;

        @Setup(Level.Trial)
        public void start(RingBenchmark benchmark) {
            Echo made = new Echo(benchmark);
            echo = made;
            AgentThread started = new AgentThread("echo", made, (name, failure) -> {
                throw new IllegalStateException(name, failure);
            });
            thread = started;
            started.start();
        }

        @Setup(Level.Invocation)
        public void awaitParked() {
            while (echo != null && !echo.isParked()) {
                Thread.onSpinWait();
            }
        }

        void wake() {
            if (thread != null) {
                thread.wake();
            }
        }

        @TearDown(Level.Trial)
        public void stop() throws InterruptedException {
            if (thread != null) {
                thread.stop();
            }
        }
    }
}
