package dev.cairn.client;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * One scan from chunk to chunk. Calls of {@link #next} come one after the other, each after the end of the one before;
 * {@link #close} from any thread at any time.
 */
final class ScanFlow {
    private final ClientLoop loop;
    private final ReadMode defaultMode;
    private final boolean countOnly;
    private Scan rest;
    private byte @Nullable [] lastKey;
    private long deliveredOfRest;
    private boolean failed;
    private volatile @Nullable ScanChunk last;
    private volatile boolean closed;

    ScanFlow(ClientLoop loop, Scan scan, ReadMode defaultMode, boolean countOnly) {
        this.loop = loop;
        this.rest = scan;
        this.defaultMode = defaultMode;
        this.countOnly = countOnly;
    }

    /** The next chunk that holds something, or the last one. After a failure, or the last one, there is none. */
    CompletableFuture<ScanChunk> next() {
        CompletableFuture<ScanChunk> promise = new CompletableFuture<>();
        ScanChunk before = last;
        if (failed || (before != null && !before.more())) {
            promise.completeExceptionally(new IllegalStateException("the scan is over"));
        } else {
            ask(promise);
        }
        return promise;
    }

    /** Hands over chunk by chunk; the future counts the entries. */
    CompletableFuture<Long> forEach(ChunkConsumer consumer) {
        CompletableFuture<Long> promise = new CompletableFuture<>();
        forEach(consumer, 0, promise);
        return promise;
    }

    private void forEach(ChunkConsumer consumer, long countBefore, CompletableFuture<Long> promise) {
        CompletableFuture<ScanChunk> unused = next().whenComplete((chunk, failure) -> {
            if (chunk == null) {
                promise.completeExceptionally(failure);
                return;
            }
            long count = countBefore + chunk.entries().size();
            try {
                boolean goOn = chunk.entries().isEmpty() || consumer.onChunk(chunk.entries(), chunk.revision());
                if (goOn && chunk.more()) {
                    forEach(consumer, count, promise);
                } else {
                    promise.complete(count);
                }
            } catch (RuntimeException e) {
                promise.completeExceptionally(e);
            }
        });
    }

    /** Gives the server's cursor up, if there is one. */
    void close() {
        closed = true;
        release(last);
    }

    private void ask(CompletableFuture<ScanChunk> promise) {
        ScanChunk before = last;
        Request<ScanChunk> request;
        if (before != null && before.connection() != null) {
            request = new ScanNextRequest(before.connection(), before.cursorId(), before.count());
        } else if (rest.isExhausted()) {
            last = ScanChunk.END;
            promise.complete(ScanChunk.END);
            return;
        } else {
            RequestRejectedException invalid = rest.check();
            if (invalid != null) {
                failed = true;
                promise.completeExceptionally(invalid);
                return;
            }
            request = rest.request(defaultMode, countOnly);
        }
        CompletableFuture<ScanChunk> unused = loop.submit(request).whenComplete((chunk, failure) -> {
            if (chunk == null) {
                onFailure(promise, failure);
            } else {
                onChunk(promise, chunk);
            }
        });
    }

    private void onChunk(CompletableFuture<ScanChunk> promise, ScanChunk chunk) {
        last = chunk;
        if (closed) {
            release(chunk);
        }
        List<KeyValue> entries = chunk.entries();
        if (!entries.isEmpty()) {
            lastKey = entries.get(entries.size() - 1).key();
            deliveredOfRest += entries.size();
        } else if (chunk.more() && !closed) {
            // Servers stop after a while wherever they are: nothing was found so far, or it is a count.
            ask(promise);
            return;
        }
        promise.complete(chunk);
    }

    private void onFailure(CompletableFuture<ScanChunk> promise, Throwable failure) {
        release(last);
        byte[] key = lastKey;
        if (!(failure instanceof ScanInterruptedException)) {
            failed = true;
            promise.completeExceptionally(failure);
        } else if (closed || !rest.isResuming()) {
            failed = true;
            promise.completeExceptionally(new ScanInterruptedException(
                    String.valueOf(failure.getMessage()), key == null ? null : rest.tokenAt(key)));
        } else {
            last = null;
            if (key != null) {
                rest = rest.behind(key).reducedBy(deliveredOfRest);
                lastKey = null;
                deliveredOfRest = 0;
            }
            ask(promise);
        }
    }

    private void release(@Nullable ScanChunk chunk) {
        ClientConnection holder = chunk == null ? null : chunk.connection();
        if (chunk != null && holder != null && chunk.more()) {
            loop.closeCursor(holder, chunk.cursorId());
        }
    }
}
