package dev.cairn.raft;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The invariants of Raft figure 3 and of linearizable reads over several nodes, checked as things happen. */
final class ClusterChecks {
    private record EntryId(long index, long term) {}

    private record Ballot(int voter, long term) {}

    private record Committed(long chain, long leaderTerm) {}

    private record Read(long id, long floor) {}

    private final Map<EntryId, Long> chains = new HashMap<>();
    private final Map<Ballot, Integer> votes = new HashMap<>();
    private final Map<Long, Integer> leaders = new HashMap<>();
    private final Map<Integer, Long> namedTerms = new HashMap<>();
    private final Map<Integer, Deque<Read>> reads = new HashMap<>();
    /** What has committed, by index - 1: it never changes, whoever crashes. */
    private final List<Committed> committed = new ArrayList<>();

    /** What had committed anywhere when a node lost some of its log, by node. */
    private final Map<Integer, Long> lostBehind = new HashMap<>();

    private int confirmedReads;
    private int leaseReads;
    private final Collection<TestNode> nodes;

    /** @param nodes all that there are; may still be filled */
    ClusterChecks(Collection<TestNode> nodes) {
        this.nodes = nodes;
    }

    long committed() {
        return committed.size();
    }

    int confirmedReads() {
        return confirmedReads;
    }

    int leaseReads() {
        return leaseReads;
    }

    /** A read that is answered at once, from what is committed up to this index. */
    void onLeaseRead(long readIndex) {
        require(readIndex >= committed(), "stale read by lease", readIndex, committed());
        leaseReads++;
    }

    /** Log matching: entries of the same index and term have the same history. */
    void onAppend(TestLog.Row row) {
        Long known = chains.putIfAbsent(new EntryId(row.index(), row.entry().term()), row.chain());
        require(
                known == null || known == row.chain(),
                "log matching at",
                row.index(),
                row.entry().term());
    }

    void onRead(int node, long id) {
        reads.computeIfAbsent(node, n -> new ArrayDeque<>()).add(new Read(id, committed()));
    }

    /** What left a node; a crash must not make it untrue. */
    void onSent(TestNode node, Message message) {
        if (message instanceof Message.OfStorage answer) {
            onSent(node, answer.answer());
            return;
        }
        if (message instanceof Message.Vote vote) {
            namedTerms.merge(node.id, vote.term(), Math::max);
            if (vote.granted() && !vote.preVote()) {
                onVote(node.id, vote.requestTerm(), vote.to());
            }
        } else if (message instanceof Message.VoteRequest request && !request.preVote()) {
            namedTerms.merge(node.id, request.term(), Math::max);
            onVote(node.id, request.term(), node.id);
        } else if (message instanceof Message.Accepted accepted) {
            namedTerms.merge(node.id, accepted.term(), Math::max);
            require(node.log.isDurable(accepted.matchIndex()), "claimed, not durable", node.id, accepted.matchIndex());
        } else if (message instanceof Message.Rejected rejected) {
            namedTerms.merge(node.id, rejected.term(), Math::max);
        }
    }

    private void onVote(int voter, long term, int candidate) {
        Integer earlier = votes.putIfAbsent(new Ballot(voter, term), candidate);
        require(earlier == null || earlier == candidate, "second vote of node in term", voter, term);
    }

    void onRestart(TestNode node) {
        long named = namedTerms.getOrDefault(node.id, 0L);
        require(
                node.core().currentTerm() >= named,
                "term behind the one named",
                node.core().currentTerm(),
                named);
        reads.remove(node.id);
    }

    /** The node has lost entries that it may have acknowledged. */
    void onDamage(TestNode node) {
        lostBehind.put(node.id, committed());
    }

    /** Who votes again holds all that it may have helped to commit. */
    private void checkRepaired(TestNode node) {
        Long index = lostBehind.get(node.id);
        if (index == null || node.core().isRepairing()) {
            return;
        }
        lostBehind.remove(node.id);
        require(
                index == 0
                        || holds(node, index, committed.get((int) (index - 1)).chain()),
                "repair ended without a committed entry",
                node.id,
                index);
    }

    /** After each step of a node. */
    void check(TestNode node) {
        RaftCore core = node.core();
        for (TestNode.RoleChange change : node.roleChanges) {
            if (change.role() == Role.LEADER) {
                onLeader(node, change.term());
            }
        }
        node.roleChanges.clear();
        for (TestNode.Commit commit : node.commits) {
            onCommit(node, commit.index());
            if (core.role() == Role.LEADER) {
                requireMajorities(node, commit);
            }
        }
        node.commits.clear();
        if (node.failedReads > 0) {
            reads.remove(node.id);
            node.failedReads = 0;
        }
        for (TestNode.ConfirmedReads confirmed : node.confirmedReads) {
            onConfirmed(node.id, confirmed);
        }
        node.confirmedReads.clear();
        checkRepaired(node);
        require(node.log.isDurable(core.durableIndex()), "taken as durable", node.id, core.durableIndex());
    }

    /** Election safety and leader completeness. */
    private void onLeader(TestNode node, long term) {
        Integer other = leaders.putIfAbsent(term, node.id);
        require(other == null || other == node.id, "two leaders in term", term, node.id);
        for (int i = 0; i < committed.size() && committed.get(i).leaderTerm() < term; i++) {
            if (i + 1 < node.log.base()) {
                continue;
            }
            require(
                    node.log.lastIndex() > i
                            && node.log.chain(i + 1) == committed.get(i).chain(),
                    "leader lacks a committed entry",
                    node.id,
                    i + 1);
        }
    }

    /** State machine safety: what one node commits at an index, all do. */
    private void onCommit(TestNode node, long commit) {
        for (long index = committed() + 1; index <= commit; index++) {
            committed.add(new Committed(node.log.chain(index), node.core().currentTerm()));
        }
        require(
                node.log.chain(commit) == committed.get((int) commit - 1).chain(),
                "other entry committed at",
                commit,
                node.id);
    }

    /** A leader commits by a majority of the last configuration in its log, of both when it is joint. */
    private void requireMajorities(TestNode leader, TestNode.Commit commit) {
        long chain = committed.get((int) commit.index() - 1).chain();
        for (int[] half :
                List.of(commit.membership().voters(), commit.membership().outgoing())) {
            int holding = 0;
            for (int id : half) {
                holding += nodes.stream().anyMatch(node -> node.id == id && holds(node, commit.index(), chain)) ? 1 : 0;
            }
            require(
                    half.length == 0 || 2 * holding > half.length,
                    "committed without a majority of " + commit.membership(),
                    leader.id,
                    commit.index());
        }
    }

    /** A node that repairs its log may have held it when it said so; it helps nobody who lacks it to be elected. */
    private static boolean holds(TestNode node, long index, long chain) {
        return node.core().isRepairing()
                || index < node.log.base()
                || (index <= node.log.lastIndex() && node.log.isDurable(index) && node.log.chain(index) == chain);
    }

    /** Nothing may be missing from a read that was committed anywhere before it began. */
    private void onConfirmed(int node, TestNode.ConfirmedReads confirmed) {
        Deque<Read> waiting = reads.getOrDefault(node, new ArrayDeque<>());
        while (!waiting.isEmpty() && waiting.peek().id() <= confirmed.lastReadId()) {
            Read read = waiting.remove();
            require(confirmed.readIndex() >= read.floor(), "stale read", confirmed.readIndex(), read.floor());
            confirmedReads++;
        }
    }

    private static void require(boolean holds, String invariant, long first, long second) {
        if (!holds) {
            throw new AssertionError(invariant + " (" + first + ", " + second + ")");
        }
    }
}
