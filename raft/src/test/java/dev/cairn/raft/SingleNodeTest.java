package dev.cairn.raft;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.covers.Covers;
import org.junit.jupiter.api.Test;

/** A cluster of one: every quorum is this node, once its disk says so. */
@Covers("R31")
class SingleNodeTest {
    private static TestNode leader() {
        TestNode node = TestNode.of(1, 1);
        node.ticks(TestNode.ELECTION);
        node.forceAll();
        return node;
    }

    @Test
    void itElectsItselfWhenItsVoteIsDurable() {
        TestNode node = TestNode.of(1, 1);
        node.ticks(TestNode.ELECTION);
        assertThat(node.core().role()).isEqualTo(Role.CANDIDATE);
        node.forceHardStates();
        assertThat(node.core().role()).isEqualTo(Role.LEADER);
        assertThat(node.sent).isEmpty();
    }

    @Test
    void itCommitsWhatIsDurable() {
        TestNode node = leader();
        assertThat(node.core().commitIndex()).isEqualTo(1);
        node.propose(1);
        node.flush();
        assertThat(node.core().commitIndex()).isEqualTo(1);
        node.forceLog();
        assertThat(node.core().commitIndex()).isEqualTo(2);
    }

    @Test
    void itConfirmsReadsAtTheEndOfTheCycle() {
        TestNode node = leader();
        assertThat(node.core().requestRead(1)).isTrue();
        assertThat(node.confirmedReads).isEmpty();
        node.flush();
        assertThat(node.confirmedReads).containsExactly(new TestNode.ConfirmedReads(1, 1));
    }

    @Test
    void itKeepsLeadingWithoutPeers() {
        TestNode node = leader();
        node.ticks(10 * TestNode.ELECTION);
        assertThat(node.core().role()).isEqualTo(Role.LEADER);
        assertThat(node.core().currentTerm()).isEqualTo(1);
    }

    @Test
    void itLeadsAgainAfterARestartAndCommitsAllItHad() {
        TestNode node = leader();
        node.propose(1);
        node.forceAll();
        node.crash();
        node.ticks(TestNode.ELECTION);
        node.forceAll();
        assertThat(node.core().currentTerm()).isEqualTo(2);
        assertThat(node.core().commitIndex()).isEqualTo(3);
    }
}
