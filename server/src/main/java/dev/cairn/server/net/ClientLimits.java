package dev.cairn.server.net;

import java.util.concurrent.TimeUnit;

/**
 * What the port of clients takes at most. The sums are over all connections; behind each stands memory outside the heap, of
 * which a node has little.
 *
 * @param maxReplyBytes buffers of replies that clients have not read; beyond it the connection with most of them ends
 * @param maxUnfinishedBytes buffers of frames that have not arrived whole; beyond it the connection with most of them ends
 * @param frameNs time for a frame to arrive whole once it has begun
 */
record ClientLimits(long maxReplyBytes, long maxUnfinishedBytes, long frameNs) {
    static final ClientLimits DEFAULT = new ClientLimits(128L << 20, 64L << 20, TimeUnit.SECONDS.toNanos(30));
}
