package dev.cairn.client;

import dev.cairn.protocol.NodeStatus;
import org.jspecify.annotations.Nullable;

/**
 * What one server said about itself, or why it said nothing. Exactly one of {@code node} and {@code problem} is there.
 *
 * @param server {@code host:port} as configured
 * @param node its answer
 * @param problem one line, when there is no answer
 */
public record ServerStatus(
        String server, @Nullable NodeStatus node, @Nullable String problem) {}
