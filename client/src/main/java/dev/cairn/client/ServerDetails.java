package dev.cairn.client;

import org.jspecify.annotations.Nullable;

/**
 * Everything that one server says about itself, or why it said nothing. Exactly one of {@code json} and {@code problem} is there.
 *
 * @param server {@code host:port} as configured
 * @param json one JSON object
 * @param problem one line, when there is no answer
 */
public record ServerDetails(
        String server, @Nullable String json, @Nullable String problem) {}
