/** The Java client: async and blocking calls, leader discovery, sessions, retry. Needs no JVM flag. */
@NullMarked
package dev.cairn.client;

import org.jspecify.annotations.NullMarked;
