package dev.cairn.raft;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Raft 5.3, figure 7: logs that differ are found and mended. */
class ConflictTest {
    /** The refusal of an old term's message says nothing about the log, also when it arrives in the new term. */
    @Test
    void refusalOfAnOldTermsMessageDoesNotMoveTheSearch() {
        TestNode follower = TestNode.of(2, 3, 6, 1, 1, 1);
        follower.heartbeat(1, 5, 3, 1, 0, 0);
        follower.flush();
        Message refusal = follower.takeOne(Message.Rejected.class);

        // The old leader of term 5 has meanwhile won term 6.
        TestNode leader = TestNode.of(1, 3, 5, 1, 1, 1);
        leader.becomeLeader();
        leader.receive(refusal);
        leader.ticks(TestNode.HEARTBEAT);
        assertThat(leader.take(Message.Append.class))
                .filteredOn(message -> message.to() == 2)
                .extracting(Message.Append::prevLogIndex)
                .containsExactly(3L);
    }
}
