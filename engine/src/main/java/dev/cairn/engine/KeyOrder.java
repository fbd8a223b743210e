package dev.cairn.engine;

import static java.nio.ByteOrder.BIG_ENDIAN;

import org.agrona.DirectBuffer;

/** The order of keys: byte by byte, unsigned, a prefix before what it begins. The store's own. */
final class KeyOrder {
    private KeyOrder() {}

    /** Negative, zero or positive, as the first key is below, equal to or above the second. */
    static int compare(DirectBuffer a, int aOffset, int aLength, DirectBuffer b, int bOffset, int bLength) {
        int common = Math.min(aLength, bLength);
        int i = 0;
        for (; i + 8 <= common; i += 8) {
            long left = a.getLong(aOffset + i, BIG_ENDIAN);
            long right = b.getLong(bOffset + i, BIG_ENDIAN);
            if (left != right) {
                return Long.compareUnsigned(left, right);
            }
        }
        for (; i < common; i++) {
            int difference = (a.getByte(aOffset + i) & 0xFF) - (b.getByte(bOffset + i) & 0xFF);
            if (difference != 0) {
                return difference;
            }
        }
        return aLength - bLength;
    }
}
