package dev.cairn.server.replica;

import dev.cairn.raft.Membership;
import dev.cairn.raft.Role;

/** What a replica reports for people to read. The node logs it, the simulator traces it. Never called per request. */
public interface EventLog {
    void onRoleChanged(Role role, long term, int leaderId, String reason);

    /** The node acts by another configuration from now on; {@code index} is its entry's, 0 = that of the settings. */
    default void onMembershipChanged(final long index, final Membership membership) {}

    /** This node is no member of the cluster, not yet or no longer: it serves no clients. */
    default void onOutside(final String reason) {}

    /** Entries that a snapshot holds went from the log; {@code firstIndex} is the first that is left. */
    default void onLogDropped(final long firstIndex) {}

    /**
     * The log has gone on to its next segment; told by the loop thread, which has waited for it.
     *
     * @param lastIndex the last entry before
     * @param ns how long the loop has waited
     */
    default void onLogRolled(final long lastIndex, final long ns) {}

    /**
     * Something took longer to be forced to disk than the limit; told once in a while, by the log-sync thread.
     *
     * @param what of which the force was, the log or the hard state
     * @param position up to which the log is durable now
     * @param untold slow forces since the last that was told
     */
    default void onSlowForce(
            final String what, final long ms, final long bytes, final String position, final long untold) {}

    /** Less than the reserve is free on the disk: clients' writes are refused; or, with {@code low} false, no longer. */
    default void onDiskSpace(final boolean low, final long freeBytes, final long reserveBytes) {}

    /** The store had no room for a batch and tries it again; or, with {@code stalled} false, has written it. */
    default void onApplyStalled(final boolean stalled, final long appliedIndex) {}

    /** The leader has said up to which index the log must be whole again, of which so much is there. */
    default void onRepairTarget(final long targetIndex, final long lastIndex, final int leaderId) {}

    /** The log holds again, durably, everything that may have been acknowledged here. */
    default void onRepairDone(final long lastIndex) {}

    /**
     * The log is under repair and no leader says what is missing: there is none, or it has no majority of intact logs.
     *
     * @param lost entries that could not be read
     */
    default void onRepairStalled(final String lost, final long lastIndex) {}

    /** The store could not read what a request asked for; the request was answered with INTERNAL. */
    default void onReadFailed(final String reason) {}

    /** A peer sent something that contradicts the protocol; the frame was dropped. */
    void onBadPeerFrame(int peerId, String reason);
}
