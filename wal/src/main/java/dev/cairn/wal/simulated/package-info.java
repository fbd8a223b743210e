/** A file system in memory that loses and tears what was not forced: the log, its recovery and hard state run on it as they are. */
@NullMarked
package dev.cairn.wal.simulated;

import org.jspecify.annotations.NullMarked;
