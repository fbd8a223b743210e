package dev.cairn.testkit.sim;

import dev.cairn.raft.Membership;
import dev.cairn.raft.MembershipChange;
import dev.cairn.raft.RaftCore;
import dev.cairn.raft.Role;
import dev.cairn.raft.TransferAnswer;
import dev.cairn.server.replica.Replica;
import dev.cairn.testkit.LinearizabilityChecker;
import dev.cairn.testkit.sim.SimTrace.Kind;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A whole cluster with its clients, disks, network and troubles, in one thread and from one seed: the real replicas, step
 * by step in virtual time. First a phase with faults, then everything heals and must come to rest: a leader, every request
 * answered, all nodes equal; then the whole history is checked.
 */
public final class SimCluster {
    private static final long HEAL_BOUND_NS = 20 * SwarmKnobs.SECOND;
    private static final int TAIL_LINES = 120;
    private static final List<SimFault> PARTITIONS = List.of(
            SimFault.LEADER_ALONE,
            SimFault.HALVES,
            SimFault.MUTE_LEADER,
            SimFault.DEAF_LEADER,
            SimFault.ONE_WAY_LINKS,
            SimFault.RING,
            SimFault.BRIDGE,
            SimFault.CUT_PAIR);

    private final long seed;
    private final SwarmKnobs knobs;
    private final SimRandom random;
    private final Scheduler scheduler = new Scheduler();
    private final SimTrace trace;
    private final ClusterInvariants invariants;
    private final SimNetwork network;
    private final SimClientNetwork clientNetwork;
    private final List<SimNode> nodes = new ArrayList<>();
    private final List<SimClient> clients = new ArrayList<>();
    private final List<SimOperation> history = new ArrayList<>();
    private final FaultCounts faults = new FaultCounts();
    private final Map<Integer, SimSnapshots> snapshots = new HashMap<>();
    /** Nodes whose files were damaged, noticed or not. */
    private final Set<Integer> rotten = new TreeSet<>();

    private boolean healed;

    private SimCluster(long seed, SimOptions options, @Nullable Appendable fullTrace) {
        this.seed = seed;
        SimRandom source = new SimRandom(seed);
        knobs = SwarmKnobs.of(source.split(0));
        options.tuning().accept(knobs);
        random = source.split(1);
        trace = new SimTrace(scheduler, fullTrace);
        trace.add(Kind.KNOBS, 0, 0, 0, 0, 0, knobs.describe());
        invariants = new ClusterInvariants(knobs.nodes);
        network = new SimNetwork(knobs, source.split(2), scheduler, trace, faults, invariants::onSend);
        clientNetwork = new SimClientNetwork(knobs, options, source.split(3), scheduler, trace, faults, network);
        for (int id = 1; id <= knobs.nodes; id++) {
            nodes.add(new SimNode(
                    id,
                    knobs,
                    options,
                    source.split(100 + id),
                    scheduler,
                    trace,
                    network,
                    clientNetwork,
                    invariants,
                    faults,
                    snapshots,
                    this::mayRot));
        }
        for (int id = 1; id <= knobs.clients; id++) {
            clients.add(new SimClient(
                    id, knobs, source.split(200 + id), scheduler, trace, clientNetwork, faults, invariants, history));
        }
    }

    /** Runs one seed with the usual troubles. */
    public static SimReport run(long seed) {
        return run(seed, SimOptions.NONE, null);
    }

    /** Runs one seed with the usual troubles and writes every line of its trace. */
    public static SimReport run(long seed, Appendable fullTrace) {
        return run(seed, SimOptions.NONE, fullTrace);
    }

    static SimReport run(long seed, SimOptions options, @Nullable Appendable fullTrace) {
        return new SimCluster(seed, options, fullTrace).run();
    }

    private SimReport run() {
        try {
            nodes.forEach(node -> scheduler.after(random.around(SwarmKnobs.MS), node::start));
            clients.forEach(SimClient::start);
            scheduleFaults();
            runFor(knobs.faultsNs);
            heal();
            comeToRest();
            checkEnd();
            return report("", "");
        } catch (InvariantBroken broken) {
            return report(broken.check(), String.valueOf(broken.getMessage()));
        } catch (RuntimeException | Error failure) {
            // A check of the core, the log or the state machine itself, in the middle of a step.
            return report(failure.getClass().getSimpleName(), stack(failure));
        }
    }

    private static String stack(Throwable failure) {
        StringWriter text = new StringWriter();
        failure.printStackTrace(new PrintWriter(text));
        return text.toString();
    }

    private void runFor(long ns) {
        long until = scheduler.nowNs() + ns;
        boolean more = true;
        while (more) {
            more = scheduler.step(until);
        }
    }

    private SimReport report(String check, String violation) {
        int unknown = 0;
        for (SimOperation operation : history) {
            unknown += operation.isCommand() && !operation.isDone() ? 1 : 0;
        }
        return new SimReport(
                seed,
                trace.hash(),
                scheduler.executed(),
                scheduler.nowNs(),
                history.size(),
                unknown,
                crashes(),
                faults.lasting(),
                faults.byKind(),
                invariants.committedIndex(),
                snapshots.values().stream().mapToInt(SimSnapshots::taken).sum(),
                snapshots.values().stream().mapToInt(SimSnapshots::installed).sum(),
                check,
                violation,
                check.isEmpty() ? "" : trace.tail(TAIL_LINES));
    }

    private int crashes() {
        return nodes.stream().mapToInt(SimNode::crashes).sum();
    }

    // ---- faults

    private void scheduleFaults() {
        every(knobs.partitionEveryNs, this::partition);
        every(knobs.pauseEveryNs, this::pause);
        every(knobs.slowLinkEveryNs, this::slowLink);
        every(knobs.clientCutEveryNs, this::cutFromClients);
        every(
                knobs.clockRateEveryNs,
                () -> anyNode().changeClockRate(random.between(-knobs.clockRate, knobs.clockRate)));
        every(knobs.crashEveryNs, this::crash);
        every(
                knobs.clockJumpEveryNs,
                // Some jump further than a session lives.
                () -> anyNode().jumpClock(random.betweenLog(SwarmKnobs.MS, knobs.longestClockJumpNs)));
        every(
                knobs.slowDiskEveryNs,
                () -> anyNode().slowDisk(random.around(knobs.slowForceNs), random.around(500 * SwarmKnobs.MS)));
        every(knobs.storeFlushEveryNs, () -> anyNode().flushStore());
        every(knobs.writeBackEveryNs, () -> anyNode().writeBack());
        every(knobs.fullDiskEveryNs, this::fillDisk);
        every(knobs.transferEveryNs, this::transfer);
        every(knobs.membershipEveryNs, this::changeMembership);
        if (knobs.coldReads > 0) {
            every(50 * SwarmKnobs.MS, () -> anyNode().setColdReads(random.chance(knobs.coldReads)));
        }
    }

    private void every(long meanNs, Runnable fault) {
        if (meanNs == 0) {
            return;
        }
        scheduler.after(random.around(meanNs), () -> {
            if (!healed) {
                fault.run();
                every(meanNs, fault);
            }
        });
    }

    /** One node, or two at the same time. */
    private void pause() {
        SimNode first = random.nextBoolean() ? leaderOrAny() : anyNode();
        first.pause(random.around(knobs.pauseForNs));
        if (random.chance(knobs.sharedPauses)) {
            anyNode().pause(random.around(knobs.pauseForNs));
        }
    }

    /** One direction of a link; or all that a node sends, or hears, or both. */
    private void slowLink() {
        int node = (random.nextBoolean() ? leaderOrAny() : anyNode()).id();
        int shape = random.nextInt(4);
        int only = shape == 0 ? random.between(1, nodes.size()) : 0;
        long forNs = random.around(knobs.slowLinkForNs);
        trace.add(Kind.SLOW_LINK, node, shape, only, knobs.slowLinkDelayNs, knobs.slowLinkNsPerByte);
        faults.count(SimFault.SLOW_LINK);
        for (int other = 1; other <= nodes.size(); other++) {
            if (other == node || (shape == 0 && other != only)) {
                continue;
            }
            if (shape != 2) {
                network.slow(node, other, knobs.slowLinkDelayNs, knobs.slowLinkNsPerByte, forNs);
            }
            if (shape >= 2) {
                network.slow(other, node, knobs.slowLinkDelayNs, knobs.slowLinkNsPerByte, forNs);
            }
        }
    }

    private void cutFromClients() {
        int node = nodes.indexOf(leaderOrAny()) + 1;
        trace.add(Kind.CLIENT_CUT, node, 1, 0, 0, 0);
        faults.count(SimFault.CUT_FROM_CLIENTS);
        clientNetwork.cut(node, true);
        scheduler.after(random.around(knobs.partitionForNs), () -> {
            trace.add(Kind.CLIENT_CUT, node, 0, 0, 0, 0);
            clientNetwork.cut(node, false);
        });
    }

    private SimNode anyNode() {
        return random.pick(nodes);
    }

    private void crash() {
        boolean host = random.chance(knobs.hostCrashes);
        if (random.chance(knobs.allCrash)) {
            nodes.forEach(node -> node.crash(host, 0));
            return;
        }
        SimNode node = random.nextBoolean() ? leaderOrAny() : anyNode();
        if (random.chance(knobs.forceFailures)) {
            node.failForce(random.nextInt(3));
        } else {
            node.crash(host, random.chance(knobs.midEffectCrashes) ? 1 + random.nextInt(6) : 0);
        }
    }

    /** One disk, or all of them. */
    private void fillDisk() {
        long freeBytes = random.between(0, 3 * knobs.segmentBytes);
        long forNs = random.around(knobs.fullDiskForNs);
        int failedWrites = random.nextInt(2) == 0 ? 0 : random.between(1, 5);
        if (random.nextInt(4) == 0) {
            nodes.forEach(node -> node.fillDisk(freeBytes, failedWrites, forNs));
        } else {
            (random.nextBoolean() ? leaderOrAny() : anyNode()).fillDisk(freeBytes, failedWrites, forNs);
        }
    }

    /** Of each entry a majority of copies stays as it was written. */
    private boolean mayRot(int node) {
        if (!rotten.contains(node) && rotten.size() >= (knobs.nodes - 1) / 2) {
            return false;
        }
        if (knobs.membershipEveryNs > 0 && !othersAreAQuorumWithout(node)) {
            return false;
        }
        rotten.add(node);
        return true;
    }

    /**
     * Where voters come and go, a minority of all nodes may be a majority of the voters: a node is damaged only while all others
     * run, none of them with a loss of its own, and agree on voters of which a majority is left.
     */
    private boolean othersAreAQuorumWithout(int node) {
        Membership agreed = null;
        for (SimNode other : nodes) {
            if (other.id() == node) {
                continue;
            }
            Replica replica = other.replica();
            if (replica == null || replica.consensus().core().isRepairing()) {
                return false;
            }
            Membership known = replica.consensus().core().membership();
            if (known.isJoint() || (agreed != null && !agreed.equals(known))) {
                return false;
            }
            agreed = known;
        }
        if (agreed == null) {
            return false;
        }
        int voters = agreed.voters().length;
        return voters - (agreed.isVoter(node) ? 1 : 0) > voters / 2;
    }

    /** A member has lost something and has not got it back: who changes the voters meanwhile may lose the quorum. */
    private boolean isRepairUnderWay(Membership membership) {
        return rotten.stream().filter(membership::isMember).anyMatch(id -> {
            Replica replica = nodes.get(id - 1).replica();
            return replica == null || replica.consensus().core().isRepairing();
        });
    }

    // ---- operators

    /** The leader shall hand over, to one that it chooses or that is named; or just let go. */
    private void transfer() {
        int target = random.nextBoolean() ? 0 : anyNode().id();
        boolean letGo = random.nextInt(4) == 0;
        SimNode node = leaderOrAny();
        trace.add(Kind.OPERATOR, node.id(), target, 0, 0, 0, letGo ? "step-down" : "transfer");
        node.operate(core -> {
            if (letGo) {
                core.stepDown();
                faults.count(SimFault.STEP_DOWN);
            } else if (core.transferLeadership(target) == TransferAnswer.STARTED) {
                faults.count(SimFault.TRANSFER);
            }
        });
    }

    /** One change, or several at once by joint consensus; most that make no sense are refused. */
    private void changeMembership() {
        List<MembershipChange> changes = new ArrayList<>();
        for (int i = random.nextInt(3) == 0 ? 2 + random.nextInt(2) : 1; i > 0; i--) {
            int node = anyNode().id();
            changes.add(
                    switch (random.nextInt(6)) {
                        case 0 -> new MembershipChange.AddLearner(node);
                        case 1 -> new MembershipChange.Promote(node);
                        case 2 -> new MembershipChange.Replace(anyNode().id(), node);
                        case 3 -> new MembershipChange.Remove(node);
                        default -> new MembershipChange.AddVoter(node);
                    });
        }
        change(leaderOrAny(), changes);
    }

    private void change(SimNode node, List<MembershipChange> changes) {
        node.operate(core -> {
            if (!healed && isRepairUnderWay(core.membership())) {
                return;
            }
            String refusal = core.changeMembership(changes);
            trace.add(Kind.OPERATOR, node.id(), 0, 0, 0, 0, changes + " " + refusal);
            if (refusal == null) {
                faults.count(SimFault.MEMBERSHIP_CHANGE);
            }
        });
    }

    /** At the end all nodes shall belong to the cluster again: one more with each look. */
    private void addMissing() {
        SimNode leader = leaderOrAny();
        Replica replica = leader.replica();
        if (replica == null || replica.consensus().core().role() != Role.LEADER) {
            return;
        }
        Membership membership = replica.consensus().core().membership();
        for (SimNode node : nodes) {
            if (!membership.isIncomingVoter(node.id()) && !node.isLost()) {
                change(
                        leader,
                        List.of(
                                membership.isLearner(node.id())
                                        ? new MembershipChange.Promote(node.id())
                                        : new MembershipChange.AddVoter(node.id())));
                return;
            }
        }
    }

    private SimNode leaderOrAny() {
        for (SimNode node : nodes) {
            Replica replica = node.replica();
            if (replica != null && replica.consensus().core().role() == Role.LEADER) {
                return node;
            }
        }
        return anyNode();
    }

    private void partition() {
        SimFault shape = random.pick(PARTITIONS);
        int special = nodes.indexOf(leaderOrAny()) + 1;
        int other = 1 + (special + random.nextInt(Math.max(1, nodes.size() - 1))) % nodes.size();
        int side = random.nextInt(1 << nodes.size());
        boolean[][] links = new boolean[nodes.size() + 1][nodes.size() + 1];
        for (int from = 1; from <= nodes.size(); from++) {
            for (int to = 1; to <= nodes.size(); to++) {
                links[from][to] = from != to && cuts(shape, from, to, special, other, side);
            }
        }
        faults.count(shape);
        boolean flaps = random.chance(knobs.flapping);
        if (flaps) {
            faults.count(SimFault.FLAPPING);
        }
        hold(shape, links, flaps, scheduler.nowNs() + random.around(knobs.partitionForNs));
    }

    /** Whether a link is cut; {@code special} is the leader if there is one, {@code side} a random half, by bits. */
    private boolean cuts(SimFault shape, int from, int to, int special, int other, int side) {
        boolean acrossSides = ((side >> (from - 1)) & 1) != ((side >> (to - 1)) & 1);
        return switch (shape) {
            case LEADER_ALONE -> from == special || to == special;
            case HALVES -> acrossSides;
            case MUTE_LEADER -> from == special;
            case DEAF_LEADER -> to == special;
            case ONE_WAY_LINKS -> random.nextInt(3) == 0;
            // Each node hears its two neighbours only; with five nodes or more no two see the same majority.
            case RING -> Math.floorMod(from - to, nodes.size()) > 1 && Math.floorMod(to - from, nodes.size()) > 1;
            case BRIDGE -> acrossSides && from != other && to != other;
            default -> (from == special && to == other) || (from == other && to == special);
        };
    }

    /** Cuts the links until then; one that flaps carries again in between. */
    private void hold(SimFault shape, boolean[][] links, boolean flaps, long untilNs) {
        long cut = 0;
        for (int from = 1; from < links.length; from++) {
            for (int to = 1; to < links.length; to++) {
                if (links[from][to]) {
                    network.cut(from, to);
                    cut |= 1L << (from * 8 + to);
                }
            }
        }
        trace.add(Kind.PARTITION, 0, cut, 0, 0, 0, shape.name());
        long nextNs = flaps ? Math.min(untilNs, scheduler.nowNs() + random.around(knobs.flapNs)) : untilNs;
        scheduler.at(nextNs, () -> {
            trace.add(Kind.HEAL, 0, 0, 0, 0, 0);
            network.join();
            if (!healed && scheduler.nowNs() < untilNs) {
                scheduler.after(random.around(knobs.flapNs), () -> {
                    if (!healed && scheduler.nowNs() < untilNs) {
                        hold(shape, links, true, untilNs);
                    }
                });
            }
        });
    }

    // ---- the end

    private void heal() {
        trace.add(Kind.HEAL, 0, 1, 0, 0, 0);
        healed = true;
        network.heal();
        clientNetwork.heal();
        nodes.forEach(SimNode::heal);
        clients.forEach(SimClient::becomePatient);
    }

    private void comeToRest() {
        long until = scheduler.nowNs() + HEAL_BOUND_NS;
        while (!isAtRest()) {
            if (scheduler.nowNs() >= until) {
                throw new InvariantBroken(
                        "liveness",
                        "not at rest " + HEAL_BOUND_NS / SwarmKnobs.MS + " ms after the last fault: " + describe());
            }
            addMissing();
            runFor(20 * SwarmKnobs.MS);
        }
    }

    private boolean isAtRest() {
        for (SimClient client : clients) {
            if (!client.isDone()) {
                return false;
            }
        }
        for (SimNode node : nodes) {
            if (node.isLost()) {
                continue;
            }
            Replica replica = node.replica();
            if (replica == null || replica.apply().appliedIndex() != invariants.committedIndex()) {
                return false;
            }
            RaftCore core = replica.consensus().core();
            if (core.isRepairing()
                    || core.leaderId() == 0
                    || core.lastIndex() != invariants.committedIndex()
                    || core.membership().isJoint()
                    || !core.membership().isVoter(node.id())) {
                return false;
            }
        }
        return true;
    }

    private String describe() {
        StringBuilder text = new StringBuilder("committed=" + invariants.committedIndex());
        for (SimNode node : nodes) {
            Replica replica = node.replica();
            if (replica == null) {
                text.append(node.isLost() ? "\n  refused to start" : "\n  down");
                continue;
            }
            RaftCore core = replica.consensus().core();
            text.append("\n  ")
                    .append(core.role())
                    .append(" term=")
                    .append(core.currentTerm())
                    .append(" leader=")
                    .append(core.leaderId())
                    .append(" last=")
                    .append(core.lastIndex())
                    .append(" commit=")
                    .append(core.commitIndex())
                    .append(" durable=")
                    .append(core.durableIndex())
                    .append(" applied=")
                    .append(replica.apply().appliedIndex());
        }
        clients.forEach(client -> text.append("\n  ").append(client.describe()));
        return text.toString();
    }

    private void checkEnd() {
        Long content = null;
        for (SimNode node : nodes) {
            if (node.isLost()) {
                continue;
            }
            MapStore store = node.store();
            try (var reader = store.newReader()) {
                invariants.checkContent(node.id(), reader, knobs.keys);
            }
            if (content != null && store.contentHash() != content) {
                throw new InvariantBroken("content", "node " + node.id() + " differs from those before");
            }
            content = store.contentHash();
        }
        // What was neither answered nor ever took effect says nothing, but each such operation doubles the orders to
        // try.
        List<LinearizabilityChecker.Operation> operations = history.stream()
                .filter(operation ->
                        operation.isDone() || invariants.orderOf(operation) != LinearizabilityChecker.NEVER)
                .flatMap(operation -> operation.toHistory(invariants.orderOf(operation)).stream())
                .toList();
        LinearizabilityChecker.check(operations).ifPresent(wrong -> {
            throw new InvariantBroken("linearizability", wrong);
        });
    }
}
