package dev.cairn.server.replica;

import java.util.Arrays;

/**
 * With whom a node talks.
 *
 * @param index of the configuration by which it acts, 0 = that of the settings
 * @param committedIndex of the last configuration that is known to be committed
 * @param members of these two and all between them, this node among them when it is one, ascending
 */
@SuppressWarnings("ArrayRecordComponent") // written once, compared never
public record PeerSet(long index, long committedIndex, int[] members) {
    /** Before anything is known. */
    public static final PeerSet NONE = new PeerSet(0, 0, new int[0]);

    public boolean contains(final int nodeId) {
        return Arrays.binarySearch(members, nodeId) >= 0;
    }
}
