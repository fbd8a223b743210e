package dev.cairn.raft;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * A cluster in time, all from one seed: what leases depend on. Nodes tick as their driver makes them, in phases of their
 * own; messages take their time, links are cut in one direction, processes are stopped and go on without having noticed,
 * nodes crash and come back, leadership is handed over. Disks are instantaneous. Whoever holds a lease answers a read at
 * every moment, before anything else: it must know everything that was committed anywhere.
 */
final class LeaseCluster {
    private static final int ELECTION_MIN = 10;
    private static final long TICK_NS = 4_000;
    private static final long STEP_NS = 1_000;
    private static final int STEPS = 3_000;

    private record Flight(Message message, long arrivalNs) {}

    private final long seed;
    private final SplittableRandom random;
    private final List<TestNode> nodes = new ArrayList<>();
    private final ClusterChecks checks = new ClusterChecks(nodes);
    private final List<Flight> network = new ArrayList<>();
    private final long[] nextTickNs;
    private final long[] asleepUntilNs;
    private final long[] cutUntilNs;
    private long nowNs;
    private long nextPayload = 1;
    private long conspiracyNs;

    // The mix of this seed: one in so many steps, or the longest, in steps.
    private final int delay;
    private final int slowDelay;
    private final int cutEvery;
    private final int sleepEvery;
    private final int crashEvery;
    private final int transferEvery;
    private final int conspireEvery;

    LeaseCluster(long seed, @Nullable PlantedBug bug) {
        this.seed = seed;
        random = new SplittableRandom(seed);
        int voters = seed % 3 == 0 ? 5 : 3;
        nextTickNs = new long[voters];
        asleepUntilNs = new long[voters];
        cutUntilNs = new long[voters * voters];
        delay = pick(1, 2, 4);
        slowDelay = pick(4, 12, 20);
        cutEvery = pick(20, 60, 200);
        sleepEvery = pick(60, 150, 100_000);
        crashEvery = pick(15, 60, 100_000);
        transferEvery = pick(50, 100_000, 100_000);
        conspireEvery = pick(50, 100_000, 100_000);
        for (int id = 1; id <= voters; id++) {
            RaftConfig config = RaftConfig.of(id, TestNode.voterIds(voters), 1, ELECTION_MIN, ELECTION_MIN + 3)
                    .withLeaseNs((ELECTION_MIN - 2) * TICK_NS);
            SplittableRandom jitter = random.split();
            nodes.add(new TestNode(
                    bug == null ? config : config.withPlantedBug(bug),
                    new TestLog(0, 0, checks::onAppend),
                    new TestNode.HardState(0, 0, 0),
                    jitter::nextInt));
            nextTickNs[id - 1] = random.nextLong(TICK_NS);
        }
    }

    private int pick(int... choices) {
        return choices[random.nextInt(choices.length)];
    }

    private boolean oneIn(int times) {
        return random.nextInt(times) == 0;
    }

    int leaseReads() {
        return checks.leaseReads();
    }

    long committed() {
        return checks.committed();
    }

    void run() {
        try {
            for (int step = 0; step < STEPS; step++) {
                nowNs += STEP_NS;
                step();
            }
        } catch (RuntimeException | AssertionError violation) {
            throw new AssertionError("seed=" + seed + " voters=" + nodes.size() + ": " + violation, violation);
        }
    }

    private void step() {
        for (int i = 0; i < nodes.size(); i++) {
            nodes.get(i).nowNs = nowNs;
            if (nowNs >= asleepUntilNs[i]) {
                readByLease(nodes.get(i));
                deliver(i);
                tick(i);
                settle(nodes.get(i));
            }
        }
        trouble();
    }

    private void readByLease(TestNode node) {
        if (node.core().holdsLease(nowNs)) {
            checks.onLeaseRead(node.core().commitIndex());
        }
    }

    private void deliver(int ordinal) {
        TestNode node = nodes.get(ordinal);
        for (int i = 0; i < network.size(); ) {
            Flight flight = network.get(i);
            if (flight.message().to() == node.id && flight.arrivalNs() <= nowNs) {
                network.remove(i);
                node.receive(flight.message());
            } else {
                i++;
            }
        }
    }

    /** As the driver does: missed ticks are not made up for, and the one after a late one may follow after half a tick. */
    private void tick(int ordinal) {
        TestNode node = nodes.get(ordinal);
        if (nowNs >= nextTickNs[ordinal]) {
            nextTickNs[ordinal] = Math.max(nextTickNs[ordinal] + TICK_NS, nowNs + TICK_NS / 2);
            node.core().now(nowNs);
            node.core().tick();
            if (oneIn(2)) {
                node.propose(nextPayload++);
            }
        }
    }

    private void settle(TestNode node) {
        node.forceAll();
        if (node.core().commitIndex() > node.core().appliedIndex()) {
            node.apply(node.core().commitIndex());
        }
        for (Message message : node.sent) {
            checks.onSent(node, message);
            if (nowNs >= cutUntilNs[link(message.from(), message.to())]) {
                long steps = 1L + random.nextInt(oneIn(10) ? slowDelay : delay);
                network.add(new Flight(message, nowNs + steps * STEP_NS));
            }
        }
        node.sent.clear();
        checks.check(node);
    }

    private int link(int from, int to) {
        return (from - 1) * nodes.size() + to - 1;
    }

    private void trouble() {
        int ordinal = random.nextInt(nodes.size());
        if (random.nextBoolean()) {
            for (int i = 0; i < nodes.size(); i++) {
                ordinal = nodes.get(i).core().role() == Role.LEADER ? i : ordinal;
            }
        }
        if (oneIn(cutEvery)) {
            long until = nowNs + (4 + random.nextInt(60)) * STEP_NS;
            int to = random.nextInt(nodes.size());
            for (int i = 0; i < nodes.size(); i++) {
                if (i == to || seed % 2 == 0) {
                    cutUntilNs[link(ordinal + 1, i + 1)] = until;
                }
            }
        }
        if (oneIn(sleepEvery)) {
            asleepUntilNs[ordinal] = nowNs + (8 + random.nextInt(140)) * STEP_NS;
        }
        if (oneIn(crashEvery)) {
            crash(ordinal);
        }
        if (oneIn(transferEvery)
                && nodes.get(ordinal).core().transferLeadership(0) == TransferAnswer.STARTED
                && random.nextBoolean()) {
            // It will not hear of the end of its reign.
            for (int from = 0; from < nodes.size(); from++) {
                cut(from, ordinal, 30);
            }
        }
        conspire(ordinal);
    }

    private void crash(int ordinal) {
        nodes.get(ordinal).crash();
        // Connections end with the process, and what they carried.
        network.removeIf(flight -> flight.message().to() == ordinal + 1);
        checks.onRestart(nodes.get(ordinal));
        // Its first tick is a whole one away.
        nextTickNs[ordinal] = nowNs + TICK_NS;
    }

    private void cut(int from, int to, int steps) {
        int link = link(from + 1, to + 1);
        cutUntilNs[link] = Math.max(cutUntilNs[link], nowNs + steps * STEP_NS);
    }

    /** Some have not heard their leader for long and would like to lead; then the others start anew and hear nothing either. */
    private void conspire(int ordinal) {
        if (conspiracyNs == 0
                && oneIn(conspireEvery)
                && nodes.get(ordinal).core().role() == Role.LEADER) {
            conspiracyNs = nowNs + (40 + random.nextInt(30)) * STEP_NS;
            for (int i = 0; i < nodes.size() / 2; i++) {
                cut(ordinal, (ordinal + 1 + i) % nodes.size(), 110);
            }
        } else if (conspiracyNs != 0 && nowNs >= conspiracyNs) {
            conspiracyNs = 0;
            for (int i = 0; i < nodes.size(); i++) {
                boolean hearsLeader = nodes.get(i).core().role() == Role.FOLLOWER
                        && nodes.get(i).core().leaderId() != 0;
                if (hearsLeader) {
                    cut(nodes.get(i).core().leaderId() - 1, i, 40);
                    crash(i);
                }
            }
        }
    }
}
