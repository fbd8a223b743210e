package dev.cairn.client;

import dev.cairn.protocol.ClusterMembership;
import dev.cairn.protocol.Status;
import org.jspecify.annotations.Nullable;

/** What became of a change of membership: the leader's view behind it, or why there is none. */
record MembershipAnswer(@Nullable ClusterMembership membership, Status status, String problem) {
    ClusterMembership get() {
        if (membership != null) {
            return membership;
        }
        if (status == Status.DEADLINE) {
            throw new OutcomeUnknownException("change of membership: " + problem, null);
        }
        throw new RequestRejectedException(status, "change of membership: " + problem);
    }
}
