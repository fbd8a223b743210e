package dev.cairn.engine;

import org.agrona.DirectBuffer;

/**
 * Numbers of counters as they are stored: decimal digits, ASCII, a minus sign before a negative one, nothing else; at most 19 digits and
 * within 64 bits. Leading zeros are read and not written.
 */
final class DecimalNumber {
    static final int MAX_LENGTH = 20;
    private static final int MAX_DIGITS = 19;

    private DecimalNumber() {}

    static boolean isNumber(DirectBuffer text, int offset, int length) {
        int first = length > 0 && text.getByte(offset) == '-' ? 1 : 0;
        int digits = length - first;
        if (digits < 1 || digits > MAX_DIGITS) {
            return false;
        }
        for (int i = first; i < length; i++) {
            byte digit = text.getByte(offset + i);
            if (digit < '0' || digit > '9') {
                return false;
            }
        }
        long negated = negated(text, offset + first, digits);
        // 19 digits exceed 63 bits by less than one bit: what does not fit has wrapped to the other sign.
        return first == 1 ? negated <= 0 : negated <= 0 && negated != Long.MIN_VALUE;
    }

    /** The number of a text that {@link #isNumber}. */
    static long parse(DirectBuffer text, int offset, int length) {
        return text.getByte(offset) == '-' ? negated(text, offset + 1, length - 1) : -negated(text, offset, length);
    }

    /** Built below zero, where there is room for one more number than above. */
    private static long negated(DirectBuffer text, int offset, int length) {
        long number = 0;
        for (int i = 0; i < length; i++) {
            number = number * 10 - (text.getByte(offset + i) - '0');
        }
        return number;
    }
}
