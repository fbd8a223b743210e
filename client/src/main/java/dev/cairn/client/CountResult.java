package dev.cairn.client;

/**
 * How many keys a range holds.
 *
 * @param count keys, all at one moment
 * @param revision applied index of that moment
 */
public record CountResult(long count, long revision) {}
