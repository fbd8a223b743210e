package dev.cairn.raft;

import dev.cairn.raft.quorum.JointQuorum;
import java.util.Arrays;

/** Votes of one election, by member ordinal; the first answer of a member stands. Who counts, the quorum knows. */
final class VoteTally {
    private static final byte GRANTED = 1;
    private static final byte REFUSED = 2;

    private final byte[] votes;
    private final long[] reached;

    VoteTally(final int members) {
        votes = new byte[members];
        reached = new long[members];
    }

    void clear() {
        Arrays.fill(votes, (byte) 0);
    }

    void record(final int ordinal, final boolean grant) {
        if (votes[ordinal] == 0) {
            votes[ordinal] = grant ? GRANTED : REFUSED;
        }
    }

    boolean won(final JointQuorum quorum) {
        for (int i = 0; i < votes.length; i++) {
            reached[i] = votes[i] == GRANTED ? 1 : 0;
        }
        return quorum.reached(reached) == 1;
    }

    /** Whoever has not answered may still grant it. */
    boolean lost(final JointQuorum quorum) {
        for (int i = 0; i < votes.length; i++) {
            reached[i] = votes[i] == REFUSED ? 0 : 1;
        }
        return quorum.reached(reached) == 0;
    }
}
