package dev.cairn.testkit.sim;

import java.util.List;
import java.util.random.RandomGenerator;

/**
 * The only source of chance in a simulation: SplitMix64 (Steele, Lea, Flood 2014), written out so that no Java release
 * changes what a seed means. Each purpose gets a generator of its own by {@link #split}, so that one more draw for one
 * purpose does not shift all others.
 */
final class SimRandom implements RandomGenerator {
    private static final long GAMMA = 0x9E3779B97F4A7C15L;

    private final long seed;
    private long state;

    SimRandom(long seed) {
        this.seed = seed;
        this.state = mix(seed);
    }

    /** A generator for a purpose; the same purpose of the same generator always gives the same. */
    SimRandom split(long purpose) {
        return new SimRandom(mix(seed + GAMMA * (purpose + 1)));
    }

    static long mix(long bits) {
        long z = (bits ^ (bits >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }

    @Override
    public long nextLong() {
        state += GAMMA;
        return mix(state);
    }

    @Override
    public int nextInt() {
        return (int) (nextLong() >>> 32);
    }

    @Override
    public int nextInt(int bound) {
        return (int) nextLong(bound);
    }

    @Override
    public long nextLong(long bound) {
        return Math.floorMod(nextLong() >>> 1, bound);
    }

    @Override
    public boolean nextBoolean() {
        return nextLong() < 0;
    }

    @Override
    public double nextDouble() {
        return (nextLong() >>> 11) * 0x1.0p-53;
    }

    boolean chance(double probability) {
        return probability > 0 && nextDouble() < probability;
    }

    /** In [low, high]. */
    long between(long low, long high) {
        return low + nextLong(high - low + 1);
    }

    /** In [low, high]. */
    int between(int low, int high) {
        return low + nextInt(high - low + 1);
    }

    /** In [low, high]; each order of magnitude is equally likely. */
    long betweenLog(long low, long high) {
        double factor = (double) high / low;
        // Powers of two by halves only: Math.pow may differ between releases in the last bit.
        double value = low;
        double share = nextDouble();
        double step = factor;
        for (int i = 0; i < 12; i++) {
            step = Math.sqrt(step);
            share *= 2;
            if (share >= 1) {
                share -= 1;
                value *= step;
            }
        }
        return Math.min(high, (long) value);
    }

    /** About {@code mean} on average, between a tenth and four times that. */
    long around(long mean) {
        return betweenLog(Math.max(1, mean / 10), Math.max(2, mean * 4));
    }

    <T> T pick(List<T> from) {
        return from.get(nextInt(from.size()));
    }
}
