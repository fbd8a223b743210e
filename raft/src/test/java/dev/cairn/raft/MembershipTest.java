package dev.cairn.raft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.covers.Covers;
import dev.cairn.raft.MembershipChange.AddLearner;
import dev.cairn.raft.MembershipChange.AddVoter;
import dev.cairn.raft.MembershipChange.Promote;
import dev.cairn.raft.MembershipChange.Remove;
import dev.cairn.raft.MembershipChange.Replace;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Changes of membership, step by step: Raft section 6, thesis chapter 4. */
@Covers("R28")
class MembershipTest {
    private static final String TAKEN = "null";

    // ---- learners ------------------------------------------------------------------------------------------------

    @Test
    void aNewVoterStartsAsALearnerAndIsPromotedOnceItHasCaughtUp() {
        TestCluster cluster = TestCluster.of(4, 3);
        cluster.elect(1);
        cluster.propose(1, 20);
        cluster.setApart(4);
        assertThat(cluster.change(1, new AddVoter(4))).isEqualTo(TAKEN);
        cluster.ticks(3);
        assertThat(cluster.core(1).membership()).hasToString("voters=[1, 2, 3] learners=[4>voter]");
        cluster.rejoin(4);
        cluster.ticks(2 * TestNode.HEARTBEAT);
        for (int id = 1; id <= 4; id++) {
            assertThat(cluster.core(id).membership()).hasToString("voters=[1, 2, 3, 4]");
            assertThat(cluster.core(id).commitIndex()).isEqualTo(cluster.core(1).membershipIndex());
        }
    }

    @Test
    void aLearnerNeitherCountsNorCampaigns() {
        TestCluster cluster = TestCluster.of(4, 3);
        cluster.elect(1);
        cluster.changeFully(1, new AddLearner(4));
        cluster.setApart(2, 3);
        long before = cluster.core(1).commitIndex();
        long index = cluster.propose(1, 1);
        assertThat(cluster.core(1).matchIndex(4)).isEqualTo(index);
        assertThat(cluster.core(1).commitIndex()).isEqualTo(before);
        cluster.ticks(3 * TestNode.ELECTION);
        assertThat(cluster.core(1).role()).as("a learner is no quorum").isNotEqualTo(Role.LEADER);
        assertThat(cluster.core(4).role()).isEqualTo(Role.FOLLOWER);
        assertThat(cluster.core(4).membership().learners()).containsExactly(4);
    }

    @Test
    void aLearnerThatIsNotToldOtherwiseStaysOne() {
        TestCluster cluster = TestCluster.of(4, 3);
        cluster.elect(1);
        cluster.changeFully(1, new AddLearner(4));
        cluster.ticks(3 * TestNode.ELECTION);
        assertThat(cluster.core(1).membership()).hasToString("voters=[1, 2, 3] learners=[4]");
        cluster.changeFully(1, new Promote(4));
        assertThat(cluster.core(4).membership()).hasToString("voters=[1, 2, 3, 4]");
    }

    /** Only its vote can bring a leader: the entry that promoted it is on the other node alone. */
    @Test
    void aLearnerThatDoesNotKnowOfItsPromotionAnswersVoteRequests() {
        TestCluster cluster = TestCluster.of(2, 1);
        cluster.elect(1);
        cluster.changeFully(1, new AddLearner(2));
        cluster.setApart(2);
        assertThat(cluster.change(1, new Promote(2))).isEqualTo(TAKEN);
        assertThat(cluster.core(1).isMembershipChanging()).isTrue();
        cluster.crash(1);
        // Timeouts of a node without a vote pass, and the leader that it once heard is forgotten.
        cluster.ticksOf(2, 30);
        assertThat(cluster.core(2).leaderId()).isZero();
        cluster.rejoin(2);
        cluster.ticksOf(1, TestNode.ELECTION + 1);
        assertThat(cluster.core(1).role()).isEqualTo(Role.LEADER);
        cluster.ticks(TestNode.HEARTBEAT);
        assertThat(cluster.core(2).membership()).hasToString("voters=[1, 2]");
    }

    // ---- two majorities ------------------------------------------------------------------------------------------

    /** Nodes 4 and 5 are learners that have caught up, ready to take the places of 2 and 3. */
    private static TestCluster readyForJoint() {
        TestCluster cluster = TestCluster.of(5, 3);
        cluster.elect(1);
        cluster.changeFully(1, new AddLearner(4), new AddLearner(5));
        return cluster;
    }

    private static String exchange(TestCluster cluster) {
        return cluster.change(1, new Promote(4), new Promote(5), new Remove(2), new Remove(3));
    }

    @Test
    void severalVotersChangeThroughAJointConfigurationThatTheLeaderLeaves() {
        TestCluster cluster = readyForJoint();
        long before = cluster.core(1).membershipIndex();
        assertThat(exchange(cluster)).isEqualTo(TAKEN);
        assertThat(cluster.core(1).membership()).hasToString("voters=[1, 4, 5]");
        assertThat(cluster.core(1).membershipIndex()).as("joint, then left").isEqualTo(before + 2);
        cluster.ticks(TestNode.HEARTBEAT);
        assertThat(cluster.core(5).membership()).hasToString("voters=[1, 4, 5]");
        assertThat(cluster.core(1).isMembershipChanging()).isFalse();
    }

    @Test
    void whatIsJointNeedsTheMajorityThatGoes() {
        TestCluster cluster = readyForJoint();
        cluster.setApart(2, 3);
        assertThat(exchange(cluster)).isEqualTo(TAKEN);
        assertThat(cluster.core(1).membership()).hasToString("voters=[1, 4, 5] outgoing=[1, 2, 3]");
        cluster.ticks(3);
        assertThat(cluster.core(1).commitIndex()).isLessThan(cluster.core(1).membershipIndex());
        cluster.rejoin(2);
        cluster.ticks(2 * TestNode.HEARTBEAT);
        assertThat(cluster.core(1).membership()).hasToString("voters=[1, 4, 5]");
    }

    @Test
    void whatIsJointNeedsTheMajorityThatComes() {
        TestCluster cluster = readyForJoint();
        cluster.setApart(4, 5);
        assertThat(exchange(cluster)).isEqualTo(TAKEN);
        cluster.read(1);
        cluster.ticks(3);
        assertThat(cluster.core(1).commitIndex()).isLessThan(cluster.core(1).membershipIndex());
        assertThat(cluster.confirmedReads()).as("one majority confirms no read").isZero();
        cluster.rejoin(4);
        cluster.ticks(2 * TestNode.HEARTBEAT);
        assertThat(cluster.confirmedReads()).isEqualTo(1);
        assertThat(cluster.core(1).membership()).hasToString("voters=[1, 4, 5]");
    }

    @Test
    void aLeaderThatIsNotHeardByBothMajoritiesStepsDown() {
        TestCluster cluster = readyForJoint();
        cluster.setApart(4, 5);
        assertThat(exchange(cluster)).isEqualTo(TAKEN);
        cluster.ticks(2 * TestNode.ELECTION);
        assertThat(cluster.leader()).isZero();
    }

    /** Crash in the middle: the joint entry is everywhere, nobody knows it as committed. */
    @Test
    void aNewLeaderLeavesTheJointConfigurationOfTheOldOne() {
        TestCluster cluster = readyForJoint();
        cluster.core(1).changeMembership(List.of(new Promote(4), new Promote(5), new Remove(2), new Remove(3)));
        cluster.finish(cluster.node(1));
        cluster.deliverWithoutAnswers();
        cluster.setApart(1);
        cluster.crash(1);
        assertThat(cluster.core(4).membership()).hasToString("voters=[1, 4, 5] outgoing=[1, 2, 3]");
        cluster.elect(4);
        assertThat(cluster.core(4).membership()).hasToString("voters=[1, 4, 5]");
        cluster.rejoin(1);
        cluster.ticks(2 * TestNode.HEARTBEAT);
        assertThat(cluster.core(1).membership()).hasToString("voters=[1, 4, 5]");
        assertThat(cluster.core(1).leaderId()).isEqualTo(4);
    }

    @Test
    void votesAreCountedByBothMajorities() {
        TestCluster cluster = readyForJoint();
        cluster.core(1).changeMembership(List.of(new Promote(4), new Promote(5), new Remove(2), new Remove(3)));
        cluster.finish(cluster.node(1));
        cluster.deliverWithoutAnswers();
        cluster.crash(1);
        cluster.setApart(2, 3);
        assertThat(cluster.campaign(4)).as("only with those that come").isFalse();
        cluster.rejoin(2, 3);
        cluster.setApart(4, 5);
        assertThat(cluster.campaign(1)).as("only with those that go").isFalse();
        cluster.rejoin(4, 5);
        cluster.ticks(4 * TestNode.ELECTION);
        assertThat(cluster.leader()).isNotZero();
    }

    @Test
    void replaceIsOneOrder() {
        TestCluster cluster = TestCluster.of(4, 3);
        cluster.elect(1);
        cluster.propose(1, 10);
        cluster.setApart(4);
        assertThat(cluster.change(1, new Replace(2, 4))).isEqualTo(TAKEN);
        assertThat(cluster.core(1).membership()).hasToString("voters=[1, 2, 3] learners=[4>2]");
        assertThat(cluster.change(1, new Replace(2, 5))).contains("node 2 is being replaced by node 4");
        cluster.rejoin(4);
        cluster.ticks(2 * TestNode.HEARTBEAT);
        assertThat(cluster.core(4).membership()).hasToString("voters=[1, 3, 4]");
    }

    /** The order outlives the leader that took it. */
    @Test
    void theNextLeaderGoesOnWithAReplacement() {
        TestCluster cluster = TestCluster.of(4, 3);
        cluster.elect(1);
        cluster.setApart(4);
        cluster.change(1, new Replace(1, 4));
        cluster.ticks(TestNode.HEARTBEAT);
        cluster.setApart(1);
        cluster.elect(2);
        cluster.rejoin(4);
        cluster.ticks(2 * TestNode.HEARTBEAT);
        assertThat(cluster.core(2).membership()).hasToString("voters=[2, 3, 4]");
    }

    // ---- a leader that removes itself ----------------------------------------------------------------------------

    @Test
    void aLeaderThatIsRemovedHandsOverAndStaysQuiet() {
        TestCluster cluster = TestCluster.of(3, 3);
        cluster.elect(1);
        assertThat(cluster.change(1, new Remove(1))).isEqualTo(TAKEN);
        cluster.ticks(TestNode.HEARTBEAT);
        int leader = cluster.leader();
        assertThat(leader).as("without an election timeout").isIn(2, 3);
        assertThat(cluster.core(leader).membership()).hasToString("voters=[2, 3]");
        long term = cluster.core(leader).currentTerm();
        cluster.ticks(10 * TestNode.ELECTION);
        assertThat(cluster.core(1).role()).isEqualTo(Role.FOLLOWER);
        assertThat(cluster.leader()).isEqualTo(leader);
        assertThat(cluster.core(leader).currentTerm()).isEqualTo(term);
    }

    @Test
    void aLeaderOutsideTheConfigurationDoesNotCountItself() {
        TestCluster cluster = TestCluster.of(3, 3);
        cluster.elect(1);
        cluster.setApart(3);
        assertThat(cluster.change(1, new Remove(1))).isEqualTo(TAKEN);
        cluster.ticks(3);
        assertThat(cluster.core(1).matchIndex(2)).isEqualTo(cluster.core(1).membershipIndex());
        assertThat(cluster.core(1).commitIndex())
                .as("two of three, but one of two")
                .isLessThan(cluster.core(1).membershipIndex());
        assertThat(cluster.core(1).role()).isEqualTo(Role.LEADER);
        cluster.rejoin(3);
        cluster.ticks(2 * TestNode.HEARTBEAT);
        assertThat(cluster.leader()).isIn(2, 3);
    }

    /** Thesis 4.2.2: node 2 cannot win, since node 1 has the longer log, and must be led once more by the removed one. */
    @Test
    void aRemovedNodeCampaignsAsLongAsItsRemovalIsNotCommitted() {
        TestCluster cluster = TestCluster.of(2, 2);
        cluster.elect(1);
        cluster.setApart(2);
        assertThat(cluster.change(1, new Remove(1))).isEqualTo(TAKEN);
        cluster.crash(1);
        cluster.rejoin(2);
        assertThat(cluster.core(1).membership()).hasToString("voters=[2]");
        assertThat(cluster.campaign(2)).isFalse();
        cluster.ticksOf(1, 2 * TestNode.ELECTION + 4);
        cluster.ticks(TestNode.HEARTBEAT);
        assertThat(cluster.leader()).isEqualTo(2);
        assertThat(cluster.core(2).membership()).hasToString("voters=[2]");
        cluster.ticks(5 * TestNode.ELECTION);
        assertThat(cluster.core(1).role()).isEqualTo(Role.FOLLOWER);
    }

    // ---- who was removed -----------------------------------------------------------------------------------------

    @Test
    void aRemovedNodeThatNeverHeardOfItDisturbsNobody() {
        TestCluster cluster = TestCluster.of(4, 4);
        cluster.elect(1);
        cluster.propose(1, 3);
        cluster.setApart(4);
        cluster.changeFully(1, new Remove(4));
        cluster.rejoin(4);
        long term = cluster.core(1).currentTerm();
        cluster.ticks(20 * TestNode.ELECTION);
        assertThat(cluster.core(4).membership()).as("it does not know").hasToString("voters=[1, 2, 3, 4]");
        assertThat(cluster.leader()).isEqualTo(1);
        assertThat(cluster.core(1).currentTerm()).isEqualTo(term);
        // Nor when there is no leader: its log lacks what removed it, and a majority of any kind has that.
        cluster.setApart(1);
        cluster.core(2).tick();
        assertThat(cluster.campaign(4)).isFalse();
        assertThat(cluster.core(2).currentTerm()).isEqualTo(term);
        cluster.ticks(4 * TestNode.ELECTION);
        assertThat(cluster.leader()).isIn(2, 3);
    }

    @Test
    void aRemovedNodeThatKnowsItNeverCampaigns() {
        TestCluster cluster = TestCluster.of(3, 3);
        cluster.elect(1);
        assertThat(cluster.change(1, new Remove(3))).isEqualTo(TAKEN);
        // It does not get the entry; told of it by chance, as by an append that was under way, it would be the same.
        cluster.setApart(1, 2);
        TestNode removed = cluster.node(3);
        long last = removed.core().lastIndex();
        removed.receive(new Message.Append(
                1,
                3,
                removed.core().currentTerm(),
                last,
                removed.core().lastTerm(),
                last + 1,
                0,
                cluster.node(1).log.entries(last + 1, last + 1)));
        removed.forceAll();
        assertThat(removed.core().membership()).hasToString("voters=[1, 2]");
        removed.sent.clear();
        removed.ticks(5 * TestNode.ELECTION);
        assertThat(removed.take(Message.VoteRequest.class)).isEmpty();
    }

    @Test
    void aRemovedNodeComesBackWithItsOldDisk() {
        TestCluster cluster = TestCluster.of(3, 3);
        cluster.elect(1);
        cluster.propose(1, 5);
        cluster.setApart(3);
        cluster.changeFully(1, new Remove(3));
        cluster.propose(1, 5);
        cluster.rejoin(3);
        cluster.changeFully(1, new AddVoter(3));
        assertThat(cluster.core(3).membership()).hasToString("voters=[1, 2, 3]");
        assertThat(cluster.core(3).commitIndex()).isEqualTo(cluster.core(1).commitIndex());
    }

    // ---- one at a time, and only when the leader knows what is committed ------------------------------------------

    @Test
    void oneChangeIsUnderWayAtATime() {
        TestCluster cluster = TestCluster.of(5, 3);
        cluster.elect(1);
        cluster.setApart(2, 3);
        assertThat(cluster.change(1, new AddLearner(4))).isEqualTo(TAKEN);
        assertThat(cluster.change(1, new AddLearner(5)))
                .startsWith("a change is under way: voters=[1, 2, 3] learners=[4]");
        cluster.crash(1);
        cluster.rejoin(2, 3);
        assertThat(cluster.change(1, new AddLearner(5))).isEqualTo("this node does not lead");
        cluster.elect(1);
        cluster.ticks(TestNode.HEARTBEAT);
        assertThat(cluster.change(1, new AddLearner(5))).isEqualTo(TAKEN);
        assertThat(cluster.core(1).membership()).hasToString("voters=[1, 2, 3] learners=[4, 5]");
    }

    /**
     * The bug of 2015 (thesis 4.1 as corrected): two leaders change by one server each, from the same configuration and
     * without knowing of each other's change. The second must first commit an entry of its own, and that ends the first.
     */
    @Test
    void aLeaderThatHasCommittedNothingOfItsTermChangesNothing() {
        TestCluster cluster = TestCluster.of(5, 4);
        cluster.elect(1);
        cluster.changeFully(1, new AddLearner(5));
        cluster.setApart(2, 3, 4, 5);
        assertThat(cluster.change(1, new Promote(5))).isEqualTo(TAKEN);
        assertThat(cluster.core(1).membership()).hasToString("voters=[1, 2, 3, 4, 5]");
        cluster.setApart(1);
        cluster.rejoin(2, 3, 4);
        cluster.lose(message -> message instanceof Message.Append);
        cluster.elect(2);
        assertThat(cluster.change(2, new Remove(1)))
                .isEqualTo("this leader has not committed an entry of its own term yet");
        cluster.lose(message -> false);
        cluster.ticks(TestNode.HEARTBEAT);
        assertThat(cluster.change(2, new Remove(1))).isEqualTo(TAKEN);
        assertThat(cluster.core(2).isMembershipChanging()).isFalse();
        // Node 1 with the other two of its five: node 4 has the entry that the second leader had to commit first.
        cluster.setApart(2, 3);
        cluster.rejoin(1, 5);
        assertThat(cluster.campaign(1)).isFalse();
    }

    @Test
    void aChangeBeforeAnEntryOfTheOwnTermIsCommittedIsRefused() {
        TestNode node = TestNode.of(1, 3, 4, 1, 4);
        node.becomeLeader();
        assertThat(node.core().changeMembership(List.of(new Remove(3))))
                .isEqualTo("this leader has not committed an entry of its own term yet");
        node.accept(2, 3, 3, 0);
        node.accept(3, 3, 3, 0);
        assertThat(node.core().changeMembership(List.of(new Remove(3)))).isNull();
    }

    @Test
    void anEarlyChangeIsFoundByTheInvariants() {
        TestNode node = new TestNode(
                TestNode.config(1, 3).withPlantedBug(PlantedBug.CHANGE_BEFORE_OWN_TERM_COMMIT),
                TestLog.ofTerms(1, 4),
                new TestNode.HardState(1, 4, 0),
                bound -> 0);
        node.becomeLeader();
        node.accept(2, 2, 2, 0);
        node.accept(3, 2, 2, 0);
        assertThat(node.core().changeMembership(List.of(new Remove(3)))).isNull();
        assertThatThrownBy(node::flush).hasMessageContaining("before an entry of the own term is committed");
    }

    // ---- append, truncation, restart, snapshot --------------------------------------------------------------------

    @Test
    void aTruncatedConfigurationGivesWayToTheOneBefore() {
        TestCluster cluster = TestCluster.of(4, 3);
        cluster.elect(1);
        cluster.setApart(2, 3);
        assertThat(cluster.change(1, new AddLearner(4))).isEqualTo(TAKEN);
        assertThat(cluster.core(1).membership().isLearner(4)).as("at once").isTrue();
        assertThat(cluster.core(4).lastIndex()).as("the learner gets entries").isPositive();
        cluster.setApart(1, 4);
        cluster.rejoin(2, 3);
        cluster.elect(2);
        cluster.rejoin(1);
        cluster.ticks(2 * TestNode.HEARTBEAT);
        assertThat(cluster.core(1).membership()).hasToString("voters=[1, 2, 3]");
        assertThat(cluster.core(1).membershipIndex()).isZero();
    }

    @Test
    void aConfigurationThatIsNotCommittedOutlivesACrash() {
        TestCluster cluster = TestCluster.of(4, 3);
        cluster.elect(1);
        cluster.setApart(2, 3, 4);
        assertThat(cluster.change(1, new AddLearner(4))).isEqualTo(TAKEN);
        long index = cluster.core(1).membershipIndex();
        cluster.crash(1);
        assertThat(cluster.core(1).membership()).hasToString("voters=[1, 2, 3] learners=[4]");
        assertThat(cluster.core(1).membershipIndex()).isEqualTo(index);
    }

    @Test
    void aNodeThatHasDroppedTheEntryStillKnowsTheConfiguration() {
        TestCluster cluster = TestCluster.of(4, 3);
        cluster.elect(1);
        cluster.changeFully(1, new Remove(3));
        cluster.propose(1, 5);
        long index = cluster.core(1).membershipIndex();
        cluster.core(1).truncatePrefix(cluster.core(1).appliedIndex());
        cluster.crash(1);
        assertThat(cluster.core(1).membership()).hasToString("voters=[1, 2]");
        assertThat(cluster.core(1).membershipIndex()).isEqualTo(index);
    }

    @Test
    void aSnapshotBringsTheConfiguration() {
        TestCluster cluster = TestCluster.of(4, 3);
        cluster.elect(1);
        cluster.changeFully(1, new Remove(3));
        cluster.setApart(2);
        cluster.rejoin(2);
        cluster.propose(1, 5);
        cluster.changeFully(1, new AddLearner(4));
        cluster.setApart(4);
        cluster.changeFully(1, new AddLearner(3));
        cluster.propose(1, 5);
        cluster.core(1).truncatePrefix(cluster.core(1).appliedIndex());
        cluster.rejoin(4);
        cluster.ticks(4 * TestNode.HEARTBEAT);
        assertThat(cluster.node(4).installs).isEqualTo(1);
        assertThat(cluster.core(4).membership()).hasToString("voters=[1, 2] learners=[3, 4]");
        assertThat(cluster.change(1, new Promote(4), new Promote(3))).isEqualTo(TAKEN);
        cluster.ticks(TestNode.HEARTBEAT);
        assertThat(cluster.core(4).membership()).hasToString("voters=[1, 2, 3, 4]");
    }

    // ---- sizes ---------------------------------------------------------------------------------------------------

    @Test
    void aClusterShrinksToOneNodeAndGrowsAgain() {
        TestCluster cluster = TestCluster.of(3, 3);
        cluster.elect(1);
        cluster.changeFully(1, new Remove(3));
        cluster.changeFully(1, new Remove(2));
        cluster.setApart(2, 3);
        long index = cluster.propose(1, 1);
        assertThat(cluster.core(1).commitIndex()).isEqualTo(index);
        cluster.crash(1);
        cluster.ticksOf(1, 2 * TestNode.ELECTION);
        assertThat(cluster.core(1).role()).isEqualTo(Role.LEADER);
        cluster.rejoin(2, 3);
        cluster.changeFully(1, new AddVoter(2));
        cluster.changeFully(1, new AddVoter(3));
        assertThat(cluster.core(3).membership()).hasToString("voters=[1, 2, 3]");
    }

    @Test
    void aMinorityThatIsAwayKeepsNobodyFromChanging() {
        TestCluster cluster = TestCluster.of(4, 3);
        cluster.elect(1);
        cluster.setApart(3);
        cluster.ticks(2 * TestNode.ELECTION);
        cluster.changeFully(1, new AddVoter(4));
        assertThat(cluster.core(4).membership()).hasToString("voters=[1, 2, 3, 4]");
        cluster.changeFully(1, new Remove(3));
        assertThat(cluster.core(1).membership()).hasToString("voters=[1, 2, 4]");
    }

    // ---- refusals ------------------------------------------------------------------------------------------------

    @Test
    void whatWouldLoseTheQuorumIsRefused() {
        TestCluster cluster = TestCluster.of(3, 3);
        cluster.elect(1);
        cluster.setApart(3);
        cluster.ticks(2 * TestNode.ELECTION);
        assertThat(cluster.change(1, new Remove(2)))
                .isEqualTo("the quorum would be lost: of the voters [1, 3] node 3 cannot be reached or lacks the log,"
                        + " and a majority is 2");
        assertThat(cluster.core(1).membershipIndex()).isZero();
        assertThat(cluster.change(1, new Remove(3))).isEqualTo(TAKEN);
    }

    @Test
    void nobodyIsPromotedWhoCannotBeReachedOrIsFarBehind() {
        TestNode node = TestNode.of(1, 3);
        node.becomeLeader();
        node.accept(2, 1, 1, 0);
        node.accept(3, 1, 1, 0);
        assertThat(node.core().changeMembership(List.of(new AddLearner(4)))).isNull();
        node.forceAll();
        node.accept(2, 2, 2, 0);
        node.accept(3, 2, 2, 0);
        assertThat(node.core().changeMembership(List.of(new Promote(4)))).isEqualTo("node 4 cannot be reached");
        node.accept(4, 0, 0, 0);
        assertThat(node.core().changeMembership(List.of(new Promote(4))))
                .isEqualTo("node 4 has not caught up within an election timeout: it holds 0 of 2 entries");
        node.accept(4, 2, 2, 0);
        node.ticks(1);
        assertThat(node.core().changeMembership(List.of(new Promote(4)))).isNull();
    }

    /** Thesis 4.2.1: a round that lasts longer than an election timeout says that the learner is too slow. */
    @Test
    void aLearnerWhoseRoundsAreTooLongIsNotReady() {
        TestNode node = TestNode.of(1, 1);
        node.ticks(TestNode.ELECTION);
        node.forceAll();
        assertThat(node.core().changeMembership(List.of(new AddVoter(2)))).isNull();
        node.forceAll();
        for (int i = 0; i < TestNode.ELECTION + 2; i++) {
            node.accept(2, 1, 1, 0);
            node.ticks(1);
        }
        long behind = node.core().lastIndex();
        node.propose(1);
        node.forceAll();
        node.accept(2, behind, behind, 0);
        node.ticks(1);
        assertThat(node.core().membership()).as("that round was too long").hasToString("voters=[1] learners=[2>voter]");
        assertThat(node.core().isReadyToVote(2)).isFalse();
        node.accept(2, behind + 1, behind + 1, 0);
        node.ticks(1);
        assertThat(node.core().membership()).hasToString("voters=[1, 2]");
    }

    @Test
    void whatMakesNoSenseIsRefused() {
        TestNode node = TestNode.of(1, 3);
        assertThat(node.core().changeMembership(List.of(new Remove(2)))).isEqualTo("this node does not lead");
        node.becomeLeader();
        node.accept(2, 1, 1, 0);
        node.accept(3, 1, 1, 0);
        assertRefused(node, "nothing is to be changed");
        assertRefused(node, "node 2 is a voter already", new AddVoter(2));
        assertRefused(node, "node 2 is a voter already", new Promote(2));
        assertRefused(node, "node 9 is no learner: add it first", new Promote(9));
        assertRefused(node, "node 9 is no member", new Remove(9));
        assertRefused(node, "node 9 is no voter, so it cannot be replaced", new Replace(9, 4));
        assertRefused(node, "node 3 is a voter already", new Replace(2, 3));
        assertRefused(node, "the last voter cannot be removed", new Remove(1), new Remove(2), new Remove(3));
        assertRefused(node, "node 3 cannot be removed and added by one change", new Remove(3), new AddVoter(3));
        assertRefused(node, "node id 65536 is not in 1..65535", new AddLearner(65_536));
        assertThat(node.core().membershipIndex()).isZero();
    }

    private static void assertRefused(TestNode node, String reason, MembershipChange... changes) {
        assertThat(node.core().changeMembership(List.of(changes))).isEqualTo(reason);
    }

    @Test
    void aFullDiskRefusesAChange() {
        TestNode node = TestNode.of(1, 1);
        node.ticks(TestNode.ELECTION);
        node.forceAll();
        node.log.room(0);
        assertThat(node.core().changeMembership(List.of(new AddLearner(2))))
                .isEqualTo("no room on the disk for a configuration entry");
        assertThat(node.core().lastIndex()).isEqualTo(1);
    }

    // ---- nodes that do not know each other yet ---------------------------------------------------------------------

    @Test
    void aNodeWithoutAClusterFollowsWhoeverLeadsAndVotesForWhoeverMayWin() {
        TestNode node = new TestNode(
                RaftConfig.of(9, Set.of(), TestNode.HEARTBEAT, TestNode.ELECTION, TestNode.ELECTION + 10),
                new TestLog(),
                new TestNode.HardState(0, 0, 0),
                bound -> 0);
        node.ticks(5 * TestNode.ELECTION);
        assertThat(node.sent).isEmpty();
        node.receive(new Message.VoteRequest(4, 9, 2, false, 5, 1));
        node.forceAll();
        assertThat(node.takeOne(Message.Vote.class).granted()).isTrue();
        node.append(4, 2, 0, 0, 0, 1, 2);
        node.forceAll();
        assertThat(node.takeLast(Message.Accepted.class).matchIndex()).isEqualTo(2);
        assertThat(node.core().leaderId()).isEqualTo(4);
    }
}
