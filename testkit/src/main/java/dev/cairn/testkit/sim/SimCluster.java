package dev.cairn.testkit.sim;

import dev.cairn.raft.RaftCore;
import dev.cairn.raft.Role;
import dev.cairn.server.replica.Replica;
import dev.cairn.testkit.LinearizabilityChecker;
import dev.cairn.testkit.sim.SimTrace.Kind;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A whole cluster with its clients, disks, network and troubles, in one thread and from one seed: the real replicas, step
 * by step in virtual time. First a phase with faults, then everything heals and must come to rest: a leader, every request
 * answered, all nodes equal; then the whole history is checked.
 */
public final class SimCluster {
    private static final long HEAL_BOUND_NS = 20 * SwarmKnobs.SECOND;
    private static final int TAIL_LINES = 120;

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
    private int faults;
    private boolean healed;

    private SimCluster(long seed, SimOptions options, @Nullable Appendable fullTrace) {
        this.seed = seed;
        SimRandom source = new SimRandom(seed);
        knobs = SwarmKnobs.of(source.split(0));
        options.tuning().accept(knobs);
        if (options.maxFaultsNs() > 0) {
            knobs.faultsNs = options.maxFaultsNs();
        }
        random = source.split(1);
        trace = new SimTrace(scheduler, fullTrace);
        trace.add(Kind.KNOBS, 0, 0, 0, 0, 0, knobs.describe());
        invariants = new ClusterInvariants(knobs.nodes);
        network = new SimNetwork(knobs, source.split(2), scheduler, trace, invariants::onSend);
        clientNetwork = new SimClientNetwork(knobs, source.split(3), scheduler, trace, network);
        for (int id = 1; id <= knobs.nodes; id++) {
            nodes.add(new SimNode(
                    id, knobs, options, source.split(100 + id), scheduler, trace, network, clientNetwork, invariants));
        }
        for (int id = 1; id <= knobs.clients; id++) {
            clients.add(new SimClient(
                    id, knobs, source.split(200 + id), scheduler, trace, clientNetwork, invariants, history));
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
                faults + crashes(),
                invariants.committedIndex(),
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
        every(knobs.pauseEveryNs, () -> anyNode().pause(random.around(knobs.pauseForNs)));
        every(knobs.crashEveryNs, this::crash);
        every(
                knobs.clockJumpEveryNs,
                () -> anyNode().jumpClock(random.betweenLog(SwarmKnobs.MS, 100 * SwarmKnobs.SECOND)));
        every(
                knobs.slowDiskEveryNs,
                () -> anyNode().slowDisk(random.around(knobs.slowForceNs), random.around(500 * SwarmKnobs.MS)));
        every(knobs.storeFlushEveryNs, () -> anyNode().flushStore());
        every(knobs.writeBackEveryNs, () -> anyNode().writeBack());
        every(knobs.fullDiskEveryNs, this::fillDisk);
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
                faults++;
                fault.run();
                every(meanNs, fault);
            }
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

    private SimNode leaderOrAny() {
        for (SimNode node : nodes) {
            Replica replica = node.replica();
            if (replica != null && replica.consensus().core().role() == Role.LEADER) {
                return node;
            }
        }
        return anyNode();
    }

    /** Cuts links: the leader alone, a random half, or some single directions. */
    private void partition() {
        int shape = random.nextInt(4);
        int alone = nodes.indexOf(leaderOrAny()) + 1;
        int side = random.nextInt(1 << nodes.size());
        int cut = 0;
        for (int from = 1; from <= nodes.size(); from++) {
            for (int to = 1; to <= nodes.size(); to++) {
                boolean cuts = switch (shape) {
                    case 0 -> from == alone || to == alone;
                    case 1 -> ((side >> (from - 1)) & 1) != ((side >> (to - 1)) & 1);
                    case 2 -> from == alone;
                    default -> random.nextInt(3) == 0;
                };
                if (cuts && from != to) {
                    network.cut(from, to);
                    cut |= 1 << (from * 5 + to);
                }
            }
        }
        trace.add(Kind.PARTITION, 0, cut, 0, 0, 0);
        scheduler.after(random.around(knobs.partitionForNs), () -> {
            trace.add(Kind.HEAL, 0, 0, 0, 0, 0);
            network.join();
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
            Replica replica = node.replica();
            if (replica == null || replica.apply().appliedIndex() != invariants.committedIndex()) {
                return false;
            }
            RaftCore core = replica.consensus().core();
            if (core.leaderId() == 0 || core.lastIndex() != invariants.committedIndex()) {
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
                text.append("\n  down");
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
        long content = 0;
        for (int i = 0; i < nodes.size(); i++) {
            MapStore store = nodes.get(i).store();
            try (var reader = store.newReader()) {
                invariants.checkContent(i + 1, reader, knobs.keys);
            }
            if (i > 0 && store.contentHash() != content) {
                throw new InvariantBroken("content", "node " + (i + 1) + " differs from node " + i);
            }
            content = store.contentHash();
        }
        List<LinearizabilityChecker.Operation> operations = history.stream()
                .flatMap(operation -> operation.toHistory(invariants.orderOf(operation)).stream())
                .toList();
        LinearizabilityChecker.check(operations).ifPresent(wrong -> {
            throw new InvariantBroken("linearizability", wrong);
        });
    }
}
