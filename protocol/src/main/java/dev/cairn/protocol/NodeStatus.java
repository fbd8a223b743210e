package dev.cairn.protocol;

/**
 * What a node says about itself (STATUS_REPLY).
 *
 * @param nodeId id of the node, 1 to 65535
 * @param role one of {@code StatusReplyDescriptor.ROLE_...}
 * @param durability one of {@code StatusReplyDescriptor.DURABILITY_...}
 * @param term the node's current term
 * @param commitIndex highest index that it knows to be committed
 * @param appliedIndex highest index in its state machine
 * @param lastLogIndex highest index in its log
 * @param durableIndex highest index that is forced to its own disk
 * @param digest running digest of what was applied up to {@code appliedIndex}
 * @param leaderId node id of the leader that it follows, 0 = unknown
 * @param leaderAddress client address of that leader, {@code host:port}, empty = unknown
 */
public record NodeStatus(
        int nodeId,
        int role,
        int durability,
        long term,
        long commitIndex,
        long appliedIndex,
        long lastLogIndex,
        long durableIndex,
        long digest,
        int leaderId,
        String leaderAddress) {

    /** The role as a word. */
    public String roleName() {
        return switch (role) {
            case StatusReplyDescriptor.ROLE_FOLLOWER -> "FOLLOWER";
            case StatusReplyDescriptor.ROLE_PRE_CANDIDATE -> "PRE_CANDIDATE";
            case StatusReplyDescriptor.ROLE_CANDIDATE -> "CANDIDATE";
            case StatusReplyDescriptor.ROLE_LEADER -> "LEADER";
            case StatusReplyDescriptor.ROLE_REPAIRING -> "REPAIRING";
            default -> "ROLE_" + role;
        };
    }

    /** True when this node believes that it leads. */
    public boolean isLeader() {
        return role == StatusReplyDescriptor.ROLE_LEADER;
    }
}
