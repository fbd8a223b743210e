package dev.cairn.raft;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Nodes whose logs have no room: they store nothing, and vote, follow and confirm reads all the same. */
@Tag("W12")
class FullDiskTest {
    private static Message.Entry entry(long term) {
        return new Message.Entry(term, EntryType.COMMAND, 1, TestLog.ENTRY_BYTES);
    }

    @Test
    void aFollowerTakesWhatFitsAndSaysThatItsDiskIsFull() {
        TestNode follower = TestNode.of(2, 3, 1, 1);
        follower.log.room(2);
        follower.receive(new Message.Append(1, 2, 1, 1, 1, 1, 0, List.of(entry(1), entry(1), entry(1))));
        follower.forceAll();
        assertThat(follower.core().lastIndex()).isEqualTo(3);
        assertThat(follower.takeLast(Message.Accepted.class)).isEqualTo(new Message.Accepted(2, 1, 1, 3, 3, 0, true));

        follower.receive(new Message.Append(1, 2, 1, 3, 1, 1, 7, List.of()));
        follower.flush();
        assertThat(follower.takeLast(Message.Accepted.class))
                .as("a heartbeat confirms the read round")
                .isEqualTo(new Message.Accepted(2, 1, 1, 3, 3, 7, true));

        follower.log.room(1);
        follower.receive(new Message.Append(1, 2, 1, 3, 1, 1, 7, List.of()));
        follower.flush();
        assertThat(follower.takeLast(Message.Accepted.class)).isEqualTo(new Message.Accepted(2, 1, 1, 3, 3, 7, false));
    }

    @Test
    void aFollowerSaysThatItIsFullBeforeWhatFittedIsDurable() {
        TestNode follower = TestNode.of(2, 3, 1, 1);
        follower.log.room(1);
        follower.receive(new Message.Append(1, 2, 1, 1, 1, 1, 0, List.of(entry(1), entry(1))));
        follower.flush();
        assertThat(follower.takeLast(Message.Accepted.class)).isEqualTo(new Message.Accepted(2, 1, 1, 1, 2, 0, true));
    }

    @Test
    void aConflictThatCannotBeReplacedIsStillGone() {
        TestNode follower = TestNode.of(2, 3, 3, 1, 2, 2, 2);
        follower.log.room(0);
        follower.receive(new Message.Append(1, 2, 3, 1, 1, 1, 0, List.of(entry(3), entry(3))));
        follower.forceAll();
        assertThat(follower.core().lastIndex()).isEqualTo(1);
        assertThat(follower.takeLast(Message.Accepted.class)).isEqualTo(new Message.Accepted(2, 1, 3, 1, 1, 0, true));
    }

    @Test
    void aFullFollowerVotes() {
        TestNode follower = TestNode.of(2, 3, 1, 1);
        follower.log.room(0);
        follower.log.roomForNoops(0);
        follower.receive(new Message.VoteRequest(3, 2, 2, false, 1, 1));
        follower.forceAll();
        assertThat(follower.takeLast(Message.Vote.class)).isEqualTo(new Message.Vote(2, 3, 2, false, 2, true));
    }

    @Test
    void aFullPeerGetsHeartbeatsOnlyUntilItHasRoom() {
        TestNode leader = TestNode.leader();
        leader.propose(1);
        leader.propose(2);
        leader.flush();
        leader.sent.clear();
        leader.receive(new Message.Accepted(2, 1, leader.core().currentTerm(), 1, 2, 0, true));
        leader.flush();
        assertThat(leader.sent).as("no probing at the pace of answers").isEmpty();
        leader.propose(3);
        leader.flush();
        assertThat(appendsTo(leader, 2)).isEmpty();

        leader.ticks(TestNode.HEARTBEAT);
        assertThat(appendsTo(leader, 2)).singleElement().satisfies(heartbeat -> {
            assertThat(heartbeat.prevLogIndex()).isEqualTo(2);
            assertThat(heartbeat.entries()).isEmpty();
        });
        leader.sent.clear();

        leader.receive(new Message.Accepted(2, 1, leader.core().currentTerm(), 2, 2, 0, false));
        leader.flush();
        assertThat(appendsTo(leader, 2)).singleElement().satisfies(append -> {
            assertThat(append.prevLogIndex()).isEqualTo(2);
            assertThat(append.entries()).hasSize(2);
        });
    }

    @Test
    void aLeaderKnowsWhetherAQuorumHasRoom() {
        TestNode leader = TestNode.leader();
        long term = leader.core().currentTerm();
        assertThat(leader.core().quorumHasRoom()).isTrue();
        leader.receive(new Message.Accepted(2, 1, term, 1, 1, 0, true));
        assertThat(leader.core().quorumHasRoom()).isTrue();
        leader.receive(new Message.Accepted(3, 1, term, 1, 1, 0, true));
        assertThat(leader.core().quorumHasRoom()).isFalse();
        leader.receive(new Message.Accepted(2, 1, term, 1, 1, 0, false));
        assertThat(leader.core().quorumHasRoom()).isTrue();
    }

    @Test
    void aNodeWithoutRoomDoesNotCampaign() {
        TestNode node = TestNode.of(1, 3, 1, 1);
        node.log.roomForNoops(0);
        node.ticks(3 * TestNode.ELECTION);
        assertThat(node.sent).isEmpty();
        assertThat(node.core().role()).isEqualTo(Role.FOLLOWER);
        assertThat(node.core().currentTerm()).isEqualTo(1);

        node.log.roomForNoops(1);
        node.ticks(TestNode.ELECTION);
        assertThat(node.core().role()).isEqualTo(Role.PRE_CANDIDATE);
    }

    @Test
    void aDiskThatFillsUpDuringTheCampaignMakesNoLeader() {
        TestNode node = TestNode.of(1, 3, 1, 1);
        node.ticks(TestNode.ELECTION);
        node.receive(new Message.Vote(2, 1, 1, true, 2, true));
        node.forceAll();
        assertThat(node.core().role()).isEqualTo(Role.CANDIDATE);
        node.log.roomForNoops(0);
        node.receive(new Message.Vote(2, 1, 2, false, 2, true));
        assertThat(node.core().role()).isEqualTo(Role.FOLLOWER);
        assertThat(node.core().lastIndex()).isEqualTo(1);
    }

    private static List<Message.Append> appendsTo(TestNode leader, int peer) {
        return leader.sent.stream()
                .filter(Message.Append.class::isInstance)
                .map(Message.Append.class::cast)
                .filter(message -> message.to() == peer)
                .toList();
    }
}
