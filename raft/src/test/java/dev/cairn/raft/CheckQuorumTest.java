package dev.cairn.raft;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Thesis 6.2: a leader that cannot lead steps down. */
class CheckQuorumTest {
    private static TestNode leader(int voters) {
        TestNode leader = TestNode.of(1, voters);
        leader.becomeLeader();
        return leader;
    }

    /** A leader starts as if it had just heard all, so it takes two checks. */
    @Test
    void aLeaderThatHearsNobodyStepsDown() {
        TestNode leader = leader(3);
        leader.ticks(2 * TestNode.ELECTION - 1);
        assertThat(leader.core().role()).isEqualTo(Role.LEADER);
        leader.ticks(1);
        assertThat(leader.core().role()).isEqualTo(Role.FOLLOWER);
        assertThat(leader.core().leaderId()).isZero();
        assertThat(leader.core().currentTerm()).isEqualTo(1);
        assertThat(leader.failedReads).isEqualTo(1);
    }

    @Test
    void aLeaderThatHearsAMajorityStays() {
        TestNode leader = leader(5);
        for (int i = 0; i < 5; i++) {
            leader.accept(2, 1, 1, 0);
            leader.reject(4, 1, 1, 0);
            leader.ticks(TestNode.ELECTION);
        }
        assertThat(leader.core().role()).isEqualTo(Role.LEADER);
    }

    @Test
    void aLeaderThatHearsAMinorityStepsDown() {
        TestNode leader = leader(5);
        for (int i = 0; i < 2; i++) {
            leader.accept(2, 1, 1, 0);
            leader.ticks(TestNode.ELECTION);
        }
        assertThat(leader.core().role()).isEqualTo(Role.FOLLOWER);
    }

    /** Answers to an earlier reign are no sign of life for this one. */
    @Test
    void answersOfAnOlderTermAreNotHeard() {
        TestNode leader = TestNode.of(1, 3, 4);
        leader.becomeLeader();
        for (int i = 0; i < 2; i++) {
            leader.receive(new Message.Accepted(2, 1, 4, 0, 0, 0));
            leader.ticks(TestNode.ELECTION);
        }
        assertThat(leader.core().role()).isEqualTo(Role.FOLLOWER);
    }

    /** Its own disk stalls for the longest election timeout: it can apply nothing, so another shall lead. */
    @Test
    void aLeaderWhoseForceStallsStepsDown() {
        TestNode leader = leader(3);
        leader.propose(1);
        ticksHeard(leader, TestNode.ELECTION + 9);
        assertThat(leader.core().role()).isEqualTo(Role.LEADER);
        ticksHeard(leader, 1);
        assertThat(leader.core().role()).isEqualTo(Role.FOLLOWER);
    }

    @Test
    void aForceThatMovesKeepsTheLeader() {
        TestNode leader = leader(3);
        for (int i = 0; i < 4; i++) {
            long force = leader.log.appendedPosition() + TestLog.ENTRY_BYTES;
            leader.propose(i);
            leader.propose(i);
            ticksHeard(leader, TestNode.ELECTION);
            leader.forceLog(force);
        }
        assertThat(leader.core().role()).isEqualTo(Role.LEADER);
    }

    private static void ticksHeard(TestNode leader, int ticks) {
        for (int i = 0; i < ticks; i++) {
            if (leader.core().role() == Role.LEADER) {
                leader.accept(2, 1, 1, 0);
            }
            leader.ticks(1);
        }
    }

    /** A node with a higher term is not ignored for ever: its refusal ends the reign, and a new one includes it. */
    @Test
    void aNodeWithAHigherTermIsNotStuck() {
        TestNode ahead = TestNode.of(2, 3, 6);
        TestNode leader = leader(3);
        leader.ticks(TestNode.HEARTBEAT);
        leader.take(Message.Append.class).stream()
                .filter(message -> message.to() == 2)
                .forEach(ahead::receive);
        ahead.flush();
        leader.receive(ahead.takeOne(Message.Rejected.class));
        assertThat(leader.core().role()).isEqualTo(Role.FOLLOWER);
        assertThat(leader.core().currentTerm()).isEqualTo(6);
    }
}
