package dev.cairn.bench.load;

import java.util.SplittableRandom;

/**
 * Values of random content, so that compression gains nothing: slices at random places of one block of random bytes that is much
 * larger than what a store compresses together. Immutable after construction.
 */
public final class RandomValues {
    private static final int POOL_BYTES = 4 << 20;

    private final byte[] pool;

    public RandomValues(SplittableRandom random, int valueBytes) {
        pool = new byte[POOL_BYTES + valueBytes];
        random.nextBytes(pool);
    }

    /** Overwrites the whole value. */
    public void fill(byte[] value, SplittableRandom random) {
        System.arraycopy(pool, random.nextInt(POOL_BYTES), value, 0, value.length);
    }
}
