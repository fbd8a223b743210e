package dev.cairn.server.replica;

import dev.cairn.raft.Role;

/** What a replica reports for people to read. The node logs it, the simulator traces it. Never called per request. */
public interface EventLog {
    void onRoleChanged(Role role, long term, int leaderId, String reason);

    /** A peer sent something that contradicts the protocol; the frame was dropped. */
    void onBadPeerFrame(int peerId, String reason);
}
