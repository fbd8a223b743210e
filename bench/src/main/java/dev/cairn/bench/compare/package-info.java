/** The same loads on several systems, in turn. */
@NullMarked
package dev.cairn.bench.compare;

import org.jspecify.annotations.NullMarked;
