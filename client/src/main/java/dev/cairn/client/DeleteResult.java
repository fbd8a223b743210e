package dev.cairn.client;

/**
 * A delete that was executed.
 *
 * @param found whether the key existed
 * @param revision revision of the delete: the log index of the command
 */
public record DeleteResult(boolean found, long revision) {}
