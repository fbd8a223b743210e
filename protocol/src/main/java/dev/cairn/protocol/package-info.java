@NullMarked
package dev.cairn.protocol;

import org.jspecify.annotations.NullMarked;
