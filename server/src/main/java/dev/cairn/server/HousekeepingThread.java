package dev.cairn.server;

import dev.cairn.wal.SparePreparer;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

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
    private final FatalErrorHandler fatal;
    private final Thread thread;
    private volatile boolean stopping;

    /**
     * Made, not started.
     *
     * @param observe called once a second; quick, for a roll of the log may wait for it
     */
    HousekeepingThread(final SparePreparer spares, final Runnable observe, final FatalErrorHandler fatal) {
        this.spares = spares;
        this.observe = observe;
        this.fatal = fatal;
        thread = new Thread(this::run, "housekeeping");
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    void stop() throws InterruptedException {
        stopping = true;
        LockSupport.unpark(thread);
        thread.join();
    }

    private void run() {
        try {
            long observedNs = System.nanoTime() - OBSERVE_NS;
            while (!stopping) {
                final int work = spares.doWork(System.nanoTime());
                if (System.nanoTime() - observedNs >= OBSERVE_NS) {
                    observedNs = System.nanoTime();
                    observe.run();
                }
                LockSupport.parkNanos(
                        this, Math.min(work > 0 ? STEP_NS : IDLE_NS, spares.pauseLeftNs(System.nanoTime())));
            }
        } catch (Throwable failure) {
            fatal.onFatalError("housekeeping", failure);
        }
    }
}
