package dev.cairn.raft;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** What may leave a node before which write is on its disk. */
class AsyncDurabilityTest {
    /** The reply of an old request names the current term: that one must be durable, too. */
    @Test
    void voteReplyNeverNamesATermThatIsNotDurable() {
        TestNode node = TestNode.of(1, 3);
        node.receive(new Message.VoteRequest(2, 1, 5, false, 0, 0));
        node.flush();
        node.receive(new Message.VoteRequest(3, 1, 6, false, 0, 0));
        node.flush();
        node.forceOneHardState();
        node.flush();
        assertThat(node.hardState().term()).isEqualTo(5);
        assertThat(node.sent).isEmpty();

        node.forceOneHardState();
        node.flush();
        assertThat(node.take(Message.Vote.class))
                .containsExactly(new Message.Vote(1, 2, 6, false, 5, false), new Message.Vote(1, 3, 6, false, 6, true));
    }
}
