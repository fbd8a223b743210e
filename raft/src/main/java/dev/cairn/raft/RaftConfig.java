package dev.cairn.raft;

import java.util.EnumSet;
import java.util.Set;

/**
 * Numbers that the core needs. Time is counted in ticks of the driver's choice.
 *
 * @param nodeId this node, 1..65535
 * @param voters ids of all voters as long as no configuration entry says otherwise; without this node, or none at all, on
 *     a node that is to be added to a cluster
 * @param heartbeatTicks a leader sends at least one message per peer in this many ticks
 * @param electionMinTicks lower bound of the election timeout
 * @param electionMaxTicks upper bound of the election timeout
 * @param maxAppendBytes entries of one AppendEntries, in bytes; at least one entry is sent whatever its size
 * @param maxInflightBytes no further entries leave for a peer while this many bytes are not acknowledged as durable by
 *     it; the last message may exceed that by its own size
 * @param maxInflightEntries the same bound in entries
 * @param maxReadRounds read rounds that may wait for their quorum at the same time; later reads share the next one
 * @param maxUncommittedBytes a leader takes no proposals while entries of at least so many bytes wait for their quorum
 * @param maxUncommittedEntries the same bound in entries
 * @param leaseNs so long after a round was sent that a quorum has confirmed, a leader may answer reads without another;
 *     0 = never. The same on all nodes: with leases a node that starts grants no vote for the shortest election timeout.
 *     Must be so much shorter than electionMinTicks that clocks which run at different rates cannot matter
 * @param lingerNs a leader lets few entries wait for the group before them while such groups commit within so long; 0 =
 *     everything leaves at once
 * @param plantedBugs test only: see {@link PlantedBug}
 */
public record RaftConfig(
        int nodeId,
        Set<Integer> voters,
        int heartbeatTicks,
        int electionMinTicks,
        int electionMaxTicks,
        int maxAppendBytes,
        int maxInflightBytes,
        int maxInflightEntries,
        int maxReadRounds,
        long maxUncommittedBytes,
        int maxUncommittedEntries,
        long leaseNs,
        long lingerNs,
        Set<PlantedBug> plantedBugs) {
    public static final int MAX_NODE_ID = 65_535;

    private static final long MAX_UNCOMMITTED_BYTES = 256L << 20;
    private static final int MAX_UNCOMMITTED_ENTRIES = 1 << 20;

    /** With the usual bounds for what waits for its quorum, without leases, and with nothing that waits for the group before it. */
    public RaftConfig(
            final int nodeId,
            final Set<Integer> voters,
            final int heartbeatTicks,
            final int electionMinTicks,
            final int electionMaxTicks,
            final int maxAppendBytes,
            final int maxInflightBytes,
            final int maxInflightEntries,
            final int maxReadRounds,
            final Set<PlantedBug> plantedBugs) {
        this(
                nodeId,
                voters,
                heartbeatTicks,
                electionMinTicks,
                electionMaxTicks,
                maxAppendBytes,
                maxInflightBytes,
                maxInflightEntries,
                maxReadRounds,
                MAX_UNCOMMITTED_BYTES,
                MAX_UNCOMMITTED_ENTRIES,
                0,
                0,
                plantedBugs);
    }

    public RaftConfig {
        voters = Set.copyOf(voters);
        plantedBugs = Set.copyOf(plantedBugs);
        require(nodeId >= 1 && nodeId <= MAX_NODE_ID, "node.id", nodeId, "must be in 1.." + MAX_NODE_ID);
        for (final int id : voters) {
            require(id >= 1 && id <= MAX_NODE_ID, "voter", id, "must be in 1.." + MAX_NODE_ID);
        }
        require(heartbeatTicks >= 1, "heartbeatTicks", heartbeatTicks, "must be at least 1");
        require(
                electionMinTicks >= 2 * heartbeatTicks,
                "electionMinTicks",
                electionMinTicks,
                "must be at least twice heartbeatTicks = " + heartbeatTicks);
        require(
                electionMaxTicks > electionMinTicks,
                "electionMaxTicks",
                electionMaxTicks,
                "must be above electionMinTicks = " + electionMinTicks);
        require(maxAppendBytes >= 1, "maxAppendBytes", maxAppendBytes, "must be positive");
        require(maxInflightBytes >= maxAppendBytes, "maxInflightBytes", maxInflightBytes, "must be >= maxAppendBytes");
        require(maxInflightEntries >= 1, "maxInflightEntries", maxInflightEntries, "must be positive");
        require(maxReadRounds >= 1, "maxReadRounds", maxReadRounds, "must be positive");
        require(maxUncommittedBytes >= 1, "maxUncommittedBytes", maxUncommittedBytes, "must be positive");
        require(maxUncommittedEntries >= 1, "maxUncommittedEntries", maxUncommittedEntries, "must be positive");
        require(leaseNs >= 0, "leaseNs", leaseNs, "must not be negative");
        require(lingerNs >= 0, "lingerNs", lingerNs, "must not be negative");
    }

    /** The usual sizes with the given timing. */
    public static RaftConfig of(
            final int nodeId,
            final Set<Integer> voters,
            final int heartbeatTicks,
            final int electionMinTicks,
            final int electionMaxTicks) {
        return new RaftConfig(
                nodeId,
                voters,
                heartbeatTicks,
                electionMinTicks,
                electionMaxTicks,
                1 << 20,
                16 << 20,
                1 << 16,
                2,
                Set.of());
    }

    /** The same with reads by lease. */
    public RaftConfig withLeaseNs(final long newLeaseNs) {
        return with(maxUncommittedBytes, maxUncommittedEntries, newLeaseNs, lingerNs, plantedBugs);
    }

    /** The same with small groups that wait for the one before them. */
    public RaftConfig withLingerNs(final long newLingerNs) {
        return with(maxUncommittedBytes, maxUncommittedEntries, leaseNs, newLingerNs, plantedBugs);
    }

    /** The same with other bounds for what waits for its quorum. */
    public RaftConfig withMaxUncommitted(final long newMaxBytes, final int newMaxEntries) {
        return with(newMaxBytes, newMaxEntries, leaseNs, lingerNs, plantedBugs);
    }

    /** Test only: the same configuration with a mistake switched on. */
    public RaftConfig withPlantedBug(final PlantedBug bug) {
        final EnumSet<PlantedBug> bugs = EnumSet.of(bug);
        bugs.addAll(plantedBugs);
        return with(maxUncommittedBytes, maxUncommittedEntries, leaseNs, lingerNs, bugs);
    }

    private RaftConfig with(
            final long newMaxUncommittedBytes,
            final int newMaxUncommittedEntries,
            final long newLeaseNs,
            final long newLingerNs,
            final Set<PlantedBug> newPlantedBugs) {
        return new RaftConfig(
                nodeId,
                voters,
                heartbeatTicks,
                electionMinTicks,
                electionMaxTicks,
                maxAppendBytes,
                maxInflightBytes,
                maxInflightEntries,
                maxReadRounds,
                newMaxUncommittedBytes,
                newMaxUncommittedEntries,
                newLeaseNs,
                newLingerNs,
                newPlantedBugs);
    }

    private static void require(final boolean holds, final String name, final long value, final String rule) {
        if (!holds) {
            throw new IllegalArgumentException(name + " = " + value + ": " + rule);
        }
    }
}
