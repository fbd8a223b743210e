package dev.cairn.client;

/**
 * The removal of a range that was executed. How many keys it removed is not counted: it is one mark over the range.
 *
 * @param revision its revision: the log index of the command
 */
public record DeleteRangeResult(long revision) {}
