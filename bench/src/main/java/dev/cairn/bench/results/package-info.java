/** The files and the line that a run leaves. */
@NullMarked
package dev.cairn.bench.results;

import org.jspecify.annotations.NullMarked;
