package dev.cairn.server.http;

/** Counts nothing. */
final class NoMetrics implements HttpObserver {
    @Override
    public void onResponse(final int code, final long durationNs) {
        // Counted nowhere.
    }

    @Override
    public String scrape() {
        return "";
    }

    @Override
    public String contentType() {
        return Exchange.TEXT;
    }
}
