package dev.cairn.raft.quorum;

import java.util.Arrays;

/**
 * What counts as decided while two configurations hold: a majority of each (thesis 4.3). With one configuration it is that
 * one's majority. One function serves all questions of this kind: which index may commit, which read round is confirmed,
 * and with values of 0 and 1, whether a vote is won or enough voters are there.
 *
 * <p>Members are named by their place in an array of values; those of neither set count nowhere. Stateless but for
 * scratch arrays; one instance per configuration, on the core's thread.
 */
public final class JointQuorum {
    private final Half incoming;
    private final Half outgoing;

    /**
     * @param incoming places of the voters; none for a node that knows of no cluster
     * @param outgoing places of the voters of the configuration that goes, none when there is none
     */
    public JointQuorum(final int[] incoming, final int[] outgoing) {
        if (incoming.length == 0 && outgoing.length > 0) {
            throw new IllegalArgumentException("a configuration goes and none comes");
        }
        this.incoming = new Half(incoming);
        this.outgoing = new Half(outgoing);
    }

    /**
     * The highest value that a majority of each configuration has reached; 0 without any voter, who decide nothing.
     *
     * @param reached a value of at least 0 per member; not changed
     */
    public long reached(final long[] reached) {
        if (incoming.isEmpty()) {
            return 0;
        }
        final long byIncoming = incoming.reached(reached);
        return outgoing.isEmpty() ? byIncoming : Math.min(byIncoming, outgoing.reached(reached));
    }

    private static final class Half {
        private final int[] places;
        private final long[] values;
        private final MajorityQuorum majority;

        Half(final int[] places) {
            this.places = Arrays.copyOf(places, places.length);
            values = new long[places.length];
            majority = new MajorityQuorum(Math.max(1, places.length));
        }

        boolean isEmpty() {
            return places.length == 0;
        }

        long reached(final long[] reached) {
            for (int i = 0; i < places.length; i++) {
                values[i] = reached[places[i]];
            }
            return majority.reachedByMajority(values);
        }
    }
}
