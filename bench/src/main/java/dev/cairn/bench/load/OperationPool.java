package dev.cairn.bench.load;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The operations that an open loop may have in flight: one thread takes, any thread gives back. The last one given back is taken
 * first, and one is made only when none is free, so a load that keeps up touches little memory.
 */
final class OperationPool {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition givenBack = lock.newCondition();
    private final Supplier<Operation> factory;
    private final @Nullable Operation[] free;
    private int freeCount;
    private int made;
    private int mostTaken;

    OperationPool(int capacity, Supplier<Operation> factory) {
        this.factory = factory;
        this.free = new @Nullable Operation[capacity];
    }

    /** Null when all are in flight. */
    @Nullable
    Operation poll() {
        lock.lock();
        try {
            Operation taken = null;
            if (freeCount > 0) {
                taken = free[--freeCount];
            } else if (made < free.length) {
                made++;
                taken = factory.get();
            }
            mostTaken = Math.max(mostTaken, made - freeCount);
            return taken;
        } finally {
            lock.unlock();
        }
    }

    void giveBack(Operation operation) {
        lock.lock();
        try {
            free[freeCount++] = operation;
            givenBack.signal();
        } finally {
            lock.unlock();
        }
    }

    /** Waits until at most {@code count} are in flight, or until the time is over; says which. */
    boolean awaitTakenAtMost(int count, long timeoutNs) throws InterruptedException {
        lock.lock();
        try {
            long leftNs = timeoutNs;
            while (made - freeCount > count) {
                if (leftNs <= 0) {
                    return false;
                }
                leftNs = givenBack.awaitNanos(leftNs);
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    int capacity() {
        return free.length;
    }

    /** In flight now. */
    int taken() {
        lock.lock();
        try {
            return made - freeCount;
        } finally {
            lock.unlock();
        }
    }

    /** Most that were in flight at once. */
    int mostTaken() {
        lock.lock();
        try {
            return mostTaken;
        } finally {
            lock.unlock();
        }
    }
}
