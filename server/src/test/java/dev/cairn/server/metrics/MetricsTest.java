package dev.cairn.server.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The table of metrics, the recorders, and {@code docs/metrics.md}; {@code -Dgolden.update=true} writes that anew. */
@Tag("O05")
@Tag("X05")
class MetricsTest {
    private static final Path FILE = Path.of("..", "docs", "metrics.md");

    private final ReplicaMetrics replica = new ReplicaMetrics(System::nanoTime, 2, 3);
    private final NodeMetrics metrics = new NodeMetrics(1, "demo \"x\"", "1.0", replica);

    @Test
    void everyMetricOfTheTableIsScrapedWithHelpTypeAndUnit() {
        metrics.http().onResponse(200, 1_000_000);
        String text = metrics.scrape();
        Set<String> names = new HashSet<>();
        for (Metric metric : metrics.table()) {
            assertThat(names.add(metric.name()))
                    .as(metric.name() + " is there once")
                    .isTrue();
            assertThat(metric.help()).as(metric.name()).endsWith(".");
            assertThat(text)
                    .contains("# HELP " + metric.name() + " " + metric.help() + "\n")
                    .contains("# TYPE " + metric.name() + " " + metric.type().text() + "\n");
            assertThat(text).containsPattern("(?m)^" + metric.name() + "(_bucket|_count)?[ {].*");
            String bare = metric.name().replaceFirst("_total$", "");
            assertThat(bare.endsWith("_" + metric.unit())
                            || metric.unit().isEmpty()
                            || metric.unit().equals("bytes"))
                    .as(metric.name() + " names its unit " + metric.unit())
                    .isTrue();
            assertThat(metric.name().endsWith("_total"))
                    .as(metric.name())
                    .isEqualTo(metric.type() == Metric.Type.COUNTER);
        }
        Matcher scraped = Pattern.compile("(?m)^# TYPE (\\S+) ").matcher(text);
        Set<String> found = new HashSet<>();
        while (scraped.find()) {
            found.add(scraped.group(1));
        }
        assertThat(found).isEqualTo(names);
        assertThat(text).contains("cairn_node_info{cluster=\"demo \\\"x\\\"\",node=\"1\",version=\"1.0\"} 1.0");
    }

    @Test
    void valuesMoveWithWhatHappens() {
        LoopMetrics loop = replica.loop();
        loop.onStart(0, 0);
        loop.onRole(4, 0);
        loop.level(Level.ROLE, 4);
        loop.level(Level.LAST_INDEX, 10);
        loop.peers().matchIndex(1, 7);
        loop.onRequest(3, 3);
        loop.onRequest(5, 0);
        loop.onRequest(4711, 0);
        loop.onReply(0);
        // Ten proposals in one cycle; 1 ms later durable and committed, another ms later applied.
        loop.onCycle(true, 10, 0, 0, 0, 2, 1_000_000);
        loop.onReadsConfirmed(2);
        loop.onCycle(true, 10, 10, 10, 0, 2, 2_000_000);
        loop.onCycle(true, 10, 10, 10, 10, 2, 4_000_000);
        replica.disk().onForce(130_000, 4096);
        replica.disk().onSlowForce();
        loop.onRoll(200_000);
        loop.level(Level.SPARES_READY, 2);
        String text = metrics.scrape();
        assertThat(text)
                .contains("cairn_raft_role{role=\"leader\"} 1.0\n")
                .contains("cairn_log_slow_forces_total 1.0\n")
                .contains("cairn_log_roll_seconds_sum 2.0E-4\n")
                .contains("cairn_log_spares_ready 2.0\n")
                .contains("cairn_raft_role{role=\"follower\"} 0.0\n")
                .contains("cairn_raft_peer_lag_entries{peer=\"2\"} 10.0\n")
                .contains("cairn_raft_peer_lag_entries{peer=\"3\"} 3.0\n")
                .contains("cairn_requests_total{kind=\"put\"} 1.0\n")
                .contains("cairn_requests_total{kind=\"get\"} 1.0\n")
                .contains("cairn_requests_total{kind=\"unknown\"} 1.0\n")
                .contains("cairn_replies_total{status=\"ok\"} 1.0\n")
                .contains("cairn_stage_seconds_bucket{stage=\"propose_durable\",le=\"7.0E-4\"} 0\n")
                .contains("cairn_stage_seconds_bucket{stage=\"propose_durable\",le=\"0.001\"} 10\n")
                .contains("cairn_stage_seconds_sum{stage=\"propose_commit\"} 0.01\n")
                .contains("cairn_stage_seconds_bucket{stage=\"commit_applied\",le=\"0.002\"} 10\n")
                .contains("cairn_stage_seconds_count{stage=\"read_round\"} 2\n")
                .contains("cairn_log_group_entries_bucket{le=\"8.0\"} 0\n")
                .contains("cairn_log_group_entries_bucket{le=\"16.0\"} 1\n")
                .contains("cairn_log_force_seconds_bucket{le=\"1.0E-4\"} 0\n")
                .contains("cairn_log_force_seconds_bucket{le=\"1.5E-4\"} 1\n")
                .contains("cairn_log_force_bytes_sum 4096.0\n");
    }

    @Test
    void lostLeadershipEndsTheClocksOfItsProposals() {
        LoopMetrics loop = replica.loop();
        loop.onStart(0, 0);
        loop.onRole(4, 100);
        loop.onCycle(true, 105, 0, 0, 0, 0, 1_000);
        loop.onRole(1, 105);
        loop.onRole(4, 103);
        loop.onCycle(true, 104, 0, 0, 0, 0, 2_000);
        loop.onCycle(true, 104, 104, 104, 0, 0, 3_000);
        assertThat(loop.proposeToCommit().count()).isEqualTo(1);
        assertThat(loop.proposeToCommit().sum()).isEqualTo(1e-6);
    }

    @Test
    void aStageClockThatIsFullCountsOnWithTheNewestGroup() {
        Histogram histogram = Histogram.ofTimes();
        StageClock clock = new StageClock(histogram);
        for (int number = 1; number <= 10_000; number++) {
            clock.began(number, number);
        }
        clock.reached(0, 10_000, 20_000);
        assertThat(histogram.count()).isEqualTo(10_000);
        clock.began(10_001, 30_000);
        clock.reached(0, 10_000, 40_000);
        assertThat(histogram.count()).isEqualTo(10_000);
        clock.reached(0, 10_001, 40_000);
        assertThat(histogram.count()).isEqualTo(10_001);
    }

    @Test
    void bucketsHoldValuesUpToTheirBoundAndOneHoldsTheRest() {
        Histogram times = Histogram.ofTimes();
        times.record(0, 1);
        times.record(10_000, 1);
        times.record(10_001, 1);
        times.record(10_000_000_000L, 1);
        times.record(10_000_000_001L, 1);
        long[] counts = times.counts();
        double[] bounds = times.upperBounds();
        assertThat(bounds[0]).isEqualTo(1e-5);
        assertThat(bounds[bounds.length - 2]).isEqualTo(10.0);
        assertThat(counts[0]).isEqualTo(2);
        assertThat(counts[1]).isEqualTo(1);
        assertThat(counts[counts.length - 2]).isEqualTo(1);
        assertThat(counts[counts.length - 1]).isEqualTo(1);
    }

    @Test
    @Tag("O05")
    void theTableInDocsIsUpToDate() throws IOException {
        String expected = reference();
        if (Boolean.getBoolean("golden.update")) {
            Files.writeString(FILE, expected);
        }
        assertThat(FILE).content().isEqualTo(expected);
    }

    private String reference() {
        StringBuilder out = new StringBuilder("""
                # Metrics of a node

                <!-- Made from NodeMetrics; after a change there: mvn -pl server -am test -Dtest=MetricsTest \
                -Dsurefire.failIfNoSpecifiedTests=false -Dgolden.update=true -->

                A node serves these as Prometheus text at `/metrics` of its HTTP port. Levels (gauges of the consensus loop) are
                published once per tick, `raft.tick.ms`. Histograms have six buckets per decade from 10 us to 10 s for times, and
                powers of two for sizes. Recording takes no lock and allocates nothing, and stages are timed with one reading of
                the clock per cycle of the loop.

                | name | type | unit | labels | meaning |
                |---|---|---|---|---|
                """);
        for (Metric metric : metrics.table()) {
            out.append("| `")
                    .append(metric.name())
                    .append("` | ")
                    .append(metric.type().text())
                    .append(" | ")
                    .append(metric.unit())
                    .append(" | ")
                    .append(String.join(", ", metric.labels()))
                    .append(" | ")
                    .append(metric.help())
                    .append(" |\n");
        }
        return out.append("""

                ## What to watch

                * No leader: `sum(cairn_raft_role{role="leader"})` over the nodes is not 1 for longer than an election takes.
                * A follower falls behind: `cairn_raft_peer_lag_entries` on the leader grows.
                * The disk is slow: `histogram_quantile(0.99, rate(cairn_log_force_seconds_bucket[1m]))`,
                  and `increase(cairn_log_slow_forces_total[10m])` above 0.
                * Spares run out: `cairn_log_spares_ready` is 0 for longer than a minute, and `cairn_log_roll_seconds` grows.
                * Overload: `rate(cairn_replies_total{status="busy"}[1m])` above 0.
                * Unrest: `increase(cairn_raft_elections_total[10m])` above 1 while no node was stopped.
                * Disk full: `cairn_disk_low` or `cairn_apply_stalled` is 1, or
                  `rate(cairn_replies_total{status="no_space"}[1m])` above 0; see [operations](operations.md).
                """).toString();
    }
}
