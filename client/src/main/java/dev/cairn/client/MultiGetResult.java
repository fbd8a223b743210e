package dev.cairn.client;

import java.util.List;
import java.util.Optional;

/**
 * Several keys, all read at one moment.
 *
 * @param revision applied index of that moment
 * @param entries one per key, in the order asked; empty where the key does not exist
 */
public record MultiGetResult(long revision, List<Optional<KeyValue>> entries) {}
