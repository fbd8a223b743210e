package dev.cairn.testkit.sim;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.cairn.engine.AppliedState;
import dev.cairn.engine.KvReader;
import dev.cairn.engine.ValueDescriptor;
import dev.cairn.protocol.Status;
import dev.cairn.raft.Membership;
import dev.cairn.raft.RaftCore;
import dev.cairn.raft.RaftInvariants;
import dev.cairn.raft.Role;
import dev.cairn.server.replica.PeerProtocol;
import dev.cairn.server.replica.Replica;
import dev.cairn.testkit.LinearizabilityChecker;
import dev.cairn.wal.HardState;
import dev.cairn.wal.LogCursor;
import dev.cairn.wal.Wal;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;

/**
 * What must hold in a cluster at every moment (Raft figure 3 and safety under crashes), checked after each step of each
 * agent at a cost of what changed in that step. It sees everything, also what no node can know; it looks only at what nodes
 * do and hold, never at how they came to it. What one core must keep by itself, {@link RaftInvariants} checks.
 *
 * <p>Checks by name: election-safety, elected-by-quorum, one-vote, vote-safe, vote-kept, vote-durable, term-durable, term-forward, commit-forward,
 * log-matching, log-time, leader-append-only, leader-completeness, state-machine-safety, commit-kept, commit-durable, commit-safe, durable-truth,
 * promise-kept, match-true, repaired-whole, install-forward, snapshot-safe, snapshot-content, same-content, applied-bound, digest, answer, row, read-fresh, content.
 */
final class ClusterInvariants {
    /** What is known about one node over all its lives. */
    private static final class NodeView {
        long[] terms = new long[256];
        long lastIndex;
        long truncationEpoch;
        long term;
        long commitIndex;
        long ledTerm;
        boolean wasLeader;
        /** Durable, so it must still be there after any crash; goes down when the log truncates. */
        long durableIndex;

        /** Highest term that the node has told anybody. */
        long toldTerm;

        /** Its log has lost something that it had acknowledged: it counts as one that may hold it, and does not vote. */
        boolean repairing;

        long storageEpoch;
        /** What had committed anywhere when that was found. */
        int lostBehind;

        /** By which it acted at the end of its last step. */
        Membership membership;

        long membershipIndex;

        NodeView(Membership membership) {
            this.membership = membership;
        }

        @Nullable
        Replica replica;

        @Nullable
        LogCursor cursor;

        @Nullable
        RaftInvariants ownRules;

        void term(long index, long termThere) {
            if (index >= terms.length) {
                terms = Arrays.copyOf(terms, terms.length * 2);
            }
            terms[(int) index] = termThere;
        }

        long term(long index) {
            return terms[(int) index];
        }
    }

    private final int nodes;
    private final Membership all;
    private final NodeView[] views;
    private final Map<Long, Integer> leaders = new HashMap<>();
    private final Map<Long, int[]> votes = new HashMap<>();

    /** By index: the different entries that ever stood there. */
    private final List<List<LogEntry>> entries = new ArrayList<>();

    /** By index, from 1. */
    private final List<LogEntry> committed = new ArrayList<>();

    private final List<Long> commitTerms = new ArrayList<>();
    private final List<Long> digests = new ArrayList<>();

    /** Of the content at an index, as the first node had it there. */
    private final Map<Long, Long> contentHashes = new HashMap<>();

    /** By index and term of their entries: all configurations by which a node ever acted. */
    private final NavigableMap<Long, Map<Long, Membership>> memberships = new TreeMap<>();

    private final ReferenceModel model = new ReferenceModel();

    ClusterInvariants(int nodes) {
        this.nodes = nodes;
        views = new NodeView[nodes + 1];
        all = Membership.of(IntStream.rangeClosed(1, nodes).boxed().collect(Collectors.toSet()));
        for (int i = 1; i <= nodes; i++) {
            views[i] = new NodeView(all);
        }
        digests.add(0L);
    }

    private static void check(boolean holds, String name, int node, String what) {
        if (!holds) {
            throw new InvariantBroken(name, "node " + node + ": " + what);
        }
    }

    // ---- a life begins

    /** After recovery, before the first step. */
    void onStart(int node, Replica replica) {
        NodeView view = views[node];
        RaftCore core = replica.consensus().core();
        Wal wal = replica.wal();
        view.replica = replica;
        view.cursor = wal.newLoopCursor();
        view.ownRules = new RaftInvariants(core);
        view.truncationEpoch = wal.truncationEpoch();
        view.wasLeader = false;
        if (core.currentTerm() < view.toldTerm) {
            check(false, "term-forward", node, "starts in term " + core.currentTerm() + ", told " + view.toldTerm);
        }
        int[] ofTerm = votes.get(core.currentTerm());
        if (ofTerm != null && ofTerm[node] != 0 && ofTerm[node] != core.votedFor()) {
            check(
                    false,
                    "vote-kept",
                    node,
                    "voted for " + ofTerm[node] + " in term " + core.currentTerm() + ", after a crash for "
                            + core.votedFor());
        }
        view.term = core.currentTerm();
        view.commitIndex = core.commitIndex();
        if (!hasLost(view, core)) {
            checkPromise(node, view, core);
        }
        checkBase(node, core);
        view.lastIndex = 0;
        view.durableIndex = 0;
        readLog(node, view, core, core.baseIndex() + 1);
        view.durableIndex = core.lastIndex();
        followMembership(view, core);
        onCommit(node, view, core, 0);
        checkApplied(node);
    }

    /** By its own word, from which on it counts no more. */
    private boolean hasLost(NodeView view, RaftCore core) {
        if (core.storageEpoch() <= view.storageEpoch) {
            return false;
        }
        view.storageEpoch = core.storageEpoch();
        view.repairing = true;
        view.lostBehind = committed.size();
        return true;
    }

    /** A node that votes again holds all that it may have helped to commit. */
    private void checkRepaired(int node, NodeView view, RaftCore core) {
        if (!view.repairing || core.isRepairing()) {
            return;
        }
        view.repairing = false;
        int index = view.lostBehind;
        if (index > 0 && !(holds(view, index) && view.durableIndex >= index)) {
            check(
                    false,
                    "repaired-whole",
                    node,
                    "ends its repair without " + committed.get(index - 1) + "; its log ends at " + view.lastIndex
                            + ", durable is " + view.durableIndex);
        }
    }

    private void checkPromise(int node, NodeView view, RaftCore core) {
        long kept = view.durableIndex;
        boolean there = kept <= core.baseIndex()
                ? kept == 0 || holds(view, (int) kept)
                : core.lastIndex() >= kept && core.term(kept) == view.term(kept);
        if (!there) {
            check(
                    false,
                    "promise-kept",
                    node,
                    "entry (" + kept + ", term " + view.term(kept)
                            + ") was durable and is gone after a crash; log ends at (" + core.lastIndex() + ", term "
                            + core.lastTerm() + ")");
        }
    }

    /** Everything below the log's start is committed. */
    private void checkBase(int node, RaftCore core) {
        long base = core.baseIndex();
        if (base > committed.size() || (base > 0 && committed.get((int) base - 1).term != core.term(base))) {
            check(
                    false,
                    "snapshot-safe",
                    node,
                    "log begins behind (" + base + ", term " + core.term(base) + "), committed is "
                            + (base > committed.size() ? "nothing there" : committed.get((int) base - 1)));
        }
    }

    /** A snapshot was finished, or stands in the place of a store: at equal index all have equal content. */
    void onSnapshot(int node, AppliedState applied, long contentHash) {
        long index = applied.index();
        if (index >= digests.size() || digests.get((int) index) != applied.digest()) {
            check(false, "snapshot-content", node, "snapshot at " + index + " is not of the committed entries");
        }
        Long other = contentHashes.putIfAbsent(index, contentHash);
        if (other != null && other != contentHash) {
            check(false, "snapshot-content", node, "snapshot at " + index + " differs from a store there");
        }
    }

    /** A batch was applied: at equal index all nodes hold equal rows, sessions included. */
    void onContent(int node, long appliedIndex, long contentHash) {
        Long other = contentHashes.putIfAbsent(appliedIndex, contentHash);
        if (other != null && other != contentHash) {
            check(false, "same-content", node, "content at " + appliedIndex + " differs from another node's there");
        }
    }

    /**
     * The intent to install a snapshot is durable: from now on everything up to its index survives any crash here. What the
     * log held behind it stays when it holds that entry; else it is of no leader that could commit it, and goes.
     */
    void onInstall(int node, long index, long term) {
        NodeView view = views[node];
        if (index <= view.commitIndex) {
            check(false, "install-forward", node, "installs " + index + ", committed was " + view.commitIndex);
        }
        if (index > committed.size() || committed.get((int) index - 1).term != term) {
            check(false, "snapshot-safe", node, "installs (" + index + ", term " + term + "), which is not committed");
        }
        boolean reaches = view.lastIndex >= index && view.term(index) == term;
        view.durableIndex = reaches ? Math.max(view.durableIndex, index) : index;
        view.lastIndex = reaches ? view.lastIndex : index;
        for (long i = 1; i <= index; i++) {
            view.term(i, committed.get((int) i - 1).term);
        }
        view.membership = reaches ? view.membership : committedMembership(index);
        view.replica = null;
        view.cursor = null;
        view.ownRules = null;
    }

    /** Before the disk crashes, perhaps in the middle of a step: what the node has let go need not come back. */
    void onCrash(int node) {
        NodeView view = views[node];
        Replica replica = view.replica;
        if (replica != null) {
            noteTruncation(node, view, replica.consensus().core(), replica.wal());
        }
        view.replica = null;
        view.cursor = null;
        view.ownRules = null;
    }

    // ---- steps

    /** After each step of any agent of the node. */
    void afterStep(int node) {
        NodeView view = views[node];
        Replica replica = view.replica;
        if (replica == null) {
            return;
        }
        RaftCore core = replica.consensus().core();
        Wal wal = replica.wal();
        checkTerm(node, view, core);
        followLog(node, view, core, wal);
        long before = view.commitIndex;
        if (core.commitIndex() != before) {
            if (core.commitIndex() < before) {
                check(false, "commit-forward", node, "commit " + core.commitIndex() + " after " + before);
            }
            view.commitIndex = core.commitIndex();
            onCommit(node, view, core, before);
        }
        checkLeader(node, view, core);
        checkRepaired(node, view, core);
        followMembership(view, core);
        checkApplied(node);
        RaftInvariants ownRules = view.ownRules;
        if (ownRules != null) {
            ownRules.check();
        }
    }

    private void followMembership(NodeView view, RaftCore core) {
        long index = core.membershipIndex();
        if (index != view.membershipIndex && index > core.baseIndex()) {
            memberships.computeIfAbsent(index, any -> new HashMap<>()).put(core.term(index), core.membership());
        }
        view.membershipIndex = index;
        view.membership = core.membership();
    }

    /** The last configuration among the committed entries up to this one. */
    private Membership committedMembership(long index) {
        for (Map.Entry<Long, Map<Long, Membership>> at :
                memberships.headMap(index, true).descendingMap().entrySet()) {
            Membership found = at.getValue().get(committed.get((int) (at.getKey() - 1)).term);
            if (found != null) {
                return found;
            }
        }
        return all;
    }

    private void checkTerm(int node, NodeView view, RaftCore core) {
        if (core.currentTerm() < view.term) {
            check(false, "term-forward", node, "term " + core.currentTerm() + " after " + view.term);
        }
        view.term = core.currentTerm();
    }

    private void followLog(int node, NodeView view, RaftCore core, Wal wal) {
        noteTruncation(node, view, core, wal);
        long last = core.lastIndex();
        if (last < view.lastIndex) {
            check(false, "log-matching", node, "log went from " + view.lastIndex + " to " + last + " untruncated");
        }
        readLog(node, view, core, view.lastIndex + 1);
        checkDurable(node, view, core, wal);
    }

    private void noteTruncation(int node, NodeView view, RaftCore core, Wal wal) {
        if (wal.truncationEpoch() == view.truncationEpoch) {
            return;
        }
        view.truncationEpoch = wal.truncationEpoch();
        long last = Math.min(core.lastIndex(), view.lastIndex);
        long same = Math.min(Math.max(view.commitIndex, core.baseIndex()), last);
        while (same < last && core.term(same + 1) == view.term(same + 1)) {
            same++;
        }
        if (same < view.lastIndex) {
            onTruncated(node, view, core, same);
        }
    }

    private void onTruncated(int node, NodeView view, RaftCore core, long toIndex) {
        if (view.wasLeader && core.role() == Role.LEADER && core.currentTerm() == view.ledTerm) {
            check(false, "leader-append-only", node, "leader of " + view.ledTerm + " truncated to " + toIndex);
        }
        if (toIndex < view.commitIndex) {
            check(false, "commit-kept", node, "truncated to " + toIndex + " below commit " + view.commitIndex);
        }
        view.lastIndex = toIndex;
        view.durableIndex = Math.min(view.durableIndex, toIndex);
    }

    /** Two logs that agree on an entry's index and term hold the same up to it: by induction over its predecessor's term. */
    private void readLog(int node, NodeView view, RaftCore core, long fromIndex) {
        LogCursor cursor = view.cursor;
        long last = core.lastIndex();
        for (long index = fromIndex; index <= last; index++) {
            long term = core.term(index);
            if (cursor == null || !cursor.seek(index) || cursor.index() != index || cursor.term() != term) {
                check(false, "log-matching", node, "entry (" + index + ", " + term + ") cannot be read from the log");
                return;
            }
            long previousTerm = index == 1 ? 0 : core.term(index - 1);
            LogEntry known = entry(index, term);
            if (known == null) {
                remember(node, new LogEntry(cursor, previousTerm));
            } else if (known.crc != cursor.crc() || known.previousTerm != previousTerm) {
                check(
                        false,
                        "log-matching",
                        node,
                        known + " follows term " + known.previousTerm + " elsewhere; here crc "
                                + Integer.toHexString(cursor.crc()) + " follows term " + previousTerm);
            }
            view.term(index, term);
        }
        view.lastIndex = last;
    }

    private @Nullable LogEntry entry(long index, long term) {
        if (index >= entries.size()) {
            return null;
        }
        for (LogEntry entry : entries.get((int) index)) {
            if (entry.term == term) {
                return entry;
            }
        }
        return null;
    }

    private void remember(int node, LogEntry entry) {
        LogEntry previous = entry(entry.index - 1, entry.previousTerm);
        if (previous != null && entry.logTimeMs < previous.logTimeMs) {
            check(false, "log-time", node, entry + " at " + entry.logTimeMs + " ms follows " + previous.logTimeMs);
        }
        while (entries.size() <= entry.index) {
            entries.add(new ArrayList<>(1));
        }
        entries.get((int) entry.index).add(entry);
    }

    private void checkDurable(int node, NodeView view, RaftCore core, Wal wal) {
        long durable = wal.durableIndex();
        if (core.durableIndex() > durable) {
            check(
                    false,
                    "durable-truth",
                    node,
                    "core takes " + core.durableIndex() + " for durable, the log is up to " + durable);
        }
        view.durableIndex = Math.max(view.durableIndex, durable);
    }

    // ---- commit

    private void onCommit(int node, NodeView view, RaftCore core, long fromIndex) {
        if (core.commitIndex() > view.lastIndex) {
            check(false, "commit-kept", node, "commit " + core.commitIndex() + " above the log's " + view.lastIndex);
        }
        for (long index = fromIndex + 1; index <= core.commitIndex(); index++) {
            long term = view.term(index);
            if (index <= committed.size()) {
                LogEntry there = committed.get((int) index - 1);
                if (there.term != term) {
                    check(false, "state-machine-safety", node, "commits term " + term + ", elsewhere " + there);
                }
            } else {
                commit(node, index, term, core.currentTerm());
            }
        }
        if (core.role() == Role.LEADER) {
            checkCommitIsDurable(node, view, core);
            checkCommitIsSafe(node, view, core.commitIndex());
        }
    }

    private void commit(int node, long index, long term, long inTerm) {
        LogEntry entry = entry(index, term);
        if (entry == null || index != committed.size() + 1) {
            check(false, "commit-kept", node, "commits (" + index + ", " + term + ") behind " + committed.size());
            return;
        }
        committed.add(entry);
        commitTerms.add(inTerm);
        digests.add(digest(digests.get(digests.size() - 1), index, term, entry.crc));
        model.apply(entry);
    }

    /** The same mix as the state machine's, which never changes. */
    private static long digest(long digest, long index, long term, int entryCrc) {
        long withIndex = SimRandom.mix(digest ^ SimRandom.mix(index + 0x9E3779B97F4A7C15L));
        return SimRandom.mix(SimRandom.mix(withIndex ^ term) + (entryCrc & 0xFFFF_FFFFL));
    }

    /** Committed means: no crash of any minority can take it away. */
    private void checkCommitIsDurable(int node, NodeView view, RaftCore core) {
        long index = core.commitIndex();
        long term = view.term(index);
        IntPredicate holds =
                id -> views[id].repairing || (views[id].durableIndex >= index && views[id].term(index) == term);
        if (index > 0 && !isQuorum(view, core, holds)) {
            check(
                    false,
                    "commit-durable",
                    node,
                    "commits (" + index + ", term " + term + ") in " + core.membership() + ", durable on "
                            + those(holds));
        }
    }

    /**
     * A majority of the voters by whom the leader acts, of both configurations while it is joint. Within one step a leader may
     * commit by one configuration and append the next: so that of the step before counts, too.
     */
    private boolean isQuorum(NodeView view, RaftCore core, IntPredicate has) {
        return isQuorum(core.membership(), has) || isQuorum(view.membership, has);
    }

    private boolean isQuorum(Membership membership, IntPredicate has) {
        int incoming = 0;
        int outgoing = 0;
        for (int id = 1; id <= nodes; id++) {
            int vote = has.test(id) ? 1 : -1;
            incoming += membership.isIncomingVoter(id) ? vote : 0;
            outgoing += membership.isOutgoingVoter(id) ? vote : 0;
        }
        return incoming > 0 && (outgoing > 0 || !membership.isJoint());
    }

    private List<Integer> those(IntPredicate which) {
        return IntStream.rangeClosed(1, nodes).filter(which).boxed().toList();
    }

    /** Committed means also: nobody who lacks the entry could win an election, whoever crashes (Raft 5.4.1, figure 8). */
    private void checkCommitIsSafe(int node, NodeView view, long index) {
        for (int candidate = 1; index > 0 && candidate <= nodes; candidate++) {
            NodeView other = views[candidate];
            if (other.repairing || (other.lastIndex >= index && other.term(index) == view.term(index))) {
                continue;
            }
            int lacking = candidate;
            IntPredicate votes =
                    voter -> voter == lacking || (!views[voter].repairing && wouldVote(views[voter], other));
            if (isQuorum(other.membership, votes)) {
                check(
                        false,
                        "commit-safe",
                        node,
                        "commits (" + index + ", term " + view.term(index) + "); node " + candidate
                                + " lacks it, its log ends at (" + other.lastIndex + ", term "
                                + other.term(other.lastIndex) + "), and of " + other.membership + " "
                                + those(votes) + " would elect it");
            }
        }
    }

    /** By their logs; the voter's is at least what is durable. */
    private static boolean wouldVote(NodeView voter, NodeView candidate) {
        long voterTerm = voter.term(voter.durableIndex);
        long candidateTerm = candidate.term(candidate.lastIndex);
        return candidateTerm > voterTerm || (candidateTerm == voterTerm && candidate.lastIndex >= voter.durableIndex);
    }

    // ---- leaders and votes

    private void checkLeader(int node, NodeView view, RaftCore core) {
        boolean leads = core.role() == Role.LEADER;
        if (leads && !(view.wasLeader && view.ledTerm == core.currentTerm())) {
            onElected(node, view, core);
        }
        if (leads) {
            checkMatches(node, core);
        }
        view.wasLeader = leads;
        view.ledTerm = leads ? core.currentTerm() : view.ledTerm;
    }

    /** What a leader takes for durable on a peer that follows it is so, as long as it has not heard of a loss there. */
    private void checkMatches(int node, RaftCore core) {
        for (int peer = 1; peer <= nodes; peer++) {
            NodeView other = views[peer];
            if (other.term == core.currentTerm()
                    && other.storageEpoch == core.storageEpoch(peer)
                    && core.matchIndex(peer) > other.durableIndex) {
                check(
                        false,
                        "match-true",
                        node,
                        "takes " + core.matchIndex(peer) + " for durable on node " + peer + ", where "
                                + other.durableIndex + " is");
            }
        }
    }

    private void onElected(int node, NodeView view, RaftCore core) {
        Integer other = leaders.put(core.currentTerm(), node);
        if (other != null) {
            check(false, "election-safety", node, "leads term " + core.currentTerm() + ", so did node " + other);
        }
        checkElectedByQuorum(node, view, core);
        // What a later term has committed, this leader, elected late, need not have.
        int index = committed.size();
        while (index > 0 && commitTerms.get(index - 1) >= core.currentTerm()) {
            index--;
        }
        if (index > 0 && !holds(view, index)) {
            check(
                    false,
                    "leader-completeness",
                    node,
                    "leads term " + core.currentTerm() + " without " + committed.get(index - 1) + ", committed in term "
                            + commitTerms.get(index - 1));
        }
    }

    /** A single node votes for itself without a word. */
    private void checkElectedByQuorum(int node, NodeView view, RaftCore core) {
        long term = core.currentTerm();
        int[] ofTerm = votes.getOrDefault(term, new int[nodes + 1]);
        IntPredicate voted = id -> id == node || ofTerm[id] == node;
        if (!isQuorum(view, core, voted)) {
            check(
                    false,
                    "elected-by-quorum",
                    node,
                    "leads term " + term + " in " + core.membership() + " with the votes of " + those(voted));
        }
    }

    /** Each frame when it leaves. */
    void onSend(int from, int to, byte[] frame) {
        NodeView view = views[from];
        int type = SimNetwork.type(frame);
        long term = SimNetwork.blockLong(frame, 0);
        boolean preVote = type == PeerProtocol.REQUEST_VOTE
                && SimNetwork.blockByte(frame, PeerProtocol.RequestVote.PRE_VOTE_OFFSET) != 0;
        if (preVote) {
            return;
        }
        view.toldTerm = Math.max(view.toldTerm, term);
        Replica replica = view.replica;
        HardState onDisk = replica == null ? null : replica.logSync().durable();
        if (onDisk == null || onDisk.term() < term) {
            check(false, "term-durable", from, "speaks in term " + term + ", on disk is " + onDisk);
            return;
        }
        boolean grants = type == PeerProtocol.VOTE
                && SimNetwork.blockByte(frame, PeerProtocol.Vote.GRANTED_OFFSET) != 0
                && SimNetwork.blockByte(frame, PeerProtocol.Vote.PRE_VOTE_OFFSET) == 0;
        if (grants || type == PeerProtocol.REQUEST_VOTE) {
            int candidate = grants ? to : from;
            if (onDisk.term() != term || onDisk.votedFor() != candidate) {
                check(false, "vote-durable", from, "votes for " + candidate + " in " + term + ", on disk is " + onDisk);
            }
            onVote(from, term, candidate);
            checkVoteIsSafe(from, term, candidate);
        }
    }

    private void onVote(int voter, long term, int candidate) {
        int[] ofTerm = votes.computeIfAbsent(term, any -> new int[nodes + 1]);
        if (ofTerm[voter] != 0 && ofTerm[voter] != candidate) {
            check(
                    false,
                    "one-vote",
                    voter,
                    "votes for " + candidate + " in term " + term + " after a vote for " + ofTerm[voter]);
        }
        ofTerm[voter] = candidate;
    }

    /** Who holds a committed entry does not vote for one who lacks it (Raft 5.4.1). */
    private void checkVoteIsSafe(int voter, long term, int candidate) {
        Replica replica = views[candidate].replica;
        if (replica == null) {
            return;
        }
        RaftCore core = replica.consensus().core();
        boolean counts = core.currentTerm() == term && (core.role() == Role.CANDIDATE || core.role() == Role.LEADER);
        if (!counts) {
            // The vote comes too late, perhaps to a later life whose log has lost something.
            return;
        }
        int index = committed.size();
        // An entry of an older term counts only together with the later one that committed it.
        while (index > 0
                && (commitTerms.get(index - 1) >= term
                        || committed.get(index - 1).term != commitTerms.get(index - 1))) {
            index--;
        }
        if (index > 0 && holds(views[voter], index) && !holds(views[candidate], index)) {
            check(
                    false,
                    "vote-safe",
                    voter,
                    "votes in term " + term + " for " + candidate + ", which lacks " + committed.get(index - 1));
        }
    }

    private boolean holds(NodeView view, int index) {
        return view.lastIndex >= index && view.term(index) == committed.get(index - 1).term;
    }

    // ---- applied

    private void checkApplied(int node) {
        NodeView view = views[node];
        Replica replica = view.replica;
        if (replica == null) {
            return;
        }
        long applied = replica.apply().appliedIndex();
        if (applied > view.commitIndex || applied > view.durableIndex) {
            check(
                    false,
                    "applied-bound",
                    node,
                    "applied " + applied + ", commit " + view.commitIndex + ", durable " + view.durableIndex);
        }
        if (applied >= digests.size() || replica.apply().digest() != digests.get((int) applied)) {
            check(false, "digest", node, "state at " + applied + " is not what the committed entries make");
        }
    }

    // ---- clients

    /** A command was answered: the answer must be that of its one execution, in the committed log. */
    void onCommandReply(SimOperation operation, Status status, long revision, String result) {
        if (operation.kind == SimOperation.Kind.OPEN_SESSION) {
            if (status != Status.OK || !model.hasSession(revision)) {
                check(false, "answer", 0, "session " + revision + " was opened: " + status + ", but not committed");
            }
            return;
        }
        if (status == Status.SESSION_EXPIRED) {
            if (!model.hasExpired(operation.sessionId)) {
                check(
                        false,
                        "answer",
                        0,
                        "op" + operation.id + ": session " + operation.sessionId + " has not expired");
            }
            return;
        }
        ReferenceModel.Answer answer = model.answer(operation.sessionId, operation.sequence);
        if (operation.kind == SimOperation.Kind.RESOLVE) {
            answer = resolved(answer);
        }
        if (answer == null || !answer.equals(new ReferenceModel.Answer(status, revision, result))) {
            check(
                    false,
                    "answer",
                    0,
                    "op" + operation.id + " " + operation.kind + " session " + operation.sessionId + "/"
                            + operation.sequence + " was answered " + status + " " + revision + ", executed was "
                            + answer);
        }
    }

    /** What a RESOLVE says of a sequence's answer. */
    private static ReferenceModel.@Nullable Answer resolved(ReferenceModel.@Nullable Answer answer) {
        if (answer == null || answer.equals(ReferenceModel.CANCELLED)) {
            return answer == null ? null : new ReferenceModel.Answer(Status.NOT_EXECUTED, 0);
        }
        return new ReferenceModel.Answer(
                Status.OK, 0, ReferenceModel.longs(answer.status().code(), answer.revision()) + answer.result());
    }

    /**
     * A linearizable read was answered. It must show the key as it stood at some moment behind everything that was committed
     * when the read was invoked, acknowledged or not: ReadIndex gives no less (thesis 6.4).
     *
     * @param revision of the row, 0 when there was none
     */
    void onReadReply(SimOperation operation, long revision) {
        if (!model.stoodSince(operation.committedBefore, "k" + operation.key, revision)) {
            check(
                    false,
                    "read-fresh",
                    0,
                    "op" + operation.id + " read revision " + revision + " of k" + operation.key + ", invoked when "
                            + operation.committedBefore + " was committed");
        }
    }

    /** A read returned a row: it must be what the committed entry of that revision wrote. */
    void onRowReply(SimOperation operation, String value, long revision) {
        LogEntry entry = revision >= 1 && revision <= committed.size() ? committed.get((int) revision - 1) : null;
        if (entry == null || !value.equals(entry.writes("k" + operation.key))) {
            check(
                    false,
                    "row",
                    0,
                    "op" + operation.id + " read " + value.length() + " bytes of revision " + revision + ": " + entry);
        }
    }

    /** Where a command stands among the effects; only a hint for the checker of the history. */
    long orderOf(SimOperation operation) {
        ReferenceModel.Answer answer = model.answer(operation.sessionId, operation.sequence);
        return answer == null || answer.revision() == 0 ? LinearizabilityChecker.NEVER : answer.revision();
    }

    // ---- the end

    long committedIndex() {
        return committed.size();
    }

    /** After healing: the node's content is what the committed entries make, row by row. */
    void checkContent(int node, KvReader reader, int keys) {
        UnsafeBuffer buffer = new UnsafeBuffer(0, 0);
        for (int key = 0; key < keys; key++) {
            for (byte[] bytes : List.of(ClientFrames.key(key), ClientFrames.counter(key))) {
                String name = new String(bytes, ISO_8859_1);
                buffer.wrap(bytes);
                int length = reader.get(buffer, 0, bytes.length, false);
                ReferenceModel.Row expected = model.rows().get(name);
                ReferenceModel.Row found = length < 0 ? null : row(reader.buffer(), length);
                if (!Objects.equals(found, expected)) {
                    check(false, "content", node, name + " is " + found + ", expected " + expected);
                }
            }
        }
    }

    private static ReferenceModel.Row row(DirectBuffer row, int length) {
        byte[] value = new byte[length - ValueDescriptor.HEADER_LENGTH];
        row.getBytes(ValueDescriptor.HEADER_LENGTH, value);
        return new ReferenceModel.Row(
                new String(value, ISO_8859_1),
                row.getLong(ValueDescriptor.CREATE_REVISION_OFFSET, ByteOrder.LITTLE_ENDIAN),
                row.getLong(ValueDescriptor.MOD_REVISION_OFFSET, ByteOrder.LITTLE_ENDIAN),
                row.getLong(ValueDescriptor.VERSION_OFFSET, ByteOrder.LITTLE_ENDIAN));
    }
}
