package dev.cairn.engine;

import java.util.Arrays;
import org.agrona.DirectBuffer;
import org.agrona.ExpandableArrayBuffer;

/**
 * Ranges of keys that were deleted at once, with the index of the command. A header read before and asked for after is outdated when a
 * range deleted since its modification covers its key. Owned by the apply thread.
 */
final class DeletedRanges {
    private final ExpandableArrayBuffer bounds = new ExpandableArrayBuffer(1024);
    private long[] indexes = new long[16];
    private int[] positions = new int[16];
    private int[] fromLengths = new int[16];
    private int[] toLengths = new int[16];
    private int count;
    private int end;
    private long newest;

    int count() {
        return count;
    }

    /** Notes a range as in {@link KvStore#deleteRange}; {@code index} is above all noted before. */
    void add(
            long index,
            DirectBuffer from,
            int fromOffset,
            int fromLength,
            DirectBuffer to,
            int toOffset,
            int toLength) {
        if (count == indexes.length) {
            indexes = Arrays.copyOf(indexes, count * 2);
            positions = Arrays.copyOf(positions, count * 2);
            fromLengths = Arrays.copyOf(fromLengths, count * 2);
            toLengths = Arrays.copyOf(toLengths, count * 2);
        }
        indexes[count] = index;
        positions[count] = end;
        fromLengths[count] = fromLength;
        toLengths[count] = toLength;
        bounds.putBytes(end, from, fromOffset, fromLength);
        bounds.putBytes(end + fromLength, to, toOffset, toLength);
        end += fromLength + toLength;
        count++;
        newest = index;
    }

    /** Whether a range deleted behind {@code index} covers the key. */
    boolean coverSince(long index, DirectBuffer key, int offset, int length) {
        if (index >= newest) {
            return false;
        }
        for (int range = count - 1; range >= 0 && indexes[range] > index; range--) {
            if (covers(range, key, offset, length)) {
                return true;
            }
        }
        return false;
    }

    private boolean covers(int range, DirectBuffer key, int offset, int length) {
        int from = positions[range];
        int to = from + fromLengths[range];
        return KeyOrder.compare(key, offset, length, bounds, from, fromLengths[range]) >= 0
                && (toLengths[range] == 0 || KeyOrder.compare(key, offset, length, bounds, to, toLengths[range]) < 0);
    }

    void clear() {
        count = 0;
        end = 0;
        newest = 0;
    }
}
