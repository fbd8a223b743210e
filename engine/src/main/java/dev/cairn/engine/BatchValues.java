package dev.cairn.engine;

import org.agrona.DirectBuffer;
import org.agrona.ExpandableArrayBuffer;

/**
 * The values that the open batch has written, which the store does not show yet: one behind the other, each behind its i32 length. Owned by
 * the apply thread; grows to the largest batch and keeps that memory.
 */
final class BatchValues {
    /** In place of a position: the value, if there is one, is the store's. */
    static final int NONE = -1;

    private final ExpandableArrayBuffer values = new ExpandableArrayBuffer(1 << 16);
    private int end;

    /** Keeps a copy; returns its position until {@link #clear}. */
    int add(DirectBuffer value, int offset, int length) {
        int position = end;
        values.putInt(position, length);
        values.putBytes(position + Integer.BYTES, value, offset, length);
        end = position + Integer.BYTES + length;
        return position;
    }

    DirectBuffer buffer() {
        return values;
    }

    /** Where in {@link #buffer} a value's bytes begin. */
    static int offset(int position) {
        return position + Integer.BYTES;
    }

    int length(int position) {
        return values.getInt(position);
    }

    void clear() {
        end = 0;
    }
}
