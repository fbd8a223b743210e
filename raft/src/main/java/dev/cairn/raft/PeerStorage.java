package dev.cairn.raft;

/**
 * What a leader knows about the storage of a peer. A peer that lost something it had acknowledged comes back with a higher
 * storage epoch and repairs its log; see {@link Repair}. Until it says that it is done
 *
 * <ul>
 *   <li>nothing that it acknowledges counts, for a commit, for a round of reads, or for whether this leader hears a quorum;
 *   <li>this leader owes it a target: what was committed when a round began behind the moment at which the epoch was seen
 *       here, confirmed by a quorum of nodes that are not repairing, with an entry of this leader's term committed. A plain
 *       commit index would not do: a new leader may not know yet what is committed, and one that is replaced never will.
 * </ul>
 */
final class PeerStorage {
    private long epoch;
    private boolean repairing;

    /** Read position of the round that makes the target; 0 = none began. */
    private long roundPosition;

    private long roundIndex;
    private long target = Repair.NO_TARGET;
    private boolean targetDue;

    /** The step that is under way begins anew with this leader. What is known of the storage stays true. */
    void becomeLeaderOf() {
        restartStep();
    }

    private void restartStep() {
        roundPosition = 0;
        target = Repair.NO_TARGET;
        targetDue = false;
    }

    boolean isRepairing() {
        return repairing;
    }

    /** What was sent before the loss: a promise that the peer does not keep any more. */
    boolean isOfEarlierEpoch(final long messageEpoch) {
        return messageEpoch < epoch;
    }

    /** Whether the peer has lost something since it was heard last: what it had acknowledged is void. */
    boolean takeEpoch(final long messageEpoch) {
        if (messageEpoch <= epoch) {
            return false;
        }
        epoch = messageEpoch;
        repairing = true;
        restartStep();
        return true;
    }

    /** Whether the peer counts from now on. Within one epoch a repair ends once, so a late message does not begin it again. */
    boolean takeDone() {
        final boolean done = repairing;
        repairing = false;
        restartStep();
        return done;
    }

    boolean needsRound() {
        return repairing && roundPosition == 0;
    }

    /** Messages that carry this read position must leave behind this call. */
    void startRound(final long readPosition, final long commitIndex) {
        roundPosition = readPosition;
        roundIndex = commitIndex;
    }

    void onConfirmed(final long readPosition) {
        if (repairing && roundPosition != 0 && roundPosition <= readPosition && target == Repair.NO_TARGET) {
            target = roundIndex;
            targetDue = true;
        }
    }

    /** Told again with each heartbeat: the message may be lost. */
    void onHeartbeat() {
        targetDue = true;
    }

    /** The target that must leave now, or {@link Repair#NO_TARGET}. */
    long takeDueTarget() {
        if (!repairing || !targetDue || target == Repair.NO_TARGET) {
            return Repair.NO_TARGET;
        }
        targetDue = false;
        return target;
    }

    long epoch() {
        return epoch;
    }
}
