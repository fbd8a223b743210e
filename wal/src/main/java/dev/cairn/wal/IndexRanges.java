package dev.cairn.wal;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/** Ranges of indexes, rising; what recovery says it could not read. */
public final class IndexRanges implements Serializable {
    private static final long serialVersionUID = 1L;

    private final ArrayList<Range> ranges = new ArrayList<>();

    /** Both ends belong to it; the last is {@link Long#MAX_VALUE} where nothing tells the end. */
    public record Range(long first, long last) implements Serializable {
        @Override
        public String toString() {
            if (last == Long.MAX_VALUE) {
                return first + "..";
            }
            return first == last ? Long.toString(first) : first + ".." + last;
        }
    }

    /** An empty range is left out, one that follows on the last is joined to it. */
    void add(long first, long last) {
        if (first > last) {
            return;
        }
        int top = ranges.size() - 1;
        if (top >= 0 && ranges.get(top).last() == first - 1) {
            ranges.set(top, new Range(ranges.get(top).first(), last));
        } else {
            ranges.add(new Range(first, last));
        }
    }

    public List<Range> list() {
        return List.copyOf(ranges);
    }

    /** As {@code [7,12..40,52..]}. */
    @Override
    public String toString() {
        return ranges.toString().replace(", ", ",");
    }
}
