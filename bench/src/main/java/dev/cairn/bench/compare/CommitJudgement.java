package dev.cairn.bench.compare;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Holds what a commit did against what the one before it did, in repetitions of which each ran both.
 *
 * <p>The rule: a figure has become worse when the median of the ratios head / base is beyond the threshold <em>and</em> the head was on
 * the wrong side in each single repetition. Where nothing has changed, noise puts all of n repetitions there once in 2^n; a machine
 * that slows down meets both, because they alternate.
 */
final class CommitJudgement {
    /** With fewer, noise alone is on the wrong side too often. */
    static final int MIN_REPETITIONS = 3;

    /**
     * A figure that is held.
     *
     * @param higherIsBetter a rate; else a time
     */
    private record Figure(String heading, String field, boolean higherIsBetter) {}

    private static final Figure RATE = new Figure("per second", "ops_s", true);
    private static final Figure MEDIAN = new Figure("p50", "p50_us", false);
    private static final Figure PROCESSOR = new Figure("servers' CPU per 1 000", "server_cpu_ms_per_1000", false);
    /** The tail of a short run is chance: shown, not held. */
    private static final Figure TAIL = new Figure("p99", "p99_us", false);

    /** What one figure of one workload came to. */
    private record Verdict(Workload workload, Figure figure, List<Double> ratios, boolean worse) {
        String row() {
            return String.format(
                    Locale.ROOT,
                    "| %s | %s | %s | %s |%n",
                    workload,
                    figure.heading,
                    Comparison.spread(ratios.stream().mapToDouble(Double::doubleValue), 2),
                    worse ? "WORSE" : figure.equals(TAIL) ? "not held" : "");
        }
    }

    private final double threshold;
    private final List<Verdict> verdicts = new ArrayList<>();

    /** @param threshold share of change from which on it counts, such as 0.1 */
    CommitJudgement(double threshold) {
        if (!(threshold > 0 && threshold < 1)) {
            throw new IllegalArgumentException("--threshold: " + threshold + ", allowed are numbers between 0 and 1");
        }
        this.threshold = threshold;
    }

    /**
     * Holds one workload.
     *
     * @param base numbers of each repetition, by the names of the load generator's line
     * @param head of the same repetitions, in the same order
     */
    void add(Workload workload, List<Map<String, Double>> base, List<Map<String, Double>> head) {
        if (base.size() != head.size() || base.size() < MIN_REPETITIONS) {
            throw new IllegalArgumentException(workload + ": " + base.size() + " repetitions of the base and "
                    + head.size() + " of the head; as many of both are needed, and at least " + MIN_REPETITIONS);
        }
        // What a closed loop reaches is its rate, an open one's rate is given.
        for (Figure figure : List.of(workload.open() ? MEDIAN : RATE, PROCESSOR, TAIL)) {
            List<Double> ratios = new ArrayList<>();
            for (int i = 0; i < base.size(); i++) {
                ratios.add(number(workload, figure, head.get(i)) / number(workload, figure, base.get(i)));
            }
            verdicts.add(new Verdict(workload, figure, ratios, !figure.equals(TAIL) && isWorse(figure, ratios)));
        }
    }

    private static double number(Workload workload, Figure figure, Map<String, Double> numbers) {
        double value = numbers.getOrDefault(figure.field, Double.NaN);
        if (!(value > 0)) {
            throw new IllegalArgumentException(workload + ": a repetition has no " + figure.field);
        }
        return value;
    }

    private boolean isWorse(Figure figure, List<Double> ratios) {
        // Above 1 is worse.
        double[] losses = ratios.stream()
                .mapToDouble(ratio -> figure.higherIsBetter ? 1 / ratio : ratio)
                .toArray();
        return Comparison.median(losses) > 1 / (1 - threshold)
                && Arrays.stream(losses).allMatch(loss -> loss > 1);
    }

    boolean hasWorse() {
        return verdicts.stream().anyMatch(Verdict::worse);
    }

    /** In Markdown. */
    String table() {
        StringBuilder text = new StringBuilder(
                "| workload | figure | head / base: median (least..largest) | |\n|---|---|---|---|\n");
        verdicts.forEach(verdict -> text.append(verdict.row()));
        return text.toString();
    }
}
