package dev.cairn.wal;

/**
 * What a node must remember across a crash beside its log (Raft figure 2), with the sequence of its write.
 *
 * @param votedFor node id, 0 = none in this term
 * @param repairing damage was found and acknowledged data is missing here
 * @param sequence rises by one with each write
 */
public record HardState(long term, int votedFor, boolean repairing, long storageEpoch, long sequence) {}
