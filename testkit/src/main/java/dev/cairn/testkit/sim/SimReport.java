package dev.cairn.testkit.sim;

import java.util.Map;

/**
 * What a run came to.
 *
 * @param seed with it the same run can be had again
 * @param hash of the whole trace
 * @param events executed
 * @param virtualNs length of the run in virtual time
 * @param operations of clients
 * @param unknown of these, commands that ended without an answer
 * @param crashes of nodes, in the middle of recovery too
 * @param faults of all kinds, crashes included, single messages not
 * @param faultsByKind all of them, single messages too
 * @param committed entries
 * @param snapshots that nodes have taken
 * @param installed snapshots of peers
 * @param check name of the check that failed, empty when none did
 * @param violation what it found, empty when nothing
 * @param tail the last lines of the trace of a failed run, else empty
 */
public record SimReport(
        long seed,
        long hash,
        long events,
        long virtualNs,
        int operations,
        int unknown,
        int crashes,
        int faults,
        Map<SimFault, Long> faultsByKind,
        long committed,
        int snapshots,
        int installed,
        String check,
        String violation,
        String tail) {
    /** Whether a check failed. */
    public boolean failed() {
        return !check.isEmpty();
    }
}
