package dev.cairn.raft.quorum;

/** Majority of a fixed set of voters. Stateless but for a scratch array; one instance per core, on its thread. */
public final class MajorityQuorum {
    private final long[] sorted;

    public MajorityQuorum(final int voters) {
        if (voters < 1) {
            throw new IllegalArgumentException("a quorum needs at least one voter, got " + voters);
        }
        sorted = new long[voters];
    }

    public int size() {
        return sorted.length / 2 + 1;
    }

    /**
     * The highest value that a majority has reached: for match indexes the index that may commit (Raft 5.3), for
     * read positions the round that is confirmed (thesis 6.4).
     *
     * @param reached one value per voter; not changed
     */
    public long reachedByMajority(final long[] reached) {
        if (reached.length != sorted.length) {
            throw new IllegalArgumentException("expected " + sorted.length + " values, got " + reached.length);
        }
        for (int i = 0; i < reached.length; i++) {
            final long value = reached[i];
            int at = i;
            while (at > 0 && sorted[at - 1] < value) {
                sorted[at] = sorted[at - 1];
                at--;
            }
            sorted[at] = value;
        }
        return sorted[size() - 1];
    }
}
