package dev.cairn.raft;

/**
 * What must hold on one node after every input. Cheap (a few comparisons and one look per peer), allocates nothing, and
 * changes nothing; simulator and test kit call {@link #check} after each step of the core's thread. Invariants over
 * several nodes (election safety, log matching, leader completeness) are the caller's.
 *
 * <p>One instance per life of a core: what must not go back is remembered here. What must not go back over a restart
 * the caller compares itself.
 */
public final class RaftInvariants {
    private final RaftCore core;
    private long term;
    private int votedFor;
    private int leaderOfTerm;
    private Role role;
    private long lastIndex;
    private long commitIndex;
    private long commitTerm;
    private long appliedIndex;
    private long baseIndex;
    private long membershipIndex;
    private boolean repairing;

    public RaftInvariants(final RaftCore core) {
        this.core = core;
        term = core.currentTerm();
        votedFor = core.votedFor();
        leaderOfTerm = core.leaderId();
        role = core.role();
        lastIndex = core.lastIndex();
        commitIndex = core.commitIndex();
        commitTerm = core.term(commitIndex);
        appliedIndex = core.appliedIndex();
        baseIndex = core.baseIndex();
        membershipIndex = core.membershipIndex();
        repairing = core.isRepairing();
    }

    /**
     * Compares the core with its last check.
     *
     * @throws InvariantViolation naming the rule and the two numbers that contradict it
     */
    public void check() {
        checkTerm();
        checkLog();
        checkMembership();
        checkRepair();
        if (core.role() == Role.LEADER) {
            checkLeader();
        } else {
            checkFollower();
        }
        remember();
    }

    private void checkTerm() {
        final long newTerm = core.currentTerm();
        require(newTerm >= term, "term went back", newTerm, term);
        if (newTerm > term) {
            votedFor = 0;
            leaderOfTerm = 0;
        }
        // Raft 5.2: one vote and one leader per term.
        require(votedFor == 0 || core.votedFor() == votedFor, "vote changed in a term", core.votedFor(), votedFor);
        require(
                leaderOfTerm == 0 || core.leaderId() == 0 || core.leaderId() == leaderOfTerm,
                "two leaders in one term",
                core.leaderId(),
                leaderOfTerm);
    }

    private void checkLog() {
        final long last = core.lastIndex();
        final long commit = core.commitIndex();
        require(core.lastTerm() <= core.currentTerm(), "entry of a later term", core.lastTerm(), core.currentTerm());
        require(core.durableIndex() <= last, "durable beyond the log", core.durableIndex(), last);
        require(commit <= last, "committed beyond the log", commit, last);
        require(commit >= commitIndex, "commit index went back", commit, commitIndex);
        require(core.baseIndex() >= baseIndex, "start of the log went back", core.baseIndex(), baseIndex);
        require(core.baseIndex() <= core.appliedIndex(), "log dropped too much", core.baseIndex(), core.appliedIndex());
        require(
                commitIndex < core.baseIndex() || core.term(commitIndex) == commitTerm,
                "committed entry replaced",
                commitIndex,
                commitTerm);
        require(core.appliedIndex() >= appliedIndex, "applied index went back", core.appliedIndex(), appliedIndex);
        require(core.appliedIndex() <= commit, "applied beyond the commit index", core.appliedIndex(), commit);
        // Else a crash leaves a state machine that is ahead of its log.
        require(
                core.appliedIndex() <= core.durableIndex(),
                "applied beyond the durable index",
                core.appliedIndex(),
                core.durableIndex());
    }

    /** A log that may lack what was acknowledged neither leads nor votes, and a repair that has ended stays so. */
    private void checkRepair() {
        require(!core.isRepairing() || repairing, "repair began while running", core.storageEpoch(), 0);
        require(
                !core.isRepairing() || core.role() == Role.FOLLOWER,
                "candidate or leader with a log under repair",
                core.currentTerm(),
                core.storageEpoch());
        require(
                !core.isRepairing() || core.votedFor() == votedFor,
                "vote of a node that repairs its log",
                core.votedFor(),
                core.currentTerm());
        require(
                !repairing || core.isRepairing() || core.durableIndex() >= core.repairTarget(),
                "repair ended before its target was durable",
                core.durableIndex(),
                core.repairTarget());
    }

    /** Thesis 4.1: a leader changes the membership one step at a time, and only when it knows what is committed. */
    private void checkMembership() {
        require(
                core.membershipIndex() <= core.lastIndex(),
                "configuration beyond the log",
                core.membershipIndex(),
                core.lastIndex());
        final boolean stillLeads = role == Role.LEADER && core.role() == Role.LEADER && core.currentTerm() == term;
        if (!stillLeads) {
            return;
        }
        if (core.membershipIndex() == membershipIndex) {
            checkCommitQuorum();
            return;
        }
        require(
                core.commitIndex() >= membershipIndex,
                "change of membership while another is under way",
                core.membershipIndex(),
                membershipIndex);
        require(
                core.commitIndex() >= core.termStartIndex(),
                "change of membership before an entry of the own term is committed",
                core.membershipIndex(),
                core.termStartIndex());
    }

    /** What a leader has committed a majority of its configuration holds, of both when it is joint. */
    private void checkCommitQuorum() {
        final long commit = core.commitIndex();
        if (commit == commitIndex) {
            return;
        }
        int incoming = 0;
        int incomingHolds = 0;
        int outgoing = 0;
        int outgoingHolds = 0;
        for (int ordinal = 0; ordinal < core.memberCount(); ordinal++) {
            final Progress peer = core.progress(ordinal);
            final boolean self = peer.nodeId == core.nodeId();
            final int holds = (self ? core.durableIndex() : peer.countedMatchIndex()) >= commit ? 1 : 0;
            final boolean comes = core.membership().isIncomingVoter(peer.nodeId);
            final boolean goes = core.membership().isOutgoingVoter(peer.nodeId);
            incoming += comes ? 1 : 0;
            incomingHolds += comes ? holds : 0;
            outgoing += goes ? 1 : 0;
            outgoingHolds += goes ? holds : 0;
        }
        require(2 * incomingHolds > incoming, "committed without a majority of the voters", commit, incomingHolds);
        require(
                outgoing == 0 || 2 * outgoingHolds > outgoing,
                "committed without a majority of the outgoing voters",
                commit,
                outgoingHolds);
    }

    private void checkLeader() {
        require(core.leaderId() == core.nodeId(), "leader follows another", core.leaderId(), core.nodeId());
        require(core.votedFor() == core.nodeId(), "leader voted for another", core.votedFor(), core.nodeId());
        require(core.lastTerm() == core.currentTerm(), "leader without an entry", core.lastTerm(), core.currentTerm());
        // Raft figure 3, leader append-only.
        require(
                role != Role.LEADER || core.currentTerm() > term || core.lastIndex() >= lastIndex,
                "leader truncated its log",
                core.lastIndex(),
                lastIndex);
        for (int ordinal = 0; ordinal < core.memberCount(); ordinal++) {
            final Progress peer = core.progress(ordinal);
            if (peer.nodeId == core.nodeId()) {
                continue;
            }
            require(
                    peer.matchIndex <= core.lastIndex(),
                    "peer holds more than its leader",
                    peer.nodeId,
                    peer.matchIndex);
            require(peer.nextIndex > peer.matchIndex, "next index not above match", peer.nextIndex, peer.matchIndex);
            require(
                    peer.nextIndex <= core.lastIndex() + 1,
                    "next index beyond the log",
                    peer.nextIndex,
                    core.lastIndex());
            require(
                    peer.state == Progress.State.REPLICATE || peer.inflights.totalBytes() == 0,
                    "probe with entries in flight",
                    peer.nodeId,
                    peer.inflights.totalBytes());
        }
    }

    private void checkFollower() {
        require(
                core.verifiedIndex() <= core.lastIndex(),
                "verified beyond the log",
                core.verifiedIndex(),
                core.lastIndex());
        require(
                core.sentMatchIndex() <= core.verifiedIndex(),
                "claimed what was not verified",
                core.sentMatchIndex(),
                core.verifiedIndex());
        require(
                core.sentMatchIndex() <= core.durableIndex(),
                "claimed what is not durable",
                core.sentMatchIndex(),
                core.durableIndex());
    }

    private void remember() {
        term = core.currentTerm();
        votedFor = core.votedFor();
        if (core.leaderId() != 0) {
            leaderOfTerm = core.leaderId();
        }
        role = core.role();
        lastIndex = core.lastIndex();
        commitIndex = core.commitIndex();
        commitTerm = core.term(commitIndex);
        appliedIndex = core.appliedIndex();
        baseIndex = core.baseIndex();
        membershipIndex = core.membershipIndex();
        repairing = core.isRepairing();
    }

    private static void require(final boolean holds, final String invariant, final long found, final long bound) {
        if (!holds) {
            throw new InvariantViolation(invariant, found, bound);
        }
    }
}
