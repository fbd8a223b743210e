/** Checkpoints by policy, their transfer between nodes, and the installation of a received one. */
@NullMarked
package dev.cairn.server.snapshot;

import org.jspecify.annotations.NullMarked;
