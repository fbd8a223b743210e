package dev.cairn.testkit.sim;

import static java.util.Objects.requireNonNull;

import dev.cairn.raft.PlantedBug;
import dev.cairn.raft.RaftConfig;
import dev.cairn.raft.RaftCore;
import dev.cairn.raft.Role;
import dev.cairn.server.replica.Capacities;
import dev.cairn.server.replica.ConsensusAgent;
import dev.cairn.server.replica.DutyCycle;
import dev.cairn.server.replica.EventLog;
import dev.cairn.server.replica.Replica;
import dev.cairn.server.replica.ReplicaLog;
import dev.cairn.testkit.sim.SimTrace.Kind;
import dev.cairn.wal.LogPosition;
import dev.cairn.wal.SparePreparer;
import dev.cairn.wal.Wal;
import dev.cairn.wal.WalConfig;
import dev.cairn.wal.WalException;
import dev.cairn.wal.simulated.SimulatedDirectory;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * One node over all its lives: its disks and its store, and the replica of the present life, whose agents are stepped as
 * events of their own, so that everything may happen between two of them. While a force runs the loop may run within it,
 * as another thread would.
 */
final class SimNode implements SimDirectory.Owner {
    /** A step to be taken. */
    private enum Agent {
        LOOP(0),
        LOG_SYNC(1),
        APPLY(2),
        READER(3),
        SPARES(4);

        private final int slot;

        Agent(int slot) {
            this.slot = slot;
        }
    }

    private static final Capacities SMALL =
            new Capacities(1 << 10, 1 << 16, 1 << 12, 1 << 17, 1 << 14, 1 << 15, 1 << 6, 1 << 4);
    private static final Agent[] AGENTS = Agent.values();
    private static final long NOT_DUE = Long.MAX_VALUE;
    private static final long SPARES_EVERY_NS = 3 * SwarmKnobs.MS;
    /** So often a batch is tried again that the store had no room for: the pace of a parked thread's looks. */
    private static final long STALLED_EVERY_NS = 100 * SwarmKnobs.MS;

    private static final int SECTOR_BYTES = 512;
    private static final long CLUSTER_ID_HASH = 0xCA1AL;

    private final int id;
    private final SwarmKnobs knobs;
    private final SimOptions options;
    private final SimRandom random;
    private final Scheduler scheduler;
    private final SimTrace trace;
    private final SimNetwork network;
    private final SimClientNetwork clientNetwork;
    private final ClusterInvariants invariants;

    private final SimulatedDirectory rootDisk = new SimulatedDirectory();
    private final SimulatedDirectory walDisk = new SimulatedDirectory();
    private final SimDirectory root = new SimDirectory(rootDisk, this);
    private final SimDirectory wal = new SimDirectory(walDisk, this);
    private final MapStore store = new MapStore();
    private final long storageId;

    private @Nullable Replica replica;
    private @Nullable SparePreparer spares;
    private int incarnation;
    private final long[] dueNs = new long[AGENTS.length];
    private long pausedUntilNs;
    private long clockOffsetNs;
    private long slowDiskUntilNs;
    private long slowDiskNs;
    private boolean healed;

    /** Changes of the disk until the crash that is on its way; negative = none. */
    private int changesUntilCrash = -1;

    private boolean crashTakesHost;
    private boolean forceMayFail;
    private boolean withinForce;
    private int crashes;

    SimNode(
            int id,
            SwarmKnobs knobs,
            SimOptions options,
            SimRandom random,
            Scheduler scheduler,
            SimTrace trace,
            SimNetwork network,
            SimClientNetwork clientNetwork,
            ClusterInvariants invariants) {
        this.id = id;
        this.knobs = knobs;
        this.options = options;
        this.random = random;
        this.scheduler = scheduler;
        this.trace = trace;
        this.network = network;
        this.clientNetwork = clientNetwork;
        this.invariants = invariants;
        this.storageId = random.nextLong();
        this.clockOffsetNs = random.nextLong(1L << 50);
    }

    // ---- lives

    boolean isUp() {
        return replica != null;
    }

    int crashes() {
        return crashes;
    }

    @Nullable
    Replica replica() {
        return replica;
    }

    MapStore store() {
        return store;
    }

    /** Recovers and begins a new life; a crash in the middle of recovery is another crash. */
    void start() {
        if (replica != null) {
            return;
        }
        incarnation++;
        if (!healed && random.chance(knobs.recoveryCrashes)) {
            armCrash(random.nextInt(30), random.chance(knobs.hostCrashes));
        }
        // A start needs room; running out of it is for those that run.
        walDisk.freeBytes(Long.MAX_VALUE);
        store.failNextWrites(0);
        try {
            Replica.Config config = config();
            ReplicaLog log = ReplicaLog.open(config.wal(), root, wal, store.flushedApplied(), null, random::nextLong);
            Replica started = new Replica(config, surroundings(log), nodeNowNs());
            spares = log.spares();
            replica = started;
            store.setColdReads(false);
            Arrays.fill(dueNs, NOT_DUE);
            RaftCore core = started.consensus().core();
            trace.add(Kind.START, id, incarnation, core.lastIndex(), core.currentTerm(), core.appliedIndex());
            invariants.onStart(id, started);
        } catch (SimulatedCrash crash) {
            crashNow(true);
            return;
        } catch (WalException failure) {
            failed(failure);
            return;
        }
        for (Agent agent : AGENTS) {
            wake(agent);
        }
    }

    private Replica.Config config() {
        Set<Integer> voters = new TreeSet<>();
        Map<Integer, String> addresses = new HashMap<>();
        for (int node = 1; node <= knobs.nodes; node++) {
            voters.add(node);
            addresses.put(node, "node" + node + ":7400");
        }
        RaftConfig raft = new RaftConfig(
                id,
                voters,
                knobs.heartbeatTicks,
                knobs.electionMinTicks,
                knobs.electionMaxTicks,
                knobs.maxAppendBytes,
                knobs.maxInflightBytes,
                knobs.maxInflightEntries,
                knobs.maxReadRounds,
                Set.of());
        for (PlantedBug bug : options.plantedBugs()) {
            raft = raft.withPlantedBug(bug);
        }
        WalConfig walConfig = WalConfig.of(CLUSTER_ID_HASH, id, storageId)
                .withSegmentBytes(knobs.segmentBytes)
                .withSpareCount(knobs.spareCount)
                .withFaults(options.walFaults());
        long wallClockMs = 1_800_000_000_000L + random.between(-1_000_000_000L, 1_000_000_000L);
        return new Replica.Config(raft, walConfig, addresses, knobs.tickNs, wallClockMs, Long.MAX_VALUE, SMALL);
    }

    private Replica.Surroundings surroundings(ReplicaLog log) {
        return new Replica.Surroundings(
                log,
                store,
                network.open(id, () -> wake(Agent.LOOP)),
                clientNetwork.open(id, () -> wake(Agent.LOOP)),
                new Events(),
                random::nextLong,
                random::nextInt,
                () -> wake(Agent.LOOP),
                () -> wake(Agent.LOG_SYNC),
                () -> wake(Agent.APPLY),
                () -> wake(Agent.READER),
                () -> wake(Agent.READER));
    }

    /** The crash comes at once, or within the next changes of the disk, in the middle of whatever makes them. */
    void crash(boolean host, int changes) {
        if (replica == null) {
            return;
        }
        if (changes == 0) {
            crashTakesHost = host;
            crashNow(false);
        } else {
            armCrash(changes, host);
        }
    }

    private void armCrash(int changes, boolean host) {
        changesUntilCrash = changes;
        crashTakesHost = host;
    }

    private void crashNow(boolean midEffect) {
        long downNs = healed ? SwarmKnobs.MS : random.around(knobs.downForNs);
        trace.add(Kind.CRASH, id, crashTakesHost ? 1 : 0, downNs, midEffect ? 1 : 0, 0);
        crashes++;
        invariants.onCrash(id);
        network.close(id);
        clientNetwork.close(id);
        replica = null;
        incarnation++;
        changesUntilCrash = -1;
        forceMayFail = false;
        store.crash();
        if (crashTakesHost) {
            rootDisk.crashHost(random);
            walDisk.crashHost(random);
        } else {
            rootDisk.crashProcess();
            walDisk.crashProcess();
        }
        scheduler.after(downNs, this::start);
    }

    /** The first failed force ends the process; anything else that the log throws is a violation. */
    private void failed(WalException failure) {
        if (!forceMayFail) {
            throw new InvariantBroken("stopped", "node " + id + ": " + failure);
        }
        crashTakesHost = random.chance(knobs.hostCrashes);
        crashNow(true);
    }

    // ---- faults

    void pause(long forNs) {
        trace.add(Kind.PAUSE, id, forNs, 0, 0, 0);
        pausedUntilNs = Math.max(pausedUntilNs, scheduler.nowNs() + forNs);
    }

    void jumpClock(long byNs) {
        trace.add(Kind.CLOCK, id, byNs, 0, 0, 0);
        clockOffsetNs += byNs;
        if (replica != null) {
            wake(Agent.LOOP);
        }
    }

    void failForce(int successes) {
        if (replica != null) {
            trace.add(Kind.FORCE_FAILS, id, successes, 0, 0, 0);
            forceMayFail = true;
            (random.nextInt(4) == 0 ? rootDisk : walDisk).failForceAfter(successes);
        }
    }

    void slowDisk(long forceNs, long forNs) {
        trace.add(Kind.SLOW_DISK, id, forceNs, forNs, 0, 0);
        slowDiskNs = forceNs;
        slowDiskUntilNs = scheduler.nowNs() + forNs;
    }

    /** So many bytes are left for the log, and the store's next writes fail; the node must live through it. */
    void fillDisk(long freeBytes, int failedWrites, long forNs) {
        if (replica == null) {
            return;
        }
        trace.add(Kind.FULL_DISK, id, freeBytes, failedWrites, forNs, 0);
        walDisk.freeBytes(freeBytes);
        store.failNextWrites(failedWrites);
        int life = incarnation;
        scheduler.after(forNs, () -> {
            if (life == incarnation) {
                walDisk.freeBytes(Long.MAX_VALUE);
            }
        });
    }

    void flushStore() {
        if (replica != null) {
            store.flush();
            trace.add(Kind.FLUSH, id, store.flushedApplied().index(), 0, 0, 0);
        }
    }

    void writeBack() {
        trace.add(Kind.WRITE_BACK, id, 0, 0, 0, 0);
        rootDisk.writeBack(random);
        walDisk.writeBack(random);
    }

    void setColdReads(boolean cold) {
        trace.add(Kind.COLD, id, cold ? 1 : 0, 0, 0, 0);
        store.setColdReads(cold);
    }

    /** From now on nothing new goes wrong. */
    void heal() {
        healed = true;
        pausedUntilNs = 0;
        slowDiskUntilNs = 0;
        changesUntilCrash = -1;
        store.setColdReads(false);
        store.failNextWrites(0);
        walDisk.freeBytes(Long.MAX_VALUE);
        if (replica != null && forceMayFail) {
            rootDisk.failForceAfter(-1);
            walDisk.failForceAfter(-1);
            forceMayFail = false;
        }
    }

    // ---- steps

    private long nodeNowNs() {
        return scheduler.nowNs() + clockOffsetNs;
    }

    private void wake(Agent agent) {
        due(agent, scheduler.nowNs() + delayNs(agent));
    }

    private long delayNs(Agent agent) {
        return switch (agent) {
            case LOOP -> random.around(knobs.loopNs);
            case LOG_SYNC -> forceNs();
            case APPLY, READER -> {
                boolean slow = !healed && random.chance(knobs.slowApplies);
                yield random.around(slow ? knobs.slowForceNs : knobs.applyNs);
            }
            case SPARES -> random.around(SPARES_EVERY_NS);
        };
    }

    /** A force is stepped when it ends: what it has not covered by then was published later. */
    private long forceNs() {
        if (healed) {
            return Math.min(knobs.forceNs, SwarmKnobs.MS);
        }
        if (scheduler.nowNs() < slowDiskUntilNs) {
            return random.around(slowDiskNs);
        }
        return random.around(random.chance(knobs.slowForces) ? knobs.slowForceNs : knobs.forceNs);
    }

    private void due(Agent agent, long atNs) {
        if (atNs >= dueNs[agent.slot]) {
            return;
        }
        dueNs[agent.slot] = atNs;
        int life = incarnation;
        scheduler.at(atNs, () -> run(agent, life, atNs));
    }

    private void run(Agent agent, int life, long atNs) {
        Replica here = replica;
        if (here == null || life != incarnation || dueNs[agent.slot] != atNs) {
            return;
        }
        dueNs[agent.slot] = NOT_DUE;
        if (scheduler.nowNs() < pausedUntilNs) {
            due(agent, pausedUntilNs + delayNs(agent));
            return;
        }
        try {
            step(here, agent);
            invariants.afterStep(id);
        } catch (SimulatedCrash crash) {
            crashNow(true);
        } catch (WalException failure) {
            failed(failure);
        }
    }

    private void step(Replica here, Agent agent) {
        switch (agent) {
            case LOOP -> stepLoop(here);
            case LOG_SYNC -> stepLogSync(here);
            case APPLY -> {
                stepCycle(here.apply(), agent);
                if (here.apply().isStalled()) {
                    due(agent, scheduler.nowNs() + STALLED_EVERY_NS);
                }
                trace.add(
                        Kind.APPLY,
                        id,
                        here.apply().appliedIndex(),
                        here.apply().digest(),
                        0,
                        0);
            }
            case READER -> {
                stepCycle(here.slowReader(), agent);
                stepCycle(here.rangeReader(), agent);
                trace.add(Kind.READER, id, 0, 0, 0, 0);
            }
            case SPARES -> {
                SparePreparer preparer = requireNonNull(spares);
                if (preparer.doWork(nodeNowNs()) > 0) {
                    trace.add(Kind.SPARES, id, preparer.readyCount(), 0, 0, 0);
                }
                wake(agent);
            }
        }
    }

    private void stepLoop(Replica here) {
        ConsensusAgent loop = here.consensus();
        int work = loop.doWork(nodeNowNs());
        RaftCore core = loop.core();
        trace.add(Kind.LOOP, id, core.currentTerm(), core.lastIndex(), core.commitIndex(), core.durableIndex());
        due(Agent.LOOP, Math.max(loop.nextTickNs() - clockOffsetNs, scheduler.nowNs() + 1));
        if (work > 0 || loop.hasClientFrames()) {
            wake(Agent.LOOP);
        }
    }

    private void stepLogSync(Replica here) {
        withinForce = true;
        try {
            stepCycle(here.logSync(), Agent.LOG_SYNC);
        } finally {
            withinForce = false;
        }
        long durable = here.wal().durablePosition();
        trace.add(Kind.SYNC, id, here.wal().durableIndex(), durable >>> 32, durable & 0xFFFF_FFFFL, 0);
        checkDisk(here.wal(), durable);
    }

    /** What the log calls durable is on the disk. Of a sector that was appended to since, nothing can be said. */
    private void checkDisk(Wal log, long durable) {
        String digits = Integer.toString(LogPosition.segment(durable));
        String name = "0".repeat(20 - digits.length()) + digits + ".wal";
        int offset = LogPosition.offset(durable);
        int end = log.appendedPosition() == durable ? offset : offset & -SECTOR_BYTES;
        if (!walDisk.isForced(name, end)) {
            throw new InvariantBroken("disk-truth", "node " + id + ": " + name + " is not forced up to " + end);
        }
    }

    private void stepCycle(DutyCycle cycle, Agent agent) {
        if (cycle.doWork() > 0 || cycle.hasWork()) {
            wake(agent);
        }
    }

    // ---- in the middle of a change of the disk

    @Override
    public void beforeChange() {
        if (changesUntilCrash == 0) {
            throw new SimulatedCrash();
        }
        if (changesUntilCrash > 0) {
            changesUntilCrash--;
        }
    }

    /** The loop runs on while log-sync waits for the disk. */
    @Override
    public void duringForce(boolean persisted) {
        Replica here = replica;
        if (here == null || !withinForce || healed || !random.chance(knobs.nestedSteps / 2)) {
            return;
        }
        withinForce = false;
        trace.add(Kind.NESTED, id, persisted ? 0 : 1, 0, 0, 0);
        stepLoop(here);
        invariants.afterStep(id);
        withinForce = true;
    }

    @Override
    public int bytesBeforeCrash(int length) {
        return random.nextInt(length + 1);
    }

    private final class Events implements EventLog {
        @Override
        public void onRoleChanged(Role role, long term, int leaderId, String reason) {
            trace.add(Kind.ROLE, id, term, leaderId, 0, 0, role + ": " + reason);
            if (!healed && random.chance(knobs.roleChangeCrashes)) {
                armCrash(random.between(0, 4), random.chance(knobs.hostCrashes));
            }
        }

        @Override
        public void onBadPeerFrame(int peerId, String reason) {
            trace.add(Kind.BAD_FRAME, id, peerId, 0, 0, 0, reason);
            throw new InvariantBroken("bad-frame", "node " + id + " from " + peerId + ": " + reason);
        }
    }
}
