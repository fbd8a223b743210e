package dev.cairn.bench.load;

import dev.cairn.bench.machine.ForceProbe;
import dev.cairn.bench.results.JsonLine;
import java.util.Map;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * What a run measured.
 *
 * @param endedInWindow successes that ended in the window
 * @param latencies of the successes that began in the window, by kind, ns
 * @param amounts what came of them, by kind
 * @param errors failures that began in the window, by type
 * @param unfinished operations that had not ended when the run was given up
 * @param maxInFlight limit in flight
 * @param mostInFlight most that were in flight at once
 * @param waited operations of an open loop that had to wait for room in flight
 * @param unstarted operations of an open loop that were due and never started
 * @param warmUp how it has settled; null = its length was given
 * @param serverProcessorMs processor time of the servers in the window; -1 = unknown
 */
public record LoadResult(
        long endedInWindow,
        Map<OperationKind, Histogram> latencies,
        Map<OperationKind, Long> amounts,
        Map<String, Long> errors,
        int unfinished,
        int maxInFlight,
        int mostInFlight,
        long waited,
        long unstarted,
        long serverProcessorMs,
        @Nullable WarmUp warmUp) {

    public Histogram all() {
        Histogram all = Measurement.newHistogram();
        latencies.values().forEach(all::add);
        return all;
    }

    /** Successes that began in the window. */
    long latencyCount() {
        return latencies.values().stream().mapToLong(Histogram::getTotalCount).sum();
    }

    public long errorCount() {
        return errors.values().stream().mapToLong(Long::longValue).sum();
    }

    /** The object that the load generator prints last; `docs/benchmarks.md` explains each field. */
    String json(
            LoadOptions options,
            int processes,
            String durability,
            String version,
            long[] forcesBefore,
            long[] forcesAfter) {
        Histogram all = all();
        JsonLine line = new JsonLine()
                .put("mode", options.mode().word())
                .put("read_percent", options.mix().percent(OperationKind.GET))
                .put("outstanding", options.outstanding())
                .put("rate", options.rate())
                .put("secs", options.seconds())
                .put("warmup_secs", warmUp == null ? options.warmupSeconds() : warmUp.seconds())
                .put("ops", endedInWindow)
                .put("ops_s", (double) endedInWindow / options.seconds())
                .put("errors", errorCount())
                .put("errors_by_type", errors)
                .put("unfinished", unfinished)
                .put("latency_count", latencyCount());
        if (warmUp != null) {
            line.put("warmup_rule", WarmUp.RULE).put("warmup_settled", warmUp.settled());
        }
        putLatencies(line, "", all);
        if (latencies.size() > 1) {
            latencies.forEach((kind, histogram) -> {
                line.put(kind.word() + "_count", histogram.getTotalCount());
                putLatencies(line, kind.word() + "_", histogram);
            });
        }
        putAmount(line, "scan_entries", OperationKind.SCAN);
        putAmount(line, "rmw_conflicts", OperationKind.READ_MODIFY_WRITE);
        if (options.openLoop()) {
            line.put("max_in_flight", maxInFlight)
                    .put("most_in_flight", mostInFlight)
                    .put("waited", waited)
                    .put("unstarted", unstarted);
        }
        if (serverProcessorMs >= 0) {
            line.put("server_cpu_ms", serverProcessorMs)
                    .put("server_cpu_ms_per_1000", 1000.0 * serverProcessorMs / endedInWindow);
        }
        return line.put("key_bytes", options.keyBytes())
                .put("value_bytes", options.values().most())
                .put("value_bytes_min", options.values().least())
                .put("key_distribution", options.distribution().word())
                .put("keys", options.keys())
                .put("connections", options.connections())
                .put("processes", processes)
                .put("servers", options.servers())
                .put("durability", durability)
                .put("force_p50_us", ForceProbe.medianUs(forcesBefore, forcesAfter))
                .put("force_before_p50_us", ForceProbe.medianUs(forcesBefore))
                .put("force_after_p50_us", ForceProbe.medianUs(forcesAfter))
                .put("version", version)
                .put("java", System.getProperty("java.version", "unknown"))
                .end();
    }

    private void putAmount(JsonLine line, String name, OperationKind kind) {
        Long amount = amounts.get(kind);
        if (amount != null) {
            line.put(name, amount);
        }
    }

    private static void putLatencies(JsonLine line, String prefix, Histogram histogram) {
        line.put(prefix + "p50_us", us(histogram, 50))
                .put(prefix + "p90_us", us(histogram, 90))
                .put(prefix + "p99_us", us(histogram, 99))
                .put(prefix + "p999_us", us(histogram, 99.9))
                .put(prefix + "max_us", us(histogram, 100));
    }

    /** Percentile in us; not a number when nothing was recorded. */
    public static double us(Histogram histogram, double percentile) {
        return histogram.getTotalCount() == 0 ? Double.NaN : histogram.getValueAtPercentile(percentile) / 1000.0;
    }
}
