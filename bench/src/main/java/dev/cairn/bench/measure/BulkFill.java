package dev.cairn.bench.measure;

import dev.cairn.bench.load.Chain;
import dev.cairn.bench.load.KeySpace;
import dev.cairn.bench.load.RandomValues;
import dev.cairn.client.CairnClient;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Writes the keys of a range of numbers one after the other, without a look at what is there. */
final class BulkFill {
    /** Puts in flight, count. */
    private static final int OUTSTANDING = 512;
    /** Keys and values in flight, bytes. */
    private static final int MAX_IN_FLIGHT_BYTES = 4 << 20;

    private final CairnClient client;
    private final KeySpace keys;
    private final RandomValues values;
    private final int valueBytes;
    private final int end;
    private final AtomicInteger next;
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

    private BulkFill(CairnClient client, KeySpace keys, RandomValues values, int valueBytes, int from, int end) {
        this.client = client;
        this.keys = keys;
        this.values = values;
        this.valueBytes = valueBytes;
        this.next = new AtomicInteger(from);
        this.end = end;
    }

    /**
     * Writes the keys numbered {@code from} to before {@code end}; returns the seconds that it took.
     *
     * @throws IllegalStateException when a put fails
     */
    static double run(
            CairnClient client,
            KeySpace keys,
            int valueBytes,
            int from,
            int end,
            SplittableRandom random,
            PrintWriter out)
            throws InterruptedException {
        return new BulkFill(client, keys, new RandomValues(random, valueBytes), valueBytes, from, end).run(random, out);
    }

    private double run(SplittableRandom random, PrintWriter out) throws InterruptedException {
        long beginNs = System.nanoTime();
        int from = next.get();
        int chains = Math.max(1, Math.min(OUTSTANDING, MAX_IN_FLIGHT_BYTES / (keys.keyBytes() + valueBytes)));
        CountDownLatch running = new CountDownLatch(chains);
        for (int i = 0; i < chains; i++) {
            new Chain(new Step(random.split()), running, this::onFailure).run();
        }
        while (!running.await(5, TimeUnit.SECONDS)) {
            out.printf("     fill    %d of %d keys%n", Math.min(next.get(), end) - from, end - from);
            out.flush();
        }
        Throwable cause = failure.get();
        if (cause != null) {
            throw new IllegalStateException("the keys could not be filled: " + cause, cause);
        }
        double seconds = (System.nanoTime() - beginNs) / 1e9;
        out.printf(
                Locale.ROOT,
                "# filled %d keys of %d + %d bytes in %.1f s%n",
                end - from,
                keys.keyBytes(),
                valueBytes,
                seconds);
        out.flush();
        return seconds;
    }

    private void onFailure(Throwable cause) {
        failure.compareAndSet(null, cause);
    }

    private final class Step implements Chain.Step {
        private final SplittableRandom random;
        private final byte[] key = new byte[keys.keyBytes()];
        private final byte[] value = new byte[valueBytes];

        Step(SplittableRandom random) {
            this.random = random;
        }

        @Override
        public @Nullable CompletableFuture<?> next() {
            int number = next.getAndIncrement();
            if (number >= end || failure.get() != null) {
                return null;
            }
            keys.encode(number, key);
            values.fill(value, random);
            return client.putAsync(key, value);
        }

        @Override
        public void ended(@Nullable Object result, @Nullable Throwable problem) {
            if (problem != null) {
                onFailure(problem);
            }
        }
    }
}
