/** Measurements with a cluster of their own, and of the log alone. */
@NullMarked
package dev.cairn.bench.measure;

import org.jspecify.annotations.NullMarked;
