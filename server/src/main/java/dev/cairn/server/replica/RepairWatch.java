package dev.cairn.server.replica;

import dev.cairn.raft.RaftCore;
import dev.cairn.wal.RecoveryReport;
import dev.cairn.wal.Wal;
import org.jspecify.annotations.Nullable;

/**
 * Tells people about the repair of this node's log. It needs a leader that a majority of intact logs follows; where there is
 * none it waits for ever, and says so again and again, with what is lost. Loop thread.
 */
final class RepairWatch {
    private static final int ELECTION_TIMEOUTS = 5;

    private final EventLog events;
    private final String lost;
    private final int patienceTicks;
    private int ticksWithoutTarget;

    RepairWatch(final EventLog events, final Wal wal, final int electionMaxTicks) {
        this.events = events;
        patienceTicks = ELECTION_TIMEOUTS * electionMaxTicks;
        final RecoveryReport.@Nullable Damage damage = wal.recovery().damage();
        // Found in an earlier life: what was lost stands in that one's log, here only where the log ended.
        lost = damage != null && damage.repairing()
                ? damage.lost().toString()
                : "[" + (wal.recovery().lastIndex() + 1) + "..]";
    }

    /** Entries that could not be read, for people. */
    String lost() {
        return lost;
    }

    void onTick(final RaftCore core) {
        if (!core.isRepairing() || core.repairTarget() >= 0) {
            ticksWithoutTarget = 0;
            return;
        }
        if (++ticksWithoutTarget % patienceTicks == 0) {
            events.onRepairStalled(lost, core.lastIndex());
        }
    }
}
