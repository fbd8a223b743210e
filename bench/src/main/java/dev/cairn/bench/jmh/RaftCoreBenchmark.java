package dev.cairn.bench.jmh;

import dev.cairn.raft.EntrySource;
import dev.cairn.raft.EntryType;
import dev.cairn.raft.Membership;
import dev.cairn.raft.RaftConfig;
import dev.cairn.raft.RaftCore;
import dev.cairn.raft.RaftInvariants;
import dev.cairn.raft.RaftLog;
import dev.cairn.raft.RaftOutput;
import dev.cairn.raft.Role;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The rules of Raft by themselves, one cycle of a driver per operation; with {@code -prof gc} what they cost of the heap, which shall
 * be nothing. No bytes, no disk, no network: the log knows numbers only, and what is sent is thrown away.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class RaftCoreBenchmark {
    /** Of one cycle. */
    static final int ENTRIES = 8;

    private static final long TERM = 1;
    private static final int ELECTION_TICKS = 50;

    private final NumberedLog leaderLog = new NumberedLog();
    private final RaftCore leader = elected(leaderLog);
    private final RaftInvariants leaderInvariants = new RaftInvariants(leader);
    private long readId;

    private final NumberedLog followerLog = new NumberedLog();
    private final RaftCore follower = core(2, TERM, 1, followerLog);
    private final RaftInvariants followerInvariants = new RaftInvariants(follower);

    private static RaftCore core(int id, long term, int votedFor, RaftLog log) {
        Set<Integer> voters = Set.of(1, 2, 3);
        RaftConfig config = RaftConfig.of(id, voters, 10, ELECTION_TICKS, 2 * ELECTION_TICKS);
        return new RaftCore(
                config, term, votedFor, term, term, 0, 0, Membership.of(voters), log, new Unheard(), bound -> 0);
    }

    private static RaftCore elected(NumberedLog log) {
        RaftCore core = core(1, 0, 0, log);
        for (int i = 0; i < ELECTION_TICKS; i++) {
            core.tick();
        }
        core.onVote(2, 0, true, TERM, true);
        core.flush();
        core.onHardStateDurable(1, TERM);
        core.onVote(2, TERM, false, TERM, true);
        core.flush();
        core.onLogDurable(1);
        core.onAppendEntriesAccepted(2, TERM, 1, 1, 0, false);
        core.onAppendEntriesAccepted(3, TERM, 1, 1, 0, false);
        if (core.role() != Role.LEADER || core.commitIndex() != 1) {
            throw new IllegalStateException("role=" + core.role() + " commitIndex=" + core.commitIndex());
        }
        return core;
    }

    /** {@value #ENTRIES} entries and a read: proposed, sent to two, forced, acknowledged by both, applied; a tick. */
    @Benchmark
    public long leader() {
        for (int i = 0; i < ENTRIES; i++) {
            leader.propose(EntryType.COMMAND);
        }
        leader.requestRead(++readId);
        leader.flush();
        long last = leaderLog.lastIndex();
        leader.onLogDurable(last);
        leader.onPeerStorage(2, TERM, 0, false);
        leader.onAppendEntriesAccepted(2, TERM, last, last, readId, false);
        leader.onPeerStorage(3, TERM, 0, false);
        leader.onAppendEntriesAccepted(3, TERM, last, last, readId, false);
        leader.onApplied(last);
        leader.tick();
        leader.flush();
        leaderInvariants.check();
        return leader.commitIndex();
    }

    /** An AppendEntries with {@value #ENTRIES} entries: appended, forced, answered, applied as far as it is committed. */
    @Benchmark
    public long follower() {
        long previous = followerLog.lastIndex();
        follower.onAppendEntries(
                1, TERM, previous, followerLog.term(previous), previous + ENTRIES, 0, EightEntries.INSTANCE);
        follower.flush();
        follower.onLogDurable(followerLog.lastIndex());
        follower.onApplied(follower.commitIndex());
        follower.flush();
        followerInvariants.check();
        return follower.commitIndex();
    }

    private enum EightEntries implements EntrySource {
        INSTANCE;

        @Override
        public int count() {
            return ENTRIES;
        }

        @Override
        public long term(int ordinal) {
            return TERM;
        }

        @Override
        public int type(int ordinal) {
            return EntryType.COMMAND;
        }
    }

    /** A log of one term; an entry's position is its index. */
    private static final class NumberedLog implements RaftLog {
        private long last;

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
            return index == 0 ? 0 : TERM;
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
            last = index;
        }

        @Override
        public boolean appendMembership(long index, long term, Membership membership) {
            throw new IllegalStateException("the membership stays as it is");
        }

        @Override
        public Membership membership(long index) {
            throw new IllegalStateException("there is no configuration");
        }

        @Override
        public long nextMembership(long fromIndex) {
            return 0;
        }

        @Override
        public void truncateSuffix(long fromIndex) {
            throw new IllegalStateException("there is one term only");
        }

        @Override
        public void truncatePrefix(long upToIndex) {
            throw new IllegalStateException("nothing is dropped here");
        }
    }

    /** Fails when the steady state is left. */
    private static final class Unheard implements RaftOutput {
        @Override
        public void sendRequestVote(
                int to, long term, boolean preVote, boolean byTransfer, long lastLogIndex, long lastLogTerm) {}

        @Override
        public void sendReadIndexRequest(int to, long term, long requestId) {}

        @Override
        public void sendReadIndexReply(int to, long term, long requestId, long readIndex) {}

        @Override
        public void sendTimeoutNow(int to, long term) {
            throw new IllegalStateException("nobody hands over");
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
                int to, long term, long prevLogIndex, long conflictIndex, long conflictTerm, long readPosition) {
            throw new IllegalStateException("there is no conflict");
        }

        @Override
        public void persistHardState(long sequence, long term, int votedFor, boolean repairing) {}

        @Override
        public void sendRepairTarget(int to, long term, long storageEpoch, long index) {}

        @Override
        public void onRepairTarget(long index) {}

        @Override
        public void onRepairDone() {}

        @Override
        public void onCommitAdvanced(long commitIndex) {}

        @Override
        public void onPeerNeedsSnapshot(int peerId) {
            throw new IllegalStateException("no peer is behind");
        }

        @Override
        public void onReadsConfirmed(long lastReadId, long readIndex) {}

        @Override
        public void onReadsFailed() {
            throw new IllegalStateException("the leader stays");
        }

        @Override
        public void onMembershipChanged(long index, Membership membership) {
            throw new IllegalStateException("the membership stays as it is");
        }

        @Override
        public void onRoleChanged(Role role, long term, int leaderId, String reason) {}
    }
}
