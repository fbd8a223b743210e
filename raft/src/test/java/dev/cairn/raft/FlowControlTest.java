package dev.cairn.raft;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** How much a leader sends ahead of acknowledgements, and how it starts again after loss. */
class FlowControlTest {
    private static final int BYTES = TestLog.ENTRY_BYTES;

    /** A leader of term 1 whose peer 2 holds the no-op; messages, window in bytes and in entries as given. */
    private static TestNode leader(int maxAppendBytes, int maxInflightBytes, int maxInflightEntries) {
        RaftConfig config = new RaftConfig(
                1,
                TestNode.voterIds(3),
                TestNode.HEARTBEAT,
                TestNode.ELECTION,
                TestNode.ELECTION + 10,
                maxAppendBytes,
                maxInflightBytes,
                maxInflightEntries,
                2,
                Set.of());
        TestNode leader = new TestNode(config, new TestLog(), new TestNode.HardState(0, 0, 0), bound -> 0);
        leader.becomeLeader();
        leader.accept(2, 1, 1, 0);
        leader.flush();
        leader.sent.clear();
        return leader;
    }

    private static List<Message.Append> propose(TestNode leader, int entries) {
        for (int i = 0; i < entries; i++) {
            leader.propose(i);
        }
        leader.flush();
        return leader.take(Message.Append.class);
    }

    @Test
    void aMessageHoldsAsManyBytesAsAllowedAndNotOneMore() {
        assertThat(propose(leader(3 * BYTES, 100 * BYTES, 100), 3))
                .extracting(Message.Append::count)
                .containsExactly(3);
        assertThat(propose(leader(3 * BYTES, 100 * BYTES, 100), 4))
                .extracting(Message.Append::count)
                .containsExactly(3, 1);
        assertThat(propose(leader(3 * BYTES - 1, 100 * BYTES, 100), 3))
                .extracting(Message.Append::count)
                .containsExactly(2, 1);
    }

    @Test
    void anEntryLargerThanAMessageTravelsAlone() {
        TestNode leader = leader(BYTES, 100 * BYTES, 100);
        leader.propose(1, 5 * BYTES);
        assertThat(propose(leader, 1)).extracting(Message.Append::count).containsExactly(1, 1);
    }

    /** No message leaves while the window's bytes are on their way; the last one may overshoot by its own size. */
    @Test
    void theWindowInBytesClosesWhenFull() {
        TestNode atTheEdge = leader(BYTES, 3 * BYTES, 100);
        assertThat(propose(atTheEdge, 3)).hasSize(3);
        assertThat(propose(atTheEdge, 1)).isEmpty();

        TestNode oneByteLeft = leader(BYTES, 3 * BYTES + 1, 100);
        assertThat(propose(oneByteLeft, 4)).hasSize(4);
        assertThat(propose(oneByteLeft, 1)).isEmpty();
    }

    @Test
    void theWindowInEntriesClosesWhenFull() {
        TestNode leader = leader(BYTES, 100 * BYTES, 3);
        assertThat(propose(leader, 3)).hasSize(3);
        assertThat(propose(leader, 1)).isEmpty();
    }

    @Test
    void eachAcknowledgementOpensTheWindowByWhatItCovers() {
        TestNode leader = leader(BYTES, 3 * BYTES, 3);
        assertThat(propose(leader, 6)).hasSize(3);
        leader.accept(2, 3, 4, 0);
        leader.flush();
        assertThat(leader.take(Message.Append.class))
                .extracting(Message.Append::lastIndex)
                .containsExactly(5L, 6L);
        assertThat(leader.core().progress(1).inflights.totalBytes()).isEqualTo(3 * BYTES);
    }

    /** What is verified but not durable still counts: a slow disk bounds what the leader holds for it. */
    @Test
    void onlyDurableEntriesLeaveTheWindow() {
        TestNode leader = leader(BYTES, 100 * BYTES, 3);
        assertThat(propose(leader, 6)).hasSize(3);
        leader.accept(2, 1, 4, 0);
        leader.flush();
        assertThat(leader.sent).isEmpty();
    }

    @Test
    void aFullWindowStillLetsHeartbeatsThrough() {
        TestNode leader = leader(BYTES, 3 * BYTES, 3);
        propose(leader, 4);
        leader.ticks(TestNode.HEARTBEAT);
        assertThat(leader.take(Message.Append.class))
                .filteredOn(message -> message.to() == 2)
                .singleElement()
                .satisfies(message -> {
                    assertThat(message.count()).isZero();
                    assertThat(message.prevLogIndex()).isEqualTo(4);
                });
    }

    /** All three messages were lost: the heartbeat's refusal starts the search, and the window is open again. */
    @Test
    void lostMessagesAreFoundByTheNextHeartbeat() {
        TestNode leader = leader(BYTES, 3 * BYTES, 3);
        propose(leader, 3);
        leader.ticks(TestNode.HEARTBEAT);
        leader.sent.clear();
        leader.reject(2, 4, 2, 0);
        assertThat(leader.core().progress(1).state).isEqualTo(Progress.State.PROBE);
        leader.flush();
        assertThat(leader.takeOne(Message.Append.class).prevLogIndex()).isEqualTo(1);
        leader.accept(2, 1, 1, 0);
        leader.flush();
        assertThat(leader.take(Message.Append.class)).hasSize(3);
    }

    /** One empty message at a time: no entries go to a peer whose match is unknown. */
    @Test
    void aProbeIsSentOncePerHeartbeatAndCarriesNothing() {
        TestNode leader = leader(BYTES, 100 * BYTES, 100);
        for (int i = 0; i < 5; i++) {
            leader.propose(i);
            leader.flush();
        }
        assertThat(leader.take(Message.Append.class))
                .extracting(Message.Append::to)
                .doesNotContain(3);
        leader.ticks(TestNode.HEARTBEAT);
        assertThat(leader.take(Message.Append.class))
                .filteredOn(message -> message.to() == 3)
                .singleElement()
                .satisfies(message -> assertThat(message.count()).isZero());
    }

    @Test
    void anAnsweredProbeStartsTheStream() {
        TestNode leader = leader(100 * BYTES, 100 * BYTES, 100);
        propose(leader, 4);
        leader.accept(3, 0, 0, 0);
        leader.flush();
        assertThat(leader.takeOne(Message.Append.class).count()).isEqualTo(5);
    }

    /** What the peer holds but has not forced is not sent again. */
    @Test
    void theStreamStartsBehindWhatThePeerHoldsInMemory() {
        TestNode leader = leader(100 * BYTES, 100 * BYTES, 100);
        propose(leader, 4);
        leader.accept(3, 1, 3, 0);
        leader.flush();
        Message.Append message = leader.takeOne(Message.Append.class);
        assertThat(message.prevLogIndex()).isEqualTo(3);
        assertThat(message.count()).isEqualTo(2);
    }

    @Test
    void anUnreachablePeerIsProbedFromItsMatch() {
        TestNode leader = leader(BYTES, 3 * BYTES, 3);
        propose(leader, 3);
        leader.core().onPeerUnreachable(2);
        leader.flush();
        assertThat(leader.takeOne(Message.Append.class)).satisfies(message -> {
            assertThat(message.prevLogIndex()).isEqualTo(1);
            assertThat(message.count()).isZero();
        });
        assertThat(leader.core().progress(1).inflights.totalBytes()).isZero();
        leader.accept(2, 1, 4, 0);
        leader.flush();
        assertThat(leader.sent).as("entries that the peer holds").isEmpty();
    }

    @Test
    void anUnreachablePeerMeansNothingToAFollower() {
        TestNode follower = TestNode.of(1, 3);
        follower.core().onPeerUnreachable(2);
        follower.flush();
        assertThat(follower.sent).isEmpty();
    }

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
