package dev.cairn.engine;

import dev.cairn.protocol.Limits;

/**
 * Limits on which the outcome of a command depends. They are part of the replicated state machine: every node of a cluster must use the
 * same, so they are constants of the release and never a node's setting. Other values are for tests.
 *
 * @param window sequences of one session that may be in flight: lowestOpen <= sequence < lowestOpen + window; at most 32768
 * @param maxSessions sessions open at once
 * @param evictableIdleMs milliseconds of log time without a command, after which a session may make room for a new one
 * @param expiryMs milliseconds of log time without a command, after which a session is closed
 * @param sessionResultBytes results stored for one session; at or above it, no command of the session that may have a result is executed.
 *     What stands above it is less than one result. At most 4 MiB
 * @param totalResultBytes the same over all sessions
 */
public record SessionLimits(
        int window,
        int maxSessions,
        long evictableIdleMs,
        long expiryMs,
        int sessionResultBytes,
        long totalResultBytes) {
    /** What every node uses. */
    public static final SessionLimits REPLICATED =
            new SessionLimits(Limits.SESSION_WINDOW, 16_384, 60_000, 30 * 60_000, 1 << 20, 64 << 20);

    public SessionLimits {
        if (window < 1 || window > 1 << 15 || maxSessions < 1 || evictableIdleMs < 0) {
            throw new IllegalArgumentException("window " + window + " (1..32768), maxSessions " + maxSessions
                    + " (from 1), evictableIdleMs " + evictableIdleMs + " (from 0)");
        }
        if (expiryMs < 1 || sessionResultBytes < 1 || sessionResultBytes > 4 << 20 || totalResultBytes < 1) {
            throw new IllegalArgumentException("expiryMs " + expiryMs + " (from 1), sessionResultBytes "
                    + sessionResultBytes + " (1..4194304), totalResultBytes " + totalResultBytes + " (from 1)");
        }
    }
}
