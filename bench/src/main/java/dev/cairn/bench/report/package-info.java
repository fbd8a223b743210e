/** Page and table out of the files of runs. */
@NullMarked
package dev.cairn.bench.report;

import org.jspecify.annotations.NullMarked;
