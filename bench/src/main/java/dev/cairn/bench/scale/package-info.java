/** How cost grows with sizes, numbers and distances, one of them at a time: {@code bin/cairn scale}. */
@org.jspecify.annotations.NullMarked
package dev.cairn.bench.scale;
