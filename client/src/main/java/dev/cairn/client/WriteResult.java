package dev.cairn.client;

import java.util.Optional;

/**
 * Outcome of a put or delete with {@link WriteOptions}.
 *
 * @param applied true when the key was written or removed; false when the condition did not hold, or a delete found nothing
 * @param revision log index of the command; with {@code applied} the revision of the key
 * @param entry only with {@link WriteOptions#returnEntry}: the entry before the write, or the one that stands there when the
 *     condition did not hold; empty when there was none
 */
public record WriteResult(boolean applied, long revision, Optional<KeyValue> entry) {}
