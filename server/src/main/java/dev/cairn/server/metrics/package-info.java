/** Numbers about a node: written by its threads without locks and without allocation, read by whoever scrapes. */
@NullMarked
package dev.cairn.server.metrics;

import org.jspecify.annotations.NullMarked;
