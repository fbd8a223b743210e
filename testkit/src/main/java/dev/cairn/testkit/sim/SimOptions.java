package dev.cairn.testkit.sim;

import dev.cairn.raft.PlantedBug;
import dev.cairn.wal.WalFault;
import java.util.Set;
import java.util.function.Consumer;

/**
 * What a run is told beside its seed.
 *
 * @param plantedBugs mistakes of the core that are switched on in all nodes
 * @param walFaults mistakes of the log that are switched on in all nodes
 * @param tuning makes the interleavings likely that a test is after; changes knobs, never checks
 * @param maxFaultsNs bound of the time during which faults happen, virtual nanoseconds; 0 = as drawn
 */
record SimOptions(Set<PlantedBug> plantedBugs, Set<WalFault> walFaults, Consumer<SwarmKnobs> tuning, long maxFaultsNs) {
    static final SimOptions NONE = new SimOptions(Set.of(), Set.of(), knobs -> {}, 0);

    static SimOptions planted(PlantedBug bug, Consumer<SwarmKnobs> tuning) {
        return new SimOptions(Set.of(bug), Set.of(), tuning, 0);
    }

    static SimOptions planted(WalFault fault, Consumer<SwarmKnobs> tuning) {
        return new SimOptions(Set.of(), Set.of(fault), tuning, 0);
    }
}
