package dev.cairn.raft;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.IntUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * One core with its disk and its outputs. Nothing happens by itself: the test forces, flushes and delivers. Messages
 * that the core sends stand in {@link #sent}.
 */
final class TestNode implements RaftOutput {
    static final int HEARTBEAT = 2;
    static final int ELECTION = 10;

    record HardState(long sequence, long term, int votedFor) {}

    record RoleChange(Role role, long term, int leaderId) {}

    /** @param membership the last configuration in the log at that moment, whatever the core makes of it */
    record Commit(long index, Membership membership) {}

    record ConfirmedReads(long lastReadId, long readIndex) {}

    final int id;
    final RaftConfig config;
    final TestLog log;
    final Deque<Message> sent = new ArrayDeque<>();
    final Deque<HardState> pendingHardStates = new ArrayDeque<>();
    final List<Commit> commits = new ArrayList<>();
    final List<RoleChange> roleChanges = new ArrayList<>();
    final List<ConfirmedReads> confirmedReads = new ArrayList<>();
    int failedReads;
    /** The clock; stands still unless the test moves it. */
    long nowNs;

    int offeredSnapshots;
    int installs;
    /** Joint configurations that this node began as a leader. */
    int jointConfigurations;

    private final IntUnaryOperator jitter;
    private final @Nullable Consumer<String> trace;
    private HardState hardState;
    private long appliedIndex;
    /** What the state machine holds of configurations, by index. */
    private final TreeMap<Long, Membership> appliedMemberships = new TreeMap<>();

    /** What the hard state on disk says of repair, and of those on their way. */
    private boolean repairing;

    private long storageEpoch;
    private final Map<Long, Boolean> flags = new HashMap<>();
    /** Repairs that ended in any life. */
    int repairs;

    private RaftCore core;
    private RaftInvariants invariants;

    /** A node whose election timeout is always {@link #ELECTION} ticks. */
    static TestNode of(int id, int voters) {
        return new TestNode(config(id, voters), new TestLog(), new HardState(0, 0, 0), bound -> 0);
    }

    /** The same with a log that is durable and a current term. */
    static TestNode of(int id, int voters, long term, long... logTerms) {
        return new TestNode(config(id, voters), TestLog.ofTerms(logTerms), new HardState(1, term, 0), bound -> 0);
    }

    /** Node 1 of three with empty logs, see {@link #becomeSettledLeader}. */
    static TestNode leader() {
        return of(1, 3).becomeSettledLeader();
    }

    /** A follower of node 1 in term 1, which holds that one's no-op and has heard that it is committed. */
    static TestNode follower(int id) {
        TestNode follower = of(id, 3, 1, 1);
        follower.heartbeat(1, 1, 1, 1, 1, 0);
        follower.forceAll();
        follower.sent.clear();
        return follower;
    }

    static RaftConfig config(int id, int voters) {
        return RaftConfig.of(id, voterIds(voters), HEARTBEAT, ELECTION, ELECTION + 10);
    }

    static Set<Integer> voterIds(int voters) {
        return switch (voters) {
            case 1 -> Set.of(1);
            case 2 -> Set.of(1, 2);
            case 3 -> Set.of(1, 2, 3);
            case 5 -> Set.of(1, 2, 3, 4, 5);
            default -> throw new IllegalArgumentException("no test needs " + voters + " voters");
        };
    }

    TestNode(RaftConfig config, TestLog log, HardState hardState, IntUnaryOperator jitter) {
        this(config, log, hardState, jitter, null);
    }

    /** @param trace gets a line per output, null for none */
    TestNode(
            RaftConfig config,
            TestLog log,
            HardState hardState,
            IntUnaryOperator jitter,
            @Nullable Consumer<String> trace) {
        this.trace = trace;
        id = config.nodeId();
        this.config = config;
        this.log = log;
        this.hardState = hardState;
        this.jitter = jitter;
        appliedMemberships.put(0L, Membership.of(config.voters()));
        core = newCore();
        invariants = new RaftInvariants(core);
    }

    private RaftCore newCore() {
        long term = Math.max(hardState.term(), log.highestTerm());
        int vote = term == hardState.term() ? hardState.votedFor() : 0;
        return new RaftCore(
                config,
                term,
                vote,
                hardState.sequence(),
                hardState.term(),
                appliedIndex,
                appliedMemberships.floorKey(appliedIndex),
                appliedMembership(),
                repairing,
                storageEpoch,
                log,
                this,
                jitter);
    }

    /** What the log says, without asking the core: its last configuration entry, or the one that was applied before it. */
    Membership lastMembership() {
        long last = 0;
        for (long at = log.nextMembership(0); at != 0; at = log.nextMembership(at + 1)) {
            last = at;
        }
        return last != 0
                ? log.membership(last)
                : appliedMemberships.floorEntry(log.base()).getValue();
    }

    Membership appliedMembership() {
        return appliedMemberships.floorEntry(appliedIndex).getValue();
    }

    RaftCore core() {
        return core;
    }

    // ---- what a driver does --------------------------------------------------------------------------------------

    void receive(Message message) {
        core.now(nowNs);
        message.deliverTo(this);
        invariants.check();
    }

    void flush() {
        core.now(nowNs);
        core.flush();
        invariants.check();
    }

    void ticks(int count) {
        for (int i = 0; i < count; i++) {
            core.tick();
            flush();
        }
    }

    long propose(long payload) {
        return propose(payload, TestLog.ENTRY_BYTES);
    }

    long propose(long payload, int bytes) {
        log.stagePayload(payload, bytes);
        long index = core.propose(EntryType.COMMAND);
        log.unstage();
        return index;
    }

    void apply(long index) {
        long from = log.nextMembership(appliedIndex + 1);
        for (long at = from; at != 0 && at <= index; at = log.nextMembership(at + 1)) {
            appliedMemberships.put(at, log.membership(at));
        }
        core.onApplied(index);
        appliedIndex = index;
        invariants.check();
    }

    // ---- the disk ------------------------------------------------------------------------------------------------

    HardState hardState() {
        return hardState;
    }

    /** The oldest hard state on its way reaches the disk, and the core learns of it. */
    void forceOneHardState() {
        writeOneHardState();
        reportHardState(hardState);
    }

    void writeOneHardState() {
        hardState = pendingHardStates.remove();
    }

    void reportHardState(HardState durable) {
        core.onHardStateDurable(durable.sequence(), durable.term());
        invariants.check();
    }

    void forceHardStates() {
        while (!pendingHardStates.isEmpty()) {
            forceOneHardState();
        }
    }

    void forceLog() {
        forceLog(log.appendedPosition());
    }

    void forceLog(long position) {
        log.force(position);
        reportLog(position);
    }

    void reportLog(long position) {
        core.onLogDurable(position);
        invariants.check();
    }

    /** Both forces complete, and what they release leaves. */
    void forceAll() {
        flush();
        do {
            forceHardStates();
            forceLog();
            flush();
        } while (!pendingHardStates.isEmpty() || !log.isDurable(log.lastIndex()));
    }

    /** The host stops and starts again; of what was not forced nothing is left. */
    void crash() {
        crash(log.durablePosition(), 0, appliedIndex);
    }

    /**
     * @param survivingPosition the log survives to here, which may be more than what was forced
     * @param survivingHardStates of the hard states on their way, so many arrived after all
     * @param flushedApplied what the state machine finds as applied
     */
    void crash(long survivingPosition, int survivingHardStates, long flushedApplied) {
        for (int i = 0; i < survivingHardStates; i++) {
            writeOneHardState();
        }
        pendingHardStates.clear();
        readFlag();
        log.recover(survivingPosition);
        appliedIndex = flushedApplied;
        appliedMemberships.tailMap(flushedApplied, false).clear();
        sent.clear();
        core = newCore();
        invariants = new RaftInvariants(core);
    }

    private void readFlag() {
        repairing = flags.getOrDefault(hardState.sequence(), repairing);
        flags.clear();
    }

    /** Behind a crash: recovery has found damage, and keeps the log up to this entry, or nothing but what is applied. */
    void damage(long lastKept) {
        if (lastKept >= appliedIndex) {
            log.loseBehind(lastKept);
        } else {
            log.installSnapshot(appliedIndex, log.term(appliedIndex), log.chain(appliedIndex));
            log.loseBehind(appliedIndex);
        }
        repairing = true;
        storageEpoch++;
        hardState = new HardState(hardState.sequence() + 1, hardState.term(), hardState.votedFor());
        core = newCore();
        invariants = new RaftInvariants(core);
    }

    /** The driver has fetched a snapshot and restarts behind it, with all threads ended: what was on its way is on disk. */
    void install(long index, long term, long chain, long membershipIndex, Membership membership) {
        while (!pendingHardStates.isEmpty()) {
            writeOneHardState();
        }
        readFlag();
        log.installSnapshot(index, term, chain);
        appliedMemberships.put(membershipIndex, membership);
        appliedIndex = index;
        installs++;
        core = newCore();
        invariants = new RaftInvariants(core);
    }

    // ---- scripted steps ------------------------------------------------------------------------------------------

    /** The messages sent since the last call that are of one kind. */
    <M extends Message> List<M> take(Class<M> kind) {
        List<M> taken = sent.stream().filter(kind::isInstance).map(kind::cast).toList();
        sent.clear();
        return taken;
    }

    <M extends Message> M takeOne(Class<M> kind) {
        List<M> taken = take(kind);
        if (taken.size() != 1) {
            throw new AssertionError("expected one " + kind.getSimpleName() + ", got " + taken);
        }
        return taken.get(0);
    }

    /** Takes all messages of this kind, and returns the last. */
    <M extends Message> M takeLast(Class<M> kind) {
        List<M> taken = take(kind);
        if (taken.isEmpty()) {
            throw new AssertionError("no " + kind.getSimpleName());
        }
        return taken.get(taken.size() - 1);
    }

    /** As a candidate that a majority of others votes for; the no-op is durable here. */
    void becomeLeader() {
        startElection();
        long term = core.currentTerm();
        config.voters().stream().sorted().filter(voter -> voter != id).forEach(voter -> {
            if (core.role() == Role.CANDIDATE) {
                receive(new Message.Vote(voter, id, term, false, term, true));
            }
        });
        forceAll();
        sent.clear();
        if (core.role() != Role.LEADER) {
            throw new AssertionError("role is " + core.role());
        }
    }

    /** As {@link #becomeLeader}, of term 1 with an empty log: both peers hold its no-op, which is committed. */
    TestNode becomeSettledLeader() {
        becomeLeader();
        accept(2, 1, 1, 0);
        accept(3, 1, 1, 0);
        flush();
        sent.clear();
        return this;
    }

    /** A candidate whose hard state is durable and whose requests are sent. */
    void startElection() {
        while (core.role() != Role.PRE_CANDIDATE) {
            ticks(1);
        }
        long next = core.currentTerm() + 1;
        config.voters().stream().sorted().filter(voter -> voter != id).forEach(voter -> {
            if (core.role() == Role.PRE_CANDIDATE) {
                receive(new Message.Vote(voter, id, next - 1, true, next, true));
            }
        });
        sent.clear();
        forceAll();
    }

    /** An AppendEntries of peer {@code from} whose entries have the given terms. */
    void append(int from, long term, long prevLogIndex, long prevLogTerm, long leaderCommit, long... entryTerms) {
        List<Message.Entry> entries = new ArrayList<>();
        for (long entryTerm : entryTerms) {
            entries.add(new Message.Entry(entryTerm, EntryType.COMMAND, entryTerm, TestLog.ENTRY_BYTES));
        }
        receive(new Message.Append(from, id, term, prevLogIndex, prevLogTerm, leaderCommit, 0, entries));
    }

    /** A message without entries. */
    void heartbeat(int from, long term, long prevLogIndex, long prevLogTerm, long leaderCommit, long readPosition) {
        receive(new Message.Append(from, id, term, prevLogIndex, prevLogTerm, leaderCommit, readPosition, List.of()));
    }

    void accept(int from, long matchIndex, long verifiedIndex, long readPosition) {
        receive(new Message.Accepted(from, id, core.currentTerm(), matchIndex, verifiedIndex, readPosition));
    }

    void reject(int from, long prevLogIndex, long conflictIndex, long conflictTerm) {
        receive(new Message.Rejected(from, id, core.currentTerm(), prevLogIndex, conflictIndex, conflictTerm, 0));
    }

    // ---- outputs -------------------------------------------------------------------------------------------------

    @Override
    public void sendRequestVote(
            int to, long term, boolean preVote, boolean byTransfer, long lastLogIndex, long lastLogTerm) {
        send(new Message.VoteRequest(id, to, term, preVote, byTransfer, lastLogIndex, lastLogTerm));
    }

    @Override
    public void sendReadIndexRequest(int to, long term, long requestId) {
        send(new Message.ReadIndexRequest(id, to, term, requestId));
    }

    @Override
    public void sendReadIndexReply(int to, long term, long requestId, long readIndex) {
        send(new Message.ReadIndexReply(id, to, term, requestId, readIndex));
    }

    @Override
    public void sendTimeoutNow(int to, long term) {
        send(new Message.TimeoutNow(id, to, term));
    }

    @Override
    public void sendVote(int to, long term, boolean preVote, long requestTerm, boolean granted) {
        send(new Message.Vote(id, to, term, preVote, requestTerm, granted));
    }

    @Override
    public void sendAppendEntries(
            int to,
            long term,
            long prevLogIndex,
            long prevLogTerm,
            long lastIndex,
            long commitIndex,
            long readPosition) {
        send(new Message.Append(
                id,
                to,
                term,
                prevLogIndex,
                prevLogTerm,
                commitIndex,
                readPosition,
                log.entries(prevLogIndex + 1, lastIndex)));
    }

    @Override
    public void sendAppendEntriesAccepted(
            int to, long term, long matchIndex, long verifiedIndex, long readPosition, boolean full) {
        sendOfStorage(new Message.Accepted(id, to, term, matchIndex, verifiedIndex, readPosition, full));
    }

    @Override
    public void sendAppendEntriesRejected(
            int to, long term, long prevLogIndex, long conflictIndex, long conflictTerm, long readPosition) {
        sendOfStorage(new Message.Rejected(id, to, term, prevLogIndex, conflictIndex, conflictTerm, readPosition));
    }

    @Override
    public void persistHardState(long sequence, long term, int votedFor, boolean stillRepairing) {
        HardState state = new HardState(sequence, term, votedFor);
        pendingHardStates.add(state);
        flags.put(sequence, stillRepairing);
        trace(state);
    }

    @Override
    public void sendRepairTarget(int to, long term, long ofEpoch, long index) {
        send(new Message.RepairTarget(id, to, term, ofEpoch, index));
    }

    @Override
    public void onRepairTarget(long index) {
        trace("repair target " + index);
    }

    @Override
    public void onRepairDone() {
        repairs++;
        trace("repair done");
    }

    /** An answer to AppendEntries, with what the driver adds to it. */
    private void sendOfStorage(Message answer) {
        boolean plain = storageEpoch == 0;
        send(plain ? answer : new Message.OfStorage(answer, storageEpoch, core.isRepairing()));
    }

    @Override
    public void onCommitAdvanced(long commitIndex) {
        commits.add(new Commit(commitIndex, lastMembership()));
        trace("commit " + commitIndex);
    }

    @Override
    public void onPeerNeedsSnapshot(int peerId) {
        offeredSnapshots++;
        send(new Message.Snapshot(
                id,
                peerId,
                core.currentTerm(),
                appliedIndex,
                log.term(appliedIndex),
                log.chain(appliedIndex),
                appliedMemberships.floorKey(appliedIndex),
                appliedMembership()));
        trace("peer " + peerId + " needs a snapshot");
    }

    @Override
    public void onReadsConfirmed(long lastReadId, long readIndex) {
        ConfirmedReads reads = new ConfirmedReads(lastReadId, readIndex);
        confirmedReads.add(reads);
        trace(reads);
    }

    @Override
    public void onReadsFailed() {
        failedReads++;
        trace("reads failed");
    }

    @Override
    public void onMembershipChanged(long index, Membership membership) {
        jointConfigurations += core.role() == Role.LEADER && membership.isJoint() ? 1 : 0;
        trace("membership " + membership + " of " + index);
    }

    @Override
    public void onRoleChanged(Role role, long term, int leaderId, String reason) {
        RoleChange change = new RoleChange(role, term, leaderId);
        roleChanges.add(change);
        trace(change);
    }

    private void send(Message message) {
        sent.add(message);
        trace(message);
    }

    private void trace(Object output) {
        if (trace != null) {
            trace.accept(id + ": " + output);
        }
    }
}
