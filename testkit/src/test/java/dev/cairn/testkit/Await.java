package dev.cairn.testkit;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Waiting for a condition, with a deadline that says what was the matter. */
final class Await {
    static final Duration DEADLINE = TestCluster.DEADLINE;

    private Await() {}

    static void until(final String what, final BooleanSupplier condition, final Supplier<String> state)
            throws InterruptedException {
        final long deadlineNs = System.nanoTime() + DEADLINE.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - deadlineNs > 0) {
                throw new AssertionError("not within " + DEADLINE + ": " + what + state.get());
            }
            TimeUnit.MILLISECONDS.sleep(10);
        }
    }
}
