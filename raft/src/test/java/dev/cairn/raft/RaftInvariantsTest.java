package dev.cairn.raft;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.covers.Covers;
import org.junit.jupiter.api.Test;

/** The checks fire: each test does to a core what the rules forbid, past the guards of the core itself. */
@Covers("R23")
class RaftInvariantsTest {
    @Test
    void applyingWhatIsCommittedButNotDurableHereIsFound() {
        TestNode node = TestNode.of(1, 3);
        node.becomeLeader();
        node.propose(1);
        node.flush();
        node.accept(2, 2, 2, 0);
        node.accept(3, 2, 2, 0);
        assertThatThrownBy(() -> node.apply(2))
                .isInstanceOf(InvariantViolation.class)
                .hasMessageContaining("applied beyond the durable index");
    }

    @Test
    void aSecondLeaderOfATermIsFound() {
        TestNode node = TestNode.of(1, 3);
        node.heartbeat(2, 5, 0, 0, 0, 0);
        assertThatThrownBy(() -> node.heartbeat(3, 5, 0, 0, 0, 0))
                .isInstanceOf(InvariantViolation.class)
                .hasMessageContaining("two leaders in one term");
    }

    @Test
    void aPeerThatIsTakenToHoldMoreThanTheLogIsFound() {
        TestNode node = TestNode.of(1, 3);
        node.becomeLeader();
        node.core().progress(1).matchIndex = 9;
        assertThatThrownBy(node::flush).hasMessageContaining("peer holds more than its leader");
    }

    @Test
    void aNextIndexAtTheMatchIsFound() {
        TestNode node = TestNode.of(1, 3);
        node.becomeLeader();
        node.accept(2, 1, 1, 0);
        node.core().progress(1).nextIndex = 1;
        assertThatThrownBy(() -> node.reportLog(0)).hasMessageContaining("next index not above match");
    }

    @Test
    void aClaimBeyondWhatWasVerifiedIsFound() {
        RaftConfig config = TestNode.config(1, 3).withPlantedBug(PlantedBug.REPLY_NOT_CAPPED_BY_MATCH);
        TestNode node = new TestNode(config, TestLog.ofTerms(1, 1, 1), new TestNode.HardState(1, 1, 0), bound -> 0);
        node.heartbeat(2, 2, 1, 1, 0, 0);
        node.flush();
        assertThatThrownBy(node::forceAll).hasMessageContaining("claimed what was not verified");
    }
}
