/**
 * One replica without its surroundings: the three agents, the Raft core's driver, and the adapters between frames and
 * method calls. Nothing here opens a socket, starts a thread or reads a clock; the node and the simulator both step it.
 */
@NullMarked
package dev.cairn.server.replica;

import org.jspecify.annotations.NullMarked;
