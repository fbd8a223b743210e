package dev.cairn.protocol;

import java.util.concurrent.ThreadLocalRandom;

/** The seed of a random test: {@code -Dseed=N}, or a new one; printed either way. */
final class TestSeed {
    static long choose() {
        String given = System.getProperty("seed", "");
        long seed = given.isEmpty() ? ThreadLocalRandom.current().nextLong() : Long.parseLong(given);
        System.out.println("seed=" + seed);
        return seed;
    }

    private TestSeed() {}
}
