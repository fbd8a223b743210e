/** Quorum arithmetic over voters: one function decides commits, votes and reads. */
@NullMarked
package dev.cairn.raft.quorum;

import org.jspecify.annotations.NullMarked;
