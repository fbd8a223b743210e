package dev.cairn.server;

import java.util.concurrent.locks.LockSupport;

/** A thread with one duty, which goes on until {@link #isStopping}. What the duty throws stops the node. */
public final class BackgroundThread {
    private final Thread thread;
    private volatile boolean stopping;

    /** Made, not started. */
    public BackgroundThread(final String name, final Runnable duty, final FatalErrorHandler fatal) {
        thread = new Thread(() -> run(duty, fatal), name);
        thread.setDaemon(true);
    }

    private static void run(final Runnable duty, final FatalErrorHandler fatal) {
        try {
            duty.run();
        } catch (Throwable failure) {
            fatal.onFatalError(Thread.currentThread().getName(), failure);
        }
    }

    public void start() {
        thread.start();
    }

    /** Any thread: ends a {@link #pause}, the one under way or the next. */
    public void wake() {
        LockSupport.unpark(thread);
    }

    public boolean isStopping() {
        return stopping;
    }

    /** The thread itself: rests for at most so long, shorter when it is woken or stopped. */
    public void pause(final long ns) {
        LockSupport.parkNanos(this, ns);
    }

    /** Asks the duty to end, and ends a pause. */
    public void beginStop() {
        stopping = true;
        wake();
    }

    /** Returns when the duty has ended. */
    public void stop() throws InterruptedException {
        beginStop();
        thread.join();
    }
}
