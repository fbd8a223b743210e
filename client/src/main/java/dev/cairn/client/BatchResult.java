package dev.cairn.client;

/**
 * A batch that was executed.
 *
 * @param revision revision of all its items: the log index of the command
 */
public record BatchResult(long revision) {}
