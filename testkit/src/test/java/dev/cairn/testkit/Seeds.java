package dev.cairn.testkit;

/** Seed of a random test: {@code -Dseed=N}, or a new one; printed, so that a failure can be run again. */
public final class Seeds {
    private Seeds() {}

    /** The seed to use; it has been printed. */
    public static long choose() {
        String given = System.getProperty("seed", "");
        long seed = given.isEmpty() ? System.nanoTime() : Long.parseLong(given);
        System.out.println("seed=" + seed);
        return seed;
    }
}
