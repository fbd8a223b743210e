package dev.cairn.raft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.covers.Covers;
import java.util.List;
import org.junit.jupiter.api.Test;

/** One test per rule of the Raft paper's figure 2 and sections 5.1 to 5.4 and 8, and of the thesis where it says more. */
@Covers("R29")
class RaftPaperTest {
    // ---- terms: Raft 5.1 -----------------------------------------------------------------------------------------

    /** Figure 2, all servers: a higher term in a request is taken over. */
    @Test
    @Covers({"R04", "R07", "T29"})
    void aHigherTermMakesALeaderFollow() {
        TestNode leader = TestNode.of(1, 3);
        leader.becomeLeader();
        leader.heartbeat(2, 9, 0, 0, 0, 0);
        assertThat(leader.core().role()).isEqualTo(Role.FOLLOWER);
        assertThat(leader.core().currentTerm()).isEqualTo(9);
        assertThat(leader.core().leaderId()).isEqualTo(2);
    }

    /** Figure 2, all servers: also a higher term in a reply. */
    @Test
    @Covers({"R04", "T29"})
    void aHigherTermInAReplyMakesALeaderFollow() {
        TestNode leader = TestNode.of(1, 3);
        leader.becomeLeader();
        leader.receive(new Message.Accepted(2, 1, 9, 0, 0, 0));
        assertThat(leader.core().role()).isEqualTo(Role.FOLLOWER);
        assertThat(leader.core().currentTerm()).isEqualTo(9);
        assertThat(leader.core().leaderId()).isZero();
    }

    /** Figure 2, AppendEntries 1: false if term < currentTerm, and nothing is touched. */
    @Test
    void anAppendOfAnOldTermIsRefusedAndChangesNothing() {
        TestNode follower = TestNode.of(1, 3, 5, 1, 2);
        follower.append(2, 4, 0, 0, 2, 4, 4);
        follower.flush();
        assertThat(follower.takeOne(Message.Rejected.class)).isEqualTo(new Message.Rejected(1, 2, 5, 0, 0, 0, 0));
        assertThat(follower.log.terms()).containsExactly(1L, 2L);
        assertThat(follower.core().leaderId()).isZero();
        assertThat(follower.core().commitIndex()).isZero();
    }

    /** Figure 2, RequestVote 1: false if term < currentTerm; the reply tells the newer term. */
    @Test
    @Covers("R02")
    void aVoteRequestOfAnOldTermIsRefused() {
        TestNode node = TestNode.of(1, 3, 5);
        node.receive(new Message.VoteRequest(2, 1, 4, false, 9, 4));
        node.flush();
        assertThat(node.takeOne(Message.Vote.class)).isEqualTo(new Message.Vote(1, 2, 5, false, 4, false));
    }

    /** Replies of an older term of the same leader are void: 5.1, stale terms. */
    @Test
    @Covers("R03")
    void acknowledgementsOfAnOlderTermCountForNothing() {
        TestNode leader = TestNode.of(1, 3, 3, 1, 1);
        leader.becomeLeader();
        leader.receive(new Message.Accepted(2, 1, 3, 3, 3, 0));
        leader.receive(new Message.Rejected(3, 1, 3, 2, 1, 1, 0));
        assertThat(leader.core().matchIndex(2)).isZero();
        assertThat(leader.core().commitIndex()).isZero();
        assertThat(leader.core().progress(2).nextIndex).isEqualTo(3);
    }

    // ---- elections: Raft 5.2 -------------------------------------------------------------------------------------

    /** Figure 2, followers: without a leader a new election starts. */
    @Test
    @Covers("R01")
    void aFollowerThatHearsNobodyAsksForAnElection() {
        TestNode node = TestNode.of(1, 3);
        node.ticks(TestNode.ELECTION - 1);
        assertThat(node.sent).isEmpty();
        node.ticks(1);
        assertThat(node.core().role()).isEqualTo(Role.PRE_CANDIDATE);
        assertThat(node.take(Message.VoteRequest.class)).hasSize(2);
    }

    /** 5.2: heartbeats keep authority. */
    @Test
    @Covers("R06")
    void heartbeatsKeepAFollowerQuiet() {
        TestNode node = TestNode.of(1, 3);
        for (int i = 0; i < 5; i++) {
            node.heartbeat(2, 1, 0, 0, 0, 0);
            node.ticks(TestNode.ELECTION - 1);
        }
        assertThat(node.core().role()).isEqualTo(Role.FOLLOWER);
    }

    /** Figure 2, candidates: increment the term, vote for oneself, ask all others. */
    @Test
    void aCandidateRaisesTheTermVotesForItselfAndAsksAll() {
        TestNode node = TestNode.of(2, 5, 4, 1, 4);
        node.startElection();
        assertThat(node.core().role()).isEqualTo(Role.CANDIDATE);
        assertThat(node.hardState().term()).isEqualTo(5);
        assertThat(node.hardState().votedFor()).isEqualTo(2);
        assertThat(node.take(Message.VoteRequest.class))
                .containsExactly(
                        new Message.VoteRequest(2, 1, 5, false, 2, 4),
                        new Message.VoteRequest(2, 3, 5, false, 2, 4),
                        new Message.VoteRequest(2, 4, 5, false, 2, 4),
                        new Message.VoteRequest(2, 5, 5, false, 2, 4));
    }

    /** Figure 2, candidates: a majority makes a leader, its own vote included; one less does not. */
    @Test
    @Covers("R01")
    void aMajorityOfVotesMakesALeader() {
        TestNode node = TestNode.of(1, 5);
        node.startElection();
        node.receive(new Message.Vote(2, 1, 1, false, 1, true));
        node.receive(new Message.Vote(2, 1, 1, false, 1, true));
        assertThat(node.core().role()).isEqualTo(Role.CANDIDATE);
        node.receive(new Message.Vote(3, 1, 1, false, 1, true));
        assertThat(node.core().role()).isEqualTo(Role.LEADER);
    }

    /** Votes of another election are void. */
    @Test
    @Covers("R03")
    void aVoteForAnEarlierElectionDoesNotCount() {
        TestNode node = TestNode.of(1, 3);
        node.startElection();
        node.startElection();
        assertThat(node.core().currentTerm()).isEqualTo(2);
        node.receive(new Message.Vote(2, 1, 1, false, 1, true));
        assertThat(node.core().role()).isEqualTo(Role.CANDIDATE);
    }

    /** Figure 2, candidates: AppendEntries of a new leader ends the candidacy. */
    @Test
    void aCandidateFollowsTheLeaderOfItsTerm() {
        TestNode node = TestNode.of(1, 3);
        node.startElection();
        node.heartbeat(2, 1, 0, 0, 0, 0);
        assertThat(node.core().role()).isEqualTo(Role.FOLLOWER);
        assertThat(node.core().leaderId()).isEqualTo(2);
        node.receive(new Message.Vote(3, 1, 1, false, 1, true));
        assertThat(node.core().role()).isEqualTo(Role.FOLLOWER);
    }

    /** Figure 2, candidates: another timeout, another election; the term rises. */
    @Test
    @Covers({"R01", "T33"})
    void aCandidateThatWinsNothingTriesAgainInAHigherTerm() {
        TestNode node = TestNode.of(1, 3);
        node.startElection();
        node.startElection();
        node.startElection();
        assertThat(node.core().currentTerm()).isEqualTo(3);
    }

    /** 5.2: timeouts are spread over the given range, its ends included. */
    @Test
    @Covers({"L01", "R01"})
    void theElectionTimeoutIsWithinItsBounds() {
        assertThat(ticksToElection(0)).isEqualTo(TestNode.ELECTION);
        assertThat(ticksToElection(10)).isEqualTo(TestNode.ELECTION + 10);
    }

    private static int ticksToElection(int jitter) {
        TestNode node = new TestNode(TestNode.config(1, 3), new TestLog(), new TestNode.HardState(0, 0, 0), bound -> {
            assertThat(bound).as("11, or the salt of request ids").isIn(11, Integer.MAX_VALUE);
            return jitter;
        });
        int ticks = 0;
        while (node.core().role() == Role.FOLLOWER) {
            node.ticks(1);
            ticks++;
        }
        return ticks;
    }

    /** Figure 2, RequestVote 2: one vote per term, and the same answer to the same candidate. */
    @Test
    @Covers("R02")
    void aNodeVotesForOneCandidateInATerm() {
        TestNode node = TestNode.of(1, 3);
        node.receive(new Message.VoteRequest(2, 1, 5, false, 0, 0));
        node.forceAll();
        assertThat(node.takeOne(Message.Vote.class).granted()).isTrue();
        node.receive(new Message.VoteRequest(3, 1, 5, false, 7, 4));
        node.forceAll();
        assertThat(node.takeOne(Message.Vote.class).granted()).isFalse();
        node.receive(new Message.VoteRequest(2, 1, 5, false, 0, 0));
        node.forceAll();
        assertThat(node.takeOne(Message.Vote.class).granted()).isTrue();
    }

    /** Figure 2, persistent state: the vote outlives a crash. */
    @Test
    @Covers("R05")
    void aVoteOutlivesACrash() {
        TestNode node = TestNode.of(1, 3);
        node.receive(new Message.VoteRequest(2, 1, 5, false, 0, 0));
        node.forceAll();
        node.crash();
        node.receive(new Message.VoteRequest(3, 1, 5, false, 7, 4));
        node.forceAll();
        assertThat(node.takeOne(Message.Vote.class).granted()).isFalse();
    }

    /** Figure 2, followers: granting a vote restarts the election timer, refusing one does not. */
    @Test
    @Covers("R02")
    void onlyAGrantedVoteRestartsTheElectionTimer() {
        TestNode granting = TestNode.of(1, 3);
        granting.ticks(TestNode.ELECTION - 1);
        granting.receive(new Message.VoteRequest(2, 1, 5, false, 0, 0));
        granting.ticks(1);
        assertThat(granting.core().role()).isEqualTo(Role.FOLLOWER);

        TestNode refusing = TestNode.of(1, 3, 4, 4);
        refusing.ticks(TestNode.ELECTION - 1);
        refusing.receive(new Message.VoteRequest(2, 1, 5, false, 0, 0));
        refusing.ticks(1);
        assertThat(refusing.core().role()).isEqualTo(Role.PRE_CANDIDATE);
    }

    /** 5.4.1: the later last term wins; with equal terms the longer log. */
    @Test
    @Covers("R02")
    void aVoteGoesOnlyToALogAtLeastAsUpToDate() {
        assertThat(grants(2, 2)).isFalse();
        assertThat(grants(3, 2)).isTrue();
        assertThat(grants(4, 2)).isTrue();
        assertThat(grants(9, 1)).isFalse();
        assertThat(grants(1, 3)).isTrue();
    }

    private static boolean grants(long lastLogIndex, long lastLogTerm) {
        TestNode voter = TestNode.of(1, 3, 4, 1, 2, 2);
        voter.receive(new Message.VoteRequest(2, 1, 5, false, lastLogIndex, lastLogTerm));
        voter.forceAll();
        return voter.takeOne(Message.Vote.class).granted();
    }

    /** Election safety, figure 3: what the paper excludes stops the node. */
    @Test
    void twoLeadersInOneTermStopTheNode() {
        TestNode leader = TestNode.of(1, 3);
        leader.becomeLeader();
        assertThatThrownBy(() -> leader.heartbeat(2, 1, 0, 0, 0, 0)).isInstanceOf(InvariantViolation.class);
    }

    // ---- replication: Raft 5.3 -----------------------------------------------------------------------------------

    /** Figure 2, leaders: upon election a message to each server, and then at least one per heartbeat interval. */
    @Test
    @Covers({"R06", "R07", "R08"})
    void aNewLeaderSaysSoAtOnceAndThenByHeartbeats() {
        TestNode node = TestNode.of(1, 3);
        node.startElection();
        node.sent.clear();
        node.receive(new Message.Vote(2, 1, 1, false, 1, true));
        node.flush();
        assertThat(node.take(Message.Append.class)).hasSize(2);
        node.ticks(TestNode.HEARTBEAT - 1);
        assertThat(node.sent).isEmpty();
        node.ticks(1);
        assertThat(node.take(Message.Append.class)).hasSize(2);
    }

    /** Figure 2, leaders: a command is appended to the own log and sent to all whose match is known. */
    @Test
    @Covers("R16")
    void aProposalIsAppendedAndSent() {
        TestNode leader = TestNode.of(1, 3);
        leader.becomeLeader();
        leader.accept(2, 1, 1, 0);
        leader.accept(3, 0, 0, 0);
        leader.flush();
        leader.sent.clear();
        assertThat(leader.propose(7)).isEqualTo(2);
        leader.flush();
        List<Message.Append> messages = leader.take(Message.Append.class);
        assertThat(messages).extracting(Message.Append::to).containsExactly(2, 3);
        assertThat(messages).extracting(Message.Append::prevLogIndex).containsExactly(1L, 1L);
        assertThat(messages)
                .allSatisfy(message -> assertThat(message.entries())
                        .containsExactly(new Message.Entry(1, EntryType.COMMAND, 7, TestLog.ENTRY_BYTES)));
    }

    /** All proposals of a cycle leave in one message. */
    @Test
    @Covers({"R24", "X03"})
    void proposalsOfOneCycleTravelTogether() {
        TestNode leader = TestNode.of(1, 3);
        leader.becomeLeader();
        leader.accept(2, 1, 1, 0);
        leader.flush();
        leader.sent.clear();
        for (int i = 0; i < 10; i++) {
            leader.propose(i);
        }
        leader.flush();
        assertThat(leader.takeOne(Message.Append.class).entries()).hasSize(10);
    }

    @Test
    void onlyALeaderTakesProposals() {
        TestNode node = TestNode.of(1, 3);
        assertThat(node.propose(1)).isZero();
        node.startElection();
        assertThat(node.propose(1)).isZero();
        assertThat(node.log.lastIndex()).isZero();
    }

    /** Figure 2, AppendEntries 2: false without an entry at prevLogIndex that has prevLogTerm. */
    @Test
    @Covers({"R09", "T09"})
    void anAppendBehindAGapOrAnotherTermIsRefused() {
        TestNode follower = TestNode.of(1, 3, 2, 1, 1, 2);
        follower.append(2, 3, 4, 2, 0, 3);
        follower.forceAll();
        assertThat(follower.takeOne(Message.Rejected.class).prevLogIndex()).isEqualTo(4);
        follower.append(2, 3, 3, 3, 0, 3);
        follower.forceAll();
        assertThat(follower.takeOne(Message.Rejected.class).prevLogIndex()).isEqualTo(3);
        assertThat(follower.log.terms()).containsExactly(1L, 1L, 2L);
    }

    /** Figure 2, AppendEntries 3: a conflicting entry and all behind it go. */
    @Test
    @Covers("R12")
    void aConflictingEntryGoesWithAllThatFollowsIt() {
        TestNode follower = TestNode.of(1, 3, 2, 1, 2, 2, 2);
        follower.append(2, 3, 1, 1, 0, 3);
        assertThat(follower.log.terms()).containsExactly(1L, 3L);
    }

    /** Figure 2, AppendEntries 4: what is there already stays; a shorter, late message truncates nothing. */
    @Test
    @Covers("R12")
    void aShorterLateAppendTruncatesNothing() {
        TestNode follower = TestNode.of(1, 3);
        follower.append(2, 1, 0, 0, 0, 1, 1, 1);
        follower.append(2, 1, 0, 0, 0, 1);
        follower.heartbeat(2, 1, 1, 1, 0, 0);
        assertThat(follower.log.lastIndex()).isEqualTo(3);
    }

    /** Figure 2, AppendEntries 4: of an overlapping message only the missing part is appended. */
    @Test
    void ofAnOverlapOnlyTheMissingPartIsAppended() {
        TestNode follower = TestNode.of(1, 3, 1, 1, 1);
        long before = follower.log.appendedPosition();
        follower.append(2, 1, 0, 0, 0, 1, 1, 1);
        assertThat(follower.log.appendedPosition() - before).isEqualTo(TestLog.ENTRY_BYTES);
    }

    /** Figure 2, AppendEntries 5: commit = min(leaderCommit, last new entry), and here also at most what is durable. */
    @Test
    @Covers("R15")
    void aFollowerCommitsWhatItsLeaderDidAsFarAsItHasIt() {
        TestNode follower = TestNode.of(1, 3);
        follower.append(2, 1, 0, 0, 3, 1, 1);
        assertThat(follower.core().commitIndex()).isZero();
        follower.forceAll();
        assertThat(follower.core().commitIndex()).isEqualTo(2);
        follower.append(2, 1, 2, 1, 3, 1, 1);
        follower.forceAll();
        assertThat(follower.core().commitIndex()).isEqualTo(3);
    }

    /** The same rule's reason: entries beyond the last new one may be another leader's. */
    @Test
    @Covers("R15")
    void aFollowerDoesNotCommitWhatWasNotComparedWithItsLeader() {
        TestNode follower = TestNode.of(1, 3, 2, 1, 2, 2);
        follower.heartbeat(2, 3, 1, 1, 3, 0);
        follower.forceAll();
        assertThat(follower.core().commitIndex()).isEqualTo(1);
    }

    /** Figure 2, leaders: nextIndex starts behind the leader's log; 5.3, the search. */
    @Test
    @Covers("R13")
    void aNewLeaderLooksForTheMatchFromItsOwnEnd() {
        TestNode leader = TestNode.of(1, 3, 1, 1, 1, 1);
        leader.becomeLeader();
        leader.ticks(TestNode.HEARTBEAT);
        assertThat(leader.take(Message.Append.class))
                .allSatisfy(message -> assertThat(message.prevLogIndex()).isEqualTo(3));
    }

    /** 5.3: a leader goes on for ever; nothing counts twice. */
    @Test
    void aDuplicateAcknowledgementCountsOnce() {
        TestNode leader = TestNode.of(1, 5);
        leader.becomeLeader();
        leader.accept(2, 1, 1, 0);
        leader.accept(2, 1, 1, 0);
        assertThat(leader.core().commitIndex()).isZero();
        leader.accept(3, 1, 1, 0);
        assertThat(leader.core().commitIndex()).isEqualTo(1);
    }

    /** matchIndex only grows, whatever the order of the replies. */
    @Test
    void lateAcknowledgementsMoveNothingBack() {
        TestNode leader = TestNode.of(1, 3);
        leader.becomeLeader();
        leader.propose(1);
        leader.flush();
        leader.accept(2, 2, 2, 0);
        leader.accept(2, 1, 1, 0);
        assertThat(leader.core().matchIndex(2)).isEqualTo(2);
    }

    /** Leader append-only, figure 3, and 5.4.3: a leader that contradicts what is committed is no Raft leader. */
    @Test
    void anAppendThatContradictsTheCommittedStopsTheNode() {
        TestNode follower = TestNode.of(1, 3);
        follower.append(2, 1, 0, 0, 2, 1, 1);
        follower.forceAll();
        assertThatThrownBy(() -> follower.append(3, 2, 1, 1, 2, 2)).isInstanceOf(InvariantViolation.class);
    }

    // ---- safety: Raft 5.4 ----------------------------------------------------------------------------------------

    /** 5.3, figure 2, leaders: a majority's match commits. */
    @Test
    @Covers("R14")
    void anEntryOfTheTermCommitsWhenAMajorityHoldsIt() {
        TestNode leader = TestNode.of(1, 3);
        leader.becomeLeader();
        leader.propose(1);
        leader.forceAll();
        assertThat(leader.core().commitIndex()).isZero();
        leader.accept(2, 2, 2, 0);
        assertThat(leader.commits).extracting(TestNode.Commit::index).containsExactly(2L);
    }

    /** 5.4.2, figure 8: an entry of an older term commits only below one of the current term. */
    @Test
    @Covers({"R14", "T10"})
    void anEntryOfAnOlderTermIsNotCommittedByCounting() {
        TestNode leader = TestNode.of(1, 5, 3, 1, 2);
        leader.becomeLeader();
        leader.accept(2, 2, 2, 0);
        leader.accept(3, 2, 2, 0);
        assertThat(leader.core().commitIndex()).isZero();
        leader.accept(2, 3, 3, 0);
        leader.accept(3, 3, 3, 0);
        assertThat(leader.commits).extracting(TestNode.Commit::index).containsExactly(3L);
    }

    /** Figure 8 with the bug planted, so that the test above is known to bite. */
    @Test
    void thePlantedBugCommitsItByCounting() {
        TestNode leader = new TestNode(
                TestNode.config(1, 5).withPlantedBug(PlantedBug.COMMIT_OLD_TERM_BY_COUNTING),
                TestLog.ofTerms(1, 2),
                new TestNode.HardState(1, 3, 0),
                bound -> 0);
        leader.becomeLeader();
        leader.accept(2, 2, 2, 0);
        leader.accept(3, 2, 2, 0);
        assertThat(leader.core().commitIndex()).isEqualTo(2);
    }

    /** Section 8: a leader starts its term with an entry of its own. */
    @Test
    @Covers({"R17", "X13"})
    void aLeaderStartsItsTermWithANoop() {
        TestNode leader = TestNode.of(1, 3, 4, 1, 4);
        leader.becomeLeader();
        assertThat(leader.log.row(3).entry().type()).isEqualTo(EntryType.NOOP);
        assertThat(leader.log.terms()).containsExactly(1L, 4L, 5L);
    }

    // ---- restart -------------------------------------------------------------------------------------------------

    /** Figure 2, persistent state: term and log are found again, the rest starts anew. */
    @Test
    void aRestartedNodeFollowsWithItsTermAndLog() {
        TestNode leader = TestNode.of(1, 3);
        leader.becomeLeader();
        leader.propose(1);
        leader.forceAll();
        leader.propose(2);
        leader.crash();
        assertThat(leader.core().role()).isEqualTo(Role.FOLLOWER);
        assertThat(leader.core().currentTerm()).isEqualTo(1);
        assertThat(leader.core().votedFor()).isEqualTo(1);
        assertThat(leader.core().lastIndex()).isEqualTo(2);
        assertThat(leader.core().durableIndex()).isEqualTo(2);
    }

    /** The log may know a later term than the hard state: nobody was voted for in it, and it is made durable. */
    @Test
    void aTermOfTheLogIsTakenOverAtARestart() {
        TestNode node =
                new TestNode(TestNode.config(1, 3), TestLog.ofTerms(1, 7), new TestNode.HardState(4, 5, 2), bound -> 0);
        assertThat(node.core().currentTerm()).isEqualTo(7);
        assertThat(node.core().votedFor()).isZero();
        node.heartbeat(2, 7, 2, 7, 0, 0);
        node.flush();
        assertThat(node.sent).isEmpty();
        assertThat(node.pendingHardStates).containsExactly(new TestNode.HardState(5, 7, 0));
        node.forceAll();
        assertThat(node.take(Message.Accepted.class)).hasSize(1);
    }

    /** Requests of nodes that are no members are answered, see MembershipTest; answers of such nodes say nothing. */
    @Test
    void theNodeItselfAndAnswersOfStrangersAreNotHeard() {
        TestNode node = TestNode.of(1, 3);
        node.heartbeat(1, 9, 0, 0, 0, 0);
        node.receive(new Message.VoteRequest(1, 1, 9, false, 9, 9));
        for (int stranger : new int[] {1, 4}) {
            node.receive(new Message.Vote(stranger, 1, 9, false, 9, true));
            node.receive(new Message.Accepted(stranger, 1, 9, 0, 0, 0));
            node.receive(new Message.Rejected(stranger, 1, 9, 0, 0, 0, 0));
        }
        node.forceAll();
        assertThat(node.core().currentTerm()).isZero();
        assertThat(node.sent).isEmpty();
    }
}
