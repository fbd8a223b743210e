package dev.cairn.server;

import dev.cairn.server.replica.DutyCycle;
import dev.cairn.server.replica.Wakeable;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.LockSupport;

/**
 * Steps one agent and parks when there is nothing to do. Wake-ups are cheap while the thread runs: the producer unparks
 * only when the flag says that it is parked; the consumer sets the flag, looks once more, then parks.
 */
public final class AgentThread implements Wakeable {
    /** A parked thread looks again after this long although nobody woke it. */
    private static final long MAX_PARK_NS = 100_000_000L;

    /** How long to wait when there is work that cannot be done yet. */
    private static final long BLOCKED_PARK_NS = 1_000_000L;

    private final DutyCycle agent;
    private final FatalErrorHandler fatal;
    private final Thread thread;
    private volatile boolean parked;
    private volatile boolean stopping;

    /** @param fatal hears what {@code agent} throws; the thread ends then */
    public AgentThread(final String name, final DutyCycle agent, final FatalErrorHandler fatal) {
        this.agent = agent;
        this.fatal = fatal;
        thread = new Thread(this::run, name);
        thread.setDaemon(true);
    }

    public void start() {
        thread.start();
    }

    @Override
    public void wake() {
        // What was published before must be visible before the flag is read: either the agent sees it, or this sees the
        // flag.
        VarHandle.fullFence();
        if (parked) {
            parked = false;
            LockSupport.unpark(thread);
        }
    }

    /** Lets the agent finish what it finds, then ends the thread. Returns when it has ended. */
    public void stop() throws InterruptedException {
        stopping = true;
        LockSupport.unpark(thread);
        thread.join();
    }

    private void run() {
        try {
            while (true) {
                if (agent.doWork() > 0) {
                    continue;
                }
                if (stopping && !agent.hasWork()) {
                    return;
                }
                idle();
            }
        } catch (Throwable failure) {
            fatal.onFatalError(thread.getName(), failure);
        }
    }

    private void idle() {
        parked = true;
        if (agent.hasWork()) {
            LockSupport.parkNanos(this, BLOCKED_PARK_NS);
        } else if (!stopping) {
            LockSupport.parkNanos(this, MAX_PARK_NS);
        }
        parked = false;
    }
}
