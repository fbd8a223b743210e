package dev.cairn.raft;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** What a leader takes without knowing that it will commit is bounded. */
class BacklogTest {
    private static final int BYTES = TestLog.ENTRY_BYTES;

    private static TestNode leader(long maxBytes, int maxEntries, long... logTerms) {
        TestNode leader = new TestNode(
                TestNode.config(1, 3).withMaxUncommitted(maxBytes, maxEntries),
                TestLog.ofTerms(logTerms),
                new TestNode.HardState(1, 1, 0),
                bound -> 0);
        leader.becomeLeader();
        return leader;
    }

    private static int proposeUntilRefused(TestNode leader) {
        int taken = 0;
        while (leader.propose(taken) != 0) {
            taken++;
            assertThat(taken).isLessThan(1_000);
        }
        return taken;
    }

    @Test
    void withoutAQuorumSoManyEntriesAreTakenAndNoMore() {
        TestNode leader = leader(Long.MAX_VALUE, 10);
        assertThat(proposeUntilRefused(leader)).as("beside the no-op").isEqualTo(9);
        assertThat(leader.core().isBacklogFull()).isTrue();
        assertThat(leader.core().role()).isEqualTo(Role.LEADER);
    }

    /** The last one may exceed the bound by its own size: else one larger than the bound would never find room. */
    @Test
    void withoutAQuorumSoManyBytesAreTakenAndOneEntryMore() {
        TestNode leader = leader(5L * BYTES, 1_000);
        assertThat(proposeUntilRefused(leader)).isEqualTo(4);
        assertThat(leader.log.lastIndex()).isEqualTo(5);
    }

    @Test
    void whatCommitsMakesRoom() {
        TestNode leader = leader(5L * BYTES, 1_000);
        proposeUntilRefused(leader);
        leader.forceAll();
        leader.accept(2, 2, 5, 0);
        assertThat(proposeUntilRefused(leader)).isEqualTo(2);
        leader.forceAll();
        leader.accept(3, 7, 7, 0);
        assertThat(leader.core().isBacklogFull()).isFalse();
        assertThat(proposeUntilRefused(leader)).isEqualTo(5);
    }

    /** The entries of earlier leaders wait as well; its own first one it takes in any case. */
    @Test
    void aNewLeaderCountsWhatItFinds() {
        TestNode leader = leader(5L * BYTES, 1_000, 1, 1, 1, 1, 1, 1);
        assertThat(leader.core().lastIndex()).isEqualTo(7);
        assertThat(leader.propose(1)).isZero();
        leader.forceAll();
        leader.accept(2, 7, 7, 0);
        assertThat(proposeUntilRefused(leader)).isEqualTo(5);
    }
}
