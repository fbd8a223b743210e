package dev.cairn.server.http;

/** What the gateway tells and asks the node's metrics. Called by the gateway's thread. */
public interface HttpObserver {
    /** A request was answered with this status code so long after its last byte had arrived. */
    void onResponse(int code, long durationNs);

    /** All metrics of the node, in Prometheus' text format. */
    String scrape();

    /** Media type of {@link #scrape}. */
    String contentType();
}
