package dev.cairn.client;

import dev.cairn.protocol.Limits;
import dev.cairn.protocol.Status;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Arithmetic of keys as bounds of ranges. Keys are ordered by their unsigned bytes, a shorter one before its extensions. */
final class KeyBounds {
    /** As a lower bound the first key, as an upper one behind the last. */
    static final byte[] OPEN = new byte[0];

    /** The lowest bound above all keys with this prefix; {@link #OPEN} when there is none (the prefix is empty or all 0xff). */
    static byte[] behindPrefix(byte[] prefix) {
        int length = prefix.length;
        while (length > 0 && prefix[length - 1] == (byte) 0xff) {
            length--;
        }
        byte[] bound = Arrays.copyOf(prefix, length);
        if (length > 0) {
            bound[length - 1]++;
        }
        return bound;
    }

    /** The lowest bound above this key. */
    static byte[] behind(byte[] key) {
        // No key is longer, so nothing lies between the longest key and the end of those that begin with it.
        return key.length == Limits.MAX_KEY_BYTES ? behindPrefix(key) : Arrays.copyOf(key, key.length + 1);
    }

    /** Why {@code from} (inclusive) and {@code to} (exclusive) are no range; null = they are. */
    static @Nullable RequestRejectedException check(byte[] from, byte[] to) {
        int longest = Math.max(from.length, to.length);
        if (longest > Limits.MAX_KEY_BYTES) {
            return new RequestRejectedException(
                    Status.KEY_TOO_LARGE, "bound of " + longest + " bytes, allowed are 0 to " + Limits.MAX_KEY_BYTES);
        }
        if (to.length > 0 && Arrays.compareUnsigned(from, to) >= 0) {
            return new RequestRejectedException(
                    Status.BAD_REQUEST, "the range's first bound is not below its second one");
        }
        return null;
    }

    private KeyBounds() {}
}
