package dev.cairn.server.replica;

import dev.cairn.raft.Membership;
import dev.cairn.raft.RaftCore;
import dev.cairn.raft.Role;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * What a node says about itself, as one JSON object. The names are those of HTTP's {@code /raft/status}. A node that knows no
 * leader leaves {@code lastHeartbeatAgoMs} out; it is exact to one tick. {@code repair} is there while the log is under
 * repair; its {@code targetIndex} is negative as long as no leader has named one.
 */
final class NodeDetails {
    private NodeDetails() {}

    /** Sizes in bytes; {@code snapshotIndex} 0 = none. */
    record Sizes(long logBytes, long storeBytes, long snapshotIndex, long sessions, long connections) {}

    static String json(
            final int nodeId,
            final RaftCore core,
            final long tickMs,
            final MemberAddresses addresses,
            final String outside,
            final String leaderAddress,
            final long digest,
            final Sizes sizes,
            final String lost) {
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
        if (core.isRepairing()) {
            out.append(",\"repair\":{\"lost\":\"").append(lost).append('"');
            number(out, "storageEpoch", core.storageEpoch());
            number(out, "targetIndex", core.repairTarget());
            out.append('}');
        }
        peers(out.append(",\"peers\":["), nodeId, core);
        members(out.append("],\"membership\":{"), core, addresses);
        if (!outside.isEmpty()) {
            out.append(",\"outside\":\"").append(outside).append('"');
        }
        return out.append('}').toString();
    }

    private static void members(final StringBuilder out, final RaftCore core, final MemberAddresses addresses) {
        final Membership membership = core.membership();
        out.append("\"index\":").append(core.membershipIndex());
        number(out, "committedIndex", core.committedMembershipIndex());
        out.append(",\"members\":[");
        String separator = "";
        for (final int id : membership.members()) {
            out.append(separator).append("{\"id\":").append(id);
            out.append(",\"role\":\"").append(role(membership, id)).append('"');
            if (membership.goal(id) != Membership.STAYS_LEARNER) {
                number(out, "goal", membership.goal(id));
            }
            out.append(",\"address\":\"").append(text(addresses, id)).append("\"}");
            separator = ",";
        }
        out.append("]}");
    }

    /** As configuration entries have it; what is no address has no place in JSON either. */
    private static String text(final MemberAddresses addresses, final int id) {
        final MemberAddress address = addresses.address(id);
        return address == null ? "" : address.toString();
    }

    private static String role(final Membership membership, final int id) {
        if (membership.isLearner(id)) {
            return "learner";
        }
        return membership.isIncomingVoter(id) ? "voter" : "outgoing";
    }

    private static void peers(final StringBuilder out, final int nodeId, final RaftCore core) {
        final boolean leads = core.role() == Role.LEADER;
        final int[] peers = IntStream.of(core.membership().members())
                .filter(id -> id != nodeId)
                .toArray();
        for (int i = 0; i < peers.length; i++) {
            final int peer = peers[i];
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
