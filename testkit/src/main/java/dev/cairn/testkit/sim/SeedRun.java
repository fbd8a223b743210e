package dev.cairn.testkit.sim;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Seed after seed on some threads, each run in one of them, until there are enough, the time is over, or one fails. */
final class SeedRun {
    private final AtomicLong next;
    private final long end;
    private final long deadlineNs;
    private final SimTotals totals = new SimTotals();
    private final AtomicReference<@Nullable SimReport> failed = new AtomicReference<>();
    private volatile boolean stopped;

    /**
     * @param from the first seed
     * @param count how many at most
     * @param seconds for how long at most, 0 = however long it takes
     */
    SeedRun(long from, long count, long seconds) {
        next = new AtomicLong(from);
        end = count > Long.MAX_VALUE - from ? Long.MAX_VALUE : from + count;
        deadlineNs = seconds == 0 ? 0 : System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    }

    /** Returns when all threads have ended. */
    void run(int threads) throws InterruptedException {
        List<Thread> running = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            Thread thread = new Thread(this::runSeeds, "seeds-" + i);
            thread.setDaemon(true);
            thread.start();
            running.add(thread);
        }
        for (Thread thread : running) {
            thread.join();
        }
    }

    private void runSeeds() {
        while (!stopped && (deadlineNs == 0 || System.nanoTime() - deadlineNs < 0)) {
            long seed = next.getAndIncrement();
            if (seed >= end) {
                return;
            }
            SimReport report = SimCluster.run(seed);
            totals.add(report);
            if (report.failed()) {
                failed.compareAndSet(null, report);
                stopped = true;
            }
        }
    }

    /** Ends it after the seeds that run now. */
    void stop() {
        stopped = true;
    }

    SimTotals totals() {
        return totals;
    }

    @Nullable
    SimReport failed() {
        return failed.get();
    }
}
