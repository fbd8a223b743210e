/**
 * The log on disk: a segmented, checksummed, append-only record of Raft entries, the hard-state file beside it, and the
 * recovery that decides after a crash what is there. {@code docs/format.md} describes the files byte by byte.
 */
@NullMarked
package dev.cairn.wal;

import org.jspecify.annotations.NullMarked;
