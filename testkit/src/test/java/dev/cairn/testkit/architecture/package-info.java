/** Which module may use what: the arrows between modules and the one place of each library. */
@NullMarked
package dev.cairn.testkit.architecture;

import org.jspecify.annotations.NullMarked;
