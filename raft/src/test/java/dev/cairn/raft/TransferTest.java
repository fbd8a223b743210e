package dev.cairn.raft;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Leadership transfer: thesis 3.10. */
class TransferTest {
    private static TransferAnswer transfer(TestNode leader, int target) {
        TransferAnswer answer = leader.core().transferLeadership(target);
        leader.flush();
        return answer;
    }

    // ---- the leader ----------------------------------------------------------------------------------------------

    @Test
    void aTargetThatHasEverythingIsToldAtOnce() {
        TestNode leader = TestNode.leader();
        assertThat(transfer(leader, 3)).isEqualTo(TransferAnswer.STARTED);
        assertThat(leader.takeOne(Message.TimeoutNow.class)).isEqualTo(new Message.TimeoutNow(1, 3, 1));
        assertThat(leader.core().role()).isEqualTo(Role.LEADER);
    }

    @Test
    void aTargetThatLagsIsToldWhenItHasCaughtUp() {
        TestNode leader = TestNode.leader();
        leader.propose(7);
        leader.forceAll();
        leader.sent.clear();
        assertThat(transfer(leader, 2)).isEqualTo(TransferAnswer.STARTED);
        leader.accept(3, 2, 2, 0);
        leader.flush();
        assertThat(leader.take(Message.TimeoutNow.class)).isEmpty();
        leader.accept(2, 2, 2, 0);
        leader.flush();
        assertThat(leader.takeOne(Message.TimeoutNow.class).to()).isEqualTo(2);
    }

    /** Else the target never has everything. */
    @Test
    void proposalsAreRefusedMeanwhile() {
        TestNode leader = TestNode.leader();
        transfer(leader, 2);
        assertThat(leader.core().transferTarget()).isEqualTo(2);
        assertThat(leader.propose(7)).isZero();
        assertThat(leader.core().lastIndex()).isEqualTo(1);
    }

    @Test
    void withoutATargetTheMostCaughtUpIsChosen() {
        TestNode leader = TestNode.leader();
        leader.propose(7);
        leader.forceAll();
        leader.accept(3, 2, 2, 0);
        transfer(leader, 0);
        assertThat(leader.core().transferTarget()).isEqualTo(3);
    }

    @Test
    void withoutATargetThoseThatCannotArePassedOver() {
        TestNode leader = TestNode.leader();
        leader.propose(7);
        leader.forceAll();
        leader.receive(new Message.Accepted(3, 1, 1, 2, 2, 0, true));
        transfer(leader, 0);
        assertThat(leader.core().transferTarget()).isEqualTo(2);
    }

    @Test
    void whatCannotBeIsRefusedWithItsReason() {
        assertThat(transfer(TestNode.of(1, 3), 2)).isEqualTo(TransferAnswer.NOT_LEADER);
        TestNode leader = TestNode.leader();
        assertThat(transfer(leader, 1)).isEqualTo(TransferAnswer.TO_ITSELF);
        assertThat(transfer(leader, 9)).isEqualTo(TransferAnswer.NO_VOTER);
        TestNode alone = TestNode.of(1, 1);
        alone.ticks(TestNode.ELECTION);
        alone.forceAll();
        assertThat(transfer(alone, 0)).isEqualTo(TransferAnswer.NOBODY_CAN);
        assertThat(leader.core().transferTarget()).isZero();
        assertThat(leader.propose(7)).isEqualTo(2);
    }

    /** Two heartbeats without an answer: it would only cost the time of an election timeout. */
    @Test
    void aTargetThatIsSilentIsRefused() {
        TestNode leader = TestNode.leader();
        for (int i = 0; i <= 2 * TestNode.HEARTBEAT; i++) {
            assertThat(leader.core().transferTarget()).isZero();
            leader.accept(3, 1, 1, 0);
            leader.ticks(1);
        }
        assertThat(transfer(leader, 2)).isEqualTo(TransferAnswer.UNREACHABLE);
        assertThat(transfer(leader, 3)).isEqualTo(TransferAnswer.STARTED);
    }

    @Test
    void aTargetWithAFullDiskIsRefused() {
        TestNode leader = TestNode.leader();
        leader.receive(new Message.Accepted(2, 1, 1, 1, 1, 0, true));
        assertThat(transfer(leader, 2)).isEqualTo(TransferAnswer.DISK_FULL);
    }

    /** And taken once the snapshot is there. */
    @Test
    void aTargetThatNeedsASnapshotIsRefused() {
        TestNode leader = TestNode.of(1, 3, 1, 1, 1, 1, 1);
        leader.becomeLeader();
        leader.accept(3, 5, 5, 0);
        leader.apply(5);
        leader.core().truncatePrefix(5);
        leader.flush();
        leader.reject(2, 4, 1, 0);
        leader.flush();
        leader.reject(2, 5, 1, 0);
        assertThat(transfer(leader, 2)).isEqualTo(TransferAnswer.NEEDS_SNAPSHOT);
        leader.accept(2, 5, 5, 0);
        assertThat(transfer(leader, 2)).isEqualTo(TransferAnswer.STARTED);
    }

    @Test
    void aSecondTransferWaitsForTheFirstToEnd() {
        TestNode leader = TestNode.leader();
        transfer(leader, 2);
        assertThat(transfer(leader, 2)).isEqualTo(TransferAnswer.STARTED);
        assertThat(transfer(leader, 0)).isEqualTo(TransferAnswer.STARTED);
        assertThat(transfer(leader, 3)).isEqualTo(TransferAnswer.ANOTHER_UNDER_WAY);
        assertThat(leader.core().transferTarget()).isEqualTo(2);
        assertThat(leader.take(Message.TimeoutNow.class)).hasSize(1);
    }

    @Test
    void afterAnElectionTimeoutTheLeaderGoesOn() {
        TestNode leader = TestNode.leader();
        transfer(leader, 2);
        for (int i = 0; i < TestNode.ELECTION; i++) {
            assertThat(leader.core().transferTarget()).isEqualTo(2);
            leader.accept(3, 1, 1, 0);
            leader.ticks(1);
        }
        assertThat(leader.core().transferTarget()).isZero();
        assertThat(leader.core().role()).isEqualTo(Role.LEADER);
        assertThat(leader.propose(7)).isEqualTo(2);
        assertThat(transfer(leader, 3)).isEqualTo(TransferAnswer.STARTED);
    }

    /** The message may be lost. */
    @Test
    void theTargetIsToldAgainWithEachHeartbeat() {
        TestNode leader = TestNode.leader();
        transfer(leader, 2);
        leader.sent.clear();
        leader.ticks(TestNode.HEARTBEAT);
        assertThat(leader.takeOne(Message.TimeoutNow.class)).isEqualTo(new Message.TimeoutNow(1, 2, 1));
    }

    @Test
    void aNewReignKnowsNothingOfTheTransfer() {
        TestNode leader = TestNode.leader();
        transfer(leader, 2);
        leader.receive(new Message.Accepted(3, 1, 4, 1, 1, 0));
        assertThat(leader.core().transferTarget()).isZero();
        leader.becomeLeader();
        assertThat(leader.core().transferTarget()).isZero();
        assertThat(leader.propose(7)).isPositive();
    }

    @Test
    void aLeaderThatStepsDownFollowsInItsTerm() {
        TestNode leader = TestNode.leader();
        leader.core().requestRead(1);
        leader.core().stepDown();
        assertThat(leader.core().role()).isEqualTo(Role.FOLLOWER);
        assertThat(leader.core().leaderId()).isZero();
        assertThat(leader.core().currentTerm()).isEqualTo(1);
        assertThat(leader.failedReads).isEqualTo(1);
        leader.core().stepDown();
        leader.ticks(TestNode.ELECTION);
        assertThat(leader.core().role()).isEqualTo(Role.PRE_CANDIDATE);
    }

    // ---- the target ----------------------------------------------------------------------------------------------

    /** No pre-vote, no time to wait; but the vote for itself must be durable, as in every campaign. */
    @Test
    void theTargetCampaignsAtOnce() {
        TestNode target = TestNode.follower(2);
        target.receive(new Message.TimeoutNow(1, 2, 1));
        assertThat(target.core().role()).isEqualTo(Role.CANDIDATE);
        assertThat(target.core().currentTerm()).isEqualTo(2);
        target.flush();
        assertThat(target.sent).isEmpty();
        target.forceHardStates();
        assertThat(target.take(Message.VoteRequest.class))
                .containsExactly(
                        new Message.VoteRequest(2, 1, 2, false, true, 1, 1),
                        new Message.VoteRequest(2, 3, 2, false, true, 1, 1));
    }

    /** A hard state of the old term that is still on its way releases nothing of the new one. */
    @Test
    void aTargetWhoseHardStateIsOnItsWayWaitsForTheNewOne() {
        TestNode target = TestNode.of(2, 3);
        target.heartbeat(1, 1, 0, 0, 0, 0);
        target.flush();
        assertThat(target.pendingHardStates).hasSize(1);
        target.receive(new Message.TimeoutNow(1, 2, 1));
        target.flush();
        target.forceOneHardState();
        assertThat(target.take(Message.VoteRequest.class)).isEmpty();
        target.forceOneHardState();
        assertThat(target.take(Message.VoteRequest.class)).hasSize(2);
    }

    @Test
    void theMessageOfAnOldTermIsIgnored() {
        TestNode target = TestNode.of(2, 3, 5, 1);
        target.receive(new Message.TimeoutNow(1, 2, 4));
        target.forceAll();
        assertThat(target.core().role()).isEqualTo(Role.FOLLOWER);
        assertThat(target.core().currentTerm()).isEqualTo(5);
    }

    /** It comes twice, or again by a heartbeat: one campaign is enough. */
    @Test
    void theMessageCountsOnceInATerm() {
        TestNode target = TestNode.follower(2);
        target.receive(new Message.TimeoutNow(1, 2, 1));
        target.receive(new Message.TimeoutNow(1, 2, 1));
        assertThat(target.core().currentTerm()).isEqualTo(2);
        target.forceAll();
        target.receive(new Message.Vote(3, 2, 2, false, 2, true));
        assertThat(target.core().role()).isEqualTo(Role.LEADER);
        target.receive(new Message.TimeoutNow(1, 2, 1));
        assertThat(target.core().role()).isEqualTo(Role.LEADER);
        assertThat(target.core().currentTerm()).isEqualTo(2);
    }

    @Test
    void aStrangerCannotAsk() {
        TestNode target = TestNode.follower(2);
        target.receive(new Message.TimeoutNow(9, 2, 1));
        assertThat(target.core().role()).isEqualTo(Role.FOLLOWER);
    }

    @Test
    void aTargetWithoutRoomForItsFirstEntryStays() {
        TestNode target = TestNode.follower(2);
        target.log.roomForNoops(0);
        target.receive(new Message.TimeoutNow(1, 2, 1));
        assertThat(target.core().role()).isEqualTo(Role.FOLLOWER);
        assertThat(target.core().currentTerm()).isEqualTo(1);
    }

    /** The election that the leader asked for is one; what follows when it is lost asks as any other. */
    @Test
    void theNextCampaignHasNoPrivilege() {
        TestNode target = TestNode.follower(2);
        target.receive(new Message.TimeoutNow(1, 2, 1));
        target.forceAll();
        target.startElection();
        assertThat(target.take(Message.VoteRequest.class)).isNotEmpty().allSatisfy(request -> {
            assertThat(request.term()).isEqualTo(3);
            assertThat(request.byTransfer()).isFalse();
        });
    }

    // ---- the voters ----------------------------------------------------------------------------------------------

    private static Message.Vote ask(TestNode voter, boolean byTransfer, long lastLogIndex, long lastLogTerm) {
        voter.receive(new Message.VoteRequest(2, voter.id, 2, false, byTransfer, lastLogIndex, lastLogTerm));
        voter.forceAll();
        return voter.takeOne(Message.Vote.class);
    }

    @Test
    void whoHearsTheLeaderVotesForItsChoice() {
        assertThat(ask(TestNode.follower(3), true, 1, 1)).isEqualTo(new Message.Vote(3, 2, 2, false, 2, true));
    }

    /** Thesis 4.2.3: the term is not taken over either. */
    @Test
    void whoHearsTheLeaderVotesForNobodyElse() {
        TestNode voter = TestNode.follower(3);
        assertThat(ask(voter, false, 1, 1)).isEqualTo(new Message.Vote(3, 2, 1, false, 2, false));
        assertThat(voter.core().leaderId()).isEqualTo(1);
        voter.ticks(TestNode.ELECTION - 1);
        voter.sent.clear();
        assertThat(ask(voter, false, 1, 1).granted()).isFalse();
        voter.core().tick();
        voter.sent.clear();
        assertThat(ask(voter, false, 1, 1)).isEqualTo(new Message.Vote(3, 2, 2, false, 2, true));
    }

    @Test
    void theLeadersChoiceNeedsAnUpToDateLogAsWell() {
        TestNode voter = TestNode.of(3, 3, 1, 1, 1);
        voter.heartbeat(1, 1, 2, 1, 1, 0);
        voter.forceAll();
        voter.sent.clear();
        assertThat(ask(voter, true, 1, 1)).isEqualTo(new Message.Vote(3, 2, 2, false, 2, false));
    }

    @Test
    void theLeaderMakesWayForItsChoiceOnly() {
        TestNode leader = TestNode.leader();
        assertThat(ask(leader, false, 1, 1)).isEqualTo(new Message.Vote(1, 2, 1, false, 2, false));
        assertThat(leader.core().role()).isEqualTo(Role.LEADER);
        transfer(leader, 2);
        leader.sent.clear();
        assertThat(ask(leader, true, 1, 1)).isEqualTo(new Message.Vote(1, 2, 2, false, 2, true));
        assertThat(leader.core().role()).isEqualTo(Role.FOLLOWER);
    }

    // ---- all of them ---------------------------------------------------------------------------------------------

    @Test
    void leadershipMovesInOneTermAndNoProposalIsLost() {
        TestNode first = TestNode.of(1, 3);
        TestNode second = TestNode.of(2, 3);
        TestNode third = TestNode.of(3, 3);
        List<TestNode> all = List.of(first, second, third);
        first.ticks(TestNode.ELECTION);
        settle(all);
        assertThat(first.core().role()).isEqualTo(Role.LEADER);
        long last = 0;
        for (int i = 0; i < 10; i++) {
            last = first.propose(i);
        }
        assertThat(transfer(first, 3)).isEqualTo(TransferAnswer.STARTED);
        settle(all);
        assertThat(third.core().role()).isEqualTo(Role.LEADER);
        assertThat(third.core().currentTerm()).isEqualTo(2);
        assertThat(third.core().lastIndex()).isEqualTo(last + 1);
        third.ticks(TestNode.HEARTBEAT);
        settle(all);
        for (TestNode node : all) {
            assertThat(node.core().leaderId()).isEqualTo(3);
            assertThat(node.core().commitIndex()).isEqualTo(last + 1);
            assertThat(node.log.chain(last + 1)).isEqualTo(third.log.chain(last + 1));
        }
    }

    /** Disks and network do what they have to do until nothing is left. */
    private static void settle(List<TestNode> nodes) {
        boolean moved = true;
        for (int round = 0; moved; round++) {
            assertThat(round).isLessThan(50);
            moved = false;
            for (TestNode node : nodes) {
                node.forceAll();
                while (!node.sent.isEmpty()) {
                    moved = true;
                    Message message = node.sent.remove();
                    nodes.get(message.to() - 1).receive(message);
                }
            }
        }
    }
}
