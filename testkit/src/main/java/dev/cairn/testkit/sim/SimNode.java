package dev.cairn.testkit.sim;

import static java.util.Objects.requireNonNull;

import dev.cairn.raft.PlantedBug;
import dev.cairn.raft.RaftConfig;
import dev.cairn.raft.RaftCore;
import dev.cairn.raft.Role;
import dev.cairn.server.metrics.ReplicaMetrics;
import dev.cairn.server.replica.Capacities;
import dev.cairn.server.replica.ConsensusAgent;
import dev.cairn.server.replica.DutyCycle;
import dev.cairn.server.replica.EventLog;
import dev.cairn.server.replica.LeaseClock;
import dev.cairn.server.replica.MemberAddresses;
import dev.cairn.server.replica.Replica;
import dev.cairn.server.replica.ReplicaLog;
import dev.cairn.testkit.sim.SimTrace.Kind;
import dev.cairn.wal.HardStateInDoubtException;
import dev.cairn.wal.LogPosition;
import dev.cairn.wal.NoSpaceException;
import dev.cairn.wal.RecoveryReport;
import dev.cairn.wal.SparePreparer;
import dev.cairn.wal.Wal;
import dev.cairn.wal.WalConfig;
import dev.cairn.wal.WalDamagedException;
import dev.cairn.wal.WalException;
import dev.cairn.wal.simulated.SimulatedDirectory;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * One node over all its lives: its disks and its store, and the replica of the present life, whose agents are stepped as
 * events of their own, so that everything may happen between two of them. While a force runs the loop may run within it,
 * as another thread would.
 */
final class SimNode implements SimSnapshots.Host {
    /** A step to be taken. */
    private enum Agent {
        LOOP(0),
        LOG_SYNC(1),
        APPLY(2),
        READER(3),
        SPARES(4),
        SNAPSHOTS(5);

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

    private static final int LEAST_NODES_THAT_REPAIR = 3;
    private static final int THOUSAND = 1000;
    private static final String HARD_STATE = "hard-state";
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
    private final FaultCounts faults;
    /** Whether the files of this node may be damaged: those of a minority at most. */
    private final IntPredicate mayRot;

    private final SimulatedDirectory rootDisk = new SimulatedDirectory();
    private final SimulatedDirectory walDisk = new SimulatedDirectory();
    private final SimDirectory root;
    private final SimDirectory wal;
    private MapStore store = new MapStore();
    private final SimSnapshots snapshots;
    private final long storageId;

    private @Nullable Replica replica;
    private @Nullable ReplicaLog log;
    private SimNetwork.@Nullable Port peers;
    private int incarnation;
    private final long[] dueNs = new long[AGENTS.length];
    private long pausedUntilNs;

    // The node's clock: what it showed at a moment, and by how many thousandths it has run faster since.
    private long clockBaseNs;
    private long clockSinceNs;
    private int clockRate;

    private long slowDiskUntilNs;
    private long slowDiskNs;
    private boolean healed;

    /** Changes of the disk until the crash that is on its way; negative = none. */
    private int changesUntilCrash = -1;

    private boolean crashTakesHost;
    private boolean forceMayFail;
    private boolean withinForce;
    private boolean installing;
    private boolean damaged;
    private boolean lost;
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
            ClusterInvariants invariants,
            FaultCounts faults,
            Map<Integer, SimSnapshots> snapshotsOfAll,
            IntPredicate mayRot) {
        this.id = id;
        this.knobs = knobs;
        this.options = options;
        this.random = random;
        this.scheduler = scheduler;
        this.trace = trace;
        this.network = network;
        this.clientNetwork = clientNetwork;
        this.invariants = invariants;
        this.faults = faults;
        this.mayRot = mayRot;
        this.root = SimDirectory.ofNode(rootDisk, this, options);
        this.wal = SimDirectory.ofLog(walDisk, this, options);
        this.snapshots = new SimSnapshots(
                id,
                knobs,
                options,
                random.split(1),
                scheduler,
                trace,
                faults,
                network,
                invariants,
                this,
                snapshotsOfAll);
        this.storageId = random.nextLong();
        this.clockBaseNs = random.nextLong(1L << 50);
        this.clockRate = random.between(-knobs.clockRate, knobs.clockRate);
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

    /** Its disk was damaged, and it has refused to start: it stays away. */
    boolean isLost() {
        return lost;
    }

    int id() {
        return id;
    }

    @Override
    public MapStore store() {
        return store;
    }

    @Override
    public long appliedIndex() {
        Replica here = replica;
        return here == null ? 0 : here.apply().appliedIndex();
    }

    @Override
    public void wakeLoop() {
        wake(Agent.LOOP);
    }

    /** Recovers and begins a new life; a crash in the middle of recovery is another crash. */
    void start() {
        if (replica != null || lost) {
            return;
        }
        incarnation++;
        if (!healed && random.chance(knobs.recoveryCrashes)) {
            armCrash(random.nextInt(30), random.chance(knobs.hostCrashes));
        }
        // A start needs room; running out of it is for those that run.
        walDisk.freeBytes(Long.MAX_VALUE);
        store.failNextWrites(0);
        if (!healed && incarnation > 1 && random.chance(knobs.rot) && mayRot.test(id)) {
            rot();
        }
        List<Map<String, byte[]>> found = damaged ? List.of(files(rootDisk), files(walDisk)) : List.of();
        try {
            SimSnapshots.Finished intent = snapshots.intent();
            Replica.Installed installed = null;
            if (intent != null) {
                store = snapshots.swapped(intent);
                installed = new Replica.Installed(intent.index(), intent.term());
            }
            boolean repair = knobs.nodes >= LEAST_NODES_THAT_REPAIR;
            ReplicaLog opened = ReplicaLog.open(
                    walConfig(), root, wal, store.flushedApplied(), installed, repair, random::nextLong);
            log = opened;
            noteDamage(opened);
            peers = network.open(id, () -> wake(Agent.LOOP));
            begin(opened);
            if (installed != null) {
                snapshots.clear();
            }
        } catch (SimulatedCrash crash) {
            crashNow(true);
        } catch (WalDamagedException | HardStateInDoubtException refusal) {
            onRefusal(refusal, found);
        } catch (WalException failure) {
            failed(failure);
        }
    }

    /** A bit of some file has changed while nobody looked: mostly one of a record, for most of a file is zeros. */
    private void rot() {
        List<String> names = walDisk.list().stream()
                .filter(name -> name.endsWith(".wal") || random.nextInt(4) == 0)
                .toList();
        boolean ofLog = !names.isEmpty() && (knobs.rotOfLogOnly || random.nextInt(8) > 0);
        SimulatedDirectory disk = ofLog ? walDisk : rootDisk;
        String name = ofLog ? random.pick(names) : HARD_STATE;
        byte[] bytes = disk.list().contains(name) && (ofLog || !knobs.rotOfLogOnly) ? disk.bytes(name) : new byte[0];
        if (bytes.length == 0) {
            return;
        }
        int[] stored =
                IntStream.range(0, bytes.length).filter(i -> bytes[i] != 0).toArray();
        boolean anywhere = stored.length == 0 || random.nextInt(4) == 0;
        int offset = anywhere ? random.nextInt(bytes.length) : stored[random.nextInt(stored.length)];
        int bit = random.nextInt(Byte.SIZE);
        disk.overwrite(name, offset, new byte[] {(byte) (bytes[offset] ^ 1 << bit)});
        damaged = true;
        faults.count(SimFault.ROT);
        trace.add(Kind.ROT, id, offset, bit, 0, 0, name);
    }

    private void noteDamage(ReplicaLog opened) {
        RecoveryReport.Damage damage = opened.recovery().damage();
        if (damage != null) {
            if (!damaged) {
                throw new InvariantBroken("stopped", "node " + id + " found damage: " + damage);
            }
            faults.count(damage.repairing() ? SimFault.ROT_REPAIRED : SimFault.ROT_FORGOTTEN);
            trace.add(
                    Kind.REPAIR,
                    id,
                    damage.storageEpoch(),
                    opened.recovery().firstIndex(),
                    opened.recovery().lastIndex(),
                    0,
                    damage.text());
        }
    }

    private static Map<String, byte[]> files(SimulatedDirectory disk) {
        Map<String, byte[]> files = new TreeMap<>();
        disk.list().forEach(name -> files.put(name, disk.bytes(name)));
        return files;
    }

    /**
     * Where peers cannot help, as without a hard state that is known, or where there are too few of them: damage is told from
     * a crash, the node names the place, keeps all files as they were, and stays away.
     */
    private void onRefusal(WalException refusal, List<Map<String, byte[]>> found) {
        String message = String.valueOf(refusal.getMessage());
        if (!damaged) {
            throw new InvariantBroken("stopped", "node " + id + ": " + refusal);
        }
        boolean kept = same(found.get(0), files(rootDisk)) && same(found.get(1), files(walDisk));
        if (!kept || !message.contains("file=")) {
            throw new InvariantBroken("refusal", "node " + id + " kept its files: " + kept + ", said: " + message);
        }
        lost = true;
        faults.count(SimFault.ROT_REFUSED);
        trace.add(Kind.REFUSED, id, 0, 0, 0, 0, message);
    }

    private static boolean same(Map<String, byte[]> first, Map<String, byte[]> second) {
        return first.keySet().equals(second.keySet())
                && first.entrySet().stream()
                        .allMatch(entry -> Arrays.equals(entry.getValue(), second.get(entry.getKey())));
    }

    /** A replica on a store and a log that are recovered. */
    private void begin(ReplicaLog opened) {
        SimNetwork.Port port = requireNonNull(peers);
        Replica started = new Replica(config(), surroundings(opened, port), nodeNowNs());
        replica = started;
        store.setColdReads(false);
        Arrays.fill(dueNs, NOT_DUE);
        RaftCore core = started.consensus().core();
        trace.add(Kind.START, id, incarnation, core.lastIndex(), core.currentTerm(), core.appliedIndex());
        invariants.onStart(id, started);
        // A log that was shortened without a snapshot, around damage, can serve nobody until there is one.
        boolean takesSnapshots = knobs.snapshotEntries < SwarmKnobs.NO_SNAPSHOTS || core.baseIndex() > 0;
        for (Agent agent : AGENTS) {
            if (agent != Agent.SNAPSHOTS || takesSnapshots) {
                wake(agent);
            }
        }
    }

    /**
     * As the node does it between two cycles of its loop: a restart of the replica, while the log and the connections to peers
     * stay.
     */
    private void install(Replica here, SimSnapshots.Finished target) {
        long commitIndex = here.consensus().core().commitIndex();
        if (commitIndex >= target.index()) {
            snapshots.dropStaged();
            return;
        }
        ReplicaLog open = requireNonNull(log);
        long term = target.term();
        trace.add(Kind.INSTALL, id, target.index(), term, commitIndex, 0);
        installing = true;
        if (!healed && random.chance(knobs.installCrashes)) {
            armCrash(random.nextInt(20), random.chance(knobs.hostCrashes));
        }
        snapshots.intend(target);
        invariants.onInstall(id, target.index(), term);
        clientNetwork.close(id);
        finish(here.logSync());
        finish(here.apply());
        here.close();
        incarnation++;
        store = snapshots.swapped(target);
        open.follow(new Replica.Installed(target.index(), term), store.flushedApplied());
        invariants.onSnapshot(id, store.flushedApplied(), store.contentHash());
        begin(open);
        snapshots.clear();
        installing = false;
    }

    private static void finish(DutyCycle agent) {
        while (agent.hasWork() && agent.doWork() > 0) {
            // until nothing is left that it finds
        }
    }

    private Replica.Config config() {
        Set<Integer> voters = new TreeSet<>();
        Map<Integer, String> addresses = new HashMap<>();
        for (int node = 1; node <= knobs.nodes; node++) {
            voters.add(node);
            addresses.put(node, "node" + node + ":7500:7400");
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
                        Set.of())
                .withLeaseNs(Replica.leaseNs(knobs.electionMinTicks, knobs.tickNs))
                .withLingerNs(knobs.lingerNs);
        for (PlantedBug bug : options.plantedBugs()) {
            raft = raft.withPlantedBug(bug);
        }
        long wallClockMs = 1_800_000_000_000L + random.between(-1_000_000_000L, 1_000_000_000L);
        return new Replica.Config(
                raft, walConfig(), new MemberAddresses(addresses), knobs.tickNs, wallClockMs, Long.MAX_VALUE, SMALL);
    }

    private WalConfig walConfig() {
        return WalConfig.of(CLUSTER_ID_HASH, id, storageId)
                .withSegmentBytes(knobs.segmentBytes)
                .withSpareCount(knobs.spareCount)
                .withFaults(options.walFaults());
    }

    private Replica.Surroundings surroundings(ReplicaLog opened, SimNetwork.Port port) {
        return new Replica.Surroundings(
                opened,
                store,
                port,
                clientNetwork.open(id, () -> wake(Agent.LOOP)),
                new Events(),
                random::nextLong,
                random::nextInt,
                () -> wake(Agent.LOOP),
                () -> wake(Agent.LOG_SYNC),
                () -> wake(Agent.APPLY),
                () -> wake(Agent.READER),
                () -> wake(Agent.READER),
                snapshots,
                ReplicaMetrics.unread(),
                new Clocks());
    }

    /** Both jump together: what a lease must bear is that they do. */
    private final class Clocks implements LeaseClock {
        @Override
        public long monotonicNs() {
            return nodeNowNs();
        }

        @Override
        public long wallMs() {
            return nodeNowNs() / SwarmKnobs.MS;
        }
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
        faults.count(crashTakesHost ? SimFault.HOST_CRASH : SimFault.PROCESS_CRASH);
        if (installing) {
            faults.count(SimFault.CRASH_WITHIN_INSTALL);
        } else if (midEffect) {
            faults.count(replica == null ? SimFault.CRASH_WITHIN_START : SimFault.CRASH_WITHIN_CHANGE);
        }
        invariants.onCrash(id);
        network.close(id);
        clientNetwork.close(id);
        replica = null;
        log = null;
        installing = false;
        incarnation++;
        changesUntilCrash = -1;
        forceMayFail = false;
        store.crash();
        if (options.has(SimBug.ANSWERS_LOST_AT_RESTART)) {
            store.forgetAnswers();
        }
        snapshots.crash(crashTakesHost);
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
        boolean noRoomForSnapshot = installing && failure instanceof NoSpaceException;
        if (!forceMayFail && !noRoomForSnapshot) {
            throw new InvariantBroken("stopped", "node " + id + ": " + failure);
        }
        crashTakesHost = random.chance(knobs.hostCrashes);
        crashNow(true);
    }

    // ---- operators

    /** A step of the loop in which an operator's wish reaches the rules. */
    void operate(Consumer<RaftCore> wish) {
        whenRunning(() -> {
            wish.accept(requireNonNull(replica).consensus().core());
            wake(Agent.LOOP);
        });
    }

    // ---- faults

    void pause(long forNs) {
        trace.add(Kind.PAUSE, id, forNs, 0, 0, 0);
        faults.count(SimFault.PAUSE);
        pausedUntilNs = Math.max(pausedUntilNs, scheduler.nowNs() + forNs);
    }

    void jumpClock(long byNs) {
        trace.add(Kind.CLOCK, id, byNs, 0, 0, 0);
        faults.count(SimFault.CLOCK_JUMP);
        clockBaseNs += byNs;
        if (replica != null) {
            wake(Agent.LOOP);
        }
    }

    /** From now on the clock runs faster by so many thousandths, or slower. */
    void changeClockRate(int thousandths) {
        trace.add(Kind.CLOCK_RATE, id, thousandths, 0, 0, 0);
        faults.count(SimFault.CLOCK_RATE);
        clockBaseNs = nodeNowNs();
        clockSinceNs = scheduler.nowNs();
        clockRate = thousandths;
        if (replica != null) {
            wake(Agent.LOOP);
        }
    }

    void failForce(int successes) {
        if (replica != null) {
            trace.add(Kind.FORCE_FAILS, id, successes, 0, 0, 0);
            faults.count(SimFault.FAILED_FORCE);
            forceMayFail = true;
            (random.nextInt(4) == 0 ? rootDisk : walDisk).failForceAfter(successes);
        }
    }

    void slowDisk(long forceNs, long forNs) {
        trace.add(Kind.SLOW_DISK, id, forceNs, forNs, 0, 0);
        faults.count(SimFault.SLOW_DISK);
        slowDiskNs = forceNs;
        slowDiskUntilNs = scheduler.nowNs() + forNs;
    }

    /** So many bytes are left for the log, and the store's next writes fail; the node must live through it. */
    void fillDisk(long freeBytes, int failedWrites, long forNs) {
        if (replica == null) {
            return;
        }
        trace.add(Kind.FULL_DISK, id, freeBytes, failedWrites, forNs, 0);
        faults.count(SimFault.FULL_DISK);
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
            faults.count(SimFault.STORE_FLUSH);
            trace.add(Kind.FLUSH, id, store.flushedApplied().index(), 0, 0, 0);
        }
    }

    void writeBack() {
        trace.add(Kind.WRITE_BACK, id, 0, 0, 0, 0);
        faults.count(SimFault.WRITE_BACK);
        rootDisk.writeBack(random);
        walDisk.writeBack(random);
    }

    void setColdReads(boolean cold) {
        trace.add(Kind.COLD, id, cold ? 1 : 0, 0, 0, 0);
        if (cold) {
            faults.count(SimFault.COLD_READS);
        }
        store.setColdReads(cold);
    }

    /** From now on nothing new goes wrong. */
    void heal() {
        healed = true;
        snapshots.heal();
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
        return clockBaseNs + (scheduler.nowNs() - clockSinceNs) * (THOUSAND + clockRate) / THOUSAND;
    }

    /** When the node's clock will show this, if nobody changes it. */
    private long worldNs(long nodeNs) {
        int rate = THOUSAND + clockRate;
        return clockSinceNs + ((nodeNs - clockBaseNs) * THOUSAND + rate - 1) / rate;
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
            case SNAPSHOTS -> random.around(knobs.snapshotLookNs);
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
        if (random.chance(knobs.slowForces)) {
            faults.count(SimFault.SLOW_FORCE);
            return random.around(knobs.slowForceNs);
        }
        return random.around(knobs.forceNs);
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
        attempt(() -> step(here, agent));
    }

    @Override
    public void whenRunning(Runnable step) {
        int life = incarnation;
        if (replica == null) {
            return;
        }
        if (scheduler.nowNs() < pausedUntilNs) {
            scheduler.at(pausedUntilNs + 1, () -> {
                if (life == incarnation) {
                    whenRunning(step);
                }
            });
            return;
        }
        attempt(step);
    }

    /** A step of any thread of the node; it may end by a crash. */
    private void attempt(Runnable step) {
        try {
            step.run();
            invariants.afterStep(id);
        } catch (SimulatedCrash crash) {
            crashNow(true);
        } catch (WalException failure) {
            failed(failure);
        }
    }

    private void step(Replica here, Agent agent) {
        switch (agent) {
            case LOOP -> {
                SimSnapshots.Finished staged = snapshots.staged();
                if (staged != null && requireNonNull(log).hasRoomToFollow()) {
                    install(here, staged);
                }
                stepLoop(requireNonNull(replica));
            }
            case LOG_SYNC -> stepLogSync(here);
            case APPLY -> {
                stepCycle(here.apply(), agent);
                if (here.apply().isStalled()) {
                    due(agent, scheduler.nowNs() + STALLED_EVERY_NS);
                }
                invariants.onContent(id, here.apply().appliedIndex(), store.contentHash());
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
                SparePreparer preparer = requireNonNull(log).spares();
                if (preparer.doWork(nodeNowNs()) > 0) {
                    trace.add(Kind.SPARES, id, preparer.readyCount(), 0, 0, 0);
                }
                wake(agent);
            }
            case SNAPSHOTS -> {
                snapshots.step();
                wake(agent);
            }
        }
    }

    private void stepLoop(Replica here) {
        ConsensusAgent loop = here.consensus();
        int work = loop.doWork(nodeNowNs());
        RaftCore core = loop.core();
        trace.add(Kind.LOOP, id, core.currentTerm(), core.lastIndex(), core.commitIndex(), core.durableIndex());
        due(Agent.LOOP, Math.max(worldNs(loop.nextTickNs()), scheduler.nowNs() + 1));
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
        String name = log.fileOf(LogPosition.segment(durable));
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
        public void onLogDropped(long firstIndex) {
            trace.add(Kind.LOG_DROPPED, id, firstIndex, 0, 0, 0);
        }

        @Override
        public void onRepairTarget(long targetIndex, long lastIndex, int leaderId) {
            trace.add(Kind.REPAIR_TARGET, id, targetIndex, lastIndex, leaderId, 0);
            if (!healed && random.chance(knobs.repairCrashes)) {
                armCrash(random.between(0, 8), random.chance(knobs.hostCrashes));
                faults.count(SimFault.CRASH_WITHIN_REPAIR);
            }
        }

        @Override
        public void onRepairDone(long lastIndex) {
            trace.add(Kind.REPAIR_DONE, id, lastIndex, 0, 0, 0);
        }

        @Override
        public void onBadPeerFrame(int peerId, String reason) {
            trace.add(Kind.BAD_FRAME, id, peerId, 0, 0, 0, reason);
            throw new InvariantBroken("bad-frame", "node " + id + " from " + peerId + ": " + reason);
        }
    }
}
