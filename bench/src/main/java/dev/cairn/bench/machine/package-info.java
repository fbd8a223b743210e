/** Processes that are measured, and what they and the disk under them do. */
@NullMarked
package dev.cairn.bench.machine;

import org.jspecify.annotations.NullMarked;
