/** Replicated puts without a store: the bound that a store is held against. */
@NullMarked
package dev.cairn.bench.floor;

import org.jspecify.annotations.NullMarked;
