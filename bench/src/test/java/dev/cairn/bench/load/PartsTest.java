package dev.cairn.bench.load;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.bench.machine.ForceProbe;
import dev.cairn.bench.results.JsonLine;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class PartsTest {
    @Test
    void keysHaveOneWidth() {
        KeySpace keys = new KeySpace(1000, 6);
        byte[] key = new byte[6];

        keys.encode(999, key);
        assertThat(new String(key, StandardCharsets.US_ASCII)).isEqualTo("k00999");
        keys.encode(7, key);
        assertThat(new String(key, StandardCharsets.US_ASCII)).isEqualTo("k00007");
        assertThat(KeySpace.minKeyBytes(1)).isEqualTo(2);
        assertThat(KeySpace.minKeyBytes(10)).isEqualTo(2);
        assertThat(KeySpace.minKeyBytes(11)).isEqualTo(3);
    }

    private static int secondsUntilOver(WarmUp warmUp, IntToDoubleFunction rate) {
        while (!warmUp.second(rate.applyAsDouble(warmUp.seconds()))) {
            assertThat(warmUp.seconds()).isLessThan(100);
        }
        return warmUp.seconds();
    }

    @Test
    void warmUpIsOverWhenTwoWindowsDifferByFivePercentAtMost() {
        double[] rising = {100, 200, 300, 390, 400, 400, 400, 400};
        WarmUp settling = new WarmUp();
        // 390 + 400 to 400 + 400; the second before it is 300 + 390 to 400 + 400.
        assertThat(secondsUntilOver(settling, second -> rising[second])).isEqualTo(7);
        assertThat(settling.settled()).isTrue();

        WarmUp steady = new WarmUp();
        assertThat(secondsUntilOver(steady, second -> 7)).isEqualTo(4);

        WarmUp growing = new WarmUp();
        assertThat(secondsUntilOver(growing, second -> Math.pow(1.03, second))).isEqualTo(60);
        assertThat(growing.settled()).isFalse();

        WarmUp stalled = new WarmUp();
        assertThat(secondsUntilOver(stalled, second -> 0)).isEqualTo(60);
        assertThat(stalled.settled()).isFalse();
    }

    @Test
    void jsonIsEscaped() {
        assertThat(new JsonLine()
                        .put("text", "a\"b\\c\nd")
                        .put("count", 3)
                        .put("time", 1.25)
                        .put("none", Double.NaN)
                        .put("by", Map.of("x", 1L))
                        .end())
                .isEqualTo("{\"text\":\"a\\\"b\\\\c\\u000ad\",\"count\":3,\"time\":1.3,\"none\":null,"
                        + "\"by\":{\"x\":1}}");
    }

    @Test
    void forceProbeMeasuresAndLeavesNothingBehind(@TempDir Path directory) throws IOException {
        long[] times = ForceProbe.run(directory);

        assertThat(times).hasSize(200).isSorted();
        assertThat(times[0]).isPositive();
        try (var files = Files.list(directory)) {
            assertThat(files).isEmpty();
        }
    }

    @Test
    void medianIsOfAllForcesTogether() {
        assertThat(ForceProbe.medianUs(new long[] {1_000, 2_000, 9_000})).isEqualTo(2.0);
        assertThat(ForceProbe.medianUs(new long[] {1_000, 2_000}, new long[] {3_000, 100_000}))
                .isEqualTo(2.5);
    }
}
