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
}
