package dev.cairn.raft;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** What the driver hears about role, term and leader. */
class RoleChangeTest {
    @Test
    void aNewTermIsReportedAlsoWhenRoleAndLeaderStay() {
        TestNode node = TestNode.of(1, 3);
        node.receive(new Message.VoteRequest(2, 1, 5, false, 0, 0));
        node.receive(new Message.VoteRequest(2, 1, 6, false, 0, 0));
        node.heartbeat(2, 6, 0, 0, 0, 0);
        node.heartbeat(2, 6, 0, 0, 0, 0);
        node.heartbeat(2, 7, 0, 0, 0, 0);
        assertThat(node.roleChanges)
                .containsExactly(
                        new TestNode.RoleChange(Role.FOLLOWER, 5, 0),
                        new TestNode.RoleChange(Role.FOLLOWER, 6, 0),
                        new TestNode.RoleChange(Role.FOLLOWER, 6, 2),
                        new TestNode.RoleChange(Role.FOLLOWER, 7, 2));
    }

    @Test
    void aFollowerKnowsHowLongItHasNotHeardItsLeader() {
        TestNode node = TestNode.of(1, 3);
        assertThat(node.core().ticksSinceLeader()).as("no leader yet").isEqualTo(-1);
        node.heartbeat(2, 1, 0, 0, 0, 0);
        assertThat(node.core().ticksSinceLeader()).isZero();
        node.ticks(1);
        node.ticks(1);
        assertThat(node.core().ticksSinceLeader()).isEqualTo(2);
        node.heartbeat(2, 1, 0, 0, 0, 0);
        assertThat(node.core().ticksSinceLeader()).isZero();
        while (node.core().role() == Role.FOLLOWER) {
            node.ticks(1);
        }
        assertThat(node.core().ticksSinceLeader()).as("asks for votes").isEqualTo(-1);
    }
}
