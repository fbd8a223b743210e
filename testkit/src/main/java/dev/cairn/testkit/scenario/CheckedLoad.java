package dev.cairn.testkit.scenario;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.client.CairnClient;
import dev.cairn.client.CairnException;
import dev.cairn.client.KeyValue;
import dev.cairn.client.OutcomeUnknownException;
import dev.cairn.client.Resolution;
import dev.cairn.client.Scan;
import dev.cairn.client.ScanCursor;
import dev.cairn.testkit.TestCluster;
import java.time.Duration;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Puts, deletes and increments, many at a time and one per key, with a model of what they leave: exactly what was acknowledged.
 * What was left without an answer is asked for until it is known. {@link #check} stops the load and compares everything.
 */
final class CheckedLoad implements AutoCloseable {
    private static final int KEYS = 20_000;
    private static final int OUTSTANDING = 64;
    private static final int MAX_VALUE_BYTES = 1000;
    private static final int MOST_PROBLEMS = 20;
    private static final Duration REQUEST_TIMEOUT = Duration.ofSeconds(60);
    private static final byte[] COUNTER = KillSoak.bytes("counter");

    private final CairnClient client;
    private final Random random;
    private final Thread issuer;
    private final Semaphore window = new Semaphore(OUTSTANDING);
    private final AtomicInteger unresolved = new AtomicInteger();
    private final AtomicLong acknowledged = new AtomicLong();
    private final AtomicLong resolved = new AtomicLong();
    private final AtomicLong counter = new AtomicLong();
    private final ConcurrentLinkedQueue<String> problems = new ConcurrentLinkedQueue<>();
    /** Guarded by itself: value of each key, absent when deleted or never written. */
    private final Map<Integer, String> model = new HashMap<>();
    /** Keys with a write under way. Guarded by {@link #model}. */
    private final BitSet busy = new BitSet();

    private volatile boolean stopping;
    private volatile boolean closed;
    private int checks;
    private long lost;

    CheckedLoad(final TestCluster cluster, final long seed) {
        client = cluster.connect(REQUEST_TIMEOUT);
        random = new Random(seed + 1);
        issuer = new Thread(this::issue, "load");
        issuer.setDaemon(true);
        issuer.start();
    }

    long acknowledged() {
        return acknowledged.get();
    }

    long resolved() {
        return resolved.get();
    }

    int checks() {
        return checks;
    }

    /** Differences found so far, and outcomes that must not be. */
    long lost() {
        return lost + (problems.isEmpty() ? 0 : 1);
    }

    int keys() {
        synchronized (model) {
            return model.size();
        }
    }

    List<String> problems() {
        return List.copyOf(problems);
    }

    /** Waits until so many further writes are answered. */
    void awaitAnswers(final int count) throws InterruptedException {
        final long before = acknowledged.get();
        final long deadlineNs = System.nanoTime() + TestCluster.DEADLINE.toNanos();
        while (acknowledged.get() < before + count && problems.isEmpty()) {
            if (System.nanoTime() - deadlineNs > 0) {
                throw new AssertionError(
                        "not within " + TestCluster.DEADLINE + ": " + count + " answers behind " + before);
            }
            TimeUnit.MILLISECONDS.sleep(1);
        }
    }

    private void issue() {
        for (long number = 0; !stopping; number++) {
            // A session keeps the answers of a bounded number of writes: nothing new while something is unknown.
            while (unresolved.get() > 0 || !window.tryAcquire()) {
                if (stopping) {
                    return;
                }
                LockSupport.parkNanos(100_000);
            }
            if (random.nextInt(10) == 0) {
                watch(client.addAsync(COUNTER, 1), counter::incrementAndGet, () -> {});
            } else {
                writeKey(freeKey(), number);
            }
        }
    }

    private int freeKey() {
        synchronized (model) {
            int key = random.nextInt(KEYS);
            while (busy.get(key)) {
                key = random.nextInt(KEYS);
            }
            busy.set(key);
            return key;
        }
    }

    private void writeKey(final int key, final long number) {
        final String value = random.nextInt(5) == 0 ? null : value(key, number, random.nextInt(MAX_VALUE_BYTES));
        final byte[] name = KillSoak.bytes(name(key));
        watch(
                value == null ? client.deleteAsync(name) : client.putAsync(name, KillSoak.bytes(value)),
                () -> settle(key, value),
                () -> free(key));
    }

    private static String name(final int key) {
        return "key-" + key;
    }

    private static String value(final int key, final long number, final int padding) {
        return key + "/" + number + "/" + "x".repeat(padding);
    }

    private void settle(final int key, final @Nullable String value) {
        synchronized (model) {
            if (value == null) {
                model.remove(key);
            } else {
                model.put(key, value);
            }
        }
        free(key);
    }

    private void free(final int key) {
        synchronized (model) {
            busy.clear(key);
        }
    }

    /** What a write comes to, now or by asking. */
    private void watch(final CompletableFuture<?> write, final Runnable executed, final Runnable notExecuted) {
        final var unused = write.whenComplete((result, failure) -> {
            if (failure == null) {
                acknowledged.incrementAndGet();
                executed.run();
                window.release();
            } else if (failure instanceof OutcomeUnknownException outcome) {
                unresolved.incrementAndGet();
                resolve(outcome, executed, notExecuted);
            } else {
                refused(failure);
                notExecuted.run();
                window.release();
            }
        });
    }

    private void refused(final Throwable failure) {
        if (!(failure instanceof CairnException known && known.retrySafe())) {
            problem(failure.toString());
        }
    }

    private void resolve(final OutcomeUnknownException outcome, final Runnable executed, final Runnable notExecuted) {
        final var unused = outcome.resolveAsync().whenComplete((resolution, failure) -> {
            if (failure instanceof CairnException known && known.retrySafe() && !closed) {
                resolve(outcome, executed, notExecuted);
                return;
            }
            if (resolution instanceof Resolution.Executed) {
                executed.run();
            } else if (resolution instanceof Resolution.NotExecuted) {
                notExecuted.run();
            } else {
                problem("resolution " + resolution + " failure " + failure);
            }
            resolved.incrementAndGet();
            unresolved.decrementAndGet();
            window.release();
        });
    }

    private void problem(final String text) {
        if (!closed && problems.size() < MOST_PROBLEMS) {
            problems.add(text);
        }
    }

    /** Waits for all that is under way, then compares every key of the cluster with the model; the load goes on afterwards. */
    void check() throws InterruptedException {
        if (!window.tryAcquire(OUTSTANDING, 2 * REQUEST_TIMEOUT.toSeconds(), TimeUnit.SECONDS)) {
            throw new AssertionError("writes without any outcome: " + (OUTSTANDING - window.availablePermits()));
        }
        try {
            compare();
            checks++;
        } finally {
            window.release(OUTSTANDING);
        }
    }

    private void compare() {
        final Map<String, String> expected = new HashMap<>();
        synchronized (model) {
            model.forEach((key, value) -> expected.put(name(key), value));
        }
        if (counter.get() > 0) {
            expected.put(new String(COUNTER, UTF_8), Long.toString(counter.get()));
        }
        try (ScanCursor found = client.scan(Scan.all())) {
            while (found.hasNext()) {
                final KeyValue next = found.next();
                final String name = new String(next.key(), UTF_8);
                final String value = new String(next.value(), UTF_8);
                final String wanted = expected.remove(name);
                if (!value.equals(wanted)) {
                    lost++;
                    problem(name + " is " + begin(value) + ", acknowledged was " + begin(wanted));
                }
            }
        }
        lost += expected.size();
        expected.forEach((name, value) -> problem(name + " is not there, acknowledged was " + begin(value)));
    }

    private static String begin(final @Nullable String value) {
        return value == null ? "nothing" : value.substring(0, Math.min(40, value.length()));
    }

    /** Issues no further write; what is under way is waited for by {@link #check}. */
    void stop() throws InterruptedException {
        stopping = true;
        issuer.join();
    }

    @Override
    public void close() {
        closed = true;
        stopping = true;
        client.close();
    }
}
