package dev.cairn.server.net;

import com.sun.management.UnixOperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.concurrent.TimeUnit;

/**
 * What the port of clients takes at most. The sums are over all connections; behind each stands memory outside the heap, of
 * which a node has little.
 *
 * @param maxConnections open at once; further ones are closed as they come
 * @param helloNs time from the connection to its HELLO
 * @param maxReplyBytes buffers of replies that clients have not read; beyond it the connection with most of them ends
 * @param maxUnfinishedBytes buffers of frames that have not arrived whole; beyond it the connection with most of them ends
 * @param frameNs time for a frame to arrive whole once it has begun
 * @param lastNs time for the last answers, and for the client to take them, once it sends no more or was refused
 */
record ClientLimits(
        int maxConnections, long helloNs, long maxReplyBytes, long maxUnfinishedBytes, long frameNs, long lastNs) {
    private static final int MAX_CONNECTIONS = 10_000;

    static final ClientLimits DEFAULT = new ClientLimits(
            Math.min(MAX_CONNECTIONS, halfOfTheDescriptors()),
            TimeUnit.SECONDS.toNanos(10),
            128L << 20,
            64L << 20,
            TimeUnit.SECONDS.toNanos(30),
            TimeUnit.SECONDS.toNanos(10));

    /** The log and the store need files, and a node that cannot open one stops: connections leave half of what there is. */
    private static int halfOfTheDescriptors() {
        return ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean unix
                ? (int) Math.min(MAX_CONNECTIONS, unix.getMaxFileDescriptorCount() / 2)
                : MAX_CONNECTIONS;
    }
}
