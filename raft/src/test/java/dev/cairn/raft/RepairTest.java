package dev.cairn.raft;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** A log that lost acknowledged entries: what its node may not do, and when it may again. */
class RepairTest {
    private static final MembershipChange REMOVE_2 = new MembershipChange.Remove(2);

    private final TestCluster cluster = TestCluster.of(4, 3);

    /** Node 1 leads, all three hold 12 entries, node 2 loses all behind the fifth. */
    private void damageNode2() {
        cluster.elect(1);
        cluster.propose(1, 11);
        cluster.ticks(TestNode.HEARTBEAT);
        cluster.setApart(2);
        cluster.crash(2);
        cluster.node(2).crash(cluster.node(2).log.durablePosition(), 0, 3);
        cluster.node(2).damage(5);
        cluster.rejoin(2);
    }

    private TestNode repairing() {
        TestNode node = TestNode.of(2, 3, 4, 1, 1);
        node.damage(1);
        return node;
    }

    @Test
    void aRepairingNodeGrantsNoVoteAndNoPreVote() {
        TestNode node = repairing();
        node.receive(new Message.VoteRequest(1, 2, 5, true, 9, 4));
        node.receive(new Message.VoteRequest(1, 2, 5, false, 9, 4));
        node.forceAll();
        assertThat(node.take(Message.Vote.class)).hasSize(2).noneMatch(Message.Vote::granted);
        assertThat(node.core().currentTerm()).isEqualTo(5);
        assertThat(node.core().votedFor()).isZero();
    }

    @Test
    void aRepairingNodeNeverCampaigns() {
        TestNode node = repairing();
        node.ticks(5 * TestNode.ELECTION);
        node.append(1, 4, 1, 1, 0, 4);
        node.forceAll();
        node.receive(new Message.TimeoutNow(1, 2, 4));
        node.forceAll();
        assertThat(node.core().role()).isEqualTo(Role.FOLLOWER);
        assertThat(node.core().currentTerm()).isEqualTo(4);
        assertThat(node.take(Message.VoteRequest.class)).isEmpty();
    }

    @Test
    void theFlagGoesWhenEverythingUpToTheTargetIsDurableAndSoIsTheHardState() {
        TestNode node = repairing();
        node.append(1, 4, 1, 1, 0, 1, 4);
        node.flush();
        node.receive(new Message.RepairTarget(1, 2, 4, 1, 3));
        node.flush();
        assertThat(node.pendingHardStates).isEmpty();
        node.forceLog();
        node.flush();
        assertThat(node.pendingHardStates).hasSize(1);
        // As the driver does in each cycle.
        node.reportHardState(node.hardState());
        assertThat(node.core().isRepairing()).isTrue();
        node.forceHardStates();
        assertThat(node.core().isRepairing()).isFalse();
        node.flush();
        assertThat(node.takeLast(Message.OfStorage.class).repairing()).isFalse();
    }

    @Test
    void aCrashBeforeTheHardStateIsDurableFindsTheFlag() {
        TestNode node = repairing();
        node.append(1, 4, 1, 1, 0, 1, 4);
        node.receive(new Message.RepairTarget(1, 2, 4, 1, 3));
        node.flush();
        node.forceLog();
        node.flush();
        node.crash();
        assertThat(node.core().isRepairing()).isTrue();
        assertThat(node.core().storageEpoch()).isEqualTo(1);
    }

    @Test
    void anotherLeaderAndAnotherEpochStartTheStepAnew() {
        TestNode node = repairing();
        node.receive(new Message.RepairTarget(1, 2, 4, 0, 1));
        assertThat(node.core().repairTarget()).isNegative();
        node.receive(new Message.RepairTarget(1, 2, 4, 1, 3));
        assertThat(node.core().repairTarget()).isEqualTo(3);
        node.append(3, 5, 1, 1, 0, 1, 4, 5);
        node.forceAll();
        assertThat(node.core().repairTarget()).isNegative();
        assertThat(node.core().isRepairing()).isTrue();
    }

    @Test
    void theClusterBringsBackWhatWasLost() {
        damageNode2();
        assertThat(cluster.core(2).isRepairing()).isTrue();
        assertThat(cluster.core(2).lastIndex()).isEqualTo(5);
        cluster.ticks(2 * TestNode.HEARTBEAT);
        assertThat(cluster.core(2).isRepairing()).isFalse();
        assertThat(cluster.core(2).lastIndex()).isEqualTo(12);
        assertThat(cluster.core(1).isRepairing(2)).isFalse();
        cluster.setApart(3);
        cluster.propose(1, 1);
        assertThat(cluster.core(1).commitIndex()).isEqualTo(13);
    }

    @Test
    void whatWasLostIsBroughtBackBySnapshotWhereTheLogHasDroppedIt() {
        damageNode2();
        cluster.core(1).truncatePrefix(10);
        cluster.ticks(4 * TestNode.HEARTBEAT);
        assertThat(cluster.node(2).installs).isEqualTo(1);
        assertThat(cluster.core(2).isRepairing()).isFalse();
        assertThat(cluster.core(2).lastIndex()).isEqualTo(12);
    }

    @Test
    void aRepairingNodeCountsForNothing() {
        damageNode2();
        cluster.lose(Message.RepairTarget.class::isInstance);
        cluster.ticks(2 * TestNode.HEARTBEAT);
        assertThat(cluster.core(1).isRepairing(2)).isTrue();
        assertThat(cluster.core(1).matchIndex(2)).isEqualTo(12);
        assertThat(cluster.core(1).transferLeadership(2)).isEqualTo(TransferAnswer.REPAIRING);
        cluster.setApart(3);
        int reads = cluster.confirmedReads();
        cluster.propose(1, 1);
        cluster.read(1);
        assertThat(cluster.core(1).commitIndex()).isEqualTo(12);
        assertThat(cluster.core(1).matchIndex(2)).isEqualTo(13);
        assertThat(cluster.confirmedReads()).isEqualTo(reads);
        cluster.ticks(TestNode.ELECTION);
        assertThat(cluster.leader()).isZero();
    }

    @Test
    void withoutAnIntactQuorumThereIsNoTarget() {
        cluster.elect(1);
        cluster.propose(1, 11);
        cluster.ticks(TestNode.HEARTBEAT);
        for (int id = 2; id <= 3; id++) {
            cluster.crash(id);
            cluster.node(id).damage(8);
        }
        cluster.ticks(4 * TestNode.ELECTION);
        assertThat(cluster.leader()).isZero();
        assertThat(cluster.core(2).isRepairing()).isTrue();
        assertThat(cluster.core(3).isRepairing()).isTrue();
        assertThat(cluster.core(2).repairTarget()).isNegative();
    }

    /** Node 1 knows of no commit when it leads again; without an entry of its own term it must not say where to stop. */
    @Test
    void theTargetIsThatOfARoundBehindAnEntryOfTheLeadersOwnTerm() {
        TestNode leader = TestNode.of(1, 3, 4, 1, 1, 1, 4);
        leader.becomeLeader();
        leader.core().onPeerStorage(2, leader.core().currentTerm(), 1, true);
        leader.accept(2, 5, 5, 0);
        leader.forceAll();
        assertThat(leader.take(Message.RepairTarget.class)).isEmpty();
        leader.accept(3, 5, 5, 0);
        leader.forceAll();
        assertThat(leader.core().commitIndex()).isEqualTo(5);
        long round = leader.takeLast(Message.Append.class).readPosition();
        leader.accept(2, 5, 5, round);
        leader.forceAll();
        assertThat(leader.take(Message.RepairTarget.class)).isEmpty();
        leader.accept(3, 5, 5, round);
        leader.forceAll();
        assertThat(leader.takeOne(Message.RepairTarget.class).index()).isEqualTo(5);
    }

    @Test
    void answersOfBeforeTheLossAreVoid() {
        TestNode leader = TestNode.of(1, 3, 4, 1, 1, 1, 4);
        leader.becomeLeader();
        long term = leader.core().currentTerm();
        leader.accept(2, 5, 5, 0);
        assertThat(leader.core().matchIndex(2)).isEqualTo(5);
        assertThat(leader.core().onPeerStorage(2, term, 1, true)).isTrue();
        assertThat(leader.core().matchIndex(2)).isZero();
        assertThat(leader.core().onPeerStorage(2, term, 0, false)).isFalse();
        assertThat(leader.core().isRepairing(2)).isTrue();
        // Of the same epoch the end counts, however late what was said before it arrives.
        leader.core().onPeerStorage(2, term, 1, false);
        leader.core().onPeerStorage(2, term, 1, true);
        assertThat(leader.core().isRepairing(2)).isFalse();
    }

    @Test
    void whileAVoterRepairsItMayBeRemovedAndNothingElse() {
        damageNode2();
        cluster.lose(Message.RepairTarget.class::isInstance);
        cluster.ticks(TestNode.HEARTBEAT);
        assertThat(cluster.change(1, new MembershipChange.AddLearner(4)))
                .isEqualTo("node 2 repairs its log: until that is done only its removal is possible");
        assertThat(cluster.change(1, new MembershipChange.Remove(3))).startsWith("node 2 repairs its log");
        assertThat(cluster.change(1, REMOVE_2, new MembershipChange.AddLearner(4)))
                .startsWith("node 2 repairs its log");
        assertThat(cluster.change(1, REMOVE_2)).isEqualTo("null");
        cluster.ticks(TestNode.HEARTBEAT);
        assertThat(cluster.core(1).membership().isVoter(2)).isFalse();
    }
}
