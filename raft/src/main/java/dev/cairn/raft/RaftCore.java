package dev.cairn.raft;

import dev.cairn.raft.quorum.JointQuorum;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.IntUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The rules of Raft for one node: Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm" (cited as
 * Raft), and Ongaro's thesis (cited as thesis).
 *
 * <p>Owned by one thread, which calls the input methods, then {@link #flush} once at the end of its cycle. Everything
 * that the core wants done goes to {@link RaftOutput} and {@link RaftLog}. It has no clock, no randomness and no
 * threads: the same inputs give the same outputs, call for call.
 *
 * <p>Disk writes are asynchronous. The core appends at once and learns later, through {@link #onLogDurable} and
 * {@link #onHardStateDurable}, what a crash can no longer take away. It keeps by itself:
 *
 * <ul>
 *   <li>No reply, vote or campaign of term t leaves before a hard state with a term of at least t is durable; each waits
 *       for the sequence of its own hard-state write, not merely for its term. Else a completion of (5, none) would
 *       release the vote for X of (5, X), which a crash then forgets: a second vote in term 5.
 *   <li>A follower claims min(durable, verified): what is durable but was never compared with the leader of this term
 *       may be another leader's.
 *   <li>Durability arrives as a log position. Entry (60, t2) may be truncated and (60, t2) be written again; a late
 *       force of the first must not acknowledge the second. Positions are never used twice, so it cannot.
 *   <li>A leader counts itself like any other voter, at its durable index (thesis 10.2.1).
 * </ul>
 */
public final class RaftCore {
    private static final int NONE = 0;
    private static final String NO_ROOM = "no room on the disk for a leader's first entry";

    private final RaftConfig config;
    private final RaftLog log;
    private final RaftOutput output;
    private final IntUnaryOperator jitter;
    private final boolean bugDurabilityAsIndex;
    private final boolean bugReplyNotCapped;
    private final boolean bugHardStateByTerm;
    private final boolean bugCommitOldTerm;
    private final boolean bugReadBeforeOwnTerm;
    private final boolean bugConfigurationWhenApplied;
    private final boolean bugChangeBeforeOwnTerm;
    private final Set<PlantedBug> bugs;

    // The configuration in force, and what is laid out by it: see useMembership.
    private final MembershipHistory memberships;
    private Membership membership = Membership.NONE;
    private long membershipIndex = -1;

    /** Ids of voters and learners in ascending order; a member's place in it is its ordinal. */
    private int[] members = new int[0];

    /** This node's own ordinal, negative when it is no member. */
    private int selfOrdinal = -1;

    private JointQuorum quorum = new JointQuorum(new int[0], new int[0]);

    // Persistent state (Raft figure 2) and its way to the disk.
    private long currentTerm;
    private int votedFor;
    private boolean hardStateDirty;
    private long hardStateSequence;
    private long durableHardStateSequence;
    private long durableHardStateTerm;
    private final TermRuns termRuns = new TermRuns();

    // Volatile state of every node.
    private Role role = Role.FOLLOWER;
    private long roleTerm;
    private int leaderId = NONE;
    private long commitIndex;
    private long appliedIndex;
    private long durableIndex;
    private int electionElapsed;
    private int electionTimeout;

    // A follower's account of its leader of this term.
    private long verifiedIndex;
    private long leaderCommit;
    private long receivedReadPosition;

    /** This leader's last append stood behind an entry that is not here. */
    private boolean lacksPrevious;

    /** The disk has no room for an entry that the leader sent. */
    private boolean full;

    private boolean acceptDue;
    private int replyElapsed;
    private long sentMatchIndex;
    private boolean rejectDue;
    private int rejectTo;
    private long rejectPrevLogIndex;
    private long rejectConflictIndex;
    private long rejectConflictTerm;

    // Answers to vote requests that wait for the hard state, one slot per node that asked: also nodes that this one
    // does not know as members, since its own configuration may be behind theirs (thesis 4.2.3).
    private final PendingVotes pendingVotes = new PendingVotes();

    // A candidate's election.
    private VoteTally votes = new VoteTally(0);
    private boolean campaignDue;
    private boolean campaignByTransfer;
    private long campaignSequence;

    // A leader's account of the members, by ordinal; the one of this node itself is not used.
    private Progress[] peers = new Progress[0];
    private long[] reached = new long[0];
    private final ReadOnlyQueue reads;
    private long termStartIndex;
    private int heartbeatElapsed;
    private int forceStalledTicks;
    private boolean promotionDue;
    /** Removed for good, and therefore handing leadership over. */
    private boolean leaving;

    private long uncommittedBytes;
    private final Linger linger;
    private long releasedIndex;

    // A leader's hand-over, thesis 3.10.
    private int transferTarget = NONE;
    private int transferElapsed;
    private boolean timeoutNowDue;
    private long timeoutNowTerm;

    // A leader's lease. Times are those of the driver's clock.
    private long nowNs;
    private long leaseRoundPosition;
    private long leaseRoundNs;
    private long leaseStartNs;
    private boolean leaseConfirmed;
    private int ticksInLease;

    /** Ticks of this life, up to the shortest election timeout. */
    private int ticksSinceStart;

    private final ForwardedReads forwardedReads;

    private final Repair repair;

    /** A node that has lost nothing. */
    public RaftCore(
            final RaftConfig config,
            final long term,
            final int votedFor,
            final long hardStateSequence,
            final long hardStateTerm,
            final long appliedIndex,
            final long membershipIndex,
            final Membership appliedMembership,
            final RaftLog log,
            final RaftOutput output,
            final IntUnaryOperator jitter) {
        this(
                config,
                term,
                votedFor,
                hardStateSequence,
                hardStateTerm,
                appliedIndex,
                membershipIndex,
                appliedMembership,
                false,
                0,
                log,
                output,
                jitter);
    }

    /**
     * @param term the highest term known from the hard state, any valid log record, and the applied state
     * @param votedFor the vote of exactly that term, 0 when none
     * @param hardStateSequence sequence of the hard state on disk
     * @param hardStateTerm term of the hard state on disk; below {@code term} when the log knows a later one
     * @param appliedIndex what the state machine holds: it is committed
     * @param membershipIndex the last configuration entry up to {@code appliedIndex}, 0 when there is none
     * @param appliedMembership what that entry holds; without one the voters of the settings
     * @param repairing what the hard state says: something that was acknowledged may be missing from the log
     * @param storageEpoch of the log: rises with each such loss, 0 = there was none
     * @param log everything in it must be durable
     * @param jitter maps n to a number in [0, n), at random; called here and at every start of an election timeout
     */
    public RaftCore(
            final RaftConfig config,
            final long term,
            final int votedFor,
            final long hardStateSequence,
            final long hardStateTerm,
            final long appliedIndex,
            final long membershipIndex,
            final Membership appliedMembership,
            final boolean repairing,
            final long storageEpoch,
            final RaftLog log,
            final RaftOutput output,
            final IntUnaryOperator jitter) {
        repair = new Repair(repairing, storageEpoch);
        this.config = config;
        this.log = log;
        this.output = output;
        this.jitter = jitter;
        bugDurabilityAsIndex = config.plantedBugs().contains(PlantedBug.DURABILITY_AS_INDEX);
        bugReplyNotCapped = config.plantedBugs().contains(PlantedBug.REPLY_NOT_CAPPED_BY_MATCH);
        bugHardStateByTerm = config.plantedBugs().contains(PlantedBug.HARD_STATE_COMPLETION_BY_TERM);
        bugCommitOldTerm = config.plantedBugs().contains(PlantedBug.COMMIT_OLD_TERM_BY_COUNTING);
        bugs = config.plantedBugs();
        bugReadBeforeOwnTerm = config.plantedBugs().contains(PlantedBug.READ_BEFORE_OWN_TERM_COMMIT);
        forwardedReads = new ForwardedReads(jitter.applyAsInt(Integer.MAX_VALUE));

        bugConfigurationWhenApplied = config.plantedBugs().contains(PlantedBug.CONFIGURATION_WHEN_APPLIED);
        bugChangeBeforeOwnTerm = config.plantedBugs().contains(PlantedBug.CHANGE_BEFORE_OWN_TERM_COMMIT);
        reads = new ReadOnlyQueue(config.maxReadRounds());
        linger = new Linger(config.lingerNs());

        final long base = log.firstIndex() - 1;
        check(term >= hardStateTerm, "term below the hard state's", term, hardStateTerm);
        check(appliedIndex >= base, "applied index below the start of the log", appliedIndex, base);
        check(appliedIndex <= log.lastIndex(), "applied index above the end of the log", appliedIndex, log.lastIndex());
        termRuns.reset(base, log.term(base));
        for (long index = base + 1; index <= log.lastIndex(); index++) {
            termRuns.append(index, log.term(index));
        }
        check(term >= termRuns.lastTerm(), "term below the log's", term, termRuns.lastTerm());
        check(membershipIndex <= appliedIndex, "configuration above the applied index", membershipIndex, appliedIndex);
        memberships = new MembershipHistory(membershipIndex, appliedMembership);
        for (long at = log.nextMembership(appliedIndex + 1); at != 0; at = log.nextMembership(at + 1)) {
            memberships.append(at, log.membership(at));
        }

        currentTerm = term;
        roleTerm = term;
        this.votedFor = votedFor;
        this.hardStateSequence = hardStateSequence;
        durableHardStateSequence = hardStateSequence;
        durableHardStateTerm = hardStateTerm;
        durableIndex = log.lastIndex();
        commitIndex = appliedIndex;
        this.appliedIndex = appliedIndex;
        useMembership();
        if (term > hardStateTerm) {
            changeHardState(term, NONE);
        }
        restartElectionTimer();
    }

    // ---- time ----------------------------------------------------------------------------------------------------

    /**
     * The time at the start of the driver's cycle, by a clock that never goes back and that counts pauses of the process
     * too. Only leases and {@link RaftConfig#lingerNs} look at it: all else is counted in ticks, of which a pause has none.
     */
    public void now(final long monotonicNs) {
        nowNs = monotonicNs;
    }

    /** One unit of time has passed. After a pause the driver calls this at most once per cycle. */
    public void tick() {
        if (ticksSinceStart < config.electionMinTicks()) {
            ticksSinceStart++;
        }
        if (role == Role.LEADER) {
            tickLeader();
            return;
        }
        electionElapsed++;
        replyElapsed++;
        if (electionElapsed % config.heartbeatTicks() == 0) {
            forwardedReads.askAgain();
        }
        if (electionElapsed >= electionTimeout) {
            restartElectionTimer();
            if (mayCampaign()) {
                startPreVote();
            } else {
                // It may have been promoted without knowing it, and then its vote is needed: no leader, no stickiness.
                setRole(Role.FOLLOWER, NONE, "election timeout without a vote of its own");
            }
        }
    }

    private void tickLeader() {
        for (final Progress peer : peers) {
            peer.silentTicks++;
        }
        if (++heartbeatElapsed >= config.heartbeatTicks()) {
            heartbeatElapsed = 0;
            for (final Progress peer : peers) {
                peer.messageDue = true;
                peer.offerDue = true;
                peer.storage.onHeartbeat();
                peer.probeOutstanding = false;
            }
            timeoutNowDue = true;
            startLeaseRound();
        }
        ticksInLease++;
        if (transferTarget != NONE && ++transferElapsed >= config.electionMinTicks()) {
            // Thesis 3.10: the target cannot; proposals are taken again.
            transferTarget = NONE;
        }
        // A leader whose own disk stalls can apply nothing, so it can answer nothing: another may do better.
        forceStalledTicks = durableIndex < termRuns.lastIndex() ? forceStalledTicks + 1 : 0;
        if (forceStalledTicks >= config.electionMaxTicks()) {
            becomeFollower(currentTerm, NONE, "own log was not forced for an election timeout");
            return;
        }
        watchLearners();
        // Thesis 6.2: a leader that hears no quorum for an election timeout steps down.
        for (int i = 0; i < peers.length; i++) {
            reached[i] = i == selfOrdinal || isHeard(peers[i]) ? 1 : 0;
        }
        if (quorum.reached(reached) == 0) {
            becomeFollower(currentTerm, NONE, "no quorum was heard for an election timeout");
        }
    }

    private boolean isHeard(final Progress peer) {
        return peer.silentTicks < config.electionMinTicks() && !peer.storage.isRepairing();
    }

    /** Whether the learners have caught up. */
    private void watchLearners() {
        promotionDue = false;
        for (int i = 0; i < peers.length; i++) {
            final Progress peer = peers[i];
            if (membership.isLearner(peer.nodeId)) {
                peer.measureRound(termRuns.lastIndex(), config.electionMinTicks());
                promotionDue |= membership.goal(peer.nodeId) != Membership.STAYS_LEARNER && isReadyToVote(peer);
            }
        }
    }

    private void restartElectionTimer() {
        electionElapsed = 0;
        final int spread = config.electionMaxTicks() - config.electionMinTicks();
        electionTimeout = config.electionMinTicks() + jitter.applyAsInt(spread + 1);
    }

    // ---- elections -----------------------------------------------------------------------------------------------

    /**
     * A voter may campaign, and whoever was one by the last committed configuration: as long as its removal is not
     * committed it may be the only one whose log can win, even though it does not count itself then (thesis 4.2.2). Not
     * while this log may lack what was acknowledged.
     */
    private boolean mayCampaign() {
        return memberships.hasVoter(config.nodeId()) && !repair.isUnderWay();
    }

    private void voteForSelf() {
        if (selfOrdinal >= 0) {
            votes.record(selfOrdinal, true);
        }
    }

    private void askForVotes(final long term, final boolean preVote, final boolean byTransfer) {
        for (int i = 0; i < members.length; i++) {
            if (i != selfOrdinal && membership.isVoter(members[i])) {
                output.sendRequestVote(
                        members[i], term, preVote, byTransfer, termRuns.lastIndex(), termRuns.lastTerm());
            }
        }
    }

    /** Thesis 9.6: asks whether an election could be won before any term is raised. Leaves no durable trace. */
    private void startPreVote() {
        if (!hasRoomForNoop()) {
            setRole(Role.FOLLOWER, NONE, NO_ROOM);
            return;
        }
        setRole(Role.PRE_CANDIDATE, NONE, "election timeout");
        votes.clear();
        voteForSelf();
        if (votes.won(quorum)) {
            startElection(false, "pre-vote won");
            return;
        }
        askForVotes(currentTerm + 1, true, false);
    }

    /** Raft 5.2. The campaign leaves, and the vote for oneself counts, when the hard state is durable. */
    private void startElection(final boolean byTransfer, final String reason) {
        changeHardState(currentTerm + 1, config.nodeId());
        setRole(Role.CANDIDATE, NONE, reason);
        restartElectionTimer();
        votes.clear();
        campaignDue = true;
        campaignByTransfer = byTransfer;
        campaignSequence = hardStateSequence;
        if (planted(PlantedBug.CAMPAIGN_BEFORE_HARD_STATE)) {
            campaign();
        }
    }

    private void campaign() {
        campaignDue = false;
        voteForSelf();
        if (votes.won(quorum)) {
            becomeLeader();
            return;
        }
        askForVotes(currentTerm, false, campaignByTransfer);
    }

    /**
     * A node asks for a vote, or with {@code preVote} whether it would get one in {@code term}. It is answered whatever
     * this node's configuration says of either: a voter may not have the entry yet that made the other one a member, nor
     * the one that promoted itself (thesis 4.2.3). Whom it counts, the candidate's configuration says.
     *
     * @param byTransfer the leader itself asked for this election, so that it lives is no reason against it
     */
    public void onRequestVote(
            final int from,
            final long term,
            final boolean preVote,
            final boolean byTransfer,
            final long lastLogIndex,
            final long lastLogTerm) {
        if (from == config.nodeId()) {
            return;
        }
        if (preVote) {
            // Thesis 9.6 and 4.2.3: not while a leader is alive here, and only for a log that could win.
            final boolean grant =
                    term > currentTerm && !isLeaderAlive() && mayVote() && isUpToDate(lastLogIndex, lastLogTerm);
            pendingVotes.add(from, true, term, grant);
            return;
        }
        if (isLeaderAlive() && !byTransfer) {
            // Thesis 4.2.3, for real votes too: a candidate may have gathered its pre-votes before the leader was heard
            // again. The term stays; the candidate's own refusal of the leader's next message tells the leader of it.
            pendingVotes.add(from, false, term, false);
            return;
        }
        if (term > currentTerm) {
            becomeFollower(term, NONE, "vote request of a higher term");
        }
        // Raft 5.2 and 5.4.1: one vote per term, first come, and only for a log at least as up to date.
        final boolean free = votedFor == NONE || planted(PlantedBug.TWO_VOTES_IN_A_TERM);
        final boolean grant =
                term == currentTerm && (free || votedFor == from) && mayVote() && isUpToDate(lastLogIndex, lastLogTerm);
        if (grant) {
            restartElectionTimer();
            if (votedFor != from) {
                changeHardState(currentTerm, from);
            }
        }
        pendingVotes.add(from, false, term, grant);
    }

    /** A vote says that the candidate has all that was acknowledged here; a log that lost some of it cannot tell. */
    private boolean mayVote() {
        return !repair.isUnderWay() || planted(PlantedBug.VOTE_WHILE_REPAIRING);
    }

    /**
     * Thesis 4.2.3: a leader was heard here within the shortest election timeout, or this node leads. With leases also
     * where that may have been in an earlier life of this node.
     */
    private boolean isLeaderAlive() {
        if (config.leaseNs() > 0 && ticksSinceStart < config.electionMinTicks()) {
            return true;
        }
        return role == Role.LEADER || (leaderId != NONE && electionElapsed < config.electionMinTicks());
    }

    /** Raft 5.4.1: the later last term wins; with equal last terms the longer log. */
    private boolean isUpToDate(final long lastLogIndex, final long lastLogTerm) {
        return planted(PlantedBug.VOTE_FOR_OLDER_LOG)
                || lastLogTerm > termRuns.lastTerm()
                || (lastLogTerm == termRuns.lastTerm() && lastLogIndex >= termRuns.lastIndex());
    }

    /** A peer answers a vote request of this node; {@code term} is the peer's own current term. */
    public void onVote(
            final int from, final long term, final boolean preVote, final long requestTerm, final boolean granted) {
        final int ordinal = ordinalOf(from);
        if (ordinal < 0) {
            return;
        }
        if (term > currentTerm) {
            becomeFollower(term, NONE, "vote reply of a higher term");
            return;
        }
        if (preVote) {
            if (role != Role.PRE_CANDIDATE || requestTerm != currentTerm + 1) {
                return;
            }
            votes.record(ordinal, granted);
            if (votes.won(quorum)) {
                startElection(false, "pre-vote won");
            }
            return;
        }
        // A self-vote that is not yet durable has not been recorded, so a quorum here never stands on it.
        final boolean older = requestTerm != currentTerm && !planted(PlantedBug.VOTES_OF_OLDER_TERMS);
        if (role != Role.CANDIDATE || older) {
            return;
        }
        votes.record(ordinal, granted);
        if (votes.won(quorum) && !campaignDue) {
            becomeLeader();
        } else if (votes.lost(quorum)) {
            becomeFollower(currentTerm, NONE, "election lost");
        }
    }

    private boolean hasRoomForNoop() {
        return log.hasRoom(termRuns.lastIndex() + 1, EntryType.NOOP);
    }

    private void becomeLeader() {
        if (!hasRoomForNoop()) {
            // The disk filled up since the campaign began. Without an entry of its own term it could serve nothing.
            becomeFollower(currentTerm, NONE, NO_ROOM);
            return;
        }
        setRole(Role.LEADER, config.nodeId(), "election won");
        heartbeatElapsed = 0;
        forceStalledTicks = 0;
        promotionDue = false;
        leaving = false;
        leaseConfirmed = false;
        leaseRoundPosition = 0;
        uncommittedBytes = 0;
        for (long index = commitIndex + 1; index <= termRuns.lastIndex(); index++) {
            uncommittedBytes += log.entryBytes(index);
        }
        for (final Progress peer : peers) {
            peer.becomeLeaderOf(termRuns.lastIndex());
        }
        linger.becomeLeader(termRuns.lastIndex());
        // Raft 8: an entry of its own term, so that the leader learns what is committed.
        termStartIndex = termRuns.lastIndex() + 1;
        append(termStartIndex, currentTerm, EntryType.NOOP);
    }

    /** Raft 5.1: whoever sees a higher term takes it and follows. */
    private void becomeFollower(final long term, final int newLeaderId, final String reason) {
        if (term > currentTerm) {
            changeHardState(term, NONE);
        }
        if (role != Role.FOLLOWER) {
            restartElectionTimer();
        }
        setRole(Role.FOLLOWER, newLeaderId, reason);
    }

    private void setRole(final Role newRole, final int newLeaderId, final String reason) {
        final boolean wasLeader = role == Role.LEADER;
        final boolean changed = role != newRole || roleTerm != currentTerm || leaderId != newLeaderId;
        role = newRole;
        roleTerm = currentTerm;
        leaderId = newLeaderId;
        campaignDue = false;
        transferTarget = NONE;
        if (wasLeader && newRole != Role.LEADER) {
            reads.clear();
            output.onReadsFailed();
        } else if (changed && forwardedReads.isWaiting()) {
            forwardedReads.clear();
            output.onReadsFailed();
        }
        if (changed) {
            output.onRoleChanged(newRole, currentTerm, newLeaderId, reason);
        }
    }

    // ---- leadership transfer -------------------------------------------------------------------------------------

    /**
     * Hands leadership to a peer (thesis 3.10): no proposals are taken until the peer has this whole log, is told to
     * campaign at once, and wins; or until an election timeout has passed, then this node goes on as leader.
     *
     * @param target a voter, or 0 for the reachable one that has most of this log
     */
    public TransferAnswer transferLeadership(final int target) {
        if (role != Role.LEADER) {
            return TransferAnswer.NOT_LEADER;
        }
        if (target == config.nodeId()) {
            return TransferAnswer.TO_ITSELF;
        }
        if (transferTarget != NONE) {
            return target == NONE || target == transferTarget
                    ? TransferAnswer.STARTED
                    : TransferAnswer.ANOTHER_UNDER_WAY;
        }
        final int ordinal = target == NONE ? mostCaughtUpPeer() : ordinalOf(target);
        if (ordinal < 0 || !membership.isIncomingVoter(peers[ordinal].nodeId)) {
            return target == NONE ? TransferAnswer.NOBODY_CAN : TransferAnswer.NO_VOTER;
        }
        final TransferAnswer answer = answerFor(peers[ordinal]);
        if (answer == TransferAnswer.STARTED) {
            transferTarget = peers[ordinal].nodeId;
            transferElapsed = 0;
            timeoutNowDue = true;
        }
        return answer;
    }

    private int mostCaughtUpPeer() {
        int best = -1;
        for (int i = 0; i < peers.length; i++) {
            if (i != selfOrdinal
                    && membership.isIncomingVoter(members[i])
                    && answerFor(peers[i]) == TransferAnswer.STARTED
                    && (best < 0 || peers[i].matchIndex > peers[best].matchIndex)) {
                best = i;
            }
        }
        return best;
    }

    private TransferAnswer answerFor(final Progress peer) {
        if (peer.silentTicks > 2 * config.heartbeatTicks()) {
            return TransferAnswer.UNREACHABLE;
        }
        if (peer.full) {
            return TransferAnswer.DISK_FULL;
        }
        if (peer.storage.isRepairing()) {
            return TransferAnswer.REPAIRING;
        }
        return peer.state == Progress.State.SNAPSHOT ? TransferAnswer.NEEDS_SNAPSHOT : TransferAnswer.STARTED;
    }

    /** Told again with each heartbeat: the message may be lost, and the peer heeds it once in a term. */
    private void sendTimeoutNow() {
        final Progress peer = peers[ordinalOf(transferTarget)];
        if (timeoutNowDue && peer.matchIndex == termRuns.lastIndex()) {
            timeoutNowDue = false;
            timeoutNowTerm = currentTerm;
            output.sendTimeoutNow(transferTarget, currentTerm);
        }
    }

    /**
     * The leader of {@code term} asks this node to campaign at once. It asks nobody beforehand, and its requests are
     * heeded also where that leader is heard; whether its log may win is judged as ever.
     */
    public void onTimeoutNow(final int from, final long term) {
        // A leader that was removed and hands over is no member any more, but it was heard before.
        final boolean known = ordinalOf(from) >= 0 || from == leaderId;
        if (known && follows(from, term, "leader hands over") && mayCampaign() && hasRoomForNoop()) {
            startElection(true, "asked by the leader");
        }
    }

    /** Gives leadership up without naming a successor; nothing happens on a node that does not lead. */
    public void stepDown() {
        if (role == Role.LEADER) {
            becomeFollower(currentTerm, NONE, "asked to step down");
        }
    }

    /** Where leadership is going, 0 = nowhere. Proposals are refused meanwhile. */
    public int transferTarget() {
        return transferTarget;
    }

    // ---- hard state ----------------------------------------------------------------------------------------------

    /** All changes of one cycle share one write, whose sequence is {@link #hardStateSequence}. */
    private void changeHardState(final long term, final int vote) {
        if (term > currentTerm) {
            // What a leader of an older term has verified or promised says nothing about this term's leader.
            if (!planted(PlantedBug.VERIFIED_KEPT_OVER_TERMS)) {
                verifiedIndex = 0;
            }
            leaderCommit = 0;
            receivedReadPosition = 0;
            lacksPrevious = false;
            sentMatchIndex = 0;
            acceptDue = false;
            rejectDue = false;
            full = false;
            repair.onNewTerm();
        }
        currentTerm = term;
        votedFor = vote;
        if (!hardStateDirty) {
            hardStateDirty = true;
            hardStateSequence++;
        }
    }

    /** The hard state with this sequence is on disk, and with it all earlier ones. */
    public void onHardStateDurable(final long sequence, final long term) {
        check(sequence <= hardStateSequence, "hard state durable before it was written", sequence, hardStateSequence);
        durableHardStateSequence = Math.max(durableHardStateSequence, sequence);
        durableHardStateTerm = Math.max(durableHardStateTerm, term);
        if (repair.onHardStateDurable(durableHardStateSequence)) {
            // The leader counts this node when it hears of it.
            acceptDue = true;
            output.onRepairDone();
        }
        if (campaignDue && role == Role.CANDIDATE && isReleased(campaignSequence, currentTerm)) {
            campaign();
        }
    }

    private boolean isReleased(final long sequence, final long term) {
        if (bugHardStateByTerm) {
            return durableHardStateTerm >= term;
        }
        return durableHardStateSequence >= sequence;
    }

    // ---- proposals and the log -----------------------------------------------------------------------------------

    /**
     * Appends an entry whose payload the driver has staged.
     *
     * @return its index, or 0 when this node does not lead, hands leadership over, or has too much that waits for its
     *     quorum
     */
    public long propose(final int type) {
        if (role != Role.LEADER || transferTarget != NONE || isBacklogFull()) {
            return 0;
        }
        check(type != EntryType.CONFIG, "configuration proposed as if it were a command", type, currentTerm);
        final long index = termRuns.lastIndex() + 1;
        append(index, currentTerm, type);
        return index;
    }

    /** On a leader: entries that wait for their quorum are at their bound; proposals are refused until some commit. */
    public boolean isBacklogFull() {
        return uncommittedBytes >= config.maxUncommittedBytes()
                || termRuns.lastIndex() - commitIndex >= config.maxUncommittedEntries();
    }

    private void append(final long index, final long term, final int type) {
        log.append(index, term, type);
        termRuns.append(index, term);
        if (type == EntryType.CONFIG) {
            takeMembership(index, log.membership(index));
        }
        if (role == Role.LEADER) {
            uncommittedBytes += log.entryBytes(index);
            linger.onAppend(log.entryBytes(index));
        }
    }

    /**
     * A snapshot holds everything up to {@code upToIndex}, so the log need not. Peers that still lack some of it will be
     * offered the snapshot.
     *
     * @param upToIndex applied and durable here
     */
    public void truncatePrefix(final long upToIndex) {
        check(upToIndex <= appliedIndex, "log dropped above the applied index", upToIndex, appliedIndex);
        check(upToIndex <= durableIndex, "log dropped above the durable index", upToIndex, durableIndex);
        if (upToIndex <= termRuns.firstIndex()) {
            return;
        }
        log.truncatePrefix(upToIndex);
        final long base = log.firstIndex() - 1;
        check(base <= upToIndex, "log dropped more than asked", base, upToIndex);
        termRuns.truncatePrefix(base);
    }

    /** Everything up to this log position is forced to disk. Late and repeated calls are harmless. */
    public void onLogDurable(final long position) {
        long durable = durableIndex;
        while (durable < termRuns.lastIndex() && log.endPosition(durable + 1) <= position) {
            durable++;
        }
        if (durable == durableIndex) {
            return;
        }
        durableIndex = durable;
        forceStalledTicks = 0;
        if (role == Role.LEADER) {
            advanceLeaderCommit();
        } else {
            advanceFollowerCommit();
            endRepairWhenReached();
            if (claimableIndex() > sentMatchIndex) {
                acceptDue = true;
            }
        }
    }

    /** The state machine holds everything up to this index. */
    public void onApplied(final long index) {
        check(index <= commitIndex, "applied above the commit index", index, commitIndex);
        check(index >= appliedIndex, "applied index went back", index, appliedIndex);
        appliedIndex = index;
        if (bugConfigurationWhenApplied) {
            useMembership();
        }
    }

    // ---- follower ------------------------------------------------------------------------------------------------

    /** The leader of {@code term} sends entries, its commit index and its highest read position (Raft figure 2). */
    public void onAppendEntries(
            final int from,
            final long term,
            final long prevLogIndex,
            final long prevLogTerm,
            final long newLeaderCommit,
            final long readPosition,
            final EntrySource entries) {
        if (!follows(from, term, "append entries from the leader")) {
            return;
        }
        final boolean newReadPosition = readPosition > receivedReadPosition;
        receivedReadPosition = Math.max(receivedReadPosition, readPosition);

        lacksPrevious = !matchesAt(prevLogIndex, prevLogTerm);
        if (lacksPrevious) {
            rejectMismatch(from, prevLogIndex);
            return;
        }
        full = full && !log.hasRoomAgain();
        final int appended = appendMissing(prevLogIndex, entries);
        if (planted(PlantedBug.SHORT_APPEND_TRUNCATES)
                && entries.count() > 0
                && prevLogIndex + entries.count() < termRuns.lastIndex()) {
            truncateSuffix(prevLogIndex + entries.count() + 1);
        }
        // Less than the whole message when the disk is full.
        final long held = Math.min(prevLogIndex + entries.count(), termRuns.lastIndex());
        // What this log has dropped was committed, so the leader has it, too (Raft 5.4.3).
        verifiedIndex = Math.max(verifiedIndex, Math.max(held, termRuns.firstIndex()));
        leaderCommit = Math.max(leaderCommit, newLeaderCommit);
        advanceFollowerCommit();
        endRepairWhenReached();
        // Fresh entries are answered when they are durable; all else at once, so that a slow disk delays neither
        // heartbeats nor reads. Under load entries take the place of heartbeats, so one of them is answered in time.
        if (appended == 0 || full || newReadPosition || replyElapsed >= config.heartbeatTicks()) {
            acceptDue = true;
        }
    }

    /**
     * The leader of {@code term} offers a snapshot of everything up to {@code index} (Raft 7). How it comes here is the
     * driver's affair; when it is there, the driver starts a new core behind it.
     *
     * <p>The leader asks for its log's start with each offer. So an offer that was under way while this node installed an
     * earlier one counts only when this log still does not reach that start; else the log brings the rest.
     *
     * @return whether this node should fetch it; not when the sender's term is old, when all of it is committed here, or
     *     when the leader's last message fitted this log
     */
    public boolean onInstallSnapshot(final int from, final long term, final long index) {
        return follows(from, term, "snapshot of the leader") && lacksPrevious && index > commitIndex;
    }

    /** The leader of {@code term} names the index up to which this log must be whole before it counts again. */
    public void onRepairTarget(final int from, final long term, final long storageEpoch, final long index) {
        if (follows(from, term, "repair target of the leader") && repair.takeTarget(storageEpoch, index)) {
            output.onRepairTarget(index);
            endRepairWhenReached();
        }
    }

    /** The flag goes from the hard state behind everything up to the target: a crash in between finds it. */
    private void endRepairWhenReached() {
        final long whole = planted(PlantedBug.REPAIR_ENDS_BEFORE_DURABLE) ? verifiedIndex : claimableIndex();
        if (repair.isReached(whole)) {
            changeHardState(currentTerm, votedFor);
            repair.clearWith(hardStateSequence);
        }
    }

    /** A message that only the leader of {@code term} sends: false when it is to be ignored. */
    private boolean follows(final int from, final long term, final String reason) {
        // A leader that this node's configuration does not know is one that its next entries make known (thesis 4.2.3).
        if (from == config.nodeId()) {
            return false;
        }
        if (term < currentTerm && !planted(PlantedBug.OLD_LEADER_OBEYED)) {
            // The sender learns the newer term from the reply. It may lead that term when the reply arrives, so the
            // reply must not read as one about its log: index 0 matches everywhere.
            reject(from, 0, 0, 0);
            return false;
        }
        check(role != Role.LEADER || term > currentTerm, "two leaders in one term", term, from);
        if (term > currentTerm || role != Role.FOLLOWER || leaderId != from) {
            becomeFollower(term, from, reason);
        }
        electionElapsed = 0;
        return true;
    }

    /** Raft 5.3. What is committed, and what lies before the log's start, is known to match. */
    private boolean matchesAt(final long prevLogIndex, final long prevLogTerm) {
        if (prevLogIndex > termRuns.lastIndex()) {
            return false;
        }
        return prevLogIndex < termRuns.firstIndex() || termRuns.term(prevLogIndex) == prevLogTerm;
    }

    /**
     * Raft 5.3: a conflicting entry and all that follow it go; what already matches stays, however short the message. On a
     * full disk the rest of the message is left.
     */
    private int appendMissing(final long prevLogIndex, final EntrySource entries) {
        int appended = 0;
        for (int i = 0; i < entries.count(); i++) {
            final long index = prevLogIndex + 1 + i;
            final long term = entries.term(i);
            check(term <= currentTerm, "entry of a later term than its leader's", term, currentTerm);
            if (index < termRuns.firstIndex()) {
                continue;
            }
            if (index <= termRuns.lastIndex()) {
                if (termRuns.term(index) == term || planted(PlantedBug.CONFLICT_KEPT)) {
                    continue;
                }
                truncateSuffix(index);
            }
            if (!log.hasRoom(index, entries.type(i))) {
                full = true;
                return appended;
            }
            append(index, term, entries.type(i));
            appended++;
        }
        return appended;
    }

    private void truncateSuffix(final long fromIndex) {
        check(fromIndex > commitIndex, "leader contradicts a committed entry", fromIndex, commitIndex);
        log.truncateSuffix(fromIndex);
        termRuns.truncateSuffix(fromIndex);
        if (!bugDurabilityAsIndex) {
            durableIndex = Math.min(durableIndex, fromIndex - 1);
        }
        // Raft 6: what was not committed may go, and then the configuration before it holds again.
        if (memberships.truncateSuffix(fromIndex)) {
            actByLastMembership();
        }
    }

    /**
     * Tells the leader where to look instead (Raft 5.3, end): the first index of the term that conflicts, or the end of
     * a log that is too short. So a conflict costs one message per term, not per entry.
     */
    private void rejectMismatch(final int from, final long prevLogIndex) {
        if (prevLogIndex > termRuns.lastIndex()) {
            reject(from, prevLogIndex, termRuns.lastIndex() + 1, 0);
        } else {
            reject(from, prevLogIndex, termRuns.firstIndexOfTermAt(prevLogIndex), termRuns.term(prevLogIndex));
        }
    }

    private void reject(final int to, final long prevLogIndex, final long conflictIndex, final long conflictTerm) {
        rejectDue = true;
        rejectTo = to;
        rejectPrevLogIndex = prevLogIndex;
        rejectConflictIndex = conflictIndex;
        rejectConflictTerm = conflictTerm;
    }

    /** What this follower may claim: durable here, and the same as the leader's. */
    private long claimableIndex() {
        if (planted(PlantedBug.ACK_BEFORE_FORCE)) {
            return verifiedIndex;
        }
        return bugReplyNotCapped ? durableIndex : Math.min(durableIndex, verifiedIndex);
    }

    private void advanceFollowerCommit() {
        final long verified = planted(PlantedBug.FOLLOWER_COMMIT_NOT_CAPPED) ? termRuns.lastIndex() : verifiedIndex;
        advanceCommit(Math.min(leaderCommit, Math.min(durableIndex, verified)));
    }

    private void advanceCommit(final long index) {
        if (index > commitIndex) {
            if (role == Role.LEADER) {
                for (long committed = commitIndex + 1; committed <= index; committed++) {
                    uncommittedBytes -= log.entryBytes(committed);
                }
            }
            commitIndex = index;
            if (!bugConfigurationWhenApplied) {
                memberships.onCommitted(index);
            }
            output.onCommitAdvanced(index);
        }
    }

    // ---- leader --------------------------------------------------------------------------------------------------

    /**
     * A peer took what it was sent; {@code acknowledgedIndex} is durable there. With {@code peerFull} it had no room for what
     * follows {@code newVerifiedIndex}.
     */
    public void onAppendEntriesAccepted(
            final int from,
            final long term,
            final long acknowledgedIndex,
            final long newVerifiedIndex,
            final long readPosition,
            final boolean peerFull) {
        final Progress peer = heardFrom(from, term, readPosition);
        if (peer == null) {
            return;
        }
        final long matchIndex = plantedMatch(peer, acknowledgedIndex, newVerifiedIndex);
        check(matchIndex <= termRuns.lastIndex(), "peer claims more than the log holds", matchIndex, from);
        if (matchIndex > peer.matchIndex) {
            peer.matchIndex = matchIndex;
            // Nothing acknowledged is sent again: no later acknowledgement would take it out of the window.
            peer.nextIndex = Math.max(peer.nextIndex, matchIndex + 1);
            peer.inflights.acknowledge(matchIndex);
            advanceLeaderCommit();
        }
        final long next = Math.max(matchIndex, newVerifiedIndex) + 1;
        peer.full = peerFull;
        if (peerFull && peer.state != Progress.State.SNAPSHOT) {
            // What is on its way to it will be refused, too: heartbeats go on behind what it has.
            peer.probeFrom(Math.min(next, termRuns.lastIndex() + 1));
        } else if (peer.state == Progress.State.PROBE || (peer.state == Progress.State.SNAPSHOT && next > base())) {
            peer.replicateFrom(next);
        }
    }

    private long plantedMatch(final Progress peer, final long acknowledgedIndex, final long newVerifiedIndex) {
        if (planted(PlantedBug.MATCH_FROM_VERIFIED)) {
            return newVerifiedIndex;
        }
        return planted(PlantedBug.MATCH_FROM_NEXT) ? peer.nextIndex - 1 : acknowledgedIndex;
    }

    /** A peer's log does not hold what preceded a message. */
    public void onAppendEntriesRejected(
            final int from,
            final long term,
            final long prevLogIndex,
            final long conflictIndex,
            final long conflictTerm,
            final long readPosition) {
        final Progress peer = heardFrom(from, term, readPosition);
        if (peer == null) {
            return;
        }
        if (peer.state == Progress.State.SNAPSHOT) {
            // Once the peer's log reaches this one's start the usual search goes on from there.
            if (conflictIndex > base()) {
                peer.probeFrom(Math.min(conflictIndex, termRuns.lastIndex() + 1));
            }
            return;
        }
        // A late reply: the peer has matched further since, or this leader looks elsewhere by now.
        final boolean stale = prevLogIndex <= peer.matchIndex
                || prevLogIndex >= peer.nextIndex
                || (peer.state == Progress.State.PROBE && prevLogIndex != peer.nextIndex - 1);
        if (stale) {
            return;
        }
        // Raft 5.3, end: behind the last entry of the conflicting term where this log has it, else where the peer says.
        final long sameTerm = conflictTerm == 0 ? 0 : termRuns.lastIndexOfTerm(conflictTerm);
        final long next = Math.min(sameTerm == 0 ? conflictIndex : sameTerm + 1, prevLogIndex);
        if (next <= base() && prevLogIndex <= base()) {
            peer.awaitSnapshot();
        } else {
            peer.probeFrom(next);
            peer.messageDue = true;
        }
    }

    /** The entry before the first that the log holds; its term is known. */
    private long base() {
        return termRuns.firstIndex();
    }

    /** The progress of a peer that answers this leader in its term, or null when the message says nothing to it. */
    private @Nullable Progress heardFrom(final int from, final long term, final long readPosition) {
        final int ordinal = ordinalOf(from);
        if (ordinal < 0) {
            return null;
        }
        if (term > currentTerm) {
            becomeFollower(term, NONE, "append reply of a higher term");
            return null;
        }
        if ((term < currentTerm && !planted(PlantedBug.STALE_REPLY_COUNTS)) || role != Role.LEADER) {
            return null;
        }
        final Progress peer = peers[ordinal];
        peer.heard = true;
        peer.silentTicks = 0;
        // Also a rejection confirms that this node led when the message was sent (thesis 6.4).
        if (readPosition > peer.readPosition) {
            check(readPosition <= reads.position(), "peer echoes a read position never sent", readPosition, from);
            peer.readPosition = readPosition;
            confirmReads();
        }
        return peer;
    }

    /**
     * What a peer says about its storage with each answer to AppendEntries; to be told before the answer itself.
     *
     * @return false when the answer was given before the peer lost something, and says nothing any more
     */
    public boolean onPeerStorage(
            final int from, final long term, final long storageEpoch, final boolean peerRepairing) {
        final int ordinal = ordinalOf(from);
        if (ordinal < 0 || role != Role.LEADER || term != currentTerm) {
            return true;
        }
        final Progress peer = peers[ordinal];
        if (peer.storage.isOfEarlierEpoch(storageEpoch)) {
            return planted(PlantedBug.MATCH_KEPT_OVER_EPOCH);
        }
        if (peer.storage.takeEpoch(storageEpoch) && !planted(PlantedBug.MATCH_KEPT_OVER_EPOCH)) {
            peer.forget(termRuns.lastIndex());
        }
        if (!peerRepairing && peer.storage.takeDone()) {
            advanceLeaderCommit();
        }
        return true;
    }

    /** A leader's round for the target of each peer that repairs its log; {@link PeerStorage} says why. */
    private void startRepairRounds() {
        final boolean plain = planted(PlantedBug.REPAIR_TARGET_PLAIN_COMMIT);
        if (commitIndex < termStartIndex && !plain) {
            return;
        }
        for (final Progress peer : peers) {
            if (peer.storage.needsRound()) {
                final long position = reads.nextPosition();
                peer.storage.startRound(position, commitIndex);
                for (final Progress any : peers) {
                    any.messageDue = true;
                }
                if (plain) {
                    peer.storage.onConfirmed(position);
                }
                confirmReads();
            }
        }
    }

    private void sendRepairTarget(final Progress peer) {
        final long target = peer.storage.takeDueTarget();
        if (target != Repair.NO_TARGET) {
            output.sendRepairTarget(peer.nodeId, currentTerm, peer.storage.epoch(), target);
        }
    }

    /** A connection to a peer is gone or new: what was under way on the old one may be lost. */
    public void onPeerUnreachable(final int nodeId) {
        final int ordinal = ordinalOf(nodeId);
        if (ordinal >= 0 && role == Role.LEADER) {
            final Progress peer = peers[ordinal];
            peer.probeFrom(peer.matchIndex + 1);
        }
    }

    /** Raft 5.4.2: only an entry of the current term commits by counting; earlier ones commit with it. */
    private void advanceLeaderCommit() {
        final long index = reachedByQuorum(ownMatchIndex());
        if (index > commitIndex && (termRuns.term(index) == currentTerm || bugCommitOldTerm)) {
            advanceCommit(index);
        }
    }

    private long reachedByQuorum(final long ownIndex) {
        for (int i = 0; i < peers.length; i++) {
            reached[i] = i == selfOrdinal ? ownIndex : peers[i].countedMatchIndex();
        }
        return quorum.reached(reached);
    }

    /**
     * Whether something would follow at once if more of the log were durable here. A leader's disk mostly ends before its followers' answers
     * come, and nothing follows from that: they bring the commit.
     */
    public boolean awaitsOwnDisk() {
        return role != Role.LEADER || commitIndex > durableIndex || reachedByQuorum(termRuns.lastIndex()) > commitIndex;
    }

    private long ownMatchIndex() {
        return planted(PlantedBug.LEADER_COUNTS_UNFORCED) ? termRuns.lastIndex() : durableIndex;
    }

    // ---- membership ----------------------------------------------------------------------------------------------

    /**
     * Changes the membership; the leader goes on with it by itself, through a joint configuration where more than one
     * voter changes. A learner with a goal is promoted once it has caught up: one of the rounds of thesis 4.2.1 has taken
     * it no longer than an election timeout.
     *
     * @return null when the entry that starts the change was appended, at {@link #membershipIndex}; else why nothing was
     *     done
     */
    public @Nullable String changeMembership(final List<MembershipChange> changes) {
        if (role != Role.LEADER) {
            return "this node does not lead";
        }
        if (transferTarget != NONE) {
            return "leadership is being handed over";
        }
        // Thesis 4.1, as corrected in 2015: two leaders that each know a change which the other lacks could otherwise
        // decide by majorities that do not meet.
        if (commitIndex < termStartIndex && !bugChangeBeforeOwnTerm) {
            return "this leader has not committed an entry of its own term yet";
        }
        if (membership.isJoint() || memberships.lastIndex() > commitIndex) {
            return "a change is under way: " + memberships.last() + " at index " + memberships.lastIndex();
        }
        final String repairRefusal = refusalWhileRepairing(changes);
        if (repairRefusal != null) {
            return repairRefusal;
        }
        final Membership.Outcome outcome = membership.after(changes);
        final Membership target = outcome.target();
        if (target == null) {
            return outcome.refusal();
        }
        final String danger = danger(target);
        if (danger != null) {
            return danger;
        }
        return appendMembership(membership.towards(target)) ? null : "no room on the disk for a configuration entry";
    }

    /** A voter that repairs its log cannot help another configuration to a majority: only without it things may get better. */
    private @Nullable String refusalWhileRepairing(final List<MembershipChange> changes) {
        for (final Progress peer : peers) {
            if (peer.storage.isRepairing()
                    && membership.isVoter(peer.nodeId)
                    && !changes.stream().allMatch(this::removesRepairing)) {
                return "node " + peer.nodeId + " repairs its log: until that is done only its removal is possible";
            }
        }
        return null;
    }

    private boolean removesRepairing(final MembershipChange change) {
        if (!(change instanceof MembershipChange.Remove remove)) {
            return false;
        }
        final int ordinal = ordinalOf(remove.nodeId());
        return ordinal >= 0 && peers[ordinal].storage.isRepairing();
    }

    /** Why the voters of a configuration could not serve: who is new cannot vote yet, or too few of all can. */
    private @Nullable String danger(final Membership target) {
        final int[] targetVoters = target.voters();
        int able = 0;
        final StringBuilder missing = new StringBuilder();
        for (final int id : targetVoters) {
            final int ordinal = ordinalOf(id);
            if (ordinal >= 0 && membership.isLearner(id) && !isReadyToVote(peers[ordinal])) {
                return "node " + id + ' ' + whyNotReady(peers[ordinal]);
            }
            if (id == config.nodeId() || (ordinal >= 0 && isAble(peers[ordinal]))) {
                able++;
            } else {
                missing.append(missing.isEmpty() ? "" : ", ").append(id);
            }
        }
        final int majority = targetVoters.length / 2 + 1;
        return able >= majority
                ? null
                : "the quorum would be lost: of the voters " + Arrays.toString(targetVoters) + " node " + missing
                        + " cannot be reached or lacks the log, and a majority is " + majority;
    }

    private boolean isReachable(final Progress peer) {
        return peer.wasHeardWithin(config.electionMinTicks());
    }

    /** Whether entries can commit with it now. */
    private boolean isAble(final Progress peer) {
        return isReachable(peer) && peer.state != Progress.State.SNAPSHOT && !peer.full && !peer.storage.isRepairing();
    }

    private boolean isReadyToVote(final Progress peer) {
        return isAble(peer) && peer.caughtUp;
    }

    private String whyNotReady(final Progress peer) {
        if (!isReachable(peer)) {
            return "cannot be reached";
        }
        if (peer.storage.isRepairing()) {
            return "repairs its log";
        }
        if (peer.full) {
            return "has no room on its disk";
        }
        return peer.state == Progress.State.SNAPSHOT
                ? "is far behind: it is being sent a snapshot"
                : "has not caught up within an election timeout: it holds " + peer.matchIndex + " of "
                        + termRuns.lastIndex() + " entries";
    }

    /** A leader's next step in a change, at the end of a cycle: leaves a joint configuration, or promotes a learner. */
    private void goOnWithChange() {
        if (!(membership.isJoint() || promotionDue) || transferTarget != NONE || !isSettled()) {
            return;
        }
        if (membership.isJoint()) {
            // Without room for it now: tried again in the next cycle.
            appendMembership(membership.left());
            return;
        }
        promotionDue = false;
        for (int i = 0; i < peers.length; i++) {
            final int id = peers[i].nodeId;
            final int goal = membership.goal(id);
            if (goal != Membership.STAYS_LEARNER && isReadyToVote(peers[i])) {
                final MembershipChange promote = new MembershipChange.Promote(id);
                // Refused where it would lose the quorum; the next tick tries again.
                changeMembership(
                        goal == Membership.BECOMES_VOTER
                                ? List.of(promote)
                                : List.of(promote, new MembershipChange.Remove(goal)));
                return;
            }
        }
    }

    /** Whether the last configuration is committed, by a leader that knows what is. */
    private boolean isSettled() {
        return commitIndex >= termStartIndex && commitIndex >= memberships.lastIndex();
    }

    /** A leader that is not in the new configuration manages it until it is committed (thesis 4.2.2). */
    private boolean isRemovedForGood() {
        return !membership.isVoter(config.nodeId()) && isSettled();
    }

    private boolean appendMembership(final Membership next) {
        final long index = termRuns.lastIndex() + 1;
        if (!log.appendMembership(index, currentTerm, next)) {
            return false;
        }
        termRuns.append(index, currentTerm);
        takeMembership(index, next);
        return true;
    }

    /** Thesis 4.1: a node acts by the last configuration in its log, committed or not. */
    private void takeMembership(final long index, final Membership next) {
        memberships.append(index, next);
        actByLastMembership();
    }

    private void actByLastMembership() {
        useMembership();
        output.onMembershipChanged(membershipIndex, membership);
        if (role == Role.LEADER) {
            advanceLeaderCommit();
            confirmReads();
        }
    }

    /** Lays the members out anew; what is known about those that stay is kept. */
    private void useMembership() {
        final int row = memberships.rowAt(bugConfigurationWhenApplied ? appliedIndex : Long.MAX_VALUE);
        if (memberships.index(row) == membershipIndex) {
            return;
        }
        membership = memberships.membership(row);
        membershipIndex = memberships.index(row);
        final int[] ids = membership.members();
        final Progress[] laidOut = new Progress[ids.length];
        for (int i = 0; i < ids.length; i++) {
            final int known = Arrays.binarySearch(members, ids[i]);
            laidOut[i] = known >= 0 ? peers[known] : new Progress(ids[i]);
            if (known < 0 && role == Role.LEADER) {
                laidOut[i].becomeLeaderOf(termRuns.lastIndex());
            }
        }
        members = ids;
        peers = laidOut;
        selfOrdinal = Math.max(-1, Arrays.binarySearch(members, config.nodeId()));
        quorum = new JointQuorum(ordinals(membership.voters()), ordinals(membership.outgoing()));
        votes = new VoteTally(members.length);
        reached = new long[members.length];
    }

    private int[] ordinals(final int[] ids) {
        final int[] ordinals = new int[ids.length];
        for (int i = 0; i < ids.length; i++) {
            ordinals[i] = Arrays.binarySearch(members, ids[i]);
        }
        return ordinals;
    }

    /** The configuration by which this node acts: the last in its log. */
    public Membership membership() {
        return membership;
    }

    /** Index of the entry that holds it, 0 when it is that of the settings. */
    public long membershipIndex() {
        return membershipIndex;
    }

    /** Index of the last configuration that is known to be committed, 0 when it is that of the settings. */
    public long committedMembershipIndex() {
        return memberships.committedIndex();
    }

    /** Members of the committed configuration and of all behind it: with all of them this node may have to talk. */
    public int[] possibleMembers() {
        return memberships.members();
    }

    /** On a leader: whether a change is under way, whose last entry is not committed. */
    public boolean isMembershipChanging() {
        return membership.isJoint() || membershipIndex > commitIndex;
    }

    /** On a leader: whether the peer was heard within an election timeout. */
    public boolean isReachable(final int nodeId) {
        final int ordinal = ordinalOf(nodeId);
        return ordinal >= 0 && role == Role.LEADER && isReachable(peers[ordinal]);
    }

    /** On a leader: whether the learner could be promoted now. */
    public boolean isReadyToVote(final int nodeId) {
        final int ordinal = ordinalOf(nodeId);
        return ordinal >= 0 && role == Role.LEADER && membership.isLearner(nodeId) && isReadyToVote(peers[ordinal]);
    }

    // ---- reads ---------------------------------------------------------------------------------------------------

    /**
     * Asks for a linearizable read (ReadIndex, thesis 6.4). A follower asks its leader for the read index.
     *
     * @param readId above all earlier ones
     * @return false when this node neither leads nor knows a leader
     */
    public boolean requestRead(final long readId) {
        if (role == Role.LEADER) {
            reads.request(readId);
            return true;
        }
        if (role != Role.FOLLOWER || leaderId == NONE) {
            return false;
        }
        forwardedReads.request(readId);
        return true;
    }

    /** A follower asks for a read index. It repeats what gets no answer, so what cannot be answered here is dropped. */
    public void onReadIndexRequest(final int from, final long term, final long requestId) {
        final int ordinal = ordinalOf(from);
        if (ordinal < 0) {
            return;
        }
        if (term > currentTerm) {
            becomeFollower(term, NONE, "read request of a higher term");
            return;
        }
        final Progress peer = peers[ordinal];
        if (role == Role.LEADER && term == currentTerm && peer.readRequestId != requestId) {
            peer.readRequestId = requestId;
            peer.readRequestPosition = 0;
        }
    }

    /** The leader answers a request of this node. */
    public void onReadIndexReply(final int from, final long term, final long requestId, final long readIndex) {
        if (ordinalOf(from) < 0) {
            return;
        }
        if (term > currentTerm) {
            becomeFollower(term, NONE, "read reply of a higher term");
            return;
        }
        if (term == currentTerm && role == Role.FOLLOWER && from == leaderId) {
            final long lastReadId = forwardedReads.onReply(requestId);
            if (lastReadId != 0) {
                output.onReadsConfirmed(lastReadId, readIndex);
            }
        }
    }

    private boolean isPeerWaitingForRound() {
        for (final Progress peer : peers) {
            if (peer.readRequestId != 0 && peer.readRequestPosition == 0) {
                return true;
            }
        }
        return false;
    }

    /** Before an entry of its own term is committed a leader may not know what is committed (thesis 6.4). */
    private void startReadRound() {
        final boolean wanted = reads.canStartRound() || (reads.hasRoomForRound() && isPeerWaitingForRound());
        if (!wanted || (commitIndex < termStartIndex && !bugReadBeforeOwnTerm)) {
            return;
        }
        reads.startRound(planted(PlantedBug.READ_INDEX_OF_APPLIED) ? appliedIndex : commitIndex);
        noteLeaseRound();
        for (final Progress peer : peers) {
            peer.messageDue = true;
            if (peer.readRequestId != 0 && peer.readRequestPosition == 0) {
                peer.readRequestPosition = reads.position();
                peer.readRequestIndex = commitIndex;
            }
        }
        confirmReads();
    }

    private void confirmReads() {
        for (int i = 0; i < peers.length; i++) {
            final boolean known = i == selfOrdinal || planted(PlantedBug.READ_WITHOUT_ROUND);
            reached[i] = known ? reads.position() : peers[i].countedReadPosition();
        }
        final long confirmed = quorum.reached(reached);
        reads.confirm(confirmed, output);
        for (final Progress peer : peers) {
            peer.storage.onConfirmed(confirmed);
            if (peer.readRequestId != 0 && peer.readRequestPosition != 0 && peer.readRequestPosition <= confirmed) {
                output.sendReadIndexReply(peer.nodeId, currentTerm, peer.readRequestId, peer.readRequestIndex);
                peer.readRequestId = 0;
            }
        }
        if (leaseRoundPosition != 0 && leaseRoundPosition <= confirmed) {
            leaseRoundPosition = 0;
            leaseStartNs = planted(PlantedBug.LEASE_FROM_CONFIRMATION) ? nowNs : leaseRoundNs;
            leaseConfirmed = true;
            ticksInLease = 0;
        }
    }

    // ---- leases --------------------------------------------------------------------------------------------------

    /** With each heartbeat, which leaves behind this call; one round is measured at a time, however long it takes. */
    private void startLeaseRound() {
        if (config.leaseNs() > 0 && leaseRoundPosition == 0) {
            reads.nextPosition();
            noteLeaseRound();
            confirmReads();
        }
    }

    /** What a quorum confirms from now on was sent at this time or later: the lease is counted from here. */
    private void noteLeaseRound() {
        if (config.leaseNs() > 0 && leaseRoundPosition == 0) {
            leaseRoundPosition = reads.position();
            leaseRoundNs = nowNs;
        }
    }

    /**
     * Whether a read may be answered here and now from what is committed by {@link #commitIndex}, without a round (thesis
     * 6.4.1): a quorum has heard this leader so short a time ago that none of it has voted for another one since.
     *
     * @param monotonicNs the time now, read behind the arrival of the read: not that of the start of the cycle, for the
     *     process may have been stopped in between
     */
    public boolean holdsLease(final long monotonicNs) {
        if (role != Role.LEADER
                || !leaseConfirmed
                || (commitIndex < termStartIndex && !planted(PlantedBug.LEASE_BEFORE_OWN_TERM_COMMIT))) {
            return false;
        }
        // Votes that the leader asked for itself do not wait for its lease (thesis 6.4.1).
        if (timeoutNowTerm == currentTerm && !planted(PlantedBug.LEASE_KEPT_IN_TRANSFER)) {
            return false;
        }
        if (planted(PlantedBug.LEASE_ACROSS_PAUSE)) {
            return ticksInLease < config.electionMinTicks() - 1;
        }
        return monotonicNs - leaseStartNs < config.leaseNs();
    }

    /** The clock is in doubt: the next lease is that of a round which begins from now on. */
    public void voidLease() {
        leaseConfirmed = false;
        leaseRoundPosition = 0;
    }

    // ---- end of a cycle ------------------------------------------------------------------------------------------

    /** Sends what the cycle has gathered: one hard state, one AppendEntries per peer and batch, the due replies. */
    public void flush() {
        if (hardStateDirty) {
            hardStateDirty = false;
            output.persistHardState(hardStateSequence, currentTerm, votedFor, repair.flag());
        }
        if (role == Role.LEADER) {
            startRepairRounds();
            startReadRound();
            goOnWithChange();
            // Alone, a node's next force follows the last one without a cycle in between, and takes all that has come
            // meanwhile.
            releasedIndex = members.length == 1
                    ? termRuns.lastIndex()
                    : linger.release(termRuns.lastIndex(), commitIndex, nowNs);
            final boolean removed = isRemovedForGood();
            final boolean leaves = removed && !leaving;
            if (leaves) {
                // The rest need not wait for an election timeout.
                leaving = true;
                transferLeadership(NONE);
            }
            for (int i = 0; i < peers.length; i++) {
                if (i != selfOrdinal) {
                    // It may be the last message: it says that the entry which removes this leader is committed.
                    peers[i].messageDue |= leaves;
                    sendTo(peers[i]);
                    sendRepairTarget(peers[i]);
                }
            }
            if (transferTarget != NONE) {
                sendTimeoutNow();
            } else if (removed) {
                becomeFollower(currentTerm, NONE, "this node was removed from the cluster");
            }
        }
        sendReadRequest();
        sendVotes();
        sendReplies();
    }

    /**
     * False while the end of the log waits for the group before it: then the log must not be handed to the sync thread either, or
     * this node's disk would work for each entry by itself. For the time behind {@link #flush}.
     */
    public boolean isAllReleased() {
        return role != Role.LEADER || releasedIndex == termRuns.lastIndex();
    }

    private void sendTo(final Progress peer) {
        if (peer.state == Progress.State.SNAPSHOT) {
            sendToSnapshotPeer(peer);
            return;
        }
        if (peer.nextIndex <= base()) {
            // The log dropped what comes next. Only the peer's refusal of what stands before the rest shows that it
            // lacks it: a peer whose match is not known yet may well have it.
            peer.probeFrom(base() + 1);
        }
        if (peer.state == Progress.State.PROBE) {
            if (peer.messageDue || !(peer.probeOutstanding || peer.full)) {
                sendEntries(peer, peer.nextIndex - 1, peer.nextIndex - 1);
                peer.probeOutstanding = true;
            }
            return;
        }
        while (peer.nextIndex <= releasedIndex && hasWindow(peer)) {
            final long first = peer.nextIndex;
            long last = first;
            int bytes = log.entryBytes(first);
            while (last < releasedIndex && bytes + log.entryBytes(last + 1) <= config.maxAppendBytes()) {
                bytes += log.entryBytes(++last);
            }
            sendEntries(peer, first - 1, last);
            peer.inflights.add(last, bytes);
            peer.nextIndex = last + 1;
        }
        if (peer.messageDue) {
            sendEntries(peer, peer.nextIndex - 1, peer.nextIndex - 1);
        }
    }

    /** Heartbeats and read rounds go on; they ask for the log's start, so the answer tells when the peer has it. */
    private void sendToSnapshotPeer(final Progress peer) {
        if (peer.messageDue) {
            sendEntries(peer, base(), base());
        }
        if (peer.offerDue) {
            peer.offerDue = false;
            output.onPeerNeedsSnapshot(peer.nodeId);
        }
    }

    private boolean hasWindow(final Progress peer) {
        return peer.inflights.totalBytes() < config.maxInflightBytes()
                && peer.nextIndex - 1 - peer.matchIndex < config.maxInflightEntries();
    }

    private void sendEntries(final Progress peer, final long prevLogIndex, final long lastIndex) {
        check(
                prevLogIndex >= termRuns.firstIndex(),
                "peer needs what the log no longer holds",
                prevLogIndex,
                peer.nodeId);
        peer.messageDue = false;
        output.sendAppendEntries(
                peer.nodeId,
                currentTerm,
                prevLogIndex,
                termRuns.term(prevLogIndex),
                lastIndex,
                commitIndex,
                reads.position());
    }

    private void sendReadRequest() {
        if (isReleased(hardStateSequence, currentTerm)) {
            final long requestId = forwardedReads.takeRequest();
            if (requestId != 0) {
                output.sendReadIndexRequest(leaderId, currentTerm, requestId);
            }
        }
    }

    private void sendVotes() {
        // A reply names the current term, so it waits for the newest hard state, not only for that of its vote.
        final boolean released =
                isReleased(hardStateSequence, currentTerm) || planted(PlantedBug.VOTE_BEFORE_HARD_STATE);
        if (pendingVotes.isEmpty() || !released) {
            return;
        }
        for (int i = 0; i < pendingVotes.count(); i++) {
            final boolean preVote = pendingVotes.preVote(i);
            final long requestTerm = pendingVotes.requestTerm(i);
            // A vote that was granted in a term which is over by now is void.
            final boolean granted =
                    pendingVotes.granted(i) && (preVote ? requestTerm > currentTerm : requestTerm == currentTerm);
            output.sendVote(pendingVotes.to(i), currentTerm, preVote, requestTerm, granted);
        }
        pendingVotes.clear();
    }

    private void sendReplies() {
        if (!isReleased(hardStateSequence, currentTerm) && !planted(PlantedBug.REPLY_BEFORE_HARD_STATE)) {
            return;
        }
        if (rejectDue) {
            rejectDue = false;
            output.sendAppendEntriesRejected(
                    rejectTo,
                    currentTerm,
                    rejectPrevLogIndex,
                    rejectConflictIndex,
                    rejectConflictTerm,
                    rejectTo == leaderId ? receivedReadPosition : 0);
        }
        if (acceptDue) {
            acceptDue = false;
            if (role == Role.FOLLOWER && leaderId != NONE) {
                sentMatchIndex = claimableIndex();
                replyElapsed = 0;
                output.sendAppendEntriesAccepted(
                        leaderId, currentTerm, sentMatchIndex, verifiedIndex, receivedReadPosition, full);
            }
        }
    }

    // ---- views ---------------------------------------------------------------------------------------------------

    public Role role() {
        return role;
    }

    public long currentTerm() {
        return currentTerm;
    }

    public int votedFor() {
        return votedFor;
    }

    /** Id of the leader of the current term as far as it is known here, else 0. */
    public int leaderId() {
        return leaderId;
    }

    /** Ticks since this node heard the leader that it follows; 0 on a leader, -1 while it knows none. */
    public int ticksSinceLeader() {
        if (role == Role.LEADER) {
            return 0;
        }
        // Any other start of the election timer, for a vote or a campaign, leaves a node without a leader or without
        // this role.
        return role == Role.FOLLOWER && leaderId != NONE ? electionElapsed : -1;
    }

    public long commitIndex() {
        return commitIndex;
    }

    public long appliedIndex() {
        return appliedIndex;
    }

    public long lastIndex() {
        return termRuns.lastIndex();
    }

    public long lastTerm() {
        return termRuns.lastTerm();
    }

    /** On a leader: whether enough peers have room for entries, as they said last, that with this node they can commit. */
    public boolean quorumHasRoom() {
        for (int i = 0; i < peers.length; i++) {
            reached[i] = i != selfOrdinal && peers[i].full ? 0 : 1;
        }
        return quorum.reached(reached) == 1;
    }

    /** Highest index that a crash of this host cannot take away. */
    public long durableIndex() {
        return durableIndex;
    }

    /** Apply takes at most min(commit index, locally durable index), on every node. */
    public long applicableIndex() {
        return planted(PlantedBug.APPLY_BEYOND_DURABLE) ? commitIndex : Math.min(commitIndex, durableIndex);
    }

    /** Index before the first entry of the log: everything up to it is in a snapshot. */
    public long baseIndex() {
        return termRuns.firstIndex();
    }

    /** Term of an entry that is in the log, or of {@link #baseIndex}. */
    public long term(final long index) {
        return termRuns.term(index);
    }

    /** Whether this log may lack something that was acknowledged: then this node takes part in no decision. */
    public boolean isRepairing() {
        return repair.isUnderWay();
    }

    /** How often this log has lost something that may have been acknowledged. */
    public long storageEpoch() {
        return repair.storageEpoch();
    }

    /** The index at which the repair ends, negative while no leader has named it. */
    public long repairTarget() {
        return repair.target();
    }

    /** On a leader: whether the peer repairs its log. */
    public boolean isRepairing(final int nodeId) {
        final int ordinal = ordinalOf(nodeId);
        return ordinal >= 0 && role == Role.LEADER && peers[ordinal].storage.isRepairing();
    }

    /** On a leader: the storage epoch that the peer has told last. */
    public long storageEpoch(final int nodeId) {
        final int ordinal = ordinalOf(nodeId);
        return ordinal < 0 || role != Role.LEADER ? 0 : peers[ordinal].storage.epoch();
    }

    /** What a peer is known to hold durably; 0 for this node itself, or when this node does not lead. */
    public long matchIndex(final int nodeId) {
        final int ordinal = ordinalOf(nodeId);
        return ordinal < 0 || role != Role.LEADER ? 0 : peers[ordinal].matchIndex;
    }

    /** The entry that a peer is sent next; 0 for this node itself, or when this node does not lead. */
    public long nextIndex(final int nodeId) {
        final int ordinal = ordinalOf(nodeId);
        return ordinal < 0 || role != Role.LEADER ? 0 : peers[ordinal].nextIndex;
    }

    // For RaftInvariants.

    int nodeId() {
        return config.nodeId();
    }

    int memberCount() {
        return members.length;
    }

    Progress progress(final int ordinal) {
        return peers[ordinal];
    }

    long termStartIndex() {
        return termStartIndex;
    }

    long verifiedIndex() {
        return verifiedIndex;
    }

    long sentMatchIndex() {
        return sentMatchIndex;
    }

    private int ordinalOf(final int nodeId) {
        final int ordinal = Arrays.binarySearch(members, nodeId);
        return ordinal == selfOrdinal ? -1 : ordinal;
    }

    /** Whether a test has switched this mistake on; in production there are none. */
    private boolean planted(final PlantedBug bug) {
        return !bugs.isEmpty() && bugs.contains(bug);
    }

    private static void check(final boolean holds, final String invariant, final long found, final long bound) {
        if (!holds) {
            throw new InvariantViolation(invariant, found, bound);
        }
    }
}
