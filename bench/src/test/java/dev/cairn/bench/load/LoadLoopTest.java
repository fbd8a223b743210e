package dev.cairn.bench.load;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.bench.machine.ProcessorTime;
import dev.cairn.bench.targets.CairnTarget;
import dev.cairn.client.CairnClient;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How many operations are in flight, and from when they are timed. */
final class LoadLoopTest {
    private static final long LIMIT_NS = TimeUnit.SECONDS.toNanos(10);

    private final FakeServer server = new FakeServer();
    private final CairnClient client =
            CairnClient.builder().servers(server.address()).connect();
    private final StringWriter out = new StringWriter();
    private final List<Throwable> failures = new CopyOnWriteArrayList<>();

    @AfterEach
    void stop() {
        client.close();
        server.close();
    }

    private static LoadOptions options(int outstanding, int rate, int seconds) {
        return new LoadOptions("x:1", LoadOptions.Mode.PUT, 0, outstanding, rate, seconds, 0, 100, 16, 32, 1);
    }

    private LoadResult run(LoadOptions options, int maxInFlight) throws InterruptedException {
        return run(options, maxInFlight, new ProcessorTime(List.of()));
    }

    private LoadResult run(LoadOptions options, int maxInFlight, ProcessorTime processors) throws InterruptedException {
        SplittableRandom random = new SplittableRandom(1);
        KeySpace keys = new KeySpace(options.keys(), options.keyBytes());
        RandomValues values = new RandomValues(random.split(), options.valueBytes());
        return LoadRun.of(
                        options,
                        List.of(new CairnTarget(client)),
                        () -> new Operation(keys, values, options, random.split()),
                        maxInFlight,
                        new PrintWriter(out),
                        null,
                        processors)
                .run();
    }

    private static void until(BooleanSupplier condition, String what) {
        long begin = System.nanoTime();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - begin > LIMIT_NS) {
                throw new AssertionError("not within 10 s: " + what);
            }
            LockSupport.parkNanos(1_000_000);
        }
    }

    @Test
    void closedLoopHoldsExactlyTheAskedNumberInFlight() throws InterruptedException {
        server.hold();
        CompletableFuture<LoadResult> result = new CompletableFuture<>();
        Thread runner = new Thread(() -> complete(result, options(37, 0, 2), 37));
        runner.start();
        until(() -> server.inFlight.get() == 37, "37 in flight, are " + server.inFlight.get());

        server.release();
        until(() -> server.puts.get() > 5_000, "more puts");
        server.hold();
        until(() -> server.inFlight.get() == 37, "37 in flight again");
        server.release();

        assertThat(result.join().unfinished()).isZero();
        assertThat(server.mostInFlight.get()).isEqualTo(37);
        runner.join();
    }

    private void complete(CompletableFuture<LoadResult> result, LoadOptions options, int maxInFlight) {
        try {
            result.complete(run(options, maxInFlight));
        } catch (InterruptedException | RuntimeException e) {
            result.completeExceptionally(e);
        }
    }

    /**
     * At 1000/s, 600 ms without an answer, and room for only 8: of the some 600 operations due meanwhile, 8 can be sent. Timed from
     * their sending, 8 would look slow; timed from when they were due, half of the 600 waited for more than 300 ms. On a busy machine
     * more of them are slow, up to all.
     */
    @Test
    void openLoopCountsFromTheIntendedStartWhenThereIsNoRoom() throws InterruptedException {
        server.stall(700, 600);

        LoadResult result = run(options(0, 1000, 2), 8);

        Histogram puts = result.all();
        long slow = puts.getCountBetweenValues(TimeUnit.MILLISECONDS.toNanos(300), Measurement.MAX_LATENCY_NS);
        assertThat(slow).as(out.toString()).isGreaterThanOrEqualTo(250L);
        assertThat(puts.getTotalCount()).isEqualTo(2000);
        assertThat(result.mostInFlight()).isEqualTo(8);
        assertThat(result.maxInFlight()).isEqualTo(8);
        assertThat(result.waited()).isPositive();
        assertThat(result.unstarted()).isZero();
        assertThat(server.mostInFlight.get()).isEqualTo(8);
    }

    /** Answers stop 200 ms after the begin and come back 4 s later, long after the overtime: 4 are stuck, all others never start. */
    @Test
    void openLoopReportsWhatItCouldNotStart() throws InterruptedException {
        server.stall(200, 4_000);

        LoadResult result = run(options(0, 1000, 1), 4);

        assertThat(result.unstarted()).as(out.toString()).isBetween(300L, 996L);
        assertThat(result.unstarted() + result.all().getTotalCount()).isEqualTo(1000);
        assertThat(result.unfinished()).isZero();
        assertThat(result.endedInWindow()).isEqualTo(result.all().getTotalCount() - 4);
        assertThat(result.all().getMaxValue()).isGreaterThan(TimeUnit.SECONDS.toNanos(2));
    }

    /** The last of ten operations is due 100 ms before the window ends. */
    @Test
    void anOpenLoopThatEndsBeforeItsWindowKnowsTheProcessorTime() throws InterruptedException {
        ProcessorTime processors =
                new ProcessorTime(List.of(ProcessHandle.current().pid()));

        run(options(0, 10, 1), 4, processors);

        assertThat(processors.usedMs()).isNotNegative();
    }

    @Test
    void operationsOfTheWarmUpAreNotInTheResult() {
        Measurement measurement = new Measurement(1_000, 2_000);

        measurement.record(OperationKind.PUT, 0, 999, 1_500, null);
        measurement.record(OperationKind.PUT, 0, 1_000, 1_999, null);
        measurement.record(OperationKind.GET, 0, 1_999, 2_000, null);
        measurement.record(OperationKind.PUT, 0, 2_000, 2_500, null);
        measurement.record(OperationKind.PUT, 0, 999, 1_500, "Early");
        measurement.record(OperationKind.PUT, 0, 1_500, 9_000, "Late");

        assertThat(measurement.endedInWindow()).isEqualTo(2);
        assertThat(measurement.take(OperationKind.PUT).getTotalCount()).isEqualTo(1);
        assertThat(measurement.take(OperationKind.GET).getTotalCount()).isEqualTo(1);
        assertThat(measurement.takeOutside().getTotalCount()).isEqualTo(2);
        assertThat(measurement.errors()).containsExactly(Map.entry("Late", 1L));
        assertThat(measurement.allErrors()).isEqualTo(2);
    }

    @Test
    void chainOfOperationsThatEndAtOnceIsNoRecursion() throws InterruptedException {
        CountDownLatch done = new CountDownLatch(1);
        CountingStep step = new CountingStep(1_000_000, () -> CompletableFuture.completedFuture("x"));

        new Chain(step, done, failures::add).run();

        assertThat(done.await(0, TimeUnit.SECONDS)).isTrue();
        assertThat(step.ended).isEqualTo(1_000_000);
    }

    /** The end comes from another thread, sometimes before the call has returned and sometimes after. */
    @Test
    void chainLosesAndDoublesNothingWhenAnotherThreadEndsItsOperations() throws InterruptedException {
        CountDownLatch done = new CountDownLatch(1);
        ExecutorService other = Executors.newSingleThreadExecutor();
        try {
            CountingStep step = new CountingStep(50_000, () -> CompletableFuture.supplyAsync(() -> "x", other));

            new Chain(step, done, failures::add).run();

            assertThat(done.await(LIMIT_NS, TimeUnit.NANOSECONDS)).isTrue();
            assertThat(step.ended).isEqualTo(50_000);
            assertThat(step.issued).isEqualTo(50_000);
            assertThat(failures).isEmpty();
        } finally {
            other.shutdown();
        }
    }

    /** Else the program would wait for ever for an operation that nobody awaits. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void chainWhoseStepThrowsEndsWithTheCause(boolean whenIssuing) throws InterruptedException {
        CountDownLatch done = new CountDownLatch(1);
        IllegalStateException cause = new IllegalStateException("for the test");
        Chain.Step step = new Chain.Step() {
            @Override
            public CompletableFuture<?> next() {
                if (whenIssuing) {
                    throw cause;
                }
                return CompletableFuture.completedFuture("x");
            }

            @Override
            public void ended(@Nullable Object result, @Nullable Throwable failure) {
                throw cause;
            }
        };

        new Chain(step, done, failures::add).run();

        assertThat(done.await(0, TimeUnit.SECONDS)).isTrue();
        assertThat(failures).containsExactly(cause);
    }

    private static final class CountingStep implements Chain.Step {
        private final int count;
        private final Supplier<CompletableFuture<String>> operations;
        int issued;
        int ended;

        CountingStep(int count, Supplier<CompletableFuture<String>> operations) {
            this.count = count;
            this.operations = operations;
        }

        @Override
        public @Nullable CompletableFuture<?> next() {
            if (issued != ended || issued == count) {
                return null;
            }
            issued++;
            return operations.get();
        }

        @Override
        public void ended(@Nullable Object result, @Nullable Throwable failure) {
            ended += "x".equals(result) ? 1 : 2;
        }
    }
}
