package dev.cairn.raft;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** When few entries wait on a leader for the group before them, and in which cycle they leave. */
class LingerTest {
    private static final long LINGER_NS = 1000;

    private TestNode leader;

    @BeforeEach
    void lead() {
        leader = settled();
    }

    /** Its no-op is committed, and took so little that the next few entries may wait for the group before them. */
    private static TestNode settled() {
        return node(3).becomeSettledLeader();
    }

    private static TestNode node(int voters) {
        return new TestNode(
                TestNode.config(1, voters).withLingerNs(LINGER_NS),
                new TestLog(),
                new TestNode.HardState(0, 0, 0),
                bound -> 0);
    }

    /** Proposes one entry, ends the cycle, and says what peer 2 is sent: the last index of each message. */
    private List<Long> propose() {
        leader.propose(1);
        leader.flush();
        return sent(2);
    }

    private List<Long> sent(int peer) {
        List<Long> last = leader.sent.stream()
                .filter(Message.Append.class::isInstance)
                .map(Message.Append.class::cast)
                .filter(message -> message.to() == peer && message.count() > 0)
                .map(Message.Append::lastIndex)
                .toList();
        leader.sent.clear();
        return last;
    }

    /** By the leader's own disk and peer 2. */
    private void commit(long index) {
        leader.forceAll();
        leader.accept(2, index, index, 0);
        leader.flush();
        assertThat(leader.core().commitIndex()).isEqualTo(index);
    }

    @Test
    void whatComesWhileAGroupIsOnItsWayLeavesTogetherWhenThatIsCommitted() {
        assertThat(propose()).containsExactly(2L);
        assertThat(leader.core().isAllReleased()).isTrue();
        assertThat(propose()).isEmpty();
        assertThat(propose()).isEmpty();
        assertThat(leader.core().isAllReleased()).isFalse();
        commit(2);
        assertThat(sent(2)).containsExactly(4L);
        assertThat(leader.core().isAllReleased()).isTrue();
        assertThat(propose()).isEmpty();
        commit(4);
        assertThat(sent(2)).containsExactly(5L);
    }

    /** What peer 3 was sent is lost, which it says: it gets that again, and no more. */
    @Test
    void aPeerThatIsBehindGetsNothingThatWaits() {
        propose();
        leader.reject(3, 2, 2, 0);
        assertThat(propose()).isEmpty();
        leader.accept(3, 1, 1, 0);
        leader.flush();
        assertThat(sent(3)).containsExactly(2L);
    }

    @Test
    void aBlockOfTheLogDoesNotWait() {
        propose();
        leader.propose(1, Linger.FULL_BYTES - 1);
        leader.flush();
        assertThat(sent(2)).isEmpty();
        assertThat(propose()).containsExactly(4L);
        leader.propose(1, Linger.FULL_BYTES);
        leader.flush();
        assertThat(sent(2)).containsExactly(5L);
    }

    /** The tick is the wake-up that finds it late; any other does too. */
    @Test
    void nothingWaitsLongerThanTheBound() {
        propose();
        leader.nowNs += LINGER_NS - 1;
        assertThat(propose()).isEmpty();
        leader.nowNs += 1;
        leader.flush();
        assertThat(sent(2)).containsExactly(3L);
        // The next may wait as long from now on: one message in so long a time.
        assertThat(propose()).isEmpty();
        leader.nowNs += LINGER_NS;
        assertThat(propose()).containsExactly(5L);
    }

    /** A group that is committed after so long. */
    private void group(long tookNs) {
        propose();
        leader.nowNs += tookNs;
        commit(leader.core().lastIndex());
        leader.sent.clear();
    }

    /** As across a long way. */
    @Test
    void nothingWaitsWhereEvenTheFastestGroupsTakeLong() {
        for (int i = 0; i < 40; i++) {
            group(2 * LINGER_NS);
        }
        assertThat(propose()).hasSize(1);
        assertThat(propose()).hasSize(1);
        commit(leader.core().lastIndex());
        assertThat(propose()).as("the last one was as fast as ever").hasSize(1);
        assertThat(propose()).isEmpty();
    }

    @Test
    void aSlowGroupHereAndThereChangesNothing() {
        group(5 * LINGER_NS);
        assertThat(propose()).hasSize(1);
        assertThat(propose()).isEmpty();
    }

    @Test
    void aNewLeaderWaitsForNothingBeforeItsFirstGroupIsCommitted() {
        leader = node(3);
        leader.becomeLeader();
        leader.propose(1);
        leader.flush();
        assertThat(leader.core().isAllReleased()).isTrue();
    }

    @Test
    void whoIsDeposedHoldsNothingBack() {
        propose();
        propose();
        leader.heartbeat(2, 9, 1, 1, 1, 0);
        leader.flush();
        assertThat(leader.core().role()).isEqualTo(Role.FOLLOWER);
        assertThat(leader.core().isAllReleased()).isTrue();
    }

    @Test
    void aloneNothingWaits() {
        leader = node(1);
        while (leader.core().role() != Role.LEADER) {
            leader.ticks(1);
            leader.forceAll();
        }
        propose();
        propose();
        assertThat(leader.core().isAllReleased()).isTrue();
    }

    @Test
    void withoutALingerNothingWaits() {
        leader = TestNode.leader();
        assertThat(propose()).containsExactly(2L);
        assertThat(propose()).containsExactly(3L);
        assertThat(leader.core().isAllReleased()).isTrue();
    }
}
