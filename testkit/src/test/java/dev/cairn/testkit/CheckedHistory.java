package dev.cairn.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.client.CairnClient;
import dev.cairn.client.CairnException;
import dev.cairn.testkit.LinearizabilityChecker.Kind;
import dev.cairn.testkit.LinearizabilityChecker.Operation;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Puts, gets and deletes of several threads on a few keys of a real cluster, from construction to {@link #stopAndCheck}, and their
 * history. Each thread has one operation under way and a connection of its own.
 */
final class CheckedHistory implements AutoCloseable {
    private static final int THREADS = 4;
    private static final int KEYS = 8;
    private static final Duration REQUEST_TIMEOUT = Duration.ofSeconds(20);

    private final AtomicLong moment = new AtomicLong();
    private final AtomicLong value = new AtomicLong(LinearizabilityChecker.ABSENT);
    private final Queue<Operation> operations = new ConcurrentLinkedQueue<>();
    private final ExecutorService threads = Executors.newFixedThreadPool(THREADS);
    private final List<Future<?>> running = new ArrayList<>();
    private volatile boolean stopping;

    CheckedHistory(final TestCluster cluster, final long seed) {
        for (int i = 0; i < THREADS; i++) {
            final SplittableRandom random = new SplittableRandom(seed + i);
            running.add(threads.submit(() -> run(cluster, random)));
        }
    }

    private void run(final TestCluster cluster, final SplittableRandom random) {
        try (CairnClient client = cluster.connect(REQUEST_TIMEOUT)) {
            while (!stopping) {
                execute(client, random.nextInt(10), "h" + random.nextInt(KEYS));
            }
        }
    }

    private void execute(final CairnClient client, final int choice, final String key) {
        final byte[] keyBytes = key.getBytes(UTF_8);
        final Kind kind = choice < 5 ? Kind.GET : choice < 9 ? Kind.PUT : Kind.DELETE;
        final long written = kind == Kind.PUT ? value.incrementAndGet() : LinearizabilityChecker.ABSENT;
        final long invokedAt = moment.incrementAndGet();
        try {
            switch (kind) {
                case GET -> {
                    final long read = client.get(keyBytes)
                            .map(found -> Long.parseLong(new String(found.value(), UTF_8)))
                            .orElse(LinearizabilityChecker.ABSENT);
                    add(kind, key, read, invokedAt, LinearizabilityChecker.NEVER);
                }
                case PUT -> {
                    final long revision = client.put(
                                    keyBytes, Long.toString(written).getBytes(UTF_8))
                            .revision();
                    add(kind, key, written, invokedAt, revision);
                }
                default -> {
                    final var deleted = client.delete(keyBytes);
                    add(kind, key, deleted.found() ? 1 : LinearizabilityChecker.ABSENT, invokedAt, deleted.revision());
                }
            }
        } catch (CairnException e) {
            // What was surely not executed is no part of the history, and a read without an answer says nothing.
            if (!e.retrySafe()) {
                final long never = LinearizabilityChecker.NEVER;
                operations.add(
                        new Operation(kind, key, written, invokedAt, never, never, kind + ": " + e.getMessage()));
            }
        }
    }

    private void add(final Kind kind, final String key, final long seen, final long invokedAt, final long revision) {
        final long returnedAt = moment.incrementAndGet();
        operations.add(new Operation(kind, key, seen, invokedAt, returnedAt, revision, kind + " at " + invokedAt));
    }

    /** Operations that have been answered so far. */
    int size() {
        return operations.size();
    }

    /** Ends the load and judges: the key whose operations fit no order, with them; empty = linearizable. */
    Optional<String> stopAndCheck() throws ExecutionException, InterruptedException {
        stopping = true;
        for (final Future<?> thread : running) {
            thread.get();
        }
        return LinearizabilityChecker.check(List.copyOf(operations));
    }

    /** The threads end with what they have under way; it is not judged. */
    @Override
    public void close() {
        stopping = true;
        threads.shutdown();
    }
}
