package dev.cairn.client;

import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Hands requests from any thread to the loop; many producers, one taker, no allocation. A stack whose taker takes all and
 * turns it round, so the order of pushes is kept. A push retries only when another push succeeded; taking never waits.
 * Bounded by the count of outstanding requests, which the caller of {@link #push} holds.
 */
final class RequestInbox {
    private final AtomicReference<@Nullable Request<?>> newest = new AtomicReference<>();

    /** Any thread. True when the inbox was empty: then, and only then, the taker must be woken. */
    boolean push(Request<?> request) {
        Request<?> head;
        do {
            head = newest.get();
            request.inboxNext = head;
        } while (!newest.compareAndSet(head, request));
        return head == null;
    }

    /** The taker. The oldest request, linked to the later ones by {@link Request#inboxNext}; null when empty. */
    @Nullable
    Request<?> takeAll() {
        Request<?> rest = newest.getAndSet(null);
        Request<?> oldest = null;
        while (rest != null) {
            Request<?> next = rest.inboxNext;
            rest.inboxNext = oldest;
            oldest = rest;
            rest = next;
        }
        return oldest;
    }
}
