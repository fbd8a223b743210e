/** The command line: the only package of the server that uses the client. */
@NullMarked
package dev.cairn.server.cli;

import org.jspecify.annotations.NullMarked;
