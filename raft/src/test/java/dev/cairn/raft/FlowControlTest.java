package dev.cairn.raft;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** How much a leader sends ahead of acknowledgements, and how it starts again after loss. */
class FlowControlTest {
    /** Replies that overtake each other must not make the leader resend, and count as in flight, what is acknowledged. */
    @Test
    void whatIsAcknowledgedIsNeitherSentAgainNorInFlight() {
        TestNode leader = TestNode.of(1, 3, 1, 1, 1, 1, 1, 1, 1);
        leader.becomeLeader();
        assertThat(leader.core().lastIndex()).isEqualTo(7);

        leader.accept(2, 2, 2, 0);
        leader.accept(2, 7, 7, 0);
        leader.flush();
        assertThat(leader.take(Message.Append.class)).isEmpty();
        assertThat(leader.core().progress(1).inflights.totalBytes()).isZero();
        assertThat(leader.core().progress(1).nextIndex).isEqualTo(8);
    }

    /** Fresh entries are answered when they are durable; a slow force must not look like a dead follower. */
    @Test
    void followerUnderLoadAnswersOncePerHeartbeatWhileItsDiskIsSlow() {
        TestNode follower = TestNode.of(2, 3);
        follower.heartbeat(1, 1, 0, 0, 0, 0);
        follower.forceAll();
        follower.sent.clear();
        int answers = 0;
        for (int i = 0; i <= 5 * TestNode.HEARTBEAT; i++) {
            follower.append(1, 1, i, Math.min(i, 1), 0, 1);
            follower.flush();
            follower.ticks(1);
            answers += follower.take(Message.Accepted.class).size();
        }
        assertThat(answers).isEqualTo(5);
    }
}
