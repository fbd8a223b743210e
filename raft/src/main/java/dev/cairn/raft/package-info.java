/** The pure Raft core: rules without I/O, clock, threads or randomness; see {@link dev.cairn.raft.RaftCore}. */
@NullMarked
package dev.cairn.raft;

import org.jspecify.annotations.NullMarked;
