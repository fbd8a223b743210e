package dev.cairn.raft;

import java.util.Arrays;
import java.util.List;
import java.util.NavigableMap;
import java.util.NavigableSet;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Who belongs to the cluster: the content of a configuration entry (Raft 6, thesis chapter 4). Immutable; ids ascend.
 *
 * <p><i>Voters</i> are the voters of the configuration, or when it is joint, of the one that comes (thesis 4.3: C-new).
 * <i>Outgoing</i> are the voters of the one that goes (C-old), none when it is not joint. <i>Learners</i> get entries and
 * count nowhere; each has a goal, which stands here so that the next leader goes on with it.
 */
public final class Membership {
    /** Voters of one configuration. */
    public static final int MAX_VOTERS = 15;

    public static final int MAX_LEARNERS = 15;

    /** Goal of a learner that is promoted by a command only. */
    public static final int STAYS_LEARNER = 0;

    /** Goal of a learner that becomes a voter once it has caught up. */
    public static final int BECOMES_VOTER = -1;

    /** A node that has not heard of any cluster yet: it votes when asked, and never campaigns. */
    public static final Membership NONE = new Membership(new int[0], new int[0], new int[0], new int[0]);

    private final int[] voters;
    private final int[] outgoing;
    private final int[] learners;

    /** By ordinal of the learner: {@link #STAYS_LEARNER}, {@link #BECOMES_VOTER}, or the id of the voter it replaces. */
    private final int[] goals;

    private Membership(final int[] voters, final int[] outgoing, final int[] learners, final int[] goals) {
        this.voters = voters;
        this.outgoing = outgoing;
        this.learners = learners;
        this.goals = goals;
    }

    /** Voters only. */
    public static Membership of(final Set<Integer> voters) {
        return of(voters, Set.of(), new TreeMap<>());
    }

    /**
     * All parts, as an entry holds them.
     *
     * @param learners goal by id
     * @throws IllegalArgumentException when no configuration can look like this
     */
    public static Membership of(
            final Set<Integer> voters, final Set<Integer> outgoing, final NavigableMap<Integer, Integer> learners) {
        final int[] voterIds = ids(voters, "voters", MAX_VOTERS);
        final int[] outgoingIds = ids(outgoing, "outgoing voters", MAX_VOTERS);
        final int[] learnerIds = ids(learners.keySet(), "learners", MAX_LEARNERS);
        for (final int id : learnerIds) {
            require(!voters.contains(id) && !outgoing.contains(id), "node " + id + " is voter and learner");
        }
        require(voterIds.length > 0 || outgoingIds.length == 0, "outgoing voters " + outgoing + " without others");
        final int[] goals =
                learners.values().stream().mapToInt(Integer::intValue).toArray();
        for (final int goal : goals) {
            require(goal >= BECOMES_VOTER && goal <= RaftConfig.MAX_NODE_ID, "goal " + goal + " of a learner");
        }
        return new Membership(voterIds, outgoingIds, learnerIds, goals);
    }

    private static int[] ids(final Set<Integer> nodes, final String name, final int limit) {
        require(nodes.size() <= limit, nodes.size() + " " + name + ", at most " + limit);
        for (final int id : nodes) {
            require(id >= 1 && id <= RaftConfig.MAX_NODE_ID, "node id " + id + " among the " + name);
        }
        return nodes.stream().mapToInt(Integer::intValue).sorted().toArray();
    }

    private static void require(final boolean holds, final String broken) {
        if (!holds) {
            throw new IllegalArgumentException(broken);
        }
    }

    // ---- views ---------------------------------------------------------------------------------------------------

    /** A copy. */
    public int[] voters() {
        return voters.clone();
    }

    /** A copy; empty unless {@link #isJoint}. */
    public int[] outgoing() {
        return outgoing.clone();
    }

    /** A copy. */
    public int[] learners() {
        return learners.clone();
    }

    /** Every node of it, each once. */
    public int[] members() {
        final NavigableSet<Integer> all = new TreeSet<>();
        for (final int[] part : List.of(voters, outgoing, learners)) {
            for (final int id : part) {
                all.add(id);
            }
        }
        return all.stream().mapToInt(Integer::intValue).toArray();
    }

    /** Two majorities decide, until the leader has left this configuration. */
    public boolean isJoint() {
        return outgoing.length > 0;
    }

    /** Whether the node has a vote, in either half. */
    public boolean isVoter(final int nodeId) {
        return isIncomingVoter(nodeId) || isOutgoingVoter(nodeId);
    }

    /** Whether the node has a vote in what goes. */
    public boolean isOutgoingVoter(final int nodeId) {
        return Arrays.binarySearch(outgoing, nodeId) >= 0;
    }

    /** Whether the node has a vote here, or when this is joint, in what comes. */
    public boolean isIncomingVoter(final int nodeId) {
        return Arrays.binarySearch(voters, nodeId) >= 0;
    }

    public boolean isLearner(final int nodeId) {
        return Arrays.binarySearch(learners, nodeId) >= 0;
    }

    public boolean isMember(final int nodeId) {
        return isVoter(nodeId) || isLearner(nodeId);
    }

    /** A learner's goal, {@link #STAYS_LEARNER} for anyone else. */
    public int goal(final int nodeId) {
        final int ordinal = Arrays.binarySearch(learners, nodeId);
        return ordinal < 0 ? STAYS_LEARNER : goals[ordinal];
    }

    // ---- changes -------------------------------------------------------------------------------------------------

    /** What the changes lead to, or why they cannot be made whatever the cluster's state is: one of both is null. */
    public record Outcome(
            @Nullable Membership target, @Nullable String refusal) {}

    /**
     * The configuration that the changes, one after the other, make of this one.
     *
     * @return a target that is not joint; how to get there is {@link #towards}
     */
    public Outcome after(final List<MembershipChange> changes) {
        final Draft draft = new Draft(this);
        String refusal = changes.isEmpty() ? "nothing is to be changed" : null;
        for (final MembershipChange change : changes) {
            refusal = refusal == null ? draft.make(change) : refusal;
        }
        refusal = refusal == null ? draft.limits() : refusal;
        return refusal == null ? new Outcome(draft.membership(), null) : new Outcome(null, refusal);
    }

    /**
     * The next configuration on the way to a target: the target itself when at most one voter differs (any two majorities
     * meet, thesis 4.1), else the joint one (thesis 4.3).
     */
    Membership towards(final Membership target) {
        int different = 0;
        for (final int id : voters) {
            different += target.isIncomingVoter(id) ? 0 : 1;
        }
        for (final int id : target.voters) {
            different += isIncomingVoter(id) ? 0 : 1;
        }
        return different <= 1 ? target : new Membership(target.voters, voters, target.learners, target.goals);
    }

    /** What follows a joint configuration. */
    Membership left() {
        return new Membership(voters, new int[0], learners, goals);
    }

    @Override
    public boolean equals(final Object other) {
        return other instanceof Membership that
                && Arrays.equals(voters, that.voters)
                && Arrays.equals(outgoing, that.outgoing)
                && Arrays.equals(learners, that.learners)
                && Arrays.equals(goals, that.goals);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(voters) * 31 + Arrays.hashCode(outgoing) * 17 + Arrays.hashCode(learners);
    }

    /** For people: {@code voters=[1, 2] outgoing=[1, 2, 3] learners=[4>3]}. */
    @Override
    public String toString() {
        final StringBuilder text = new StringBuilder("voters=").append(Arrays.toString(voters));
        if (isJoint()) {
            text.append(" outgoing=").append(Arrays.toString(outgoing));
        }
        for (int i = 0; i < learners.length; i++) {
            text.append(i == 0 ? " learners=[" : ", ").append(learners[i]);
            text.append(goals[i] == STAYS_LEARNER ? "" : goals[i] == BECOMES_VOTER ? ">voter" : ">" + goals[i]);
        }
        return text.append(learners.length > 0 ? "]" : "").toString();
    }

    /** A configuration in the making. */
    private static final class Draft {
        private final NavigableSet<Integer> voters = new TreeSet<>();
        private final NavigableMap<Integer, Integer> learners = new TreeMap<>();
        private final NavigableSet<Integer> removed = new TreeSet<>();

        Draft(final Membership start) {
            Arrays.stream(start.voters).forEach(voters::add);
            for (int i = 0; i < start.learners.length; i++) {
                learners.put(start.learners[i], start.goals[i]);
            }
        }

        Membership membership() {
            return Membership.of(voters, Set.of(), learners);
        }

        @Nullable
        String make(final MembershipChange change) {
            if (change instanceof MembershipChange.AddLearner add) {
                return addLearner(add.nodeId(), STAYS_LEARNER);
            } else if (change instanceof MembershipChange.AddVoter add) {
                return addLearner(add.nodeId(), BECOMES_VOTER);
            } else if (change instanceof MembershipChange.Promote promote) {
                return promote(promote.nodeId());
            } else if (change instanceof MembershipChange.Remove remove) {
                return remove(remove.nodeId());
            } else if (change instanceof MembershipChange.Replace replace) {
                return replace(replace.oldNodeId(), replace.newNodeId());
            }
            throw new IllegalArgumentException("unknown change " + change);
        }

        private @Nullable String addLearner(final int id, final int goal) {
            if (id < 1 || id > RaftConfig.MAX_NODE_ID) {
                return "node id " + id + " is not in 1.." + RaftConfig.MAX_NODE_ID;
            }
            if (voters.contains(id)) {
                return "node " + id + " is a voter already";
            }
            if (removed.contains(id)) {
                return "node " + id + " cannot be removed and added by one change";
            }
            final Integer known = learners.get(id);
            if (known != null && known == goal) {
                return "node " + id + " is a learner already";
            }
            learners.put(id, goal);
            return null;
        }

        private @Nullable String promote(final int id) {
            if (voters.contains(id)) {
                return "node " + id + " is a voter already";
            }
            if (!learners.containsKey(id)) {
                return "node " + id + " is no learner: add it first";
            }
            learners.remove(id);
            voters.add(id);
            return null;
        }

        private @Nullable String remove(final int id) {
            if (!voters.remove(id) && learners.remove(id) == null) {
                return "node " + id + " is no member";
            }
            removed.add(id);
            // Whoever was to take its place gets a place of its own.
            learners.replaceAll((learner, goal) -> goal == id ? BECOMES_VOTER : goal);
            return null;
        }

        private @Nullable String replace(final int oldId, final int newId) {
            if (!voters.contains(oldId)) {
                return "node " + oldId + " is no voter, so it cannot be replaced";
            }
            for (final var learner : learners.entrySet()) {
                if (learner.getKey() != newId && learner.getValue() == oldId) {
                    return "node " + oldId + " is being replaced by node " + learner.getKey();
                }
            }
            return addLearner(newId, oldId);
        }

        @Nullable
        String limits() {
            if (voters.isEmpty()) {
                return "the last voter cannot be removed";
            }
            if (voters.size() > MAX_VOTERS) {
                return voters.size() + " voters, at most " + MAX_VOTERS;
            }
            return learners.size() > MAX_LEARNERS ? learners.size() + " learners, at most " + MAX_LEARNERS : null;
        }
    }
}
