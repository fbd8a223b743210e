package dev.cairn.bench.load;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Exactly one operation in flight at any time: the end of one issues the next, on the thread that reports the end. N chains keep
 * N operations outstanding without a thread each.
 *
 * <p>The first operation is issued by the thread that calls {@link #run}; afterwards one thread at a time owns the step. Whoever
 * comes second of "the call has returned" and "the operation has ended" goes on, so operations that end at once are a loop and no
 * recursion.
 *
 * <p>A step that throws is broken: the chain hands the exception over and ends, rather than to wait for ever.
 */
public final class Chain implements BiConsumer<@Nullable Object, @Nullable Throwable> {
    /** What a chain does; its owner is the chain. */
    public interface Step {
        /** Issues the next operation; null = there is none, the chain ends. */
        @Nullable
        CompletableFuture<?> next();

        /** The operation has ended with a result (which may be null) or a failure. */
        void ended(@Nullable Object result, @Nullable Throwable failure);
    }

    private static final int ISSUED = 0;
    private static final int RETURNED = 1;
    private static final int ENDED = 2;

    private final Step step;
    private final CountDownLatch done;
    private final Consumer<Throwable> broken;
    private final AtomicInteger state = new AtomicInteger();

    /**
     * @param done counted down once, when the chain has ended
     * @param broken takes what the step has thrown, on any thread
     */
    public Chain(Step step, CountDownLatch done, Consumer<Throwable> broken) {
        this.step = step;
        this.done = done;
        this.broken = broken;
    }

    /** Goes on until an operation is left in flight, or to the end. */
    public void run() {
        try {
            CompletableFuture<?> operation = step.next();
            while (operation != null) {
                state.set(ISSUED);
                CompletableFuture<?> unused = operation.whenComplete(this);
                if (state.compareAndSet(ISSUED, RETURNED)) {
                    return;
                }
                operation = step.next();
            }
            done.countDown();
        } catch (RuntimeException | Error e) {
            endBroken(e);
        }
    }

    /** The operation in flight has ended. */
    @Override
    public void accept(@Nullable Object result, @Nullable Throwable failure) {
        try {
            step.ended(result, failure);
        } catch (RuntimeException | Error e) {
            // The state stays as it is: whoever issued the operation takes it for one in flight, and does not go on.
            endBroken(e);
            return;
        }
        if (!state.compareAndSet(ISSUED, ENDED)) {
            run();
        }
    }

    private void endBroken(Throwable cause) {
        broken.accept(cause);
        done.countDown();
    }
}
