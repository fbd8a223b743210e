package dev.cairn.raft;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Reads by lease: thesis 6.4.1. */
class LeaseTest {
    private static final long LEASE_NS = 1_000;

    private static TestNode node(int id, long... logTerms) {
        return new TestNode(
                TestNode.config(id, 3).withLeaseNs(LEASE_NS),
                TestLog.ofTerms(logTerms),
                new TestNode.HardState(1, logTerms.length == 0 ? 0 : 1, 0),
                bound -> 0);
    }

    /** A leader that has committed its no-op; no round has been confirmed yet. */
    private static TestNode leader() {
        return node(1).becomeSettledLeader();
    }

    /** Heartbeats leave at the given time; returns their position. */
    private static long heartbeat(TestNode leader, long nowNs) {
        leader.nowNs = nowNs;
        leader.flush();
        leader.sent.clear();
        leader.ticks(TestNode.HEARTBEAT);
        return leader.takeLast(Message.Append.class).readPosition();
    }

    @Test
    void aLeaderHasNoLeaseBeforeAQuorumAnswers() {
        TestNode leader = leader();
        assertThat(leader.core().holdsLease(0)).isFalse();
        heartbeat(leader, 10);
        assertThat(leader.core().holdsLease(10)).isFalse();
    }

    /** Not from the answer, which may have been under way for long. */
    @Test
    void theLeaseIsCountedFromTheSendingOfItsRound() {
        TestNode leader = leader();
        long position = heartbeat(leader, 100);
        leader.nowNs = 900;
        leader.accept(2, 1, 1, position);
        assertThat(leader.core().holdsLease(900)).isTrue();
        assertThat(leader.core().holdsLease(100 + LEASE_NS - 1)).isTrue();
        assertThat(leader.core().holdsLease(100 + LEASE_NS)).isFalse();
    }

    @Test
    void eachHeartbeatRenewsIt() {
        TestNode leader = leader();
        leader.accept(2, 1, 1, heartbeat(leader, 100));
        leader.accept(3, 1, 1, heartbeat(leader, 700));
        assertThat(leader.core().holdsLease(1_600)).isTrue();
    }

    /** An answer to the round before says nothing about this one. */
    @Test
    void aLateAnswerRenewsNothing() {
        TestNode leader = leader();
        long first = heartbeat(leader, 100);
        leader.accept(2, 1, 1, first);
        heartbeat(leader, 700);
        leader.accept(3, 1, 1, first);
        leader.accept(2, 1, 1, first);
        assertThat(leader.core().holdsLease(1_099)).isTrue();
        assertThat(leader.core().holdsLease(1_100)).isFalse();
    }

    /** A round that was lost is not measured twice: later heartbeats carry its position, and its time stays. */
    @Test
    void aRoundWhoseAnswersAreLostKeepsItsTime() {
        TestNode leader = leader();
        long position = heartbeat(leader, 100);
        assertThat(heartbeat(leader, 500)).isEqualTo(position);
        leader.accept(2, 1, 1, position);
        assertThat(leader.core().holdsLease(1_099)).isTrue();
        assertThat(leader.core().holdsLease(1_100)).isFalse();
    }

    @Test
    void aRoundOfReadsRenewsItToo() {
        TestNode leader = leader();
        leader.nowNs = 300;
        leader.core().requestRead(1);
        leader.flush();
        leader.accept(2, 1, 1, leader.takeLast(Message.Append.class).readPosition());
        assertThat(leader.core().holdsLease(1_299)).isTrue();
        assertThat(leader.core().holdsLease(1_300)).isFalse();
    }

    /** It may not know what its predecessors have committed. */
    @Test
    void aNewLeaderHasNoneBeforeItsNoopCommitted() {
        TestNode leader = node(1, 1, 1);
        leader.becomeLeader();
        leader.accept(2, 2, 2, heartbeat(leader, 100));
        assertThat(leader.core().holdsLease(100)).isFalse();
        leader.accept(2, 3, 3, 0);
        assertThat(leader.core().holdsLease(100)).isTrue();
    }

    @Test
    void aLeaderThatStepsDownHasNoneEvenWhenItIsElectedAgain() {
        TestNode leader = leader();
        leader.accept(2, 1, 1, heartbeat(leader, 100));
        leader.core().stepDown();
        assertThat(leader.core().holdsLease(100)).isFalse();
        leader.becomeLeader();
        leader.accept(2, 2, 2, 0);
        assertThat(leader.core().commitIndex()).isEqualTo(2);
        assertThat(leader.core().holdsLease(100)).isFalse();
    }

    /** Who is asked by the leader does not wait for the lease's end, nor do those who vote for it. */
    @Test
    void aLeaderThatHandsOverHasNoneForTheRestOfItsTerm() {
        TestNode leader = leader();
        leader.accept(2, 1, 1, heartbeat(leader, 100));
        leader.core().transferLeadership(2);
        assertThat(leader.core().holdsLease(100)).as("nobody was asked yet").isTrue();
        leader.flush();
        assertThat(leader.core().holdsLease(100)).isFalse();
        for (int i = 0; i < TestNode.ELECTION; i++) {
            leader.accept(3, 1, 1, 0);
            leader.ticks(1);
        }
        assertThat(leader.core().transferTarget()).isZero();
        leader.accept(3, 1, 1, heartbeat(leader, 200));
        assertThat(leader.core().role()).isEqualTo(Role.LEADER);
        assertThat(leader.core().holdsLease(200)).isFalse();
    }

    @Test
    void aDoubtfulClockVoidsTheLeaseAndTheRoundUnderWay() {
        TestNode leader = leader();
        leader.accept(2, 1, 1, heartbeat(leader, 100));
        long underWay = heartbeat(leader, 200);
        leader.core().voidLease();
        assertThat(leader.core().holdsLease(200)).isFalse();
        leader.accept(2, 1, 1, underWay);
        assertThat(leader.core().holdsLease(200)).isFalse();
        leader.accept(2, 1, 1, heartbeat(leader, 300));
        assertThat(leader.core().holdsLease(300)).isTrue();
    }

    @Test
    void withoutLeasesThereIsNone() {
        TestNode leader = TestNode.of(1, 3);
        leader.becomeLeader();
        leader.accept(2, 1, 1, 0);
        assertThat(heartbeat(leader, 100)).isZero();
        assertThat(leader.core().holdsLease(100)).isFalse();
    }

    @Test
    void aSingleNodeIsItsOwnQuorum() {
        TestNode alone = new TestNode(
                TestNode.config(1, 1).withLeaseNs(LEASE_NS),
                new TestLog(),
                new TestNode.HardState(0, 0, 0),
                bound -> 0);
        alone.ticks(TestNode.ELECTION);
        alone.forceAll();
        alone.nowNs = 50;
        alone.flush();
        alone.ticks(TestNode.HEARTBEAT);
        assertThat(alone.core().holdsLease(50)).isTrue();
        assertThat(alone.core().holdsLease(50 + LEASE_NS)).isFalse();
    }

    // ---- what the lease stands on --------------------------------------------------------------------------------

    private static boolean grants(TestNode voter, boolean preVote) {
        voter.receive(new Message.VoteRequest(2, voter.id, 2, preVote, 9, 1));
        voter.forceAll();
        return voter.takeLast(Message.Vote.class).granted();
    }

    /** A node that has just started may have confirmed a lease in its life before. */
    @Test
    void aNodeThatStartedGrantsNothingForAnElectionTimeout() {
        for (boolean preVote : new boolean[] {true, false}) {
            TestNode voter = node(3, 1);
            for (int i = 0; i < TestNode.ELECTION - 1; i++) {
                assertThat(grants(voter, preVote)).isFalse();
                voter.core().tick();
            }
            assertThat(voter.core().currentTerm()).isEqualTo(1);
            voter.core().tick();
            assertThat(grants(voter, preVote)).isTrue();
        }
    }

    @Test
    void theLeadersOwnChoiceNeedNotWait() {
        TestNode voter = node(3, 1);
        voter.receive(new Message.VoteRequest(2, 3, 2, false, true, 9, 1));
        voter.forceAll();
        assertThat(voter.takeLast(Message.Vote.class).granted()).isTrue();
    }
}
