package dev.cairn.client;

import org.jspecify.annotations.Nullable;

/**
 * Outstanding requests in order of their deadlines. Nearly all have the same time-out, so a new one belongs at the end, and adding,
 * removing and finding the first due one cost O(1) and no allocation; only waits with a time-out of their own are passed over
 * one by one. Loop thread only.
 */
final class DeadlineList {
    private @Nullable Request<?> first;
    private @Nullable Request<?> last;

    void add(Request<?> request) {
        Request<?> before = last;
        while (before != null && before.deadlineNs - request.deadlineNs > 0) {
            before = before.earlier;
        }
        Request<?> after = before == null ? first : before.later;
        request.earlier = before;
        request.later = after;
        if (before == null) {
            first = request;
        } else {
            before.later = request;
        }
        if (after == null) {
            last = request;
        } else {
            after.earlier = request;
        }
    }

    void remove(Request<?> request) {
        Request<?> before = request.earlier;
        Request<?> after = request.later;
        if (before == null) {
            first = after;
        } else {
            before.later = after;
        }
        if (after == null) {
            last = before;
        } else {
            after.earlier = before;
        }
        request.earlier = null;
        request.later = null;
    }

    @Nullable
    Request<?> first() {
        return first;
    }
}
