package dev.cairn.testkit.sim;

/** Seed of a random test: {@code -Dseed=N}, or a new one; printed, so that a failure can be run again. */
final class Seeds {
    private Seeds() {}

    static long choose() {
        String given = System.getProperty("seed", "");
        long seed = given.isEmpty() ? System.nanoTime() : Long.parseLong(given);
        System.out.println("seed=" + seed);
        return seed;
    }
}
