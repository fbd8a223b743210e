package dev.cairn.client;

import java.util.List;
import java.util.Optional;

/**
 * One page of a range.
 *
 * @param entries in the scan's order; fewer than the limit when they reach the scan's chunk bytes first
 * @param revision applied index of the moment that the page shows; the next page shows a later one
 * @param next token for {@link Scan#after} to go on behind this page; empty when the range is at its end
 */
public record ScanPage(List<KeyValue> entries, long revision, Optional<String> next) {}
