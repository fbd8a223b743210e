package dev.cairn.client;

/**
 * A put that was executed.
 *
 * @param revision its revision: the log index of the command
 */
public record PutResult(long revision) {}
