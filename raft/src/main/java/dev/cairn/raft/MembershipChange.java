package dev.cairn.raft;

/** One step of a change of membership; several of them are made at once, by joint consensus (thesis 4.3). */
public sealed interface MembershipChange {
    /** Adds a node that gets entries and neither votes nor counts, until it is promoted or removed. */
    record AddLearner(int nodeId) implements MembershipChange {}

    /** Adds a learner that becomes a voter by itself once it has caught up. */
    record AddVoter(int nodeId) implements MembershipChange {}

    /** Makes a learner a voter now. */
    record Promote(int nodeId) implements MembershipChange {}

    /** Removes a voter or a learner. */
    record Remove(int nodeId) implements MembershipChange {}

    /**
     * Adds {@code newNodeId} as a learner, or takes the learner with that id, that takes the place of the voter
     * {@code oldNodeId} by itself once it has caught up: one is promoted and the other removed in a single step.
     */
    record Replace(int oldNodeId, int newNodeId) implements MembershipChange {}
}
