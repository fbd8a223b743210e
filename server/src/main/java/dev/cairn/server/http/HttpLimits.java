package dev.cairn.server.http;

import java.util.concurrent.TimeUnit;

/**
 * Bounds of the gateway. Beyond them a request is refused or its connection closed; the node does not notice.
 *
 * @param maxConnections open at a time; a further one is closed at once
 * @param maxRequests under way at a time; a further one gets 429
 * @param maxLineBytes request line, so also path and query
 * @param maxHeaderBytes all headers of a request
 * @param maxBodyBytes one request's body; a longer one gets 413
 * @param maxHeldBytes bodies and answers of all connections together; beyond it requests get 429
 * @param receiveNs from a request's first byte to its last
 * @param idleNs between requests, and for a client to take its answer
 * @param discardNs behind a refusal, for what its client still sends to be dropped
 * @param answerNs for the node to answer; then the request gets 503
 */
record HttpLimits(
        int maxConnections,
        int maxRequests,
        int maxLineBytes,
        int maxHeaderBytes,
        int maxBodyBytes,
        long maxHeldBytes,
        long receiveNs,
        long idleNs,
        long discardNs,
        long answerNs) {
    static final HttpLimits DEFAULT = new HttpLimits(
            1024,
            1024,
            32 << 10,
            16 << 10,
            4 << 20,
            48L << 20,
            TimeUnit.SECONDS.toNanos(30),
            TimeUnit.SECONDS.toNanos(60),
            TimeUnit.SECONDS.toNanos(2),
            TimeUnit.SECONDS.toNanos(10));

    HttpLimits withTimes(final long receive, final long idle, final long answer) {
        return new HttpLimits(
                maxConnections,
                maxRequests,
                maxLineBytes,
                maxHeaderBytes,
                maxBodyBytes,
                maxHeldBytes,
                receive,
                idle,
                discardNs,
                answer);
    }
}
