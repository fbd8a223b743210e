package dev.cairn.engine;

import java.security.SecureRandom;
import org.agrona.DirectBuffer;

/**
 * Hash and comparison of key bytes for tables in memory. The hash is never stored and decides nothing that is. It is another one in each
 * process, so that nobody can choose keys that all meet in one place.
 */
final class KeyHash {
    private static final long MULTIPLIER = 0x9E3779B97F4A7C15L;

    static final long SEED = new SecureRandom().nextLong();

    private KeyHash() {}

    static long of(DirectBuffer key, int offset, int length) {
        long hash = SEED ^ length * MULTIPLIER;
        int i = 0;
        for (; i + 8 <= length; i += 8) {
            hash = Mix.mix(hash ^ key.getLong(offset + i));
        }
        if (i + 4 <= length) {
            hash = Mix.mix(hash ^ (key.getInt(offset + i) & 0xFFFF_FFFFL));
            i += 4;
        }
        for (; i < length; i++) {
            hash = (hash ^ (key.getByte(offset + i) & 0xFFL)) * MULTIPLIER;
        }
        return Mix.mix(hash);
    }

    static boolean equal(DirectBuffer a, int aOffset, DirectBuffer b, int bOffset, int length) {
        int i = 0;
        for (; i + 8 <= length; i += 8) {
            if (a.getLong(aOffset + i) != b.getLong(bOffset + i)) {
                return false;
            }
        }
        for (; i < length; i++) {
            if (a.getByte(aOffset + i) != b.getByte(bOffset + i)) {
                return false;
            }
        }
        return true;
    }
}
