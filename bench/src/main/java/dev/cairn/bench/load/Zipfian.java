package dev.cairn.bench.load;

import java.util.SplittableRandom;

/**
 * Draws ranks from 0, rank r with a probability proportional to 1 / (r + 1)^0.99, by the approximation of J. Gray et al., "Quickly
 * generating billion-record synthetic databases", SIGMOD 1994, which YCSB uses too: ranks 0 and 1 are exact, the others follow the
 * integral. Immutable.
 */
final class Zipfian {
    static final double THETA = 0.99;

    /** Terms of the sum that are added up one by one; what is left out behind them is below 1e-9. */
    private static final int EXACT_TERMS = 1000;

    /** The first two terms. */
    private static final double SECOND = 1 + Math.pow(2, -THETA);

    private final long count;
    private final double zeta;
    private final double alpha = 1 / (1 - THETA);
    private final double eta;

    /** @param count of ranks */
    Zipfian(long count) {
        this.count = count;
        this.zeta = zeta(count);
        this.eta = (1 - Math.pow(2.0 / count, 1 - THETA)) / (1 - SECOND / zeta);
    }

    /** The sum of 1 / i^0.99 for i from 1 to n: the first terms as they are, the others by Euler and Maclaurin. */
    static double zeta(long n) {
        int exact = (int) Math.min(n, EXACT_TERMS);
        double sum = 0;
        for (int i = 1; i <= exact; i++) {
            sum += Math.pow(i, -THETA);
        }
        if (n > exact) {
            double last = (double) n;
            sum += (Math.pow(last, 1 - THETA) - Math.pow(exact, 1 - THETA)) / (1 - THETA)
                    + (Math.pow(last, -THETA) - Math.pow(exact, -THETA)) / 2
                    + THETA / 12 * (Math.pow(exact, -THETA - 1) - Math.pow(last, -THETA - 1));
        }
        return sum;
    }

    /** The probability of the first rank. */
    double firstShare() {
        return 1 / zeta;
    }

    long next(SplittableRandom random) {
        double drawn = random.nextDouble();
        double scaled = drawn * zeta;
        if (scaled < 1 || count == 1) {
            return 0;
        }
        if (scaled < SECOND || count == 2) {
            return 1;
        }
        return Math.min(count - 1, (long) (count * Math.pow(eta * drawn - eta + 1, alpha)));
    }
}
