package dev.cairn.raft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.raft.MembershipChange.AddLearner;
import dev.cairn.raft.MembershipChange.AddVoter;
import dev.cairn.raft.MembershipChange.Promote;
import dev.cairn.raft.MembershipChange.Remove;
import dev.cairn.raft.MembershipChange.Replace;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Configurations by themselves: what follows what, and the limits. */
class MembershipPartsTest {
    private static final Membership THREE = Membership.of(Set.of(1, 2, 3));

    private static Membership after(Membership start, MembershipChange... changes) {
        Membership.Outcome outcome = start.after(List.of(changes));
        assertThat(outcome.refusal()).isNull();
        Membership target = outcome.target();
        assertThat(target).isNotNull();
        return target == null ? Membership.NONE : target;
    }

    @Test
    void oneVoterMoreOrLessIsASimpleStep() {
        Membership learning = after(THREE, new AddVoter(4), new AddLearner(5));
        assertThat(THREE.towards(learning)).hasToString("voters=[1, 2, 3] learners=[4>voter, 5]");
        Membership more = after(learning, new Promote(4));
        assertThat(learning.towards(more)).hasToString("voters=[1, 2, 3, 4] learners=[5]");
        Membership fewer = after(THREE, new Remove(2));
        assertThat(THREE.towards(fewer)).hasToString("voters=[1, 3]");
    }

    @Test
    void moreThanOneVoterGoesThroughAJointStep() {
        Membership learning = after(THREE, new AddLearner(4), new AddLearner(5));
        Membership target = after(learning, new Promote(4), new Remove(1));
        Membership joint = learning.towards(target);
        assertThat(joint).hasToString("voters=[2, 3, 4] outgoing=[1, 2, 3] learners=[5]");
        assertThat(joint.isJoint()).isTrue();
        assertThat(joint.members()).containsExactly(1, 2, 3, 4, 5);
        assertThat(joint.left()).isEqualTo(target).hasSameHashCodeAs(target);
        assertThat(joint).isNotEqualTo(target);
        assertThat(THREE.towards(after(THREE, new Remove(1), new Remove(2))).isJoint())
                .isTrue();
    }

    @Test
    void whoIsRemovedTakesItsReplacementsPlaceWithIt() {
        Membership replacing = after(THREE, new Replace(2, 4));
        assertThat(replacing.goal(4)).isEqualTo(2);
        assertThat(after(replacing, new Remove(2))).hasToString("voters=[1, 3] learners=[4>voter]");
        assertThat(after(replacing, new AddLearner(4))).hasToString("voters=[1, 2, 3] learners=[4]");
        assertThat(after(replacing, new Remove(4))).isEqualTo(THREE);
    }

    @Test
    void thereAreAtMostFifteenOfAKind() {
        Membership full = Membership.of(
                IntStream.rangeClosed(1, 15).boxed().collect(Collectors.toSet()),
                Set.of(),
                IntStream.rangeClosed(20, 34)
                        .boxed()
                        .collect(Collectors.toMap(id -> id, id -> 0, (a, b) -> a, TreeMap::new)));
        assertThat(full.after(List.of(new Promote(20))).refusal()).isEqualTo("16 voters, at most 15");
        assertThat(full.after(List.of(new AddLearner(40))).refusal()).isEqualTo("16 learners, at most 15");
        assertThat(full.after(List.of(new Promote(20), new Remove(1))).refusal())
                .isNull();
    }

    @Test
    void whatNoConfigurationCanBeIsNotBuilt() {
        TreeMap<Integer, Integer> learner = new TreeMap<>();
        learner.put(2, 0);
        assertThatThrownBy(() -> Membership.of(Set.of(1, 2), Set.of(), learner))
                .hasMessageContaining("node 2 is voter and learner");
        assertThatThrownBy(() -> Membership.of(Set.of(), Set.of(1), new TreeMap<>()))
                .hasMessageContaining("without others");
        assertThatThrownBy(() -> Membership.of(Set.of(0))).hasMessageContaining("node id 0");
        learner.put(2, -2);
        assertThatThrownBy(() -> Membership.of(Set.of(1), Set.of(), learner)).hasMessageContaining("goal -2");
    }

    @Test
    void aHistoryForgetsWhatCommittedAndRollsBackWhatDidNot() {
        MembershipHistory history = new MembershipHistory(3, THREE);
        Membership two = Membership.of(Set.of(1, 2));
        history.append(7, two);
        history.append(9, Membership.of(Set.of(1)));
        assertThat(history.hasVoter(3)).isTrue();
        assertThat(history.truncateSuffix(10)).isFalse();
        assertThat(history.truncateSuffix(8)).isTrue();
        assertThat(history.last()).isEqualTo(two);
        assertThat(history.lastIndex()).isEqualTo(7);
        history.onCommitted(6);
        assertThat(history.hasVoter(3)).isTrue();
        history.onCommitted(7);
        assertThat(history.hasVoter(3)).isFalse();
        assertThatThrownBy(() -> history.truncateSuffix(7)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> history.append(7, two)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void votesThatWaitAreOnePerNodeAndKind() {
        PendingVotes votes = new PendingVotes();
        votes.add(4, false, 5, true);
        votes.add(4, true, 6, true);
        votes.add(4, false, 7, false);
        votes.add(2, false, 8, true);
        assertThat(votes.count()).isEqualTo(3);
        assertThat(votes.to(0)).as("by id").isEqualTo(2);
        assertThat(votes.preVote(1)).as("pre-votes first").isTrue();
        assertThat(votes.to(2)).isEqualTo(4);
        assertThat(votes.requestTerm(2)).as("the later request").isEqualTo(7);
        assertThat(votes.granted(2)).isFalse();
        for (int id = 100; id < 100 + PendingVotes.MAX; id++) {
            votes.add(id, false, 7, false);
        }
        assertThat(votes.count()).isEqualTo(PendingVotes.MAX);
        votes.clear();
        assertThat(votes.isEmpty()).isTrue();
    }
}
