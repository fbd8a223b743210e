package dev.cairn.server;

import dev.cairn.wal.SparePreparer;
import java.util.concurrent.TimeUnit;

/**
 * Keeps spare segments ready and clears away what the log has dropped, and does nothing else: a roll of the log must
 * never wait for a checkpoint or a transfer, which therefore have threads of their own.
 */
final class HousekeepingThread {
    /** Longest pause when nothing was to be done, and between steps. */
    private static final long IDLE_NS = TimeUnit.MILLISECONDS.toNanos(20);

    private static final long STEP_NS = TimeUnit.MILLISECONDS.toNanos(1);

    private static final long OBSERVE_NS = TimeUnit.SECONDS.toNanos(1);

    private final SparePreparer spares;
    private final Runnable observe;
    private final BackgroundThread thread;

    /**
     * Made, not started.
     *
     * @param observe called once a second; quick, for a roll of the log may wait for it
     */
    HousekeepingThread(final SparePreparer spares, final Runnable observe, final FatalErrorHandler fatal) {
        this.spares = spares;
        this.observe = observe;
        thread = new BackgroundThread("housekeeping", this::run, fatal);
    }

    void start() {
        thread.start();
    }

    void stop() throws InterruptedException {
        thread.stop();
    }

    private void run() {
        long observedNs = System.nanoTime() - OBSERVE_NS;
        while (!thread.isStopping()) {
            final int work = spares.doWork(System.nanoTime());
            if (System.nanoTime() - observedNs >= OBSERVE_NS) {
                observedNs = System.nanoTime();
                observe.run();
            }
            thread.pause(Math.min(work > 0 ? STEP_NS : IDLE_NS, spares.pauseLeftNs(System.nanoTime())));
        }
    }
}
