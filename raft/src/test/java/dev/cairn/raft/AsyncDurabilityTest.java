package dev.cairn.raft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.covers.Covers;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What may leave a node before which write is on its disk. */
class AsyncDurabilityTest {
    // ---- hard state ----------------------------------------------------------------------------------------------

    /** The reply of an old request names the current term: that one must be durable, too. */
    @Test
    @Covers("R05")
    void voteReplyNeverNamesATermThatIsNotDurable() {
        TestNode node = TestNode.of(1, 3);
        node.receive(new Message.VoteRequest(2, 1, 5, false, 0, 0));
        node.flush();
        node.receive(new Message.VoteRequest(3, 1, 6, false, 0, 0));
        node.flush();
        node.forceOneHardState();
        node.flush();
        assertThat(node.hardState().term()).isEqualTo(5);
        assertThat(node.sent).isEmpty();

        node.forceOneHardState();
        node.flush();
        assertThat(node.take(Message.Vote.class))
                .containsExactly(new Message.Vote(1, 2, 6, false, 5, false), new Message.Vote(1, 3, 6, false, 6, true));
    }

    /** (5, none) is durable, (5, X) is not: the first completion must not release the vote for X. */
    @Test
    void aVoteWaitsForTheWriteThatHoldsIt() {
        TestNode node = votedAfterLearningTheTerm(TestNode.config(1, 3));
        node.forceOneHardState();
        node.flush();
        assertThat(node.hardState()).isEqualTo(new TestNode.HardState(1, 5, 0));
        assertThat(node.take(Message.Vote.class)).isEmpty();
        node.forceOneHardState();
        node.flush();
        assertThat(node.takeOne(Message.Vote.class).granted()).isTrue();
        assertThat(node.hardState()).isEqualTo(new TestNode.HardState(2, 5, 2));
    }

    @Test
    void thePlantedBugReleasesItByTerm() {
        TestNode node = votedAfterLearningTheTerm(
                TestNode.config(1, 3).withPlantedBug(PlantedBug.HARD_STATE_COMPLETION_BY_TERM));
        node.forceOneHardState();
        node.flush();
        assertThat(node.takeOne(Message.Vote.class).granted()).isTrue();
        assertThat(node.hardState().votedFor()).isZero();
    }

    private static TestNode votedAfterLearningTheTerm(RaftConfig config) {
        TestNode node = new TestNode(config, new TestLog(), new TestNode.HardState(0, 0, 0), bound -> 0);
        node.receive(new Message.Vote(3, 1, 5, false, 4, false));
        node.flush();
        node.receive(new Message.VoteRequest(2, 1, 5, false, 0, 0));
        node.flush();
        assertThat(node.pendingHardStates).hasSize(2);
        return node;
    }

    @Test
    @Covers("W06")
    void allChangesOfACycleAreOneWrite() {
        TestNode node = TestNode.of(1, 3);
        node.receive(new Message.VoteRequest(2, 1, 5, false, 0, 0));
        node.receive(new Message.VoteRequest(3, 1, 6, false, 0, 0));
        node.flush();
        node.flush();
        assertThat(node.pendingHardStates).containsExactly(new TestNode.HardState(1, 6, 3));
    }

    @Test
    @Covers("R05")
    void aCampaignLeavesWhenItsOwnVoteIsDurable() {
        TestNode node = TestNode.of(1, 3);
        node.ticks(TestNode.ELECTION);
        node.sent.clear();
        node.receive(new Message.Vote(2, 1, 0, true, 1, true));
        node.flush();
        assertThat(node.core().role()).isEqualTo(Role.CANDIDATE);
        assertThat(node.sent).isEmpty();
        node.forceHardStates();
        assertThat(node.take(Message.VoteRequest.class)).hasSize(2);
    }

    /** Even if a majority of others answered: no leader stands on a vote of its own that a crash takes back. */
    @Test
    void votesOfOthersMakeNoLeaderBeforeTheOwnVoteIsDurable() {
        TestNode node = TestNode.of(1, 3);
        node.ticks(TestNode.ELECTION);
        node.receive(new Message.Vote(2, 1, 0, true, 1, true));
        node.flush();
        node.receive(new Message.Vote(2, 1, 1, false, 1, true));
        node.receive(new Message.Vote(3, 1, 1, false, 1, true));
        assertThat(node.core().role()).isEqualTo(Role.CANDIDATE);
        node.forceHardStates();
        assertThat(node.core().role()).isEqualTo(Role.LEADER);
    }

    /** The disk completes an election that is over: another leader was heard meanwhile. */
    @Test
    void aLateCompletionStartsNoCampaignOfAnAbandonedElection() {
        TestNode node = TestNode.of(1, 3);
        node.ticks(TestNode.ELECTION);
        node.receive(new Message.Vote(2, 1, 0, true, 1, true));
        node.flush();
        node.sent.clear();
        node.heartbeat(2, 1, 0, 0, 0, 0);
        node.forceHardStates();
        assertThat(node.take(Message.VoteRequest.class)).isEmpty();
        assertThat(node.core().role()).isEqualTo(Role.FOLLOWER);
    }

    /** The completion of one election's vote must not stand for the next one's. */
    @Test
    void anEarlierElectionsVoteReleasesNoLaterCampaign() {
        TestNode node = TestNode.of(1, 3);
        for (int election = 1; election <= 2; election++) {
            while (node.core().role() != Role.PRE_CANDIDATE) {
                node.ticks(1);
            }
            node.receive(new Message.Vote(2, 1, election - 1, true, election, true));
            node.flush();
        }
        node.sent.clear();
        node.forceOneHardState();
        assertThat(node.sent).isEmpty();
        node.forceOneHardState();
        assertThat(node.take(Message.VoteRequest.class))
                .hasSize(2)
                .allSatisfy(request -> assertThat(request.term()).isEqualTo(2));
    }

    @Test
    void appendRepliesWaitForTheTerm() {
        TestNode node = TestNode.of(1, 3);
        node.append(2, 5, 0, 0, 0, 5);
        node.flush();
        node.forceLog();
        node.flush();
        assertThat(node.sent).isEmpty();
        node.forceHardStates();
        node.flush();
        assertThat(node.takeOne(Message.Accepted.class)).isEqualTo(new Message.Accepted(1, 2, 5, 1, 1, 0));
    }

    @Test
    void refusalsWaitForTheTermToo() {
        TestNode node = TestNode.of(1, 3);
        node.heartbeat(2, 5, 9, 4, 0, 0);
        node.flush();
        assertThat(node.sent).isEmpty();
        node.forceHardStates();
        node.flush();
        assertThat(node.take(Message.Rejected.class)).hasSize(1);
    }

    @Test
    void aCompletionOfAStateThatWasNeverWrittenStopsTheNode() {
        TestNode node = TestNode.of(1, 3);
        assertThatThrownBy(() -> node.core().onHardStateDurable(1, 5)).isInstanceOf(InvariantViolation.class);
    }

    @Test
    void repeatedAndLateCompletionsAreHarmless() {
        TestNode node = TestNode.of(1, 3);
        node.receive(new Message.VoteRequest(2, 1, 5, false, 0, 0));
        node.flush();
        node.receive(new Message.VoteRequest(2, 1, 6, false, 0, 0));
        node.forceAll();
        node.sent.clear();
        node.core().onHardStateDurable(1, 5);
        node.reportLog(0);
        node.receive(new Message.VoteRequest(2, 1, 6, false, 0, 0));
        node.flush();
        assertThat(node.takeOne(Message.Vote.class).granted()).isTrue();
    }

    // ---- log -----------------------------------------------------------------------------------------------------

    /** Entry (2, t1) is forced late, after it was superseded by (2, t2): the position tells them apart. */
    @Test
    void aLateForceOfASupersededEntryAcknowledgesNothing() {
        TestNode node = TestNode.of(1, 3);
        node.append(2, 1, 0, 0, 0, 1, 1, 1);
        node.flush();
        node.forceHardStates();
        long force = node.log.appendedPosition();
        node.append(3, 2, 1, 1, 0, 2, 2);
        node.flush();
        node.forceHardStates();
        node.sent.clear();

        node.forceLog(force);
        node.flush();
        assertThat(node.core().durableIndex()).isEqualTo(1);
        assertThat(node.takeOne(Message.Accepted.class).matchIndex()).isEqualTo(1);
        node.forceLog();
        node.flush();
        assertThat(node.takeOne(Message.Accepted.class).matchIndex()).isEqualTo(3);
    }

    /** Even the same (index, term), truncated and sent again, is another record. */
    @Test
    void theSameEntryWrittenAgainMustBeForcedAgain() {
        TestNode node = TestNode.of(1, 3);
        node.append(2, 2, 0, 0, 0, 1, 2);
        node.flush();
        long force = node.log.appendedPosition();
        node.append(3, 3, 1, 1, 0, 3);
        node.append(2, 4, 1, 1, 0, 2);
        node.flush();
        node.forceHardStates();
        node.forceLog(force);
        assertThat(node.log.terms()).containsExactly(1L, 2L);
        assertThat(node.core().durableIndex()).isEqualTo(1);
    }

    @Test
    void thePlantedBugKeepsTheIndexDurable() {
        TestNode node = new TestNode(
                TestNode.config(1, 3).withPlantedBug(PlantedBug.DURABILITY_AS_INDEX),
                TestLog.ofTerms(1, 1, 1),
                new TestNode.HardState(1, 1, 0),
                bound -> 0);
        node.append(2, 2, 1, 1, 0, 2, 2);
        assertThat(node.core().durableIndex()).isEqualTo(3);
        assertThat(node.log.isDurable(3)).isFalse();
    }

    /** Durable to 3 with another leader's 2 and 3; a heartbeat matches at 1: the claim is 1. */
    @Test
    void aReplyClaimsNothingThatWasNotComparedWithThisLeader() {
        TestNode node = TestNode.of(1, 3, 2, 1, 2, 2);
        node.heartbeat(2, 3, 1, 1, 0, 0);
        node.forceAll();
        assertThat(node.takeOne(Message.Accepted.class)).isEqualTo(new Message.Accepted(1, 2, 3, 1, 1, 0));
    }

    /** What one leader verified says nothing about the next one's log. */
    @Test
    void theClaimStartsAnewInEachTerm() {
        TestNode node = TestNode.of(1, 3);
        node.append(2, 1, 0, 0, 0, 1, 1, 1);
        node.forceAll();
        assertThat(node.takeOne(Message.Accepted.class).matchIndex()).isEqualTo(3);
        node.heartbeat(3, 2, 1, 1, 3, 0);
        node.forceAll();
        assertThat(node.takeOne(Message.Accepted.class).matchIndex()).isEqualTo(1);
        assertThat(node.core().commitIndex()).isEqualTo(1);
    }

    @Test
    void freshEntriesAreAnsweredWhenDurableAndExactlySoFar() {
        TestNode node = TestNode.of(1, 3);
        node.heartbeat(2, 1, 0, 0, 0, 0);
        node.forceAll();
        node.sent.clear();
        node.append(2, 1, 0, 0, 0, 1, 1);
        node.flush();
        long force = node.log.appendedPosition();
        node.append(2, 1, 2, 1, 0, 1);
        node.flush();
        assertThat(node.sent).isEmpty();
        node.forceLog(force);
        node.flush();
        assertThat(node.takeOne(Message.Accepted.class)).isEqualTo(new Message.Accepted(1, 2, 1, 2, 3, 0));
        node.forceLog();
        node.flush();
        assertThat(node.takeOne(Message.Accepted.class)).isEqualTo(new Message.Accepted(1, 2, 1, 3, 3, 0));
    }

    /** A slow disk must not look like a lost peer, and a read needs no log force. */
    @Test
    void heartbeatsAndReadPositionsAreAnsweredWithoutAForce() {
        TestNode node = TestNode.of(1, 3);
        node.heartbeat(2, 1, 0, 0, 0, 0);
        node.forceAll();
        node.append(2, 1, 0, 0, 0, 1);
        node.flush();
        node.sent.clear();
        node.heartbeat(2, 1, 1, 1, 0, 0);
        node.flush();
        assertThat(node.takeOne(Message.Accepted.class)).isEqualTo(new Message.Accepted(1, 2, 1, 0, 1, 0));
        node.receive(new Message.Append(
                2, 1, 1, 1, 1, 0, 4, List.of(new Message.Entry(1, EntryType.COMMAND, 1, TestLog.ENTRY_BYTES))));
        node.flush();
        assertThat(node.takeOne(Message.Accepted.class)).isEqualTo(new Message.Accepted(1, 2, 1, 0, 2, 4));
    }

    /** Thesis 10.2.1: the leader's disk works in parallel, and counts when it is done. */
    @Test
    void aLeaderCountsItselfOnlyWhenDurable() {
        TestNode leader = TestNode.of(1, 3);
        leader.becomeLeader();
        leader.propose(1);
        leader.flush();
        leader.accept(2, 2, 2, 0);
        assertThat(leader.core().commitIndex()).isEqualTo(1);
        leader.forceLog();
        assertThat(leader.core().commitIndex()).isEqualTo(2);
    }

    /** Thesis 10.2.1: nor is it needed when a majority of others has the entry. */
    @Test
    void aLeaderCommitsBeforeItsOwnDiskWhenTheOthersAreAMajority() {
        TestNode leader = TestNode.of(1, 3);
        leader.becomeLeader();
        leader.propose(1);
        leader.flush();
        leader.accept(2, 2, 2, 0);
        leader.accept(3, 2, 2, 0);
        assertThat(leader.core().commitIndex()).isEqualTo(2);
        assertThat(leader.core().durableIndex()).isEqualTo(1);
    }

    /** A new leader's own match is what is durable here, not where its log ends. */
    @Test
    void aNewLeaderCountsOldEntriesOnlyAsFarAsTheyAreDurable() {
        TestNode node = TestNode.of(1, 3);
        node.append(2, 1, 0, 0, 0, 1, 1);
        node.flush();
        node.forceHardStates();
        for (int i = 0; node.core().role() != Role.PRE_CANDIDATE && i < 50; i++) {
            node.ticks(1);
        }
        node.receive(new Message.Vote(2, 1, 1, true, 2, true));
        node.flush();
        node.forceHardStates();
        node.receive(new Message.Vote(2, 1, 2, false, 2, true));
        node.flush();
        assertThat(node.core().role()).isEqualTo(Role.LEADER);
        assertThat(node.core().durableIndex()).isZero();
        node.accept(2, 3, 3, 0);
        assertThat(node.core().commitIndex()).isZero();
        node.forceLog();
        assertThat(node.core().commitIndex()).isEqualTo(3);
    }

    /** What a crash takes back was never claimed. */
    @Test
    void aCrashForgetsOnlyWhatWasNotAcknowledged() {
        TestNode node = TestNode.of(1, 3);
        node.append(2, 1, 0, 0, 0, 1, 1);
        node.forceAll();
        node.sent.clear();
        node.append(2, 1, 2, 1, 0, 1);
        node.flush();
        node.crash();
        node.heartbeat(2, 1, 3, 1, 0, 0);
        node.forceAll();
        assertThat(node.takeOne(Message.Rejected.class).conflictIndex()).isEqualTo(3);
    }

    /** A truncation writes nothing: its crash brings the old suffix back, unverified. */
    @Test
    void aSuffixThatComesBackAfterACrashIsNotClaimed() {
        TestNode node = TestNode.of(1, 3, 2, 1, 2, 2);
        node.append(2, 3, 1, 1, 0, 3);
        node.flush();
        node.forceHardStates();
        node.crash();
        assertThat(node.log.terms()).containsExactly(1L, 2L, 2L);
        node.heartbeat(2, 3, 1, 1, 3, 0);
        node.forceAll();
        assertThat(node.takeOne(Message.Accepted.class).matchIndex()).isEqualTo(1);
    }

    @Test
    void applyingAboveTheCommitIndexStopsTheNode() {
        TestNode node = TestNode.of(1, 3, 1, 1);
        assertThatThrownBy(() -> node.apply(1)).isInstanceOf(InvariantViolation.class);
    }
}
