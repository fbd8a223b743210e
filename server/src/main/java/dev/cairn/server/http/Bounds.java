package dev.cairn.server.http;

import dev.cairn.protocol.Limits;
import java.util.Arrays;

/** A range of keys: from inclusive, empty = the beginning; to exclusive, empty = the end. */
@SuppressWarnings("ArrayRecordComponent") // never compared, shared or changed
record Bounds(byte[] from, byte[] to) {
    private static final byte[] NOTHING = new byte[0];

    /** From {@code prefix}, or {@code from} and {@code to}. */
    static Bounds of(final Query query) {
        final byte[] prefix = query.bytes("prefix");
        final byte[] from = query.bytes("from");
        final byte[] to = query.bytes("to");
        if (prefix != null && (from != null || to != null)) {
            throw HttpProblem.badRequest("prefix goes without from and to");
        }
        final Bounds bounds = prefix != null
                ? new Bounds(prefix, successor(prefix))
                : new Bounds(from == null ? NOTHING : from, to == null ? NOTHING : to);
        if (bounds.to.length > 0 && Arrays.compareUnsigned(bounds.from, bounds.to) >= 0) {
            throw HttpProblem.badRequest("the range is empty: from is not below to");
        }
        return bounds;
    }

    /** The first key behind all keys with this prefix; empty = there is none. */
    static byte[] successor(final byte[] prefix) {
        for (int length = prefix.length; length > 0; length--) {
            if (prefix[length - 1] != (byte) 0xFF) {
                final byte[] next = Arrays.copyOf(prefix, length);
                next[length - 1]++;
                return next;
            }
        }
        return NOTHING;
    }

    /**
     * What is left of the range behind this key.
     *
     * @throws IllegalArgumentException when no page of this range that has a further one ends with this key
     */
    Bounds behind(final byte[] key, final boolean reverse) {
        final Bounds rest = reverse ? new Bounds(from, key) : new Bounds(next(key), to);
        final boolean ends = !reverse && rest.from.length == 0;
        if (key.length == 0 || !holds(key) || ends || !rest.holds(rest.from)) {
            throw new IllegalArgumentException("nothing of the range is behind this key");
        }
        return rest;
    }

    /** The lowest key above this one; empty = there is none. */
    private static byte[] next(final byte[] key) {
        return key.length < Limits.MAX_KEY_BYTES ? Arrays.copyOf(key, key.length + 1) : successor(key);
    }

    private boolean holds(final byte[] key) {
        return Arrays.compareUnsigned(key, from) >= 0 && (to.length == 0 || Arrays.compareUnsigned(key, to) < 0);
    }
}
