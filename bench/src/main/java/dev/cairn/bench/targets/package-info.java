/** What a load can be put on, and how it answers: the port {@link dev.cairn.bench.targets.LoadTarget} and Cairn behind it. */
@NullMarked
package dev.cairn.bench.targets;

import org.jspecify.annotations.NullMarked;
