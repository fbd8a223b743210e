package dev.cairn.testkit.sim;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/** Kinds of trouble that a run can do without: by name, what switches each off. */
final class FaultKinds {
    private static final Map<String, Consumer<SwarmKnobs>> OFF = new LinkedHashMap<>();

    static {
        OFF.put("snapshots", knobs -> knobs.snapshotEntries = SwarmKnobs.NO_SNAPSHOTS);
        OFF.put("rot", knobs -> knobs.rot = 0);
        OFF.put("full-disks", knobs -> knobs.fullDiskEveryNs = 0);
        OFF.put("failing-forces", knobs -> knobs.forceFailures = 0);
        OFF.put("crashes", knobs -> {
            knobs.crashEveryNs = 0;
            knobs.roleChangeCrashes = 0;
        });
        OFF.put("role-change-crashes", knobs -> knobs.roleChangeCrashes = 0);
        OFF.put("start-crashes", knobs -> knobs.recoveryCrashes = 0);
        OFF.put("install-crashes", knobs -> knobs.installCrashes = 0);
        OFF.put("host-crashes", knobs -> knobs.hostCrashes = 0);
        OFF.put("partitions", knobs -> knobs.partitionEveryNs = 0);
        OFF.put("flapping", knobs -> knobs.flapping = 0);
        OFF.put("slow-links", knobs -> knobs.slowLinkEveryNs = 0);
        OFF.put("client-cuts", knobs -> {
            knobs.clientCutEveryNs = 0;
            knobs.clientResets = 0;
        });
        OFF.put("losses", knobs -> knobs.drop = 0);
        OFF.put("doubles", knobs -> knobs.duplicate = 0);
        OFF.put("late-frames", knobs -> knobs.slowMessages = 0);
        OFF.put("disorder", knobs -> knobs.ordered = true);
        OFF.put("pauses", knobs -> knobs.pauseEveryNs = 0);
        OFF.put("clocks", knobs -> {
            knobs.clockJumpEveryNs = 0;
            knobs.clockRate = 0;
            knobs.clockRateEveryNs = 0;
        });
        OFF.put("slow-disks", knobs -> {
            knobs.slowDiskEveryNs = 0;
            knobs.slowForces = 0;
            knobs.slowApplies = 0;
        });
        OFF.put("steps-within-forces", knobs -> knobs.nestedSteps = 0);
        OFF.put("cold-reads", knobs -> knobs.coldReads = 0);
        OFF.put("store-flushes", knobs -> knobs.storeFlushEveryNs = 0);
        OFF.put("write-backs", knobs -> knobs.writeBackEveryNs = 0);
        OFF.put("transfers", knobs -> knobs.transferEveryNs = 0);
        OFF.put("membership-changes", knobs -> knobs.membershipEveryNs = 0);
        OFF.put("two-clients-and-more", knobs -> knobs.clients = 1);
        OFF.put("many-requests-at-once", knobs -> knobs.maxInFlight = 1);
    }

    private FaultKinds() {}

    static Set<String> names() {
        return OFF.keySet();
    }

    /** Switches these kinds off, on top of what a run is told otherwise. */
    static SimOptions without(Collection<String> kinds, SimOptions options) {
        for (String kind : kinds) {
            if (!OFF.containsKey(kind)) {
                throw new IllegalArgumentException("unknown kind " + kind + ", known are " + OFF.keySet());
            }
        }
        return new SimOptions(
                options.plantedBugs(),
                options.walFaults(),
                options.simBugs(),
                options.tuning()
                        .andThen(knobs -> kinds.forEach(kind -> {
                            Consumer<SwarmKnobs> off = OFF.get(kind);
                            if (off != null) {
                                off.accept(knobs);
                            }
                        })));
    }
}
