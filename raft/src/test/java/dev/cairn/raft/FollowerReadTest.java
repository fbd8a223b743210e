package dev.cairn.raft;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Linearizable reads on a follower: it asks the leader for the read index (thesis 6.4). */
class FollowerReadTest {
    private static Message.ReadIndexRequest ask(TestNode follower, long readId) {
        assertThat(follower.core().requestRead(readId)).isTrue();
        follower.flush();
        return follower.takeOne(Message.ReadIndexRequest.class);
    }

    private static Message.ReadIndexReply reply(Message.ReadIndexRequest request, long readIndex) {
        return new Message.ReadIndexReply(1, 2, request.term(), request.requestId(), readIndex);
    }

    // ---- the follower --------------------------------------------------------------------------------------------

    @Test
    void readsOfOneCycleShareARequest() {
        TestNode follower = TestNode.follower(2);
        follower.core().requestRead(1);
        follower.core().requestRead(2);
        Message.ReadIndexRequest request = ask(follower, 5);
        assertThat(request.to()).isEqualTo(1);
        follower.receive(reply(request, 7));
        assertThat(follower.confirmedReads).containsExactly(new TestNode.ConfirmedReads(5, 7));
    }

    /** The answer may speak of a moment before they came. */
    @Test
    void readsThatComeMeanwhileAreNotAnsweredWithTheOthers() {
        TestNode follower = TestNode.follower(2);
        Message.ReadIndexRequest first = ask(follower, 1);
        follower.core().requestRead(2);
        follower.flush();
        assertThat(follower.sent).isEmpty();
        follower.receive(reply(first, 7));
        assertThat(follower.confirmedReads).containsExactly(new TestNode.ConfirmedReads(1, 7));
        follower.flush();
        Message.ReadIndexRequest second = follower.takeOne(Message.ReadIndexRequest.class);
        assertThat(second.requestId()).isGreaterThan(first.requestId());
        follower.receive(reply(first, 7));
        assertThat(follower.confirmedReads).hasSize(1);
        follower.receive(reply(second, 9));
        assertThat(follower.confirmedReads).endsWith(new TestNode.ConfirmedReads(2, 9));
    }

    @Test
    void aLostRequestOrAnswerIsRepeatedUnderItsId() {
        TestNode follower = TestNode.follower(2);
        Message.ReadIndexRequest request = ask(follower, 1);
        follower.ticks(TestNode.HEARTBEAT);
        assertThat(follower.takeOne(Message.ReadIndexRequest.class)).isEqualTo(request);
        follower.receive(reply(request, 7));
        follower.receive(reply(request, 8));
        assertThat(follower.confirmedReads).containsExactly(new TestNode.ConfirmedReads(1, 7));
        follower.ticks(TestNode.HEARTBEAT);
        assertThat(follower.take(Message.ReadIndexRequest.class)).isEmpty();
    }

    @Test
    void aNodeWithoutALeaderTakesNoReads() {
        assertThat(TestNode.of(2, 3).core().requestRead(1)).isFalse();
        TestNode follower = TestNode.follower(2);
        follower.ticks(TestNode.ELECTION);
        assertThat(follower.core().role()).isEqualTo(Role.PRE_CANDIDATE);
        assertThat(follower.core().requestRead(1)).isFalse();
    }

    @Test
    void readsFailWhenTheLeaderChangesOrIsLost() {
        TestNode follower = TestNode.follower(2);
        Message.ReadIndexRequest request = ask(follower, 1);
        follower.heartbeat(3, 2, 1, 1, 1, 0);
        assertThat(follower.failedReads).isEqualTo(1);
        follower.receive(reply(request, 7));
        follower.receive(new Message.ReadIndexReply(3, 2, 2, request.requestId(), 7));
        assertThat(follower.confirmedReads).isEmpty();
        follower.forceAll();
        follower.sent.clear();
        Message.ReadIndexRequest next = ask(follower, 2);
        assertThat(next.to()).isEqualTo(3);
        assertThat(next.requestId()).isGreaterThan(request.requestId());
        follower.ticks(TestNode.ELECTION);
        assertThat(follower.failedReads).isEqualTo(2);
    }

    @Test
    void onlyTheLeaderOfItsTermAnswers() {
        TestNode follower = TestNode.follower(2);
        Message.ReadIndexRequest request = ask(follower, 1);
        follower.receive(new Message.ReadIndexReply(3, 2, 1, request.requestId(), 7));
        follower.receive(new Message.ReadIndexReply(1, 2, 0, request.requestId(), 7));
        assertThat(follower.confirmedReads).isEmpty();
    }

    /** Ids of another life begin elsewhere: an answer to the life before confirms nothing. */
    @Test
    void anAnswerToAnEarlierLifeConfirmsNothing() {
        int[] salts = {5, 6};
        int[] lives = {0};
        TestNode follower = new TestNode(
                TestNode.config(2, 3),
                TestLog.ofTerms(1),
                new TestNode.HardState(1, 1, 0),
                bound -> bound == Integer.MAX_VALUE ? salts[lives[0]++] : 0);
        follower.heartbeat(1, 1, 1, 1, 1, 0);
        follower.forceAll();
        follower.sent.clear();
        Message.ReadIndexRequest before = ask(follower, 1);
        follower.crash();
        follower.heartbeat(1, 1, 1, 1, 1, 0);
        follower.forceAll();
        follower.sent.clear();
        Message.ReadIndexRequest after = ask(follower, 1);
        assertThat(after.requestId()).isNotEqualTo(before.requestId());
        follower.receive(reply(before, 1));
        assertThat(follower.confirmedReads).isEmpty();
    }

    /** The request names its term, so it waits until a crash cannot take that back. */
    @Test
    void theRequestWaitsForTheHardState() {
        TestNode follower = TestNode.of(2, 3);
        follower.heartbeat(1, 1, 0, 0, 0, 0);
        assertThat(follower.core().requestRead(1)).isTrue();
        follower.flush();
        assertThat(follower.take(Message.ReadIndexRequest.class)).isEmpty();
        follower.forceHardStates();
        follower.flush();
        assertThat(follower.take(Message.ReadIndexRequest.class)).hasSize(1);
    }

    // ---- the leader ----------------------------------------------------------------------------------------------

    /** A round of its own, begun behind the request's arrival. */
    @Test
    void theLeaderAnswersAfterARoundThatBeganBehindTheRequest() {
        TestNode leader = TestNode.leader();
        leader.core().requestRead(1);
        leader.flush();
        leader.receive(new Message.ReadIndexRequest(2, 1, 1, 77));
        leader.propose(5);
        leader.forceAll();
        leader.accept(3, 2, 2, 1);
        assertThat(leader.take(Message.ReadIndexReply.class)).isEmpty();
        leader.flush();
        leader.accept(3, 2, 2, 2);
        assertThat(leader.takeOne(Message.ReadIndexReply.class)).isEqualTo(new Message.ReadIndexReply(1, 2, 1, 77, 1));
        assertThat(leader.confirmedReads).containsExactly(new TestNode.ConfirmedReads(1, 1));
    }

    @Test
    void aRequestThatComesTwiceIsAnsweredOnce() {
        TestNode leader = TestNode.leader();
        leader.receive(new Message.ReadIndexRequest(2, 1, 1, 77));
        leader.flush();
        leader.receive(new Message.ReadIndexRequest(2, 1, 1, 77));
        leader.flush();
        assertThat(leader.take(Message.Append.class))
                .extracting(Message.Append::readPosition)
                .containsOnly(1L);
        leader.accept(3, 1, 1, 1);
        assertThat(leader.take(Message.ReadIndexReply.class)).hasSize(1);
        leader.accept(2, 1, 1, 1);
        assertThat(leader.take(Message.ReadIndexReply.class)).isEmpty();
        assertThat(leader.confirmedReads).isEmpty();
    }

    /** The peer has given up the first, or has started anew. */
    @Test
    void aNewerRequestTakesThePlaceOfThePeersLast() {
        TestNode leader = TestNode.leader();
        leader.receive(new Message.ReadIndexRequest(2, 1, 1, 77));
        leader.flush();
        leader.receive(new Message.ReadIndexRequest(2, 1, 1, 78));
        leader.flush();
        leader.sent.clear();
        leader.accept(3, 1, 1, 1);
        assertThat(leader.take(Message.ReadIndexReply.class)).isEmpty();
        leader.accept(3, 1, 1, 2);
        assertThat(leader.takeOne(Message.ReadIndexReply.class).requestId()).isEqualTo(78);
    }

    @Test
    void aNewLeaderAnswersOnlyAfterItsNoopCommitted() {
        TestNode leader = TestNode.of(1, 3, 1, 1, 1);
        leader.becomeLeader();
        leader.receive(new Message.ReadIndexRequest(2, 1, 2, 77));
        leader.flush();
        leader.accept(2, 2, 2, 0);
        leader.flush();
        assertThat(leader.take(Message.Append.class))
                .extracting(Message.Append::readPosition)
                .containsOnly(0L);
        leader.accept(2, 3, 3, 0);
        leader.flush();
        leader.accept(2, 3, 3, 1);
        assertThat(leader.takeOne(Message.ReadIndexReply.class).readIndex()).isEqualTo(3);
    }

    @Test
    void whoDoesNotLeadInThatTermDoesNotAnswer() {
        TestNode leader = TestNode.leader();
        leader.receive(new Message.ReadIndexRequest(2, 1, 0, 77));
        leader.flush();
        assertThat(leader.sent).isEmpty();
        leader.receive(new Message.ReadIndexRequest(2, 1, 1, 78));
        leader.receive(new Message.ReadIndexRequest(3, 1, 4, 79));
        assertThat(leader.core().role()).isEqualTo(Role.FOLLOWER);
        assertThat(leader.core().currentTerm()).isEqualTo(4);
        leader.forceAll();
        leader.becomeLeader();
        leader.accept(2, 2, 2, 0);
        leader.flush();
        leader.accept(2, 2, 2, 9 - 9);
        assertThat(leader.take(Message.ReadIndexReply.class)).isEmpty();
    }
}
