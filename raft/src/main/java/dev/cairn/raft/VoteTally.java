package dev.cairn.raft;

import java.util.Arrays;

/** Votes of one election, by voter ordinal; the first answer of a voter stands. */
final class VoteTally {
    private static final byte GRANTED = 1;
    private static final byte REFUSED = 2;

    private final byte[] votes;
    private int granted;
    private int refused;

    VoteTally(final int voters) {
        votes = new byte[voters];
    }

    void clear() {
        Arrays.fill(votes, (byte) 0);
        granted = 0;
        refused = 0;
    }

    void record(final int ordinal, final boolean grant) {
        if (votes[ordinal] != 0) {
            return;
        }
        votes[ordinal] = grant ? GRANTED : REFUSED;
        if (grant) {
            granted++;
        } else {
            refused++;
        }
    }

    boolean won(final int quorum) {
        return granted >= quorum;
    }

    boolean lost(final int quorum) {
        return votes.length - refused < quorum;
    }
}
