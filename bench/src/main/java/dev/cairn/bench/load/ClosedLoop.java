package dev.cairn.bench.load;

import dev.cairn.bench.targets.LoadTarget;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a fixed number of operations outstanding: as many {@link Chain}s, spread evenly over the targets. A slow cluster is asked
 * less; what users would have waited meanwhile is the open loop's to show.
 */
final class ClosedLoop implements Load {
    private final Measurement measurement;
    private final List<Chain> chains = new ArrayList<>();
    private final CountDownLatch running;
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

    /** @param operations one for each that shall be outstanding */
    ClosedLoop(List<LoadTarget> targets, List<Operation> operations, Measurement measurement) {
        this.measurement = measurement;
        this.running = new CountDownLatch(operations.size());
        for (int i = 0; i < operations.size(); i++) {
            chains.add(
                    new Chain(new Slot(targets.get(i % targets.size()), operations.get(i)), running, this::onBroken));
        }
    }

    @Override
    public void start() {
        chains.forEach(Chain::run);
    }

    private void onBroken(Throwable cause) {
        failure.compareAndSet(null, cause);
    }

    @Override
    public boolean await(long timeoutNs) throws InterruptedException {
        boolean ended = running.await(timeoutNs, TimeUnit.NANOSECONDS);
        Throwable cause = failure.get();
        if (cause != null) {
            throw new IllegalStateException("the load itself has failed", cause);
        }
        return ended;
    }

    @Override
    public int inFlight() {
        return (int) running.getCount();
    }

    private final class Slot implements Chain.Step {
        private final LoadTarget target;
        private final Operation operation;

        Slot(LoadTarget target, Operation operation) {
            this.target = target;
            this.operation = operation;
        }

        @Override
        public @Nullable CompletableFuture<?> next() {
            operation.prepare();
            long now = System.nanoTime();
            return now - measurement.windowEndNs() < 0 ? operation.issue(target, now) : null;
        }

        @Override
        public void ended(@Nullable Object result, @Nullable Throwable failure) {
            operation.ended(result, failure, measurement);
        }
    }
}
