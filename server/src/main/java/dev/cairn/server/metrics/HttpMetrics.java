package dev.cairn.server.metrics;

import java.util.concurrent.atomic.LongAdder;

/** What the HTTP gateway counts; any thread. */
public final class HttpMetrics {
    private static final int LAST_CODE = 599;

    private final LongAdder[] responses = new LongAdder[LAST_CODE + 1];
    private final LongAdder ns = new LongAdder();

    public HttpMetrics() {
        for (int code = 0; code <= LAST_CODE; code++) {
            responses[code] = new LongAdder();
        }
    }

    /** A request was answered with this status code after so long. */
    public void onResponse(final int code, final long durationNs) {
        responses[Math.max(0, Math.min(code, LAST_CODE))].increment();
        ns.add(durationNs);
    }

    static int lastCode() {
        return LAST_CODE;
    }

    long responses(final int code) {
        return responses[code].sum();
    }

    double seconds() {
        return ns.sum() / 1e9;
    }
}
