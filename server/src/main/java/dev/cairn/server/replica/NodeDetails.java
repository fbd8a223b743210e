package dev.cairn.server.replica;

import dev.cairn.raft.RaftCore;
import dev.cairn.raft.Role;
import dev.cairn.server.metrics.LoopMetrics;
import java.util.Locale;

/**
 * What a node says about itself, as one JSON object. The names are those of HTTP's {@code /raft/status}. A node that knows no
 * leader leaves {@code lastHeartbeatAgoMs} out; it is exact to one tick.
 */
final class NodeDetails {
    private NodeDetails() {}

    /** Sizes in bytes; {@code snapshotIndex} 0 = none. */
    record Sizes(long logBytes, long storeBytes, long snapshotIndex, long sessions, long connections) {}

    static String json(
            final int nodeId,
            final RaftCore core,
            final long tickMs,
            final LoopMetrics metrics,
            final String leaderAddress,
            final long digest,
            final Sizes sizes) {
        final StringBuilder out = new StringBuilder(512);
        out.append("{\"node_id\":").append(nodeId);
        out.append(",\"state\":\"")
                .append(core.role().name().toLowerCase(Locale.ROOT))
                .append('"');
        number(out, "term", core.currentTerm());
        number(out, "commitIndex", core.commitIndex());
        number(out, "lastApplied", core.appliedIndex());
        number(out, "durableIndex", core.durableIndex());
        number(out, "logLen", core.lastIndex() - core.baseIndex());
        number(out, "lastLogIndex", core.lastIndex());
        number(out, "lastLogTerm", core.lastTerm());
        number(out, "logBaseIndex", core.baseIndex());
        number(out, "logBaseTerm", core.term(core.baseIndex()));
        number(out, "leaderId", core.leaderId());
        if (core.ticksSinceLeader() >= 0) {
            number(out, "lastHeartbeatAgoMs", core.ticksSinceLeader() * tickMs);
        }
        out.append(",\"leaderAddr\":\"").append(leaderAddress).append('"');
        out.append(",\"digest\":\"").append(Long.toHexString(digest)).append('"');
        number(out, "log_bytes", sizes.logBytes());
        number(out, "store_bytes", sizes.storeBytes());
        number(out, "snapshot_index", sizes.snapshotIndex());
        number(out, "sessions", sizes.sessions());
        number(out, "client_connections", sizes.connections());
        peers(out.append(",\"peers\":["), core, metrics);
        return out.append("]}").toString();
    }

    private static void peers(final StringBuilder out, final RaftCore core, final LoopMetrics metrics) {
        final boolean leads = core.role() == Role.LEADER;
        for (int i = 0; i < metrics.peerCount(); i++) {
            final int peer = metrics.peer(i);
            out.append(i == 0 ? "" : ",").append("{\"id\":").append(peer);
            if (leads) {
                number(out, "matchIndex", core.matchIndex(peer));
                number(out, "nextIndex", core.nextIndex(peer));
                number(out, "lag", Math.max(0, core.lastIndex() - core.matchIndex(peer)));
            }
            out.append('}');
        }
    }

    private static void number(final StringBuilder out, final String name, final long value) {
        out.append(",\"").append(name).append("\":").append(value);
    }
}
