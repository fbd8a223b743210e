package dev.cairn.bench.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.cairn.bench.machine.Disturbance;
import dev.cairn.bench.machine.NodeEvent;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.HistogramIterationValue;
import org.junit.jupiter.api.Test;

/** Which operations were disturbed by what, with made-up moments and lines. */
final class DisturbedLatenciesTest {
    /** 2026-11-22T00:00:00Z, microseconds. */
    private static final long MIDNIGHT_US = 1_795_305_600_000_000L;

    @Test
    void anOperationCountsWithEachKindThatItMeetsAndIsQuietOtherwise() {
        DisturbedLatencies latencies = new DisturbedLatencies(List.of(
                new Disturbance(Disturbance.Kind.FLUSH, "1", 1_000, 3_000),
                new Disturbance(Disturbance.Kind.ROLL, "2", 2_000, 2_500),
                new Disturbance(Disturbance.Kind.FLUSH, "3", 2_900, 4_000),
                new Disturbance(Disturbance.Kind.FLUSH, "1", 9_000, Long.MAX_VALUE)));

        // Each operation's latency is its number here, to be found again by.
        latencies.add(0, 999, 1); // ends before anything
        latencies.add(0, 1_000, 2); // its end is the flush's begin
        latencies.add(2_400, 2_401, 3); // within flush and roll
        latencies.add(2_500, 2_600, 4); // due when the roll is over
        latencies.add(3_500, 3_600, 5); // in the second node's flush
        latencies.add(4_000, 8_999, 6); // between two flushes
        latencies.add(500, 20_000, 7); // longer than all of them
        latencies.add(50_000, 50_001, 8); // in the flush that has not ended

        assertThat(numbers(latencies.quiet())).containsExactly(1L, 6L);
        assertThat(numbers(latencies.of(Disturbance.Kind.FLUSH))).containsExactly(2L, 3L, 4L, 5L, 7L, 8L);
        assertThat(numbers(latencies.of(Disturbance.Kind.ROLL))).containsExactly(3L, 7L);
        assertThat(numbers(latencies.of(Disturbance.Kind.COMPACTION))).isEmpty();
        assertThat(latencies.seconds(Disturbance.Kind.FLUSH, 0, 10_000)).isCloseTo(0.004, within(1e-9));
        assertThat(latencies.seconds(Disturbance.Kind.ROLL, 2_100, 2_200)).isCloseTo(0.0001, within(1e-9));
    }

    private static List<Long> numbers(Histogram histogram) {
        List<Long> numbers = new ArrayList<>();
        for (HistogramIterationValue value : histogram.recordedValues()) {
            numbers.add(value.getValueIteratedTo());
        }
        return numbers;
    }

    @Test
    void theLogsLinesTellWhenSomethingWasUnderWay() {
        List<Disturbance> found = Disturbance.in(events(
                line(1, "00.100", "store.flush.start job=4"),
                line(1, "00.120", "store.compaction.start job=5"),
                line(1, "00.150", "store.flush.done job=4 bytes=9"),
                line(1, "00.500", "log.rolled node=1 lastIndex=77 us=1500"),
                line(1, "01.000", "snapshot.taken index=1 bytes=5 reason=log-bytes ms=30"),
                line(1, "02.000", "log.dropped node=1 firstIndex=3"),
                "java.lang.Exception: not an event",
                line(2, "00.110", "store.flush.start job=4"),
                line(2, "00.111", "store.flush.done job=4 bytes=9")));

        assertThat(found)
                .containsExactly(
                        found(Disturbance.Kind.FLUSH, "1", 100_000, 151_000),
                        found(Disturbance.Kind.FLUSH, "2", 110_000, 112_000),
                        new Disturbance(Disturbance.Kind.COMPACTION, "1", MIDNIGHT_US + 120_000, Long.MAX_VALUE),
                        found(Disturbance.Kind.ROLL, "1", 498_500, 551_000),
                        found(Disturbance.Kind.CHECKPOINT, "1", 969_000, 1_001_000));
    }

    /** Job 4 was cut by a crash, 5 by an installation; the end of 9 belongs to a begin that the log does not hold. */
    @Test
    void whatAProcessOrAStoreHasTakenWithItEndsThere() {
        List<Disturbance> found = Disturbance.in(events(
                line(3, "00.050", "store.flush.done job=9 bytes=9"),
                line(3, "00.100", "store.flush.start job=4"),
                line(3, "00.200", "log.verbose level=DEBUG"),
                line(3, "00.300", "store.compaction.start job=5"),
                line(3, "00.400", "snapshot.install.start index=7"),
                line(1, "00.100", "store.flush.start job=4")));

        assertThat(found)
                .containsExactlyInAnyOrder(
                        found(Disturbance.Kind.FLUSH, "3", 100_000, 200_000),
                        found(Disturbance.Kind.COMPACTION, "3", 300_000, 400_000),
                        new Disturbance(Disturbance.Kind.FLUSH, "1", MIDNIGHT_US + 100_000, Long.MAX_VALUE));
    }

    private static Disturbance found(Disturbance.Kind kind, String node, long beginUs, long endUs) {
        return new Disturbance(kind, node, MIDNIGHT_US + beginUs, MIDNIGHT_US + endUs);
    }

    private static List<NodeEvent> events(String... lines) {
        return Stream.of(lines).map(NodeEvent::parse).flatMap(Optional::stream).toList();
    }

    private static String line(int node, String seconds, String event) {
        return "2026-11-22T00:00:" + seconds + "Z DEBUG node=" + node + " [loop] Node: event=" + event;
    }

    @Test
    void moreOperationsThanThereIsRoomForAreCountedAndNotKept() {
        OperationTimes times = new OperationTimes(2);
        times.record(1, 2);
        times.record(3, 4);
        times.record(5, 6);

        assertThat(times.size()).isEqualTo(2);
        assertThat(times.lost()).isEqualTo(1);
        assertThat(times.dueNs(1)).isEqualTo(3);
        assertThat(times.endNs(1)).isEqualTo(4);
        assertThatThrownBy(() -> new OperationTimes(OperationTimes.MAX_OPERATIONS + 1))
                .hasMessageContaining("--rate")
                .hasMessageContaining("at most " + OperationTimes.MAX_OPERATIONS);
    }
}
