package dev.cairn.server;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** Waiting for a condition, with a deadline that says what was the matter. */
public final class Await {
    public static final Duration DEADLINE = Duration.ofSeconds(30);

    private static final long POLL_MS = 5;

    /** What may be asked of a process or over a connection. */
    @FunctionalInterface
    public interface Condition {
        boolean holds() throws IOException, InterruptedException;
    }

    public static void until(String what, Condition condition, Supplier<String> state)
            throws IOException, InterruptedException {
        long startNs = System.nanoTime();
        while (!condition.holds()) {
            if (System.nanoTime() - startNs > DEADLINE.toNanos()) {
                throw new AssertionError("not within " + DEADLINE.toSeconds() + " s: " + what + "; " + state.get());
            }
            TimeUnit.MILLISECONDS.sleep(POLL_MS);
        }
    }

    private Await() {}
}
