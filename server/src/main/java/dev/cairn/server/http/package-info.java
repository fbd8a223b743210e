/** The HTTP gateway: an in-process client of the node's own client protocol, on a thread of its own. */
@NullMarked
package dev.cairn.server.http;

import org.jspecify.annotations.NullMarked;
