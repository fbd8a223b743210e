package dev.cairn.raft;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Thesis 9.6: a node asks whether it could win before it disturbs anybody. */
class PreVoteTest {
    private static boolean grants(TestNode node, long term, long lastLogIndex, long lastLogTerm) {
        node.receive(new Message.VoteRequest(2, 1, term, true, lastLogIndex, lastLogTerm));
        node.forceAll();
        return node.takeOne(Message.Vote.class).granted();
    }

    @Test
    void askingRaisesNoTermAndLeavesNoTrace() {
        TestNode node = TestNode.of(1, 3, 4, 1, 4);
        node.ticks(5 * TestNode.ELECTION);
        assertThat(node.core().currentTerm()).isEqualTo(4);
        assertThat(node.pendingHardStates).isEmpty();
        assertThat(node.take(Message.VoteRequest.class)).isNotEmpty().allSatisfy(request -> {
            assertThat(request.preVote()).isTrue();
            assertThat(request.term()).isEqualTo(5);
        });
    }

    @Test
    void answeringRaisesNoTermAndLeavesNoTrace() {
        TestNode node = TestNode.of(1, 3, 4, 4);
        assertThat(grants(node, 9, 1, 4)).isTrue();
        assertThat(node.core().currentTerm()).isEqualTo(4);
        assertThat(node.core().votedFor()).isZero();
        assertThat(node.hardState().sequence()).isEqualTo(1);
    }

    @Test
    void aNodeMayGrantSeveral() {
        TestNode node = TestNode.of(1, 3);
        assertThat(grants(node, 1, 0, 0)).isTrue();
        node.receive(new Message.VoteRequest(3, 1, 1, true, 0, 0));
        node.flush();
        assertThat(node.takeOne(Message.Vote.class).granted()).isTrue();
    }

    @Test
    void aLogThatCouldNotWinIsRefused() {
        assertThat(grants(TestNode.of(1, 3, 4, 1, 4), 5, 1, 4)).isFalse();
        assertThat(grants(TestNode.of(1, 3, 4, 1, 4), 5, 9, 3)).isFalse();
    }

    @Test
    void aTermThatIsNotHigherIsRefused() {
        assertThat(grants(TestNode.of(1, 3, 4), 4, 0, 0)).isFalse();
    }

    /** Thesis 4.2.3: who hears a leader keeps it, until the shortest election timeout has passed. */
    @Test
    void whoHearsALeaderRefuses() {
        TestNode node = TestNode.of(1, 3);
        node.heartbeat(3, 1, 0, 0, 0, 0);
        node.forceAll();
        node.sent.clear();
        assertThat(grants(node, 2, 9, 1)).isFalse();
        node.ticks(TestNode.ELECTION - 1);
        assertThat(grants(node, 2, 9, 1)).isFalse();
        node.core().tick();
        node.sent.clear();
        assertThat(grants(node, 2, 9, 1)).isTrue();
    }

    @Test
    void aLeaderRefuses() {
        TestNode leader = TestNode.of(1, 3);
        leader.becomeLeader();
        assertThat(grants(leader, 2, 9, 1)).isFalse();
        assertThat(leader.core().role()).isEqualTo(Role.LEADER);
    }

    /** A majority, itself included, must be willing. */
    @Test
    void onlyAMajorityStartsTheElection() {
        TestNode node = TestNode.of(1, 5);
        node.ticks(TestNode.ELECTION);
        node.receive(new Message.Vote(2, 1, 0, true, 1, true));
        node.receive(new Message.Vote(2, 1, 0, true, 1, true));
        node.receive(new Message.Vote(3, 1, 0, true, 1, false));
        assertThat(node.core().role()).isEqualTo(Role.PRE_CANDIDATE);
        node.receive(new Message.Vote(4, 1, 0, true, 1, true));
        assertThat(node.core().role()).isEqualTo(Role.CANDIDATE);
        assertThat(node.core().currentTerm()).isEqualTo(1);
    }

    /** A pre-vote is no vote: it does not count in the election that follows. */
    @Test
    void aPreVoteDoesNotCountAsAVote() {
        TestNode node = TestNode.of(1, 3);
        node.startElection();
        node.receive(new Message.Vote(2, 1, 0, true, 1, true));
        node.receive(new Message.Vote(3, 1, 1, true, 1, true));
        assertThat(node.core().role()).isEqualTo(Role.CANDIDATE);
    }

    /** The refusal tells a node that fell behind the term that it needs. */
    @Test
    void aNodeThatFellBehindLearnsTheTermFromTheRefusal() {
        TestNode node = TestNode.of(1, 3, 4);
        node.ticks(TestNode.ELECTION);
        node.receive(new Message.Vote(2, 1, 9, true, 5, false));
        assertThat(node.core().currentTerm()).isEqualTo(9);
        assertThat(node.core().role()).isEqualTo(Role.FOLLOWER);
    }

    @Test
    void aPreCandidateGoesBackToTheLeaderItHearsAgain() {
        TestNode node = TestNode.of(1, 3);
        node.heartbeat(2, 1, 0, 0, 0, 0);
        node.ticks(TestNode.ELECTION);
        assertThat(node.core().role()).isEqualTo(Role.PRE_CANDIDATE);
        node.heartbeat(2, 1, 0, 0, 0, 0);
        assertThat(node.core().role()).isEqualTo(Role.FOLLOWER);
        assertThat(node.core().leaderId()).isEqualTo(2);
        node.receive(new Message.Vote(3, 1, 1, true, 2, true));
        assertThat(node.core().role()).isEqualTo(Role.FOLLOWER);
    }
}
