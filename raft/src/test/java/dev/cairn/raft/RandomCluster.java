package dev.cairn.raft;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A cluster under random faults, all from one seed: messages are dropped, doubled, delayed and reordered, links cut,
 * forces complete late and in parts, hosts crash and lose what was not durable. Each seed draws its own mix, so that
 * some runs are calm and some wild. At the end everything heals and the cluster must work.
 */
final class RandomCluster {
    private static final int STEPS = 4_000;
    private static final int MAX_IN_FLIGHT = 60;
    private static final int HEAL_ROUNDS = 300;

    private final long seed;
    private final SplittableRandom random;
    private final @Nullable Consumer<String> trace;
    private final List<TestNode> nodes = new ArrayList<>();
    private final ClusterChecks checks = new ClusterChecks(nodes);
    private final List<Message> network = new ArrayList<>();
    private final List<List<TestNode.HardState>> unreportedHardStates = new ArrayList<>();
    private final List<List<Long>> unreportedPositions = new ArrayList<>();
    private final boolean[] cut;
    private final boolean[] asleep;
    private final long[] milestones;
    private long nextPayload = 1;
    private long nextReadId = 1;
    private int crashes;
    private int transfers;
    private int changes;
    private int jointChanges;
    /** So many of the nodes lose some of their log now and then. */
    private int rotten;

    private int damages;

    // The mix of this seed, in percent or as weights.
    private final int drop;
    private final int duplicate;
    private final int reorder;
    private final int gather;
    private final int crashAfterVote;
    private final int crashAfterClaim;
    private final int crashAtMilestone;
    private final int electionSpread;
    private final boolean lockstep;
    private final int maxAppendBytes;
    private final int maxInflightEntries;
    private final int deliverWeight;
    private final int tickWeight;
    private final int proposeWeight;
    private final int readWeight;
    private final int forceWeight;
    private final int hardStateWeight;
    private final int crashWeight;
    private final int partitionWeight;
    private final int compactWeight;
    private final int transferWeight;
    private final int changeWeight;
    private final int changeAtOnce;
    private final long lingerNs;

    RandomCluster(long seed, int voters, @Nullable PlantedBug bug, @Nullable Consumer<String> trace) {
        this(seed, voters, TestNode.voterIds(voters), false, bug, trace);
    }

    /** A cluster whose membership changes all the time, between one node and all of them. */
    static RandomCluster changing(long seed, @Nullable PlantedBug bug, @Nullable Consumer<String> trace) {
        SplittableRandom choice = new SplittableRandom(seed);
        int nodes = 3 + choice.nextInt(4);
        int voters = 1 + choice.nextInt(nodes);
        return new RandomCluster(
                seed, nodes, IntStream.rangeClosed(1, voters).boxed().collect(Collectors.toSet()), true, bug, trace);
    }

    /** A cluster in which a minority of the logs is damaged again and again. */
    static RandomCluster damaging(long seed, @Nullable PlantedBug bug, @Nullable Consumer<String> trace) {
        int voters = seed % 3 == 0 ? 5 : 3;
        RandomCluster cluster = new RandomCluster(seed, voters, bug, trace);
        cluster.rotten = voters / 2;
        return cluster;
    }

    private RandomCluster(
            long seed,
            int size,
            Set<Integer> voters,
            boolean changing,
            @Nullable PlantedBug bug,
            @Nullable Consumer<String> trace) {
        this.seed = seed;
        this.trace = trace;
        random = new SplittableRandom(seed);
        // Short reigns that end before their first entry is everywhere leave entries of many terms (Raft figure 8).
        boolean shortReigns = seed % 10 == 0;
        drop = pick(0, 2, 10);
        duplicate = pick(0, 2, 15);
        reorder = pick(0, 10, 60);
        gather = shortReigns ? 50 : pick(0, 20, 50);
        crashAfterVote = pick(0, 0, 10, 60);
        crashAfterClaim = pick(0, 0, 2, 10);
        crashAtMilestone = shortReigns ? pick(25, 50) : pick(0, 0, 0, 3, 20);
        electionSpread = pick(1, 6);
        lockstep = !shortReigns && chance(30);
        maxAppendBytes = shortReigns ? 1 : pick(1, 300);
        maxInflightEntries = shortReigns ? 1 : pick(1, 12, 12);
        deliverWeight = pick(200, 500);
        tickWeight = shortReigns ? pick(60, 120) : pick(15, 30, 60);
        proposeWeight = shortReigns ? 2 : pick(10, 60);
        readWeight = pick(2, 15);
        forceWeight = pick(30, 150, 300);
        hardStateWeight = pick(40, 150, 300);
        crashWeight = shortReigns ? 1 : pick(0, 0, 1, 3, 10);
        partitionWeight = shortReigns ? 0 : pick(0, 1, 3, 8);
        // By the seed's own digits: the other seeds go on as they always did.
        compactWeight = seed % 4 == 1 ? 20 : seed % 4 == 3 ? 5 : 0;
        transferWeight = seed % 7 == 2 ? 20 : seed % 7 == 5 ? 3 : 0;
        changeWeight = changing ? pick(20, 80) : 0;
        changeAtOnce = changing ? pick(0, 0, 60) : 0;
        // Time stands still here, so few entries wait for the group before them however long that takes.
        lingerNs = seed % 4 == 3 ? 1 : 0;
        cut = new boolean[size * size];
        asleep = new boolean[size];
        milestones = new long[size];
        for (int id = 1; id <= size; id++) {
            nodes.add(newNode(id, voters, bug));
            unreportedHardStates.add(new ArrayList<>());
            unreportedPositions.add(new ArrayList<>());
        }
    }

    private TestNode newNode(int id, Set<Integer> voters, @Nullable PlantedBug bug) {
        RaftConfig config = new RaftConfig(
                        id,
                        voters.contains(id) ? voters : Set.of(),
                        2,
                        6,
                        6 + electionSpread,
                        maxAppendBytes,
                        900,
                        maxInflightEntries,
                        2,
                        Set.of())
                .withLingerNs(lingerNs);
        SplittableRandom jitter = random.split();
        return new TestNode(
                bug == null ? config : config.withPlantedBug(bug),
                new TestLog(0, 0, checks::onAppend),
                new TestNode.HardState(0, 0, 0),
                jitter::nextInt,
                trace);
    }

    private int pick(int... choices) {
        return choices[random.nextInt(choices.length)];
    }

    private boolean chance(int percent) {
        return random.nextInt(100) < percent;
    }

    ClusterChecks checks() {
        return checks;
    }

    int crashes() {
        return crashes;
    }

    int damages() {
        return damages;
    }

    int repairs() {
        return nodes.stream().mapToInt(node -> node.repairs).sum();
    }

    /** Runs all steps and heals; any violation is thrown, with the seed in front. */
    void run() {
        try {
            for (int step = 0; step < STEPS; step++) {
                step();
            }
            heal();
        } catch (RuntimeException | AssertionError violation) {
            throw new AssertionError("seed=" + seed + " voters=" + nodes.size() + ": " + violation, violation);
        }
    }

    // ---- one step ------------------------------------------------------------------------------------------------

    private void step() {
        int total =
                deliverWeight + tickWeight + proposeWeight + readWeight + forceWeight + hardStateWeight + compactWeight;
        if (rotten > 0 && random.nextInt(150) == 0) {
            int ordinal = random.nextInt(rotten + 1);
            crash(ordinal);
            finish(ordinal);
            return;
        }
        int choice = random.nextInt(total + crashWeight + partitionWeight + transferWeight + changeWeight);
        if ((choice -= deliverWeight) < 0) {
            deliver();
            return;
        }
        int ordinal = random.nextInt(nodes.size());
        TestNode node = nodes.get(ordinal);
        if ((choice -= tickWeight) < 0) {
            tick(ordinal);
        } else if ((choice -= proposeWeight) < 0) {
            node.propose(nextPayload++, 40 + random.nextInt(200));
        } else if ((choice -= readWeight) < 0) {
            read(node);
        } else if ((choice -= forceWeight) < 0) {
            force(ordinal);
        } else if ((choice -= hardStateWeight) < 0) {
            forceHardState(ordinal);
        } else if ((choice -= compactWeight) < 0) {
            compact(node);
        } else if ((choice -= crashWeight) < 0) {
            crash(leaderOr(ordinal));
        } else if ((choice -= partitionWeight) < 0) {
            changeFaults();
        } else if ((choice -= transferWeight) < 0) {
            ordinal = leaderOr(ordinal);
            transfer(nodes.get(ordinal));
        } else {
            ordinal = leaderOr(ordinal);
            changeMembership(nodes.get(ordinal));
        }
        finish(ordinal);
    }

    /** In lockstep all time out together, and candidates duel. */
    private void tick(int ordinal) {
        for (int i = 0; i < nodes.size(); i++) {
            if ((i == ordinal || lockstep) && !asleep[i]) {
                nodes.get(i).core().tick();
                finish(i);
            }
        }
    }

    private int leaderOr(int ordinal) {
        if (random.nextBoolean()) {
            for (int i = 0; i < nodes.size(); i++) {
                if (nodes.get(i).core().role() == Role.LEADER) {
                    return i;
                }
            }
        }
        return ordinal;
    }

    private void deliver() {
        if (network.isEmpty()) {
            return;
        }
        int at = chance(reorder) ? random.nextInt(network.size()) : 0;
        Message message = network.remove(at);
        int ordinal = message.to() - 1;
        if (asleep[ordinal]) {
            network.add(message);
            return;
        }
        if (isCut(message) || chance(drop)) {
            return;
        }
        if (chance(duplicate)) {
            network.add(message);
        }
        receive(ordinal, message);
        finish(ordinal);
    }

    private void receive(int ordinal, Message message) {
        TestNode node = nodes.get(ordinal);
        int installs = node.installs;
        node.receive(message);
        if (node.installs > installs) {
            unreportedHardStates.get(ordinal).clear();
            unreportedPositions.get(ordinal).clear();
            note("installation at " + node.id);
            checks.onRestart(node);
        }
    }

    int installs() {
        return nodes.stream().mapToInt(node -> node.installs).sum();
    }

    /** A snapshot holds some of what is applied; the log drops it. */
    private void compact(TestNode node) {
        RaftCore core = node.core();
        long base = core.baseIndex();
        long limit = Math.min(core.appliedIndex(), core.durableIndex());
        if (limit > base) {
            core.truncatePrefix(base + 1 + random.nextInt((int) (limit - base)));
        }
    }

    /** To any node, the most caught-up one, itself or a stranger; now and then it just steps down. */
    private void transfer(TestNode node) {
        if (chance(10)) {
            node.core().stepDown();
        } else if (node.core().transferLeadership(random.nextInt(nodes.size() + 2)) == TransferAnswer.STARTED) {
            transfers++;
        }
    }

    int transfers() {
        return transfers;
    }

    private void changeMembership(TestNode node) {
        List<MembershipChange> steps = new ArrayList<>();
        do {
            steps.add(randomChange(node.core().membership()));
        } while (steps.size() < 3 && chance(40));
        if (node.core().changeMembership(steps) == null) {
            note("change at " + node.id + ": " + steps);
            changes++;
        }
    }

    /** Mostly one that makes sense; the rest is refused. */
    private MembershipChange randomChange(Membership now) {
        int any = 1 + random.nextInt(nodes.size());
        int member = oneOf(now.members(), any);
        int stranger = any;
        for (int i = 0; i < nodes.size() && now.isMember(stranger); i++) {
            stranger = stranger % nodes.size() + 1;
        }
        return switch (random.nextInt(8)) {
            case 0 -> new MembershipChange.AddLearner(stranger);
            case 1, 2 -> new MembershipChange.AddVoter(chance(70) ? stranger : oneOf(now.learners(), any));
            case 3 -> new MembershipChange.Promote(oneOf(now.learners(), any));
            case 4, 5 -> new MembershipChange.Replace(oneOf(now.voters(), any), chance(60) ? stranger : any);
            default -> new MembershipChange.Remove(member);
        };
    }

    private int oneOf(int[] ids, int otherwise) {
        return ids.length == 0 ? otherwise : ids[random.nextInt(ids.length)];
    }

    int changes() {
        return changes;
    }

    int jointChanges() {
        return jointChanges;
    }

    private boolean isCut(Message message) {
        return cut[(message.from() - 1) * nodes.size() + message.to() - 1];
    }

    private void read(TestNode node) {
        if (node.core().requestRead(nextReadId)) {
            checks.onRead(node.id, nextReadId);
            nextReadId++;
        }
    }

    /** The disk forces a part; or an earlier force is reported, perhaps late and out of order; or something is applied. */
    private void force(int ordinal) {
        TestNode node = nodes.get(ordinal);
        List<Long> unreported = unreportedPositions.get(ordinal);
        long durable = node.log.durablePosition();
        int unforced = (int) Math.min(Integer.MAX_VALUE - 1, node.log.appendedPosition() - durable);
        if (unforced > 0 && random.nextBoolean()) {
            node.log.force(durable + (chance(60) ? unforced : random.nextInt(unforced) + 1));
            unreported.add(node.log.durablePosition());
        }
        if (!unreported.isEmpty() && random.nextBoolean()) {
            node.reportLog(unreported.remove(random.nextInt(unreported.size())));
        }
        apply(node);
    }

    private void apply(TestNode node) {
        long applied = node.core().appliedIndex();
        long limit = Math.min(node.core().commitIndex(), node.core().durableIndex());
        if (limit > applied) {
            node.apply(applied + 1 + random.nextInt((int) (limit - applied)));
        }
    }

    private void forceHardState(int ordinal) {
        TestNode node = nodes.get(ordinal);
        List<TestNode.HardState> unreported = unreportedHardStates.get(ordinal);
        if (!node.pendingHardStates.isEmpty() && random.nextBoolean()) {
            // The driver may skip to the newest.
            while (node.pendingHardStates.size() > 1 && chance(20)) {
                node.pendingHardStates.remove();
            }
            node.writeOneHardState();
            unreported.add(node.hardState());
        }
        if (!unreported.isEmpty() && random.nextBoolean()) {
            node.reportHardState(unreported.remove(0));
        }
    }

    private void crash(int ordinal) {
        TestNode node = nodes.get(ordinal);
        crashes++;
        int unforced = (int) (node.log.appendedPosition() - node.log.durablePosition());
        long surviving = node.log.durablePosition() + (chance(50) ? 0 : random.nextInt(unforced + 1));
        int hardStates = chance(50) ? 0 : random.nextInt(node.pendingHardStates.size() + 1);
        long applied = node.core().appliedIndex();
        // The store has flushed at least what its snapshot holds.
        long flushedAtLeast = node.core().baseIndex();
        long flushed = applied == flushedAtLeast
                ? applied
                : flushedAtLeast + random.nextInt((int) (applied - flushedAtLeast) + 1);
        node.crash(surviving, hardStates, flushed);
        unreportedHardStates.get(ordinal).clear();
        unreportedPositions.get(ordinal).clear();
        note("crash of " + node.id);
        if (ordinal < rotten && random.nextInt(3) > 0) {
            damages++;
            long base = node.log.base();
            node.damage(base + random.nextInt((int) (node.log.lastIndex() - base) + 1));
            checks.onDamage(node);
            note("damage of " + node.id + ": log ends at " + node.log.lastIndex());
        }
        checks.onRestart(node);
    }

    private void changeFaults() {
        switch (random.nextInt(6)) {
            case 0, 1, 2 -> {
                Arrays.fill(cut, false);
                Arrays.fill(asleep, false);
            }
            case 3 -> cut[random.nextInt(cut.length)] = true;
            case 4 -> isolate(random.nextInt(nodes.size()));
            default -> {
                int ordinal = random.nextInt(asleep.length);
                asleep[ordinal] = !asleep[ordinal];
            }
        }
    }

    private void isolate(int ordinal) {
        for (int other = 0; other < nodes.size(); other++) {
            cut[ordinal * nodes.size() + other] = true;
            cut[other * nodes.size() + ordinal] = true;
        }
    }

    /** Ends the cycle, or lets it gather more; whatever left the node is on its way. */
    private void finish(int ordinal) {
        TestNode node = nodes.get(ordinal);
        if (changeAtOnce > 0
                && node.core().role() == Role.LEADER
                && node.core().commitIndex() < node.core().lastIndex()
                && chance(changeAtOnce)) {
            changeMembership(node);
        }
        if (!chance(gather)) {
            node.flush();
        }
        int risk = node.sent.stream().mapToInt(this::crashRisk).max().orElse(0);
        // A leader's milestone: more of its log is durable, or more is committed.
        long milestone = node.core().durableIndex() + node.core().commitIndex();
        if (node.core().role() == Role.LEADER && milestone > milestones[ordinal]) {
            risk = Math.max(risk, crashAtMilestone);
        }
        milestones[ordinal] = milestone;
        collect(node);
        if (chance(risk)) {
            crash(ordinal);
        }
    }

    /** In percent: a crash right after a promise is what could make it untrue. */
    private int crashRisk(Message message) {
        if (message instanceof Message.Vote vote) {
            return vote.granted() && !vote.preVote() ? crashAfterVote : 0;
        }
        boolean claims = message instanceof Message.Accepted
                || (message instanceof Message.OfStorage of && of.answer() instanceof Message.Accepted);
        return claims ? crashAfterClaim : 0;
    }

    private void collect(TestNode node) {
        for (Message message : node.sent) {
            checks.onSent(node, message);
            network.add(message);
        }
        node.sent.clear();
        jointChanges += node.jointConfigurations;
        node.jointConfigurations = 0;
        checks.check(node);
        while (network.size() > MAX_IN_FLIGHT) {
            network.remove(random.nextInt(network.size()));
        }
    }

    private void note(String line) {
        if (trace != null) {
            trace.accept(line);
        }
    }

    // ---- the end -------------------------------------------------------------------------------------------------

    /** Once faults stop there is a leader, it commits, and all logs become equal. */
    private void heal() {
        note("heal");
        Arrays.fill(cut, false);
        Arrays.fill(asleep, false);
        for (TestNode node : nodes) {
            // What reached the disk is reported in the end, as every driver does.
            unreportedHardStates.get(node.id - 1).forEach(node::reportHardState);
        }
        long target = 0;
        for (int round = 0; round < HEAL_ROUNDS; round++) {
            for (TestNode node : nodes) {
                node.core().tick();
                settle(node);
            }
            for (int i = 0; i < 200 && !network.isEmpty(); i++) {
                Message message = network.remove(0);
                TestNode node = nodes.get(message.to() - 1);
                receive(message.to() - 1, message);
                settle(node);
            }
            for (TestNode node : nodes) {
                if (target == 0 && round > HEAL_ROUNDS / 2) {
                    target = node.propose(nextPayload++);
                    settle(node);
                }
            }
            if (target != 0 && hasCommittedEverywhere(target)) {
                return;
            }
        }
        throw new AssertionError("not healed, target " + target + ": " + describe());
    }

    private void settle(TestNode node) {
        node.forceAll();
        apply(node);
        collect(node);
    }

    /** On every member: who was removed may never hear of it. */
    private boolean hasCommittedEverywhere(long target) {
        TestNode leader = leader();
        if (leader == null
                || leader.core().isMembershipChanging()
                || leader.core().commitIndex() < target) {
            return false;
        }
        long chain = leader.log.chain(target);
        return nodes.stream()
                .filter(node -> leader.core().membership().isMember(node.id))
                .allMatch(node -> node.core().commitIndex() >= target
                        && node.log.chain(target) == chain
                        && !node.core().isRepairing());
    }

    private @Nullable TestNode leader() {
        return nodes.stream()
                .filter(node -> node.core().role() == Role.LEADER)
                .max(Comparator.comparingLong(node -> node.core().currentTerm()))
                .orElse(null);
    }

    private String describe() {
        StringBuilder text = new StringBuilder();
        for (TestNode node : nodes) {
            RaftCore core = node.core();
            text.append(node.id)
                    .append(' ')
                    .append(core.role())
                    .append(" term ")
                    .append(core.currentTerm());
            text.append(" commit ")
                    .append(core.commitIndex())
                    .append(" last ")
                    .append(core.lastIndex())
                    .append(' ')
                    .append(core.membership())
                    .append("; ");
        }
        return text.toString();
    }
}
