package dev.cairn.raft;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;

/** In the steady state a leader's cycle costs no heap: propose, flush, force, acknowledgements, a read. */
class AllocationTest {
    private static final int CYCLES = 20_000;
    private static final int PROPOSALS = 8;

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    @Test
    void aCycleOfALeaderAllocatesNothing() {
        FixedLog log = new FixedLog(2 * CYCLES * PROPOSALS + 16);
        CountingOutput output = new CountingOutput();
        RaftCore core = new RaftCore(TestNode.config(1, 3), 0, 0, 0, 0, 0, 0, voters(), log, output, bound -> 0);
        RaftInvariants invariants = new RaftInvariants(core);
        lead(core);

        cycles(core, log, invariants, 0);
        long before = threads.getCurrentThreadAllocatedBytes();
        cycles(core, log, invariants, CYCLES);
        double perCycle = (threads.getCurrentThreadAllocatedBytes() - before) / (double) CYCLES;
        System.out.println("allocated bytes per cycle of a leader: " + perCycle);
        assertThat(core.commitIndex()).isEqualTo(1 + 2L * CYCLES * PROPOSALS);
        assertThat(output.confirmed).isEqualTo(2 * CYCLES);
        assertThat(perCycle).isLessThan(1.0);
    }

    private static Membership voters() {
        return Membership.of(TestNode.voterIds(3));
    }

    private static void lead(RaftCore core) {
        for (int i = 0; i < TestNode.ELECTION; i++) {
            core.tick();
        }
        core.onVote(2, 0, true, 1, true);
        core.flush();
        core.onHardStateDurable(1, 1);
        core.onVote(2, 1, false, 1, true);
        core.flush();
        core.onLogDurable(1);
        core.onAppendEntriesAccepted(2, 1, 1, 1, 0, false);
        core.onAppendEntriesAccepted(3, 1, 1, 1, 0, false);
        assertThat(core.commitIndex()).isEqualTo(1);
    }

    private static void cycles(RaftCore core, FixedLog log, RaftInvariants invariants, int firstRead) {
        for (int i = 1; i <= CYCLES; i++) {
            for (int p = 0; p < PROPOSALS; p++) {
                core.propose(EntryType.COMMAND);
            }
            core.requestRead(firstRead + i);
            core.flush();
            long last = log.lastIndex();
            core.onLogDurable(last);
            core.onAppendEntriesAccepted(2, 1, last, last, firstRead + i, false);
            core.onAppendEntriesAccepted(3, 1, last, last, firstRead + i, false);
            core.onApplied(last);
            core.tick();
            core.flush();
            invariants.check();
        }
    }

    @Test
    void aCycleOfAFollowerAllocatesNothing() {
        FixedLog log = new FixedLog(2 * CYCLES * PROPOSALS + 16);
        CountingOutput output = new CountingOutput();
        RaftCore core = new RaftCore(TestNode.config(2, 3), 1, 0, 1, 1, 0, 0, voters(), log, output, bound -> 0);
        RaftInvariants invariants = new RaftInvariants(core);
        follow(core, log, invariants);
        long before = threads.getCurrentThreadAllocatedBytes();
        follow(core, log, invariants);
        double perCycle = (threads.getCurrentThreadAllocatedBytes() - before) / (double) CYCLES;
        System.out.println("allocated bytes per cycle of a follower: " + perCycle);
        assertThat(core.commitIndex()).isEqualTo(2L * CYCLES * PROPOSALS);
        assertThat(perCycle).isLessThan(1.0);
    }

    private static void follow(RaftCore core, FixedLog log, RaftInvariants invariants) {
        for (int i = 0; i < CYCLES; i++) {
            long prev = log.lastIndex();
            core.onAppendEntries(1, 1, prev, prev == 0 ? 0 : 1, prev + PROPOSALS, 0, FixedEntries.INSTANCE);
            core.flush();
            core.onLogDurable(log.lastIndex());
            core.flush();
            invariants.check();
        }
    }

    private enum FixedEntries implements EntrySource {
        INSTANCE;

        @Override
        public int count() {
            return PROPOSALS;
        }

        @Override
        public long term(int ordinal) {
            return 1;
        }

        @Override
        public int type(int ordinal) {
            return EntryType.COMMAND;
        }
    }

    /** Terms in an array of fixed size; an entry's position is its index. */
    private static final class FixedLog implements RaftLog {
        private final long[] terms;
        private int last;

        FixedLog(int capacity) {
            terms = new long[capacity];
        }

        @Override
        public long firstIndex() {
            return 1;
        }

        @Override
        public long lastIndex() {
            return last;
        }

        @Override
        public long term(long index) {
            return terms[(int) index];
        }

        @Override
        public int entryBytes(long index) {
            return 300;
        }

        @Override
        public long endPosition(long index) {
            return index;
        }

        @Override
        public boolean hasRoom(long index, int type) {
            return true;
        }

        @Override
        public boolean hasRoomAgain() {
            return true;
        }

        @Override
        public void append(long index, long term, int type) {
            terms[(int) index] = term;
            last = (int) index;
        }

        @Override
        public boolean appendMembership(long index, long term, Membership membership) {
            throw new AssertionError("the membership stays as it is");
        }

        @Override
        public Membership membership(long index) {
            throw new AssertionError("there is no configuration");
        }

        @Override
        public long nextMembership(long fromIndex) {
            return 0;
        }

        @Override
        public void truncateSuffix(long fromIndex) {
            last = (int) fromIndex - 1;
        }

        @Override
        public void truncatePrefix(long upToIndex) {
            throw new AssertionError("nothing is dropped here");
        }
    }

    private static final class CountingOutput implements RaftOutput {
        int confirmed;

        @Override
        public void sendRequestVote(
                int to, long term, boolean preVote, boolean byTransfer, long lastLogIndex, long lastLogTerm) {}

        @Override
        public void sendReadIndexRequest(int to, long term, long requestId) {}

        @Override
        public void sendReadIndexReply(int to, long term, long requestId, long readIndex) {}

        @Override
        public void sendTimeoutNow(int to, long term) {
            throw new AssertionError("nobody hands over");
        }

        @Override
        public void sendVote(int to, long term, boolean preVote, long requestTerm, boolean granted) {}

        @Override
        public void sendAppendEntries(
                int to,
                long term,
                long prevLogIndex,
                long prevLogTerm,
                long lastIndex,
                long commitIndex,
                long readPosition) {}

        @Override
        public void sendAppendEntriesAccepted(
                int to, long term, long matchIndex, long verifiedIndex, long readPosition, boolean full) {}

        @Override
        public void sendAppendEntriesRejected(
                int to, long term, long prevLogIndex, long conflictIndex, long conflictTerm, long readPosition) {}

        @Override
        public void persistHardState(long sequence, long term, int votedFor) {}

        @Override
        public void onCommitAdvanced(long commitIndex) {}

        @Override
        public void onPeerNeedsSnapshot(int peerId) {
            throw new AssertionError("no peer is behind");
        }

        @Override
        public void onReadsConfirmed(long lastReadId, long readIndex) {
            confirmed++;
        }

        @Override
        public void onReadsFailed() {
            throw new AssertionError("the leader stays");
        }

        @Override
        public void onMembershipChanged(long index, Membership membership) {
            throw new AssertionError("the membership stays as it is");
        }

        @Override
        public void onRoleChanged(Role role, long term, int leaderId, String reason) {}
    }
}
