/** A class that breaks the architecture's rules on purpose, so that the test sees them fail; never part of a module. */
@NullMarked
package dev.cairn.client.planted;

import org.jspecify.annotations.NullMarked;
