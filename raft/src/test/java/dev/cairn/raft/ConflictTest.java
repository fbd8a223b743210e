package dev.cairn.raft;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.covers.Covers;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import org.junit.jupiter.api.Test;

/** Raft 5.3, figure 7: logs that differ are found and mended. */
class ConflictTest {
    @Test
    @Covers({"R11", "R13", "T06"})
    void aFollowerThatMissesEntriesGetsThem() {
        assertThat(messagesToMend(TestNode.of(1, 3, 3, 1, 1, 2, 3, 3), TestNode.of(2, 3, 3, 1, 1)))
                .isLessThanOrEqualTo(5);
    }

    @Test
    void aFollowerWithAnEmptyLogGetsAll() {
        assertThat(messagesToMend(TestNode.of(1, 3, 3, 1, 1, 2, 3, 3), TestNode.of(2, 3)))
                .isLessThanOrEqualTo(5);
    }

    @Test
    @Covers({"R11", "R12", "T06"})
    void extraEntriesOfAFollowerGo() {
        assertThat(messagesToMend(TestNode.of(1, 3, 3, 1, 1), TestNode.of(2, 3, 3, 1, 1, 2, 2, 3)))
                .isLessThanOrEqualTo(5);
    }

    @Test
    @Covers({"R11", "T06"})
    void entriesOfOtherTermsAreReplaced() {
        assertThat(messagesToMend(TestNode.of(1, 3, 4, 1, 1, 3, 3, 4), TestNode.of(2, 3, 4, 1, 1, 2, 2, 2, 2)))
                .isLessThanOrEqualTo(7);
    }

    /** 200 entries of 4 terms that the leader lacks: the search costs messages by terms, not by entries. */
    @Test
    @Covers("R10")
    void backingUpCostsMessagesPerTermNotPerEntry() {
        long[] leaderTerms = new long[201];
        long[] followerTerms = new long[201];
        Arrays.fill(leaderTerms, 9);
        leaderTerms[0] = 1;
        followerTerms[0] = 1;
        for (int i = 1; i <= 200; i++) {
            followerTerms[i] = 2L + (i - 1) / 50;
        }
        assertThat(messagesToMend(TestNode.of(1, 3, 9, leaderTerms), TestNode.of(2, 3, 9, followerTerms)))
                .isLessThanOrEqualTo(4 + 5);
    }

    /** Until both logs are equal and the leader knows it; returns how many AppendEntries that took. */
    private static int messagesToMend(TestNode leader, TestNode follower) {
        leader.becomeLeader();
        leader.ticks(TestNode.HEARTBEAT);
        int appends = 0;
        Deque<Message> toLeader = new ArrayDeque<>();
        while (leader.core().matchIndex(follower.id) < leader.log.lastIndex()) {
            for (Message.Append append : leader.take(Message.Append.class)) {
                if (append.to() == follower.id) {
                    appends++;
                    follower.receive(append);
                    follower.forceAll();
                    toLeader.addAll(follower.sent);
                    follower.sent.clear();
                }
            }
            assertThat(toLeader).as("the follower answers").isNotEmpty();
            while (!toLeader.isEmpty()) {
                leader.receive(toLeader.remove());
            }
            leader.flush();
            assertThat(appends).isLessThan(100);
        }
        assertThat(follower.log.terms()).isEqualTo(leader.log.terms());
        return appends;
    }

    @Test
    void aShortLogSaysWhereItEnds() {
        TestNode follower = TestNode.of(1, 3, 2, 1, 2);
        follower.heartbeat(2, 3, 7, 2, 0, 0);
        follower.forceAll();
        assertThat(follower.takeOne(Message.Rejected.class)).isEqualTo(new Message.Rejected(1, 2, 3, 7, 3, 0, 0));
    }

    @Test
    @Covers("R10")
    void aConflictNamesItsTermAndWhereThatBegins() {
        TestNode follower = TestNode.of(1, 3, 2, 1, 2, 2, 2);
        follower.heartbeat(2, 3, 4, 3, 0, 0);
        follower.forceAll();
        assertThat(follower.takeOne(Message.Rejected.class)).isEqualTo(new Message.Rejected(1, 2, 3, 4, 2, 2, 0));
    }

    /** The leader has that term, too: it looks behind its own last entry of it. */
    @Test
    void aTermThatTheLeaderHasIsSearchedFromItsEnd() {
        TestNode leader = TestNode.of(1, 3, 3, 1, 2, 2, 3, 3);
        leader.becomeLeader();
        leader.reject(2, 5, 2, 2);
        assertThat(leader.core().progress(1).nextIndex).isEqualTo(4);
    }

    @Test
    @Covers("R10")
    void aTermThatTheLeaderLacksIsSkippedAsAWhole() {
        TestNode leader = TestNode.of(1, 3, 3, 1, 3, 3, 3, 3);
        leader.becomeLeader();
        leader.reject(2, 5, 2, 2);
        assertThat(leader.core().progress(1).nextIndex).isEqualTo(2);
    }

    /** A refusal answers one probe: repeated, or of an earlier probe, it moves nothing. */
    @Test
    void aLateRefusalMovesNothing() {
        TestNode leader = TestNode.of(1, 3, 3, 1, 1, 1, 1, 1);
        leader.becomeLeader();
        leader.reject(2, 5, 3, 0);
        leader.reject(2, 5, 1, 0);
        assertThat(leader.core().progress(1).nextIndex).isEqualTo(3);
        leader.accept(2, 4, 4, 0);
        leader.reject(2, 3, 1, 0);
        assertThat(leader.core().progress(1).nextIndex).isEqualTo(5);
        assertThat(leader.core().progress(1).state).isEqualTo(Progress.State.REPLICATE);
    }

    /** In a search only the refusal of the probe that is out counts, not of one at a lower place. */
    @Test
    void aRefusalOfAnotherPlaceThanTheProbesMovesNothing() {
        TestNode leader = TestNode.of(1, 3, 3, 1, 1, 1, 1, 1);
        leader.becomeLeader();
        leader.reject(2, 5, 4, 0);
        leader.reject(2, 1, 1, 0);
        assertThat(leader.core().progress(1).nextIndex).isEqualTo(4);
    }

    /** The stream began anew below: what was refused beyond it belongs to the stream before. */
    @Test
    void aRefusalFromBeyondTheStreamDoesNotStopIt() {
        TestNode leader = TestNode.of(1, 3, 3, 1, 1, 1, 1, 1);
        leader.becomeLeader();
        leader.accept(2, 2, 2, 0);
        leader.reject(2, 5, 4, 0);
        assertThat(leader.core().progress(1).state).isEqualTo(Progress.State.REPLICATE);
        assertThat(leader.core().progress(1).nextIndex).isEqualTo(3);
    }

    /** The search ends: each refusal moves it down, and never below what is acknowledged. */
    @Test
    void theSearchNeverGoesBelowTheMatch() {
        TestNode leader = TestNode.of(1, 3, 3, 1, 1, 1, 1, 1);
        leader.becomeLeader();
        leader.accept(2, 3, 3, 0);
        leader.reject(2, 4, 1, 0);
        assertThat(leader.core().progress(1).nextIndex).isEqualTo(4);
    }

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
