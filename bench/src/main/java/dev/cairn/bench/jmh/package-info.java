/** Benchmarks of single stages. */
@NullMarked
package dev.cairn.bench.jmh;

import org.jspecify.annotations.NullMarked;
