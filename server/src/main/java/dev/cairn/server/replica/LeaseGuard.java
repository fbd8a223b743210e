package dev.cairn.server.replica;

import java.util.concurrent.TimeUnit;

/**
 * How long a lease may be, and what makes its clock doubtful. Loop thread.
 *
 * <p>A follower waits {@code electionMinTicks} of its own ticks before it votes against a leader that it has heard. The
 * first of them may follow the message at once, and the second half a tick after one that came late; so less than two
 * ticks are missing. Of the rest a fifth is left for clocks that do not run at one rate.
 *
 * <p>A process that was stopped needs no guard as such: its lease is compared with a clock that is read behind the arrival
 * of each read. The guard is for clocks which do not count what stopped them, a suspended host's for instance.
 */
final class LeaseGuard {
    private static final int MISSING_TICKS = 2;

    private final long maxCycleNs;
    private final long maxDisagreementNs;
    private long lastNs;
    private long lastWallNs;

    LeaseGuard(final long leaseNs, final long tickNs, final long startNs, final long wallMs) {
        maxCycleNs = Math.max(2 * tickNs, leaseNs / 4);
        maxDisagreementNs = Math.max(TimeUnit.MILLISECONDS.toNanos(5), leaseNs / 8);
        lastNs = startNs;
        lastWallNs = TimeUnit.MILLISECONDS.toNanos(wallMs);
    }

    /** Length of leases in a cluster with this timing; 0 = it is too short for any. */
    static long leaseNs(final int electionMinTicks, final long tickNs) {
        return Math.max(0, electionMinTicks - MISSING_TICKS) * tickNs * 4 / 5;
    }

    /** At the start of each cycle: whether the process stood still since the last one, or a clock made a jump. */
    boolean hasJumped(final long nowNs, final long wallMs) {
        final long wallNs = TimeUnit.MILLISECONDS.toNanos(wallMs);
        final long passedNs = nowNs - lastNs;
        final long disagreementNs = Math.abs(wallNs - lastWallNs - passedNs);
        lastNs = nowNs;
        lastWallNs = wallNs;
        return passedNs > maxCycleNs || disagreementNs > maxDisagreementNs;
    }
}
