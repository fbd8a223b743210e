package dev.cairn.server.http;

import java.util.TreeMap;

/** The gateway's own counts, for a node without a metrics registry. Gateway's thread. */
public final class HttpCounts implements HttpObserver {
    private final TreeMap<Integer, Long> responses = new TreeMap<>();

    @Override
    public void onResponse(final int code, final long durationNs) {
        responses.merge(code, 1L, Long::sum);
    }

    @Override
    public String scrape() {
        final StringBuilder text = new StringBuilder("""
                # HELP cairn_http_responses_total Answered requests by status code.
                # TYPE cairn_http_responses_total counter
                """);
        responses.forEach((code, count) -> text.append("cairn_http_responses_total{code=\"")
                .append(code)
                .append("\"} ")
                .append(count)
                .append('\n'));
        return text.toString();
    }

    @Override
    public String contentType() {
        return "text/plain; version=0.0.4; charset=utf-8";
    }
}
