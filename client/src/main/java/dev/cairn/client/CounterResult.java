package dev.cairn.client;

/**
 * An addition that was executed.
 *
 * @param value the counter after it
 * @param revision its revision: the log index of the command
 */
public record CounterResult(long value, long revision) {}
