/** TCP by Netty behind the replica's transport ports. The only package of the server that knows Netty; all of it runs on the loop thread. */
@NullMarked
package dev.cairn.server.net;

import org.jspecify.annotations.NullMarked;
