package dev.cairn.bench.load;

/**
 * Finds out when the rate of a load has settled: the rates of the last two windows of two seconds differ by at most 5 % of the earlier
 * one. It takes four seconds at least; behind {@link #MAX_SECONDS} it is over in any case. One thread.
 */
final class WarmUp {
    static final int MAX_SECONDS = 60;

    /** For the result line. */
    static final String RULE = "auto: the rate of 2 s differs by at most 5 % from that of the 2 s before, 60 s at most";

    private static final int WINDOW_SECONDS = 2;
    private static final double TOLERANCE = 0.05;

    private final double[] last = new double[2 * WINDOW_SECONDS];
    private int seconds;
    private boolean settled;

    /** Another second has passed; true = the warm-up is over. */
    boolean second(double rate) {
        System.arraycopy(last, 1, last, 0, last.length - 1);
        last[last.length - 1] = rate;
        seconds++;
        double earlier = 0;
        double later = 0;
        for (int i = 0; i < WINDOW_SECONDS; i++) {
            earlier += last[i];
            later += last[WINDOW_SECONDS + i];
        }
        settled = seconds >= last.length && earlier > 0 && Math.abs(later - earlier) <= TOLERANCE * earlier;
        return settled || seconds >= MAX_SECONDS;
    }

    int seconds() {
        return seconds;
    }

    /** False = only the bound has ended it. */
    boolean settled() {
        return settled;
    }
}
