package dev.cairn.server.replica;

import dev.cairn.raft.Role;

/** What a replica reports for people to read. The node logs it, the simulator traces it. Never called per request. */
public interface EventLog {
    void onRoleChanged(Role role, long term, int leaderId, String reason);

    /** Entries that a snapshot holds went from the log; {@code firstIndex} is the first that is left. */
    default void onLogDropped(final long firstIndex) {}

    /** A peer sent something that contradicts the protocol; the frame was dropped. */
    void onBadPeerFrame(int peerId, String reason);
}
