package dev.cairn.engine;

import java.util.Arrays;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Sorts rows by their keys: by the first few bytes that tell them apart, as numbers, and where those are alike by the bytes behind, and so
 * on. A key that has ended counts as one that goes on with zeros: among keys that differ in such zeros alone the order is any, which costs
 * their reader time, not correctness.
 *
 * <p>Use: {@link #begin}, {@link #add} each row, {@link #sort}, {@link #row}. One thread; allocates nothing but what {@link Arrays#sort(long[])} may.
 */
final class RowOrder {
    /** Bytes of a key that make a digit, and bits for the row's place in the list: together a long that is not negative. */
    private static final int DIGIT_BYTES = 5;

    private static final int PLACE_BITS = 23;
    private static final int PLACE_MASK = (1 << PLACE_BITS) - 1;

    private final int[] unsorted;
    private final int[] sorted;
    private final long[] digits;
    private DirectBuffer rows = new UnsafeBuffer(0, 0);
    private int keyOffset;
    private int lengthOffset;
    private int common;
    private int count;

    /** @param maxKeys most rows at a time, up to 2^23 */
    RowOrder(int maxKeys) {
        if (maxKeys < 1 || maxKeys > 1 << PLACE_BITS) {
            throw new IllegalArgumentException("keys to be sorted " + maxKeys + ", allowed 1.." + (1 << PLACE_BITS));
        }
        unsorted = new int[maxKeys];
        sorted = new int[maxKeys];
        digits = new long[maxKeys];
    }

    int maxKeys() {
        return sorted.length;
    }

    /**
     * @param from holds the rows
     * @param keyAt of the key in a row
     * @param keyLengthAt of the key's length in a row, an int
     * @param commonBytes in which all keys are alike at their beginning
     */
    void begin(DirectBuffer from, int keyAt, int keyLengthAt, int commonBytes) {
        rows = from;
        keyOffset = keyAt;
        lengthOffset = keyLengthAt;
        common = commonBytes;
        count = 0;
    }

    void add(int row) {
        unsorted[count] = row;
        digits[count] = digit(row, common) << PLACE_BITS | count;
        count++;
    }

    /** How many rows there are; {@link #row} then tells them in ascending order. */
    int sort() {
        sort(0, count, common);
        return count;
    }

    int row(int place) {
        return sorted[place];
    }

    /** Rows whose keys are alike in the first {@code at} bytes, and whose digits behind them are there. */
    private void sort(int from, int to, int at) {
        Arrays.sort(digits, from, to);
        for (int i = from; i < to; i++) {
            sorted[i] = unsorted[(int) digits[i] & PLACE_MASK];
        }
        int start = from;
        for (int i = from + 1; i <= to; i++) {
            if (i == to || digits[i] >>> PLACE_BITS != digits[start] >>> PLACE_BITS) {
                if (i - start > 1) {
                    sortAlike(start, i, at + DIGIT_BYTES);
                }
                start = i;
            }
        }
    }

    private void sortAlike(int from, int to, int at) {
        int alike = Integer.MAX_VALUE;
        int longest = 0;
        for (int i = from; i < to; i++) {
            int limit = Math.min(alike, rows.getInt(sorted[i] + lengthOffset)) - at;
            // From there on only: with long keys that are alike for long, each pass would compare all of them.
            alike = at + commonBytes(rows, sorted[from] + keyOffset + at, sorted[i] + keyOffset + at, limit);
            longest = Math.max(longest, rows.getInt(sorted[i] + lengthOffset));
        }
        if (alike >= longest) {
            return;
        }
        for (int i = from; i < to; i++) {
            unsorted[i] = sorted[i];
            digits[i] = digit(sorted[i], alike) << PLACE_BITS | i;
        }
        sort(from, to, alike);
    }

    /** How many of {@code limit} bytes at two places are alike from the beginning; 0 for a limit below. */
    static int commonBytes(DirectBuffer buffer, int first, int second, int limit) {
        int same = 0;
        while (same < limit && buffer.getByte(first + same) == buffer.getByte(second + same)) {
            same++;
        }
        return same;
    }

    private long digit(int row, int at) {
        int length = rows.getInt(row + lengthOffset);
        long digit = 0;
        for (int i = at; i < at + DIGIT_BYTES; i++) {
            digit = digit << 8 | (i < length ? rows.getByte(row + keyOffset + i) & 0xFF : 0);
        }
        return digit;
    }
}
