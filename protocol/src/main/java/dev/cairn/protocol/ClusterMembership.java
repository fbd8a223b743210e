package dev.cairn.protocol;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Who belongs to the cluster, as its leader says (MEMBERSHIP_REPLY).
 *
 * @param index of the log entry that says so, 0 = the nodes' settings
 * @param commitIndex highest index known to be committed
 * @param lastIndex of the leader's log
 * @param members by rising id
 */
public record ClusterMembership(long index, long commitIndex, long lastIndex, int leaderId, List<Member> members) {
    public ClusterMembership {
        members = List.copyOf(members);
    }

    /**
     * One of them.
     *
     * @param flags {@code MembershipReplyDescriptor.FLAG_...}
     * @param goal of a learner: 0 stays one, -1 becomes a voter once it has caught up, else the id of the voter whose place
     *     it takes then
     * @param matchIndex highest index that it is known to hold durably
     * @param address {@code host:peerPort:clientPort[:httpPort]}, empty = not known
     */
    public record Member(int nodeId, int flags, int goal, long matchIndex, String address) {
        /** It has a vote, and keeps it. */
        public boolean isVoter() {
            return has(MembershipReplyDescriptor.FLAG_VOTER);
        }

        /** It has a vote in the configuration that goes. */
        public boolean isOutgoing() {
            return has(MembershipReplyDescriptor.FLAG_OUTGOING);
        }

        public boolean isLearner() {
            return has(MembershipReplyDescriptor.FLAG_LEARNER);
        }

        /** The leader has heard it within an election timeout. */
        public boolean isReachable() {
            return has(MembershipReplyDescriptor.FLAG_REACHABLE);
        }

        /** A learner that could be promoted now. */
        public boolean isCaughtUp() {
            return has(MembershipReplyDescriptor.FLAG_CAUGHT_UP);
        }

        private boolean has(int flag) {
            return (flags & flag) != 0;
        }
    }

    /** Null when it is none. */
    public @Nullable Member member(int nodeId) {
        return members.stream()
                .filter(member -> member.nodeId() == nodeId)
                .findAny()
                .orElse(null);
    }

    /** A change has begun and is not committed, or two configurations hold; a learner with a goal is no such change. */
    public boolean isChanging() {
        return index > commitIndex || members.stream().anyMatch(Member::isOutgoing);
    }
}
