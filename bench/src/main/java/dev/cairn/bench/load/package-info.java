/** The load generator: its options, its two loops, what they count. */
@NullMarked
package dev.cairn.bench.load;

import org.jspecify.annotations.NullMarked;
