package dev.cairn.raft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.covers.Covers;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Raft 7: a log that begins behind a snapshot, and peers that lack what it has dropped. */
@Tag("R26")
@Tag("R27")
class SnapshotTest {
    /** Entries 1..5 and the no-op 6 are committed and applied, 1..5 are dropped. */
    private static TestNode leaderWithBase5() {
        TestNode leader = TestNode.of(1, 3, 3, 1, 1, 2, 3, 3);
        leader.becomeLeader();
        leader.accept(2, 6, 6, 0);
        leader.apply(6);
        leader.core().truncatePrefix(5);
        leader.flush();
        leader.sent.clear();
        return leader;
    }

    @Test
    @Covers("R27")
    void theLogIsNotDroppedAboveWhatIsAppliedOrDurable() {
        TestNode leader = TestNode.of(1, 3, 3, 1, 1, 2, 3, 3);
        leader.becomeLeader();
        leader.accept(2, 6, 6, 0);
        leader.apply(4);
        assertThatThrownBy(() -> leader.core().truncatePrefix(5))
                .isInstanceOf(InvariantViolation.class)
                .hasMessageContaining("above the applied index");
        leader.core().truncatePrefix(4);
        assertThat(leader.core().baseIndex()).isEqualTo(4);
        assertThat(leader.core().term(4)).isEqualTo(3);
        leader.core().truncatePrefix(2);
        assertThat(leader.core().baseIndex()).as("never goes back").isEqualTo(4);
    }

    @Test
    @Covers("R26")
    void aPeerThatRefusesTheStartOfTheLogIsOfferedASnapshotAtTheHeartbeatsPace() {
        TestNode leader = leaderWithBase5();
        leader.ticks(TestNode.HEARTBEAT);
        leader.reject(3, 5, 3, 0);
        leader.flush();
        assertThat(leader.core().progress(2).state).isEqualTo(Progress.State.SNAPSHOT);
        assertThat(leader.offeredSnapshots).isEqualTo(1);
        leader.flush();
        assertThat(leader.offeredSnapshots).as("not in every cycle").isEqualTo(1);
        leader.sent.clear();
        leader.ticks(TestNode.HEARTBEAT);
        assertThat(leader.offeredSnapshots).isEqualTo(2);
        assertThat(appendsTo(3, leader)).as("heartbeats go on").singleElement().satisfies(heartbeat -> {
            assertThat(heartbeat.prevLogIndex()).isEqualTo(5);
            assertThat(heartbeat.entries()).isEmpty();
        });
    }

    /** A connection that comes back says nothing about the peer's log. */
    @Test
    void aPeerIsOfferedNothingBeforeItHasRefused() {
        TestNode leader = leaderWithBase5();
        leader.core().onPeerUnreachable(3);
        leader.flush();
        assertThat(leader.offeredSnapshots).isZero();
        assertThat(appendsTo(3, leader)).singleElement().satisfies(probe -> {
            assertThat(probe.prevLogIndex()).isEqualTo(5);
            assertThat(probe.prevLogTerm()).isEqualTo(3);
        });
        leader.accept(3, 6, 6, 0);
        assertThat(leader.core().progress(2).state).isEqualTo(Progress.State.REPLICATE);
    }

    @Test
    void thePeerIsServedFromTheLogAgainWhenItsOwnReachesTheStart() {
        TestNode leader = leaderWithBase5();
        leader.core().onPeerUnreachable(3);
        leader.flush();
        leader.reject(3, 5, 3, 0);
        leader.flush();
        leader.accept(3, 2, 2, 0);
        assertThat(leader.core().progress(2).state).as("a late word").isEqualTo(Progress.State.SNAPSHOT);
        leader.sent.clear();
        leader.accept(3, 5, 5, 0);
        leader.flush();
        assertThat(leader.core().progress(2).state).isEqualTo(Progress.State.REPLICATE);
        assertThat(appendsTo(3, leader)).singleElement().satisfies(append -> {
            assertThat(append.prevLogIndex()).isEqualTo(5);
            assertThat(append.entries()).hasSize(1);
        });
    }

    @Test
    void aRefusalBeyondTheStartBringsThePeerBackToTheSearch() {
        TestNode leader = leaderWithBase5();
        leader.core().onPeerUnreachable(3);
        leader.flush();
        leader.reject(3, 5, 3, 0);
        leader.reject(3, 6, 6, 0);
        assertThat(leader.core().progress(2).state).isEqualTo(Progress.State.PROBE);
        assertThat(leader.core().progress(2).nextIndex).isEqualTo(6);
    }

    /** A peer that holds a full window falls behind the start: what is in flight may have reached it. */
    @Test
    void aSlowPeerIsAskedBeforeItIsGivenUp() {
        TestNode leader = TestNode.of(1, 3, 1, 1);
        leader.becomeLeader();
        leader.accept(2, 2, 2, 0);
        leader.accept(3, 2, 2, 0);
        for (int i = 0; i < 10; i++) {
            leader.propose(i, leader.config.maxAppendBytes());
            leader.forceAll();
        }
        leader.accept(2, 12, 12, 0);
        leader.apply(12);
        leader.core().truncatePrefix(11);
        leader.flush();
        assertThat(leader.offeredSnapshots).isZero();
    }

    @Test
    void aFollowerTakesASnapshotOnlyOfItsLeaderAndOnlyAhead() {
        TestNode follower = TestNode.of(1, 3, 3, 1, 1, 2);
        follower.heartbeat(2, 3, 3, 2, 2, 0);
        assertThat(follower.core().commitIndex()).isEqualTo(2);
        assertThat(follower.core().onInstallSnapshot(2, 3, 50))
                .as("the leader's log goes on where this one ends")
                .isFalse();
        follower.heartbeat(2, 3, 40, 3, 2, 0);
        assertThat(follower.core().onInstallSnapshot(2, 2, 50))
                .as("an old term")
                .isFalse();
        assertThat(follower.core().onInstallSnapshot(2, 3, 2))
                .as("committed here")
                .isFalse();
        assertThat(follower.core().onInstallSnapshot(2, 3, 3)).isTrue();
        assertThat(follower.core().onInstallSnapshot(3, 4, 50))
                .as("a new leader has not asked yet")
                .isFalse();
        follower.heartbeat(3, 4, 40, 3, 2, 0);
        assertThat(follower.core().onInstallSnapshot(3, 4, 50)).isTrue();
        follower.heartbeat(3, 4, 3, 2, 2, 0);
        assertThat(follower.core().onInstallSnapshot(3, 4, 50))
                .as("the log fits again")
                .isFalse();
        assertThat(follower.core().currentTerm()).isEqualTo(4);
        assertThat(follower.core().leaderId()).isEqualTo(3);
    }

    @Test
    void theOfferKeepsAFollowerFromCampaigning() {
        TestNode follower = TestNode.of(1, 3, 3, 1, 1, 2);
        for (int i = 0; i < 4 * TestNode.ELECTION; i++) {
            follower.ticks(1);
            follower.core().onInstallSnapshot(2, 3, 50);
        }
        assertThat(follower.core().role()).isEqualTo(Role.FOLLOWER);
    }

    /** Its log begins behind 5: a leader that asks about 3 learns that all up to 5 is there. */
    @Test
    void aFollowerClaimsWhatItsSnapshotHolds() {
        TestNode follower = TestNode.of(1, 3, 3, 1, 1, 2, 3, 3);
        follower.heartbeat(2, 3, 5, 3, 5, 0);
        follower.apply(5);
        follower.core().truncatePrefix(5);
        follower.forceAll();
        follower.sent.clear();
        follower.heartbeat(3, 4, 3, 2, 5, 0);
        follower.forceAll();
        assertThat(follower.takeOne(Message.Accepted.class)).isEqualTo(new Message.Accepted(1, 3, 4, 5, 5, 0));
    }

    @Test
    void entriesThatTheSnapshotHoldsAreSkipped() {
        TestNode follower = TestNode.of(1, 3, 3, 1, 1, 2, 3, 3);
        follower.heartbeat(2, 3, 5, 3, 5, 0);
        follower.apply(5);
        follower.core().truncatePrefix(5);
        follower.append(2, 3, 3, 2, 5, 3, 3, 3);
        assertThat(follower.log.terms()).isEqualTo(List.of(3L));
        assertThat(follower.log.firstIndex()).isEqualTo(6);
    }

    private static List<Message.Append> appendsTo(int peer, TestNode from) {
        return from.take(Message.Append.class).stream()
                .filter(append -> append.to() == peer)
                .toList();
    }
}
