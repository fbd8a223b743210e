package dev.cairn.server.replica;

import dev.cairn.protocol.MemberChange;
import dev.cairn.raft.RaftCore;
import dev.cairn.raft.Role;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An operator's changes of the membership: begun, and answered when they are committed and one configuration holds again.
 * The rules of the change itself are the core's. Loop thread.
 */
final class MembershipRequests {
    /** Tells the operator's request what became of it. */
    interface Handler {
        /** Called once; {@code done} false = not known here: another node leads before the change was committed. */
        void onEnd(long connectionId, long requestId, boolean done);
    }

    private final MemberAddresses addresses;
    private final Handler handler;

    private boolean awaited;
    private long index;
    private long term;
    private long connectionId;
    private long requestId;

    MembershipRequests(final MemberAddresses addresses, final Handler handler) {
        this.addresses = addresses;
        this.handler = handler;
    }

    /**
     * On a leader.
     *
     * @return null when the change has begun, then {@link Handler} tells its end; else why nothing was done
     */
    @Nullable
    String start(
            final RaftCore core,
            final List<MemberChange> changes,
            final long newConnectionId,
            final long newRequestId) {
        if (awaited) {
            return "a change is under way: " + core.membership() + " at index " + core.membershipIndex();
        }
        final String problem = MemberChanges.refusal(changes, core.membership(), addresses);
        if (problem != null) {
            return problem;
        }
        final Map<Integer, String> before = new HashMap<>();
        for (final MemberChange change : changes) {
            before.putIfAbsent(change.nodeId(), addresses.text(change.nodeId()));
        }
        MemberChanges.noteAddresses(changes, addresses);
        final String refusal = core.changeMembership(MemberChanges.forCore(changes));
        if (refusal != null) {
            before.forEach(this::restore);
            return refusal;
        }
        awaited = true;
        index = core.membershipIndex();
        term = core.currentTerm();
        connectionId = newConnectionId;
        requestId = newRequestId;
        return null;
    }

    private void restore(final int nodeId, final String text) {
        if (text.isEmpty()) {
            addresses.remove(nodeId);
        } else {
            addresses.put(nodeId, text);
        }
    }

    /** Each cycle. */
    void end(final RaftCore core) {
        if (!awaited) {
            return;
        }
        final boolean committed =
                core.commitIndex() >= index && (index <= core.baseIndex() || core.term(index) == term);
        final boolean leads = core.role() == Role.LEADER && core.currentTerm() == term;
        if (leads ? committed && !core.isMembershipChanging() : true) {
            awaited = false;
            handler.onEnd(connectionId, requestId, committed && !core.isMembershipChanging());
        }
    }
}
