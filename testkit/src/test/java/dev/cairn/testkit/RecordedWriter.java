package dev.cairn.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.client.CairnClient;
import dev.cairn.client.KeyValue;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Writes key after key with a window of outstanding puts on a thread of its own, and remembers which were acknowledged.
 * Each key is written once, so an acknowledged key must read back with exactly its value.
 */
final class RecordedWriter {
    private static final int OUTSTANDING = 64;
    private static final int READS_AT_ONCE = 256;

    private final CairnClient client;
    private final String prefix;
    private final Semaphore window = new Semaphore(OUTSTANDING);
    private final ConcurrentLinkedQueue<Long> acknowledged = new ConcurrentLinkedQueue<>();
    private final AtomicLong lastAcknowledgedNs = new AtomicLong(System.nanoTime());
    private final AtomicLong longestGapNs = new AtomicLong();
    private final AtomicLong failures = new AtomicLong();
    private final Thread thread;
    private volatile boolean stopping;

    RecordedWriter(final CairnClient client, final String prefix) {
        this.client = client;
        this.prefix = prefix;
        thread = new Thread(this::run, "writer-" + prefix);
        thread.start();
    }

    @SuppressWarnings("FutureReturnValueIgnored") // the callback sees every outcome
    private void run() {
        for (long i = 0; !stopping; i++) {
            window.acquireUninterruptibly();
            final long number = i;
            client.putAsync(key(number), value(number)).whenComplete((result, failure) -> {
                if (failure == null) {
                    onAcknowledged(number);
                } else {
                    failures.incrementAndGet();
                }
                window.release();
            });
        }
    }

    private void onAcknowledged(final long number) {
        acknowledged.add(number);
        final long nowNs = System.nanoTime();
        final long gapNs = nowNs - lastAcknowledgedNs.getAndSet(nowNs);
        longestGapNs.accumulateAndGet(gapNs, Math::max);
    }

    private byte[] key(final long number) {
        return (prefix + number).getBytes(StandardCharsets.UTF_8);
    }

    private byte[] value(final long number) {
        return (prefix + "value-" + number * 31).getBytes(StandardCharsets.UTF_8);
    }

    int acknowledgedCount() {
        return acknowledged.size();
    }

    long failureCount() {
        return failures.get();
    }

    /** The longest time between two acknowledgements since the last call, in milliseconds. */
    long takeLongestGapMs() {
        return longestGapNs.getAndSet(0) / 1_000_000;
    }

    /** Reads every acknowledged key through {@code reader}: none may miss, none may have another value. */
    void assertAllThere(final CairnClient reader) {
        assertThat(acknowledged).as("the writer was under way").isNotEmpty();
        final Map<Long, CompletableFuture<Optional<KeyValue>>> asked = new LinkedHashMap<>();
        for (final long number : acknowledged) {
            asked.put(number, reader.getAsync(key(number)));
            if (asked.size() == READS_AT_ONCE) {
                assertFound(asked);
            }
        }
        assertFound(asked);
    }

    private void assertFound(final Map<Long, CompletableFuture<Optional<KeyValue>>> asked) {
        asked.forEach((number, answer) -> {
            final Optional<KeyValue> found = answer.join();
            assertThat(found).as("acknowledged key " + prefix + number).isPresent();
            assertThat(found.orElseThrow().value())
                    .as("value of " + prefix + number)
                    .isEqualTo(value(number));
        });
        asked.clear();
    }

    /** Waits for what is outstanding. */
    void finish() throws InterruptedException {
        stopping = true;
        thread.join();
        window.acquire(OUTSTANDING);
        window.release(OUTSTANDING);
    }
}
