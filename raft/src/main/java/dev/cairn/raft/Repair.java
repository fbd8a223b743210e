package dev.cairn.raft;

/**
 * The repair of this node's own log, from which recovery had to take something that may have been acknowledged. Until it is
 * done the node knows less than it once promised, so it takes no part in what a majority decides: it grants no vote and no
 * pre-vote, never campaigns and ignores TimeoutNow (all by {@link #isUnderWay}); leaders count it nowhere
 * ({@link PeerStorage}), while the sizes of quorums stay those of the full configuration.
 *
 * <p>It is done when this log holds, durable and verified against the leader of this term, everything up to the target: an
 * index up to which everything is that had been committed when that leader learned of the loss.
 */
final class Repair {
    static final long NO_TARGET = -1;

    private final long storageEpoch;

    /** What the next hard state says. */
    private boolean flag;

    /** What holds: the flag is cleared when a hard state without it is durable. A crash before that finds it. */
    private boolean underWay;

    private long clearedSequence;
    private long target = NO_TARGET;

    /**
     * @param repairing what the hard state says at the start
     * @param storageEpoch rises with each loss; acknowledgements of a lower one are void
     */
    Repair(final boolean repairing, final long storageEpoch) {
        this.storageEpoch = storageEpoch;
        flag = repairing;
        underWay = repairing;
    }

    boolean isUnderWay() {
        return underWay;
    }

    boolean flag() {
        return flag;
    }

    long storageEpoch() {
        return storageEpoch;
    }

    long target() {
        return target;
    }

    /** Another leader's target says nothing about what this one has committed: the step begins anew. */
    void onNewTerm() {
        target = NO_TARGET;
    }

    /** Whether that is news. A target for an earlier loss is void: it was asked for when less was missing. */
    boolean takeTarget(final long epoch, final long index) {
        if (!flag || epoch != storageEpoch || index <= target) {
            return false;
        }
        target = index;
        return true;
    }

    /** Whether the flag is to be cleared. */
    boolean isReached(final long durableAndVerified) {
        return flag && target != NO_TARGET && durableAndVerified >= target;
    }

    /** The hard state with this sequence does not have the flag any more. */
    void clearWith(final long hardStateSequence) {
        flag = false;
        clearedSequence = hardStateSequence;
    }

    /** Whether the repair is done with this. */
    boolean onHardStateDurable(final long sequence) {
        if (!underWay || flag || sequence < clearedSequence) {
            return false;
        }
        underWay = false;
        return true;
    }
}
