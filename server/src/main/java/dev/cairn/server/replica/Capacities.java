package dev.cairn.server.replica;

import dev.cairn.engine.KvStateMachine;

/**
 * Sizes of what a replica allocates once. None of them changes what a command does; the simulator takes small ones, so
 * that a run meets full rings and starts cheaply.
 *
 * @param commitRingBytes ranges from loop to apply; a power of two
 * @param resultRingBytes results from apply to loop, at least eight times the largest; a power of two. A result above an eighth of
 *     it stops the node
 * @param readRingBytes reads that wait for the disk; a power of two
 * @param rowRingBytes their rows, at least eight times the largest; a power of two
 * @param rangeRequestRingBytes requests for several keys or a range; an eighth of it is the longest request; a power of two
 * @param rangeReplyRingBytes their replies; an eighth of it is the longest reply; a power of two
 * @param openProposals entries that may be proposed and not yet applied, beyond it clients are told BUSY; a power of two
 * @param headerCacheEntries keys whose revision and version the state machine remembers
 */
public record Capacities(
        int commitRingBytes,
        int resultRingBytes,
        int readRingBytes,
        int rowRingBytes,
        int rangeRequestRingBytes,
        int rangeReplyRingBytes,
        int openProposals,
        int headerCacheEntries) {
    /** What a node uses. */
    public static final Capacities NODE = new Capacities(
            1 << 16,
            16 << 20,
            1 << 20,
            16 << 20,
            4 << 20,
            16 << 20,
            1 << 15,
            KvStateMachine.DEFAULT_HEADER_CACHE_ENTRIES);
}
