package dev.cairn.client;

import org.jspecify.annotations.Nullable;

/**
 * Outstanding requests in order of arrival, which is the order of their deadlines because all have the same time-out (up to
 * the microseconds between a call and its arrival). Adding, removing and finding the first due one cost O(1) and no
 * allocation. Loop thread only.
 */
final class DeadlineList {
    private @Nullable Request<?> first;
    private @Nullable Request<?> last;

    void add(Request<?> request) {
        Request<?> before = last;
        request.earlier = before;
        if (before == null) {
            first = request;
        } else {
            before.later = request;
        }
        last = request;
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
