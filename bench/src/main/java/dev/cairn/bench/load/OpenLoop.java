package dev.cairn.bench.load;

import dev.cairn.bench.targets.LoadTarget;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Starts operations at a fixed rate whatever the cluster does, as independent users would. Operation i is due at
 * {@code begin + i / rate}, a schedule that no delay shifts, and its latency counts from that moment and not from the call: a
 * wait for the pacing thread, or for room below the limit in flight, is part of it (no coordinated omission).
 *
 * <p>The pacing thread parks until the next operation is due and then issues all that are. After the end of the window it goes on
 * for at most {@link #OVERTIME_NS} with what was due in it; what is left then is {@link #unstarted()}.
 */
public final class OpenLoop implements Load {
    static final long OVERTIME_NS = TimeUnit.SECONDS.toNanos(1);

    private static final long NS_PER_SECOND = TimeUnit.SECONDS.toNanos(1);

    private final List<LoadTarget> targets;
    private final long rate;
    private final long beginNs;
    private final OperationPool pool;
    private final Outcomes outcomes;
    private final CountDownLatch running = new CountDownLatch(1);
    private final Thread pacer = new Thread(this::pace, "load-pacer");

    // Written by the pacer, read after its end.
    private long started;
    private long waited;
    private volatile @Nullable Throwable failure;

    /** @param beginNs when operation 0 is due */
    public OpenLoop(
            List<LoadTarget> targets,
            int rate,
            long beginNs,
            int maxInFlight,
            Supplier<Operation> operations,
            Outcomes outcomes) {
        this.targets = List.copyOf(targets);
        this.rate = rate;
        this.beginNs = beginNs;
        this.pool = new OperationPool(maxInFlight, operations);
        this.outcomes = outcomes;
        this.pacer.setDaemon(true);
    }

    @Override
    public void start() {
        pacer.start();
    }

    @Override
    public boolean await(long timeoutNs) throws InterruptedException {
        long deadlineNs = System.nanoTime() + timeoutNs;
        boolean issued = running.await(timeoutNs, TimeUnit.NANOSECONDS);
        Throwable cause = failure;
        if (cause != null) {
            throw new IllegalStateException("the load itself has failed", cause);
        }
        return issued && pool.awaitTakenAtMost(0, deadlineNs - System.nanoTime());
    }

    @Override
    public int inFlight() {
        return pool.taken();
    }

    /** Operations that may be in flight at once. */
    int maxInFlight() {
        return pool.capacity();
    }

    /** Most operations that were in flight at once. */
    int mostInFlight() {
        return pool.mostTaken();
    }

    /** Operations that had to wait for room in flight; 0 = the limit was not felt. After the end. */
    long waited() {
        return waited;
    }

    /** Operations that were due in the run and never started, because the cluster did not keep up. After the end. */
    public long unstarted() {
        return Math.max(0, dueBy(outcomes.windowEndNs()) - started);
    }

    private void pace() {
        try {
            while (started < dueBy(outcomes.windowEndNs())) {
                long dueNs = dueNs(started);
                parkUntil(dueNs);
                Operation operation = take();
                if (operation == null) {
                    return;
                }
                issue(operation, dueNs);
            }
        } catch (InterruptedException | RuntimeException | Error e) {
            failure = e;
        } finally {
            running.countDown();
        }
    }

    /** Number of operations due before this time. */
    private long dueBy(long timeNs) {
        long elapsedNs = timeNs - beginNs;
        long whole = elapsedNs / NS_PER_SECOND * rate;
        return whole + (elapsedNs % NS_PER_SECOND * rate + NS_PER_SECOND - 1) / NS_PER_SECOND;
    }

    private long dueNs(long number) {
        return beginNs + number / rate * NS_PER_SECOND + number % rate * NS_PER_SECOND / rate;
    }

    private static void parkUntil(long timeNs) {
        long leftNs = timeNs - System.nanoTime();
        while (leftNs > 0) {
            LockSupport.parkNanos(leftNs);
            leftNs = timeNs - System.nanoTime();
        }
    }

    /** Null when there is no room before the overtime ends. */
    private @Nullable Operation take() throws InterruptedException {
        long leftNs = outcomes.windowEndNs() + OVERTIME_NS - System.nanoTime();
        if (leftNs <= 0) {
            return null;
        }
        Operation operation = pool.poll();
        if (operation == null) {
            waited++;
            operation = pool.awaitTakenAtMost(pool.capacity() - 1, leftNs) ? pool.poll() : null;
        }
        return operation;
    }

    private void issue(Operation operation, long dueNs) {
        operation.prepare();
        LoadTarget target = targets.get((int) (started % targets.size()));
        started++;
        CompletableFuture<?> unused =
                operation.issue(target, dueNs).whenComplete((result, problem) -> ended(operation, result, problem));
    }

    private void ended(Operation operation, @Nullable Object result, @Nullable Throwable problem) {
        try {
            operation.ended(result, problem, outcomes);
            pool.giveBack(operation);
        } catch (RuntimeException | Error e) {
            failure = e;
        }
    }
}
