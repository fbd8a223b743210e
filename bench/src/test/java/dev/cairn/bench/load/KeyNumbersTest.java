package dev.cairn.bench.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.IntSupplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What a load draws, held against its distribution. Bounds are six standard deviations: with right code a run in some hundred millions
 * fails. The seed is printed; {@code -Dseed=N} replays it.
 */
final class KeyNumbersTest {
    private static final int DRAWS = 400_000;
    private static final double SIGMAS = 6;

    private SplittableRandom random = new SplittableRandom(1);

    @BeforeEach
    void seed() {
        String given = System.getProperty("seed", "");
        long seed = given.isEmpty() ? System.nanoTime() : Long.parseLong(given);
        System.out.println("KeyNumbersTest -Dseed=" + seed);
        random = new SplittableRandom(seed);
    }

    private int[] counts(IntSupplier drawn, int size) {
        int[] counts = new int[size];
        for (int i = 0; i < DRAWS; i++) {
            counts[drawn.getAsInt()]++;
        }
        return counts;
    }

    /** That a share of the draws is what it should be. */
    private static void assertShare(int count, double share, String what) {
        double sigma = Math.sqrt(DRAWS * share * (1 - share));
        assertThat((double) count).as(what).isCloseTo(DRAWS * share, within(SIGMAS * sigma));
    }

    /** That all are drawn equally often: chi-square has size - 1 degrees of freedom. */
    private static void assertUniform(int[] counts) {
        double expected = (double) DRAWS / counts.length;
        double chiSquare = Arrays.stream(counts)
                .mapToDouble(count -> (count - expected) * (count - expected) / expected)
                .sum();
        int freedom = counts.length - 1;
        assertThat(chiSquare).isCloseTo(freedom, within(SIGMAS * Math.sqrt(2.0 * freedom)));
    }

    @Test
    void uniformTakesAllKeysEquallyOften() {
        KeyNumbers numbers = new KeyNumbers(KeyDistribution.UNIFORM, 1000, 0, 1);

        assertUniform(counts(numbers.chooser(random), 1000));
    }

    @Test
    void valueSizesBetweenTwoAreEquallyFrequent() {
        SizeRange sizes = SizeRange.parse("--value-bytes", "100-299", 0, 1000, "bytes");

        assertUniform(counts(() -> sizes.draw(random) - 100, 200));
    }

    @Test
    void sumOfTheZipfianSharesIsThatOfTheTerms() {
        double sum = IntStream.rangeClosed(1, 100_000)
                .mapToDouble(i -> 1 / Math.pow(i, 0.99))
                .sum();

        assertThat(Zipfian.zeta(100_000)).isCloseTo(sum, within(1e-8));
        // The constant in YCSB's ScrambledZipfianGenerator.
        assertThat(Zipfian.zeta(10_000_000_000L)).isCloseTo(26.46902820178302, within(1e-6));
    }

    /** The first two ranks are exact; behind them the method follows an integral, which stays within a few percent of the sum. */
    @Test
    void zipfianRanksHaveTheSharesOfTheirDistribution() {
        Zipfian zipfian = new Zipfian(10_000);
        int[] counts = counts(() -> (int) zipfian.next(random), 10_000);

        assertShare(counts[0], 1 / Zipfian.zeta(10_000), "rank 0");
        assertShare(counts[1], Math.pow(2, -0.99) / Zipfian.zeta(10_000), "rank 1");
        for (int ranks : new int[] {10, 100, 1000, 5000}) {
            double share = IntStream.range(0, ranks).map(rank -> counts[rank]).sum() / (double) DRAWS;
            assertThat(share)
                    .as("ranks below %d", ranks)
                    .isCloseTo(Zipfian.zeta(ranks) / Zipfian.zeta(10_000), within(0.02));
        }
    }

    @Test
    void zipfianScattersItsPopularKeysWithTheSharesOfYcsb() {
        int[] counts = counts(new KeyNumbers(KeyDistribution.ZIPFIAN, 100_000, 0, 1).chooser(random), 100_000);

        int[] places = IntStream.range(0, counts.length)
                .boxed()
                .sorted((a, b) -> counts[b] - counts[a])
                .mapToInt(Integer::intValue)
                .toArray();
        // Other ranks fall on the same keys, some ten millionths each.
        double first = 1 / 26.46902820178302;
        assertShare(counts[places[0]], first + 1e-5, "first");
        assertShare(counts[places[1]], first * Math.pow(2, -0.99) + 1e-5, "second");
        assertThat(Math.abs(places[0] - places[1])).as("places apart").isGreaterThan(1000);
        int[] halves = {0, 0};
        Arrays.stream(places, 2, 200).forEach(place -> halves[place / 50_000]++);
        assertThat(halves[0]).as("popular keys in the lower half, of 198").isBetween(57, 141);
    }

    @Test
    void sequentialTakesEachKeyOnceAndGoesOnFromTheBeginning() {
        KeyNumbers numbers = new KeyNumbers(KeyDistribution.SEQUENTIAL, 10, 0, 1);
        IntSupplier one = numbers.chooser(random);
        IntSupplier other = numbers.chooser(random);

        int[] taken = IntStream.range(0, 12)
                .map(i -> (i % 3 == 0 ? one : other).getAsInt())
                .toArray();

        assertThat(taken).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1);
    }

    @Test
    void latestTakesWhatWasInsertedLastMostOften() {
        KeyNumbers numbers = new KeyNumbers(KeyDistribution.LATEST, 1000, 0, 1);
        for (int i = 0; i < 500; i++) {
            numbers.ended(numbers.claim());
        }

        int[] counts = counts(numbers.chooser(random), 1500);

        assertShare(counts[1499], 1 / Zipfian.zeta(1000), "last");
        assertShare(counts[1498], Math.pow(2, -0.99) / Zipfian.zeta(1000), "last but one");
        assertThat(Arrays.stream(counts, 0, 500)).containsOnly(0);
    }

    @Test
    void whatIsBeingInsertedIsNotChosenNorWhatLiesBehindIt() {
        KeyNumbers numbers = new KeyNumbers(KeyDistribution.LATEST, 100, 0, 1);
        int first = numbers.claim();
        int second = numbers.claim();
        int third = numbers.claim();

        numbers.ended(third);
        numbers.ended(second);
        assertThat(numbers.known()).isEqualTo(100);
        numbers.ended(first);

        assertThat(numbers.known()).isEqualTo(103);
    }

    @Test
    void processesInsertDifferentKeysAndBeginTheirSequencesApart() {
        Set<Integer> inserted = new HashSet<>();
        Set<Integer> begins = new HashSet<>();
        for (int share = 0; share < 3; share++) {
            KeyNumbers numbers = new KeyNumbers(KeyDistribution.SEQUENTIAL, 90, share, 3);
            begins.add(numbers.chooser(random).getAsInt());
            for (int i = 0; i < 10; i++) {
                inserted.add(numbers.number(numbers.claim()));
            }
        }

        assertThat(begins).containsExactlyInAnyOrder(0, 30, 60);
        assertThat(inserted)
                .containsExactlyInAnyOrderElementsOf(
                        IntStream.range(90, 120).boxed().toList());
    }

    @ParameterizedTest
    @CsvSource({
        "PUT, 0, 100, 0, 0, 0",
        "GET, 100, 0, 0, 0, 0",
        "MIXED, 30, 70, 0, 0, 0",
        "SCAN, 0, 0, 0, 100, 0",
        "YCSB_A, 50, 50, 0, 0, 0",
        "YCSB_B, 95, 5, 0, 0, 0",
        "YCSB_C, 100, 0, 0, 0, 0",
        "YCSB_D, 95, 0, 5, 0, 0",
        "YCSB_E, 0, 0, 5, 95, 0",
        "YCSB_F, 50, 0, 0, 0, 50",
    })
    void kindsOfOperationsHaveTheirShares(LoadOptions.Mode mode, int get, int put, int insert, int scan, int rmw) {
        Mix mix = mode.mix(30);

        Map<OperationKind, Integer> counts = new EnumMap<>(OperationKind.class);
        for (int i = 0; i < DRAWS; i++) {
            counts.merge(mix.kind(random.nextInt(100)), 1, Integer::sum);
        }

        Map<OperationKind, Integer> percents = Map.of(
                OperationKind.GET, get,
                OperationKind.PUT, put,
                OperationKind.INSERT, insert,
                OperationKind.SCAN, scan,
                OperationKind.READ_MODIFY_WRITE, rmw);
        percents.forEach((kind, percent) -> assertShare(counts.getOrDefault(kind, 0), percent / 100.0, kind.word()));
    }
}
