package dev.cairn.wal;

/** A zeroed, headed and forced file that waits to become a segment. */
record PreparedSegment(String name, SegmentFile file, long salt) {}
