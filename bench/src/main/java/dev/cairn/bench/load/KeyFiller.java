package dev.cairn.bench.load;

import dev.cairn.bench.targets.LoadTarget;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Sees to it that every key is there with a value of the wanted length: reads each, writes those that are not. */
final class KeyFiller {
    /** Operations in flight at most, count. */
    static final int OUTSTANDING = 256;

    private final KeySpace keys;
    private final RandomValues values;
    private final SizeRange sizes;
    private final AtomicInteger nextKey = new AtomicInteger();
    private final AtomicInteger written = new AtomicInteger();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private final int outstanding;
    private final CountDownLatch running;

    KeyFiller(KeySpace keys, RandomValues values, SizeRange sizes) {
        this.keys = keys;
        this.values = values;
        this.sizes = sizes;
        long byBytes = LoadOptions.MAX_IN_FLIGHT_BYTES / (keys.keyBytes() + sizes.most());
        this.outstanding = (int) Math.min(Math.min(OUTSTANDING, byBytes), keys.count());
        this.running = new CountDownLatch(outstanding);
    }

    /** Starts it; returns soon. Once. */
    void start(List<LoadTarget> targets, SplittableRandom random) {
        for (int i = 0; i < outstanding; i++) {
            Step step = new Step(targets.get(i % targets.size()), random.split());
            new Chain(step, running, this::onFailure).run();
        }
    }

    /** Waits for the end, after the last key or after a failure; false when the time was over before. */
    boolean await(long timeoutNs) throws InterruptedException {
        return running.await(timeoutNs, TimeUnit.NANOSECONDS);
    }

    /** Keys taken in hand so far. */
    int checked() {
        return Math.min(nextKey.get(), keys.count());
    }

    /** Keys that were written. */
    int written() {
        return written.get();
    }

    /** The first failure; null = none. */
    @Nullable
    Throwable failure() {
        return failure.get();
    }

    private void onFailure(Throwable cause) {
        failure.compareAndSet(null, cause);
    }

    private final class Step implements Chain.Step {
        private final LoadTarget target;
        private final SplittableRandom random;
        private final byte[] key = new byte[keys.keyBytes()];
        private byte[] value = new byte[0];
        private boolean mustWrite;
        private boolean writes;

        Step(LoadTarget target, SplittableRandom random) {
            this.target = target;
            this.random = random;
        }

        @Override
        public @Nullable CompletableFuture<?> next() {
            if (failure.get() != null) {
                return null;
            }
            writes = mustWrite;
            if (mustWrite) {
                mustWrite = false;
                value = new byte[sizes.draw(random)];
                values.fill(value, random);
                return target.put(key, value);
            }
            int number = nextKey.getAndIncrement();
            if (number >= keys.count()) {
                return null;
            }
            keys.encode(number, key);
            return target.get(key);
        }

        @Override
        public void ended(@Nullable Object result, @Nullable Throwable problem) {
            if (problem != null) {
                onFailure(problem);
            } else if (writes) {
                written.incrementAndGet();
            } else {
                mustWrite = Operation.errorOfRead(target, result, sizes) != null;
            }
        }
    }
}
