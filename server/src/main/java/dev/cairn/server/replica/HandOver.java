package dev.cairn.server.replica;

import dev.cairn.raft.RaftCore;
import dev.cairn.raft.Role;
import dev.cairn.raft.TransferAnswer;
import org.agrona.collections.IntHashSet;

/**
 * Why and when this leader hands leadership over, and who waits for it: an operator asks, the node stops, or its disk is
 * full. The rules of the transfer itself are the core's. Loop thread.
 */
final class HandOver {
    /** Tells the operator's request what became of it. */
    interface Handler {
        void onEnd(long connectionId, long requestId, boolean done);
    }

    private final int electionTicks;
    private final Handler handler;

    private long term;
    private int target;
    private boolean triedForStop;
    private int ticksWithoutLeader;
    private int ticksWithoutRoom;

    /** Peers that said last that clients' writes would find room with them. */
    private final IntHashSet peersWithRoom = new IntHashSet();

    private boolean awaited;
    private long awaitedTerm;
    private long connectionId;
    private long requestId;

    HandOver(final int electionTicks, final Handler handler) {
        this.electionTicks = electionTicks;
        this.handler = handler;
    }

    /** @param newTarget a voter, 0 = the one that is best prepared */
    TransferAnswer start(final RaftCore core, final int newTarget) {
        final TransferAnswer answer = core.transferLeadership(newTarget);
        if (answer == TransferAnswer.STARTED) {
            term = core.currentTerm();
            target = core.transferTarget();
        }
        return answer;
    }

    TransferAnswer stepDown(final RaftCore core) {
        core.stepDown();
        return TransferAnswer.STARTED;
    }

    // ---- an operator waits ---------------------------------------------------------------------------------------

    boolean isAwaited() {
        return awaited;
    }

    void await(final RaftCore core, final long newConnectionId, final long newRequestId) {
        awaited = true;
        awaitedTerm = core.currentTerm();
        connectionId = newConnectionId;
        requestId = newRequestId;
    }

    /** Each cycle: another node leads, or this one again, or still. */
    void end(final RaftCore core) {
        if (awaited && (core.role() == Role.LEADER ? core.transferTarget() == 0 : core.leaderId() != 0)) {
            awaited = false;
            handler.onEnd(connectionId, requestId, core.role() != Role.LEADER || core.currentTerm() > awaitedTerm);
        }
    }

    // ---- the disk is full ----------------------------------------------------------------------------------------

    void onPeerRoom(final int peerId, final boolean hasRoom) {
        if (hasRoom) {
            peersWithRoom.add(peerId);
        } else {
            peersWithRoom.remove(peerId);
        }
    }

    /**
     * A leader that has refused clients' writes for want of space over an election timeout hands over to a peer that has
     * room, if there is one: in that time peers on the same disk have said that they have none.
     */
    void onTick(final RaftCore core, final boolean hasRoom) {
        ticksWithoutLeader = core.leaderId() == 0 ? ticksWithoutLeader + 1 : 0;
        ticksWithoutRoom = hasRoom || core.role() != Role.LEADER ? 0 : ticksWithoutRoom + 1;
        if (ticksWithoutRoom >= electionTicks) {
            ticksWithoutRoom = 0;
            final int best = bestPeerWithRoom(core);
            if (best != 0) {
                start(core, best);
            }
        }
    }

    private int bestPeerWithRoom(final RaftCore core) {
        int best = 0;
        final IntHashSet.IntIterator peers = peersWithRoom.iterator();
        while (peers.hasNext()) {
            final int peer = peers.nextValue();
            final boolean better = best == 0 || core.matchIndex(peer) > core.matchIndex(best);
            if (better && core.membership().isIncomingVoter(peer)) {
                best = peer;
            }
        }
        return best;
    }

    // ---- the node stops ------------------------------------------------------------------------------------------

    /**
     * Tries once, and then says for how long to wait: until the transfer has ended, and on a node that has led until the
     * next leader is known, so that clients are told where to go; at most an election timeout for each.
     */
    boolean isUnderWayForStop(final RaftCore core) {
        if (!triedForStop) {
            triedForStop = true;
            start(core, 0);
        }
        if (core.role() == Role.LEADER) {
            return core.transferTarget() != 0;
        }
        return target != 0
                && core.currentTerm() == term + 1
                && core.leaderId() == 0
                && ticksWithoutLeader < electionTicks;
    }

    /** Where leadership went when this node gave it up a moment ago, 0 = it did not. */
    int successor(final RaftCore core) {
        return core.currentTerm() == term + 1 ? target : 0;
    }
}
