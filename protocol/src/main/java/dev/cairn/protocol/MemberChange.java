package dev.cairn.protocol;

/**
 * One change of the membership, as an operator asks for it.
 *
 * @param kind one of {@code ChangeMembershipDescriptor.KIND_...}
 * @param nodeId the node that is added, promoted or removed
 * @param replacedId the voter whose place it takes, 0 = none
 * @param address {@code host:peerPort:clientPort[:httpPort]} of a node that is added; empty = the one that is known
 */
public record MemberChange(int kind, int nodeId, int replacedId, String address) {
    /** Adds a node that gets everything and has no vote. */
    public static MemberChange addLearner(int nodeId, String address) {
        return new MemberChange(ChangeMembershipDescriptor.KIND_ADD_LEARNER, nodeId, 0, address);
    }

    /** Adds a node that gets its vote by itself once it has caught up. */
    public static MemberChange addVoter(int nodeId, String address) {
        return new MemberChange(ChangeMembershipDescriptor.KIND_ADD_VOTER, nodeId, 0, address);
    }

    /** Gives a learner its vote now. */
    public static MemberChange promote(int nodeId) {
        return new MemberChange(ChangeMembershipDescriptor.KIND_PROMOTE, nodeId, 0, "");
    }

    public static MemberChange remove(int nodeId) {
        return new MemberChange(ChangeMembershipDescriptor.KIND_REMOVE, nodeId, 0, "");
    }

    /** Adds a node that takes a voter's place by itself once it has caught up. */
    public static MemberChange replace(int replacedId, int nodeId, String address) {
        return new MemberChange(ChangeMembershipDescriptor.KIND_REPLACE, nodeId, replacedId, address);
    }
}
