@NullMarked
package dev.cairn.wal;

import org.jspecify.annotations.NullMarked;
