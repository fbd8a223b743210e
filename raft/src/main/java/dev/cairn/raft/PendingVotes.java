package dev.cairn.raft;

/**
 * Answers to vote requests that wait to be released, at most one per node and kind: a later request of a node takes the
 * place of its earlier one. They leave by ascending id, pre-votes first. Beyond {@link #MAX} a request is dropped; the candidate asks again at its next timeout.
 */
final class PendingVotes {
    /** Twice what the largest configuration could ask. */
    static final int MAX = 4 * Membership.MAX_VOTERS;

    private static final int GRANTED = 1;
    private static final int PRE_VOTE = 2;

    private final int[] to = new int[MAX];
    private final int[] flags = new int[MAX];
    private final long[] requestTerms = new long[MAX];
    private int count;

    void add(final int from, final boolean preVote, final long requestTerm, final boolean granted) {
        int at = 0;
        while (at < count && isBefore(at, from, preVote)) {
            at++;
        }
        final boolean known = at < count && to[at] == from && preVote(at) == preVote;
        if (!known) {
            if (count == MAX) {
                return;
            }
            final int behind = count++ - at;
            System.arraycopy(to, at, to, at + 1, behind);
            System.arraycopy(flags, at, flags, at + 1, behind);
            System.arraycopy(requestTerms, at, requestTerms, at + 1, behind);
        }
        to[at] = from;
        flags[at] = (granted ? GRANTED : 0) | (preVote ? PRE_VOTE : 0);
        requestTerms[at] = requestTerm;
    }

    private boolean isBefore(final int at, final int from, final boolean preVote) {
        return to[at] < from || (to[at] == from && preVote(at) && !preVote);
    }

    boolean isEmpty() {
        return count == 0;
    }

    int count() {
        return count;
    }

    int to(final int at) {
        return to[at];
    }

    boolean preVote(final int at) {
        return (flags[at] & PRE_VOTE) != 0;
    }

    long requestTerm(final int at) {
        return requestTerms[at];
    }

    boolean granted(final int at) {
        return (flags[at] & GRANTED) != 0;
    }

    void clear() {
        count = 0;
    }
}
