package dev.cairn.raft;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Nodes 1..n and the network between them, without chance: what is sent arrives in order, unless the test has set one of
 * both ends apart. Disks force at once. Node i times out after 10 + i ticks. What must hold over several nodes is checked
 * after each step.
 */
final class TestCluster {
    private final List<TestNode> nodes = new ArrayList<>();
    private final ClusterChecks checks = new ClusterChecks(nodes);
    private final Deque<Message> network = new ArrayDeque<>();
    private final Set<Integer> apart = new TreeSet<>();
    private Predicate<Message> lost = message -> false;
    private long nextPayload = 1;
    private long lastReadId;

    /** @param voters nodes 1 to this are the voters; the others know of no cluster */
    static TestCluster of(int size, int voters) {
        return new TestCluster(size, voters, null);
    }

    /** @param trace gets a line per output of any node */
    static TestCluster traced(int size, int voters, Consumer<String> trace) {
        return new TestCluster(size, voters, trace);
    }

    private TestCluster(int size, int voters, @Nullable Consumer<String> trace) {
        Set<Integer> ids = IntStream.rangeClosed(1, voters).boxed().collect(Collectors.toSet());
        for (int id = 1; id <= size; id++) {
            int extra = id;
            RaftConfig config = RaftConfig.of(
                    id, id <= voters ? ids : Set.of(), TestNode.HEARTBEAT, TestNode.ELECTION, TestNode.ELECTION + 10);
            nodes.add(new TestNode(
                    config,
                    new TestLog(0, 0, checks::onAppend),
                    new TestNode.HardState(0, 0, 0),
                    bound -> Math.min(extra, bound - 1),
                    trace));
        }
    }

    int size() {
        return nodes.size();
    }

    TestNode node(int id) {
        return nodes.get(id - 1);
    }

    RaftCore core(int id) {
        return node(id).core();
    }

    /** From now on nothing goes from or to these nodes, and what is on its way is lost. */
    void setApart(Integer... ids) {
        apart.addAll(Arrays.asList(ids));
        network.removeIf(this::isLost);
    }

    void rejoin(Integer... ids) {
        Arrays.asList(ids).forEach(apart::remove);
    }

    /** From now on messages of this kind are lost. */
    void lose(Predicate<Message> which) {
        lost = which;
    }

    private boolean isLost(Message message) {
        return lost.test(message) || apart.contains(message.from()) || apart.contains(message.to());
    }

    /** The host stops and starts again; its disk has all that was forced. */
    void crash(int id) {
        node(id).crash();
        checks.onRestart(node(id));
    }

    /** All disks are idle, all messages have arrived. */
    void settle() {
        for (int round = 0; round < 1000; round++) {
            nodes.forEach(this::finish);
            if (network.isEmpty()) {
                return;
            }
            deliver();
        }
        throw new AssertionError("messages without end: " + network.peek());
    }

    /** What is on its way arrives and reaches the disks; what is answered to it is lost. */
    void deliverWithoutAnswers() {
        deliver();
        nodes.forEach(this::finish);
        network.clear();
    }

    private void deliver() {
        List<Message> now = new ArrayList<>(network);
        network.clear();
        for (Message message : now) {
            if (!isLost(message)) {
                node(message.to()).receive(message);
                finish(node(message.to()));
            }
        }
    }

    /** Disk, state machine and messages of one node. */
    void finish(TestNode node) {
        node.forceAll();
        long limit = Math.min(node.core().commitIndex(), node.core().durableIndex());
        if (limit > node.core().appliedIndex()) {
            node.apply(limit);
        }
        for (Message message : node.sent) {
            checks.onSent(node, message);
            if (!isLost(message)) {
                network.add(message);
            }
        }
        node.sent.clear();
        checks.check(node);
    }

    /** So many ticks for all nodes that are not set apart; the network settles after each. */
    void ticks(int count) {
        for (int i = 0; i < count; i++) {
            for (TestNode node : nodes) {
                if (!apart.contains(node.id)) {
                    node.core().tick();
                }
            }
            settle();
        }
    }

    void ticksOf(int id, int count) {
        for (int i = 0; i < count; i++) {
            node(id).core().tick();
            settle();
        }
    }

    /** The node times out while the others have not heard a leader for an election timeout; true when it leads then. */
    boolean campaign(int id) {
        for (TestNode node : nodes) {
            for (int i = 0;
                    i < TestNode.ELECTION && node.id != id && node.core().role() != Role.LEADER;
                    i++) {
                node.core().tick();
            }
        }
        ticksOf(id, TestNode.ELECTION + id);
        return core(id).role() == Role.LEADER;
    }

    void elect(int id) {
        if (!campaign(id)) {
            throw new AssertionError("node " + id + " is " + core(id).role());
        }
    }

    /** The id of the leader of the highest term. */
    int leader() {
        int found = 0;
        for (TestNode node : nodes) {
            if (node.core().role() == Role.LEADER
                    && (found == 0 || node.core().currentTerm() > core(found).currentTerm())) {
                found = node.id;
            }
        }
        return found;
    }

    /** Proposes entries and lets them commit where they can; the index of the last. */
    long propose(int id, int count) {
        long index = 0;
        for (int i = 0; i < count; i++) {
            index = node(id).propose(nextPayload++);
        }
        settle();
        return index;
    }

    /** A linearizable read begins. */
    void read(int id) {
        if (core(id).requestRead(++lastReadId)) {
            checks.onRead(id, lastReadId);
        }
        settle();
    }

    int confirmedReads() {
        return checks.confirmedReads();
    }

    /** Orders a change and settles. */
    String change(int id, MembershipChange... changes) {
        String refusal = core(id).changeMembership(List.of(changes));
        settle();
        return String.valueOf(refusal);
    }

    /** Orders a change that must be taken, and gives the cluster the time that it needs. */
    void changeFully(int id, MembershipChange... changes) {
        String refusal = change(id, changes);
        if (!refusal.equals("null")) {
            throw new AssertionError(refusal);
        }
        ticks(4 * TestNode.HEARTBEAT);
    }
}
