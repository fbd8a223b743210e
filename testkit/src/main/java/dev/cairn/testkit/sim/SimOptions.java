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
 * @param simBugs mistakes around them that are switched on in all nodes
 * @param tuning makes the interleavings likely that a test is after; changes knobs, never checks
 */
record SimOptions(
        Set<PlantedBug> plantedBugs, Set<WalFault> walFaults, Set<SimBug> simBugs, Consumer<SwarmKnobs> tuning) {
    static final SimOptions NONE = tuned(knobs -> {});

    static SimOptions tuned(Consumer<SwarmKnobs> tuning) {
        return new SimOptions(Set.of(), Set.of(), Set.of(), tuning);
    }

    static SimOptions planted(PlantedBug bug, Consumer<SwarmKnobs> tuning) {
        return new SimOptions(Set.of(bug), Set.of(), Set.of(), tuning);
    }

    static SimOptions planted(WalFault fault, Consumer<SwarmKnobs> tuning) {
        return new SimOptions(Set.of(), Set.of(fault), Set.of(), tuning);
    }

    static SimOptions planted(SimBug bug, Consumer<SwarmKnobs> tuning) {
        return new SimOptions(Set.of(), Set.of(), Set.of(bug), tuning);
    }

    boolean has(SimBug bug) {
        return simBugs.contains(bug);
    }
}
