package dev.cairn.raft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.covers.Covers;
import org.junit.jupiter.api.Test;

/** Linearizable reads without a log entry: thesis 6.4. */
class ReadIndexTest {
    private static void read(TestNode leader, long id) {
        assertThat(leader.core().requestRead(id)).isTrue();
        leader.flush();
    }

    @Test
    @Covers("R19")
    void aReadIsConfirmedByAMajorityThatEchoesItsPosition() {
        TestNode leader = TestNode.leader();
        read(leader, 1);
        assertThat(leader.take(Message.Append.class))
                .hasSize(2)
                .allSatisfy(message -> assertThat(message.readPosition()).isEqualTo(1));
        assertThat(leader.confirmedReads).isEmpty();
        leader.accept(2, 1, 1, 1);
        assertThat(leader.confirmedReads).containsExactly(new TestNode.ConfirmedReads(1, 1));
        leader.accept(3, 1, 1, 1);
        assertThat(leader.confirmedReads).hasSize(1);
    }

    @Test
    @Covers({"R19", "X04"})
    void readsOfOneCycleShareARound() {
        TestNode leader = TestNode.leader();
        leader.core().requestRead(1);
        leader.core().requestRead(2);
        read(leader, 7);
        assertThat(leader.take(Message.Append.class)).hasSize(2);
        leader.accept(2, 1, 1, 1);
        assertThat(leader.confirmedReads).containsExactly(new TestNode.ConfirmedReads(7, 1));
    }

    /** A process paused between two reads: what answers the first round confirms nothing of the second. */
    @Test
    void answersOfAnOlderRoundConfirmNothingNewer() {
        TestNode leader = TestNode.leader();
        read(leader, 1);
        read(leader, 2);
        leader.accept(2, 1, 1, 1);
        leader.accept(3, 1, 1, 1);
        assertThat(leader.confirmedReads).containsExactly(new TestNode.ConfirmedReads(1, 1));
        leader.accept(3, 1, 1, 2);
        assertThat(leader.confirmedReads).hasSize(2);
    }

    /** Answers overtake each other: a late one takes nothing back. */
    @Test
    void aLateAnswerTakesNoConfirmationBack() {
        TestNode leader = TestNode.of(1, 5);
        leader.becomeLeader();
        leader.accept(2, 1, 1, 0);
        leader.accept(3, 1, 1, 0);
        read(leader, 1);
        read(leader, 2);
        leader.accept(2, 1, 1, 2);
        leader.accept(2, 1, 1, 1);
        leader.accept(3, 1, 1, 2);
        assertThat(leader.confirmedReads).hasSize(2);
    }

    @Test
    void anAnswerOfALaterRoundConfirmsTheEarlierToo() {
        TestNode leader = TestNode.leader();
        read(leader, 1);
        read(leader, 2);
        leader.accept(2, 1, 1, 2);
        assertThat(leader.confirmedReads)
                .extracting(TestNode.ConfirmedReads::lastReadId)
                .containsExactly(1L, 2L);
    }

    /** At most maxReadRounds wait at a time, 2 here; what comes meanwhile shares the next one. */
    @Test
    void roundsBeyondTheLimitWait() {
        TestNode leader = TestNode.leader();
        for (int id = 1; id <= 4; id++) {
            read(leader, id);
        }
        assertThat(leader.take(Message.Append.class))
                .extracting(Message.Append::readPosition)
                .doesNotContain(3L);
        leader.accept(2, 1, 1, 1);
        leader.flush();
        assertThat(leader.take(Message.Append.class))
                .extracting(Message.Append::readPosition)
                .containsOnly(3L);
        leader.accept(2, 1, 1, 3);
        assertThat(leader.confirmedReads)
                .extracting(TestNode.ConfirmedReads::lastReadId)
                .containsExactly(1L, 2L, 4L);
    }

    /** Thesis 6.4, step 1: before an entry of its term committed a leader may not know what is committed. */
    @Test
    @Covers("R19")
    void aNewLeaderAnswersOnlyAfterItsNoopCommitted() {
        TestNode leader = TestNode.of(1, 3, 1, 1, 1);
        leader.becomeLeader();
        read(leader, 1);
        leader.accept(2, 2, 2, 0);
        leader.flush();
        assertThat(leader.take(Message.Append.class))
                .extracting(Message.Append::readPosition)
                .containsOnly(0L);
        leader.accept(2, 3, 3, 0);
        leader.flush();
        assertThat(leader.take(Message.Append.class))
                .extracting(Message.Append::readPosition)
                .containsOnly(1L);
        leader.accept(2, 3, 3, 1);
        assertThat(leader.confirmedReads).containsExactly(new TestNode.ConfirmedReads(1, 3));
    }

    @Test
    void thePlantedBugAnswersBeforeThat() {
        TestNode leader = new TestNode(
                TestNode.config(1, 3).withPlantedBug(PlantedBug.READ_BEFORE_OWN_TERM_COMMIT),
                TestLog.ofTerms(1, 1),
                new TestNode.HardState(1, 1, 0),
                bound -> 0);
        leader.becomeLeader();
        read(leader, 1);
        leader.accept(2, 2, 2, 1);
        assertThat(leader.confirmedReads).containsExactly(new TestNode.ConfirmedReads(1, 0));
    }

    /** The read index is that of the round's start: what commits during the round need not be waited for. */
    @Test
    void theReadIndexIsTheCommitIndexAtTheStartOfTheRound() {
        TestNode leader = TestNode.leader();
        read(leader, 1);
        leader.propose(1);
        leader.forceAll();
        leader.accept(2, 2, 2, 1);
        assertThat(leader.core().commitIndex()).isEqualTo(2);
        assertThat(leader.confirmedReads).containsExactly(new TestNode.ConfirmedReads(1, 1));
    }

    /** A mismatch of logs denies the entries, not the leadership. */
    @Test
    void aRefusalConfirmsLeadershipAsWell() {
        TestNode leader = TestNode.leader();
        read(leader, 1);
        leader.receive(new Message.Rejected(2, 1, 1, 1, 1, 0, 1));
        assertThat(leader.confirmedReads).hasSize(1);

        TestNode follower = TestNode.of(2, 3);
        follower.heartbeat(1, 1, 9, 1, 0, 3);
        follower.forceAll();
        assertThat(follower.takeOne(Message.Rejected.class).readPosition()).isEqualTo(3);
    }

    @Test
    void stepDownFailsTheReadsThatWait() {
        TestNode leader = TestNode.leader();
        read(leader, 1);
        leader.heartbeat(2, 2, 1, 1, 0, 0);
        assertThat(leader.failedReads).isEqualTo(1);
    }

    /** Positions rise over terms: an answer to the old reign confirms no read of the new one. */
    @Test
    void aRoundOfAnEarlierReignConfirmsNothingAfterReelection() {
        TestNode leader = TestNode.leader();
        read(leader, 1);
        leader.heartbeat(2, 2, 1, 1, 0, 0);
        leader.forceAll();
        leader.becomeLeader();
        assertThat(leader.core().currentTerm()).isEqualTo(3);
        leader.accept(2, 2, 2, 0);
        read(leader, 2);
        leader.receive(new Message.Accepted(2, 1, 1, 1, 1, 1));
        leader.accept(3, 1, 1, 1);
        assertThat(leader.confirmedReads).isEmpty();
        leader.accept(3, 1, 1, 2);
        assertThat(leader.confirmedReads).containsExactly(new TestNode.ConfirmedReads(2, 2));
    }

    /** A follower starts anew in each term, so it never echoes what another leader sent. */
    @Test
    void aFollowerEchoesOnlyPositionsOfItsLeader() {
        TestNode follower = TestNode.of(2, 3);
        follower.heartbeat(1, 1, 0, 0, 0, 9);
        follower.heartbeat(3, 2, 0, 0, 0, 1);
        follower.forceAll();
        assertThat(follower.takeOne(Message.Accepted.class)).isEqualTo(new Message.Accepted(2, 3, 2, 0, 0, 1));
    }

    @Test
    void aLostRoundIsRepeatedByHeartbeats() {
        TestNode leader = TestNode.leader();
        read(leader, 1);
        leader.sent.clear();
        leader.ticks(TestNode.HEARTBEAT);
        assertThat(leader.take(Message.Append.class))
                .hasSize(2)
                .allSatisfy(message -> assertThat(message.readPosition()).isEqualTo(1));
    }

    @Test
    void aFollowerTakesNoReads() {
        assertThat(TestNode.of(1, 3).core().requestRead(1)).isFalse();
    }

    @Test
    void aPositionThatWasNeverSentStopsTheNode() {
        TestNode leader = TestNode.leader();
        assertThatThrownBy(() -> leader.accept(2, 1, 1, 1)).isInstanceOf(InvariantViolation.class);
    }
}
