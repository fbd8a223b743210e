package dev.cairn.server.replica;

import dev.cairn.raft.Membership;
import dev.cairn.raft.RaftCore;
import dev.cairn.raft.Role;

/**
 * Whether this node belongs to the cluster, as far as it knows: by the last configuration in its log, or because a peer
 * refused it by a later one. A node that was removed may never get the entry that says so. Loop thread.
 */
final class Belonging {
    private final int nodeId;
    private final EventLog events;

    private long refusedIndex;
    private int refusedBy;
    private boolean told;

    Belonging(final int nodeId, final EventLog events) {
        this.nodeId = nodeId;
        this.events = events;
    }

    /** By the configuration at {@code index}, which is committed at that peer, this node is no member. */
    void onRefused(final int peerId, final long index) {
        if (index >= refusedIndex) {
            refusedBy = peerId;
            refusedIndex = index;
        }
    }

    /** Whether clients are to be served here. A leader goes on until its own removal is committed. */
    boolean serves(final RaftCore core) {
        return core.role() == Role.LEADER
                || (core.membership().isMember(nodeId) && refusedIndex <= core.membershipIndex());
    }

    /** Why this node does not serve; for clients. */
    String reason(final RaftCore core) {
        final Membership membership = core.membership();
        if (membership.members().length == 0) {
            return "node " + nodeId + " is no member yet: it waits to be added to the cluster";
        }
        return refusedIndex > core.membershipIndex()
                ? "node " + nodeId + " was removed from the cluster by the configuration at index " + refusedIndex
                : "node " + nodeId + " is no member of the cluster by the configuration at index "
                        + core.membershipIndex();
    }

    /** Whom to ask instead when no leader is known: who said so, or a voter that was left. 0 = nobody. */
    int whoKnowsMore(final RaftCore core) {
        if (serves(core)) {
            return 0;
        }
        if (refusedIndex > core.membershipIndex()) {
            return refusedBy;
        }
        final int[] voters = core.membership().voters();
        return voters.length == 0 ? 0 : voters[0];
    }

    /** Each tick: tells the event log of it once. */
    void onTick(final RaftCore core) {
        final boolean outside = !serves(core);
        if (outside && !told) {
            events.onOutside(reason(core));
        }
        told = outside;
    }
}
