@NullMarked
package dev.cairn.testkit.sim;

import org.jspecify.annotations.NullMarked;
