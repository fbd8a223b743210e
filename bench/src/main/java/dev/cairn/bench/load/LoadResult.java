package dev.cairn.bench.load;

import dev.cairn.bench.machine.ForceProbe;
import dev.cairn.bench.results.JsonLine;
import java.util.Map;
import org.HdrHistogram.Histogram;

/**
 * What a run measured.
 *
 * @param endedInWindow successes that ended in the window
 * @param puts latencies of the successful puts that began in the window, ns
 * @param gets latencies of the successful gets that began in the window, ns
 * @param errors failures that began in the window, by type
 * @param unfinished operations that had not ended when the run was given up
 * @param maxInFlight limit in flight
 * @param mostInFlight most that were in flight at once
 * @param waited operations of an open loop that had to wait for room in flight
 * @param unstarted operations of an open loop that were due and never started
 * @param serverProcessorMs processor time of the servers in the window; -1 = unknown
 */
public record LoadResult(
        long endedInWindow,
        Histogram puts,
        Histogram gets,
        Map<String, Long> errors,
        int unfinished,
        int maxInFlight,
        int mostInFlight,
        long waited,
        long unstarted,
        long serverProcessorMs) {

    public Histogram all() {
        Histogram all = Measurement.newHistogram();
        all.add(puts);
        all.add(gets);
        return all;
    }

    /** Successes that began in the window. */
    long latencyCount() {
        return puts.getTotalCount() + gets.getTotalCount();
    }

    public long errorCount() {
        return errors.values().stream().mapToLong(Long::longValue).sum();
    }

    /** The object that the load generator prints last; `docs/benchmarks.md` explains each field. */
    String json(LoadOptions options, String durability, String version, long[] forcesBefore, long[] forcesAfter) {
        Histogram all = all();
        JsonLine line = new JsonLine()
                .put("mode", options.mode().word())
                .put("read_percent", options.readPercent())
                .put("outstanding", options.outstanding())
                .put("rate", options.rate())
                .put("secs", options.seconds())
                .put("warmup_secs", options.warmupSeconds())
                .put("ops", endedInWindow)
                .put("ops_s", (double) endedInWindow / options.seconds())
                .put("errors", errorCount())
                .put("errors_by_type", errors)
                .put("unfinished", unfinished)
                .put("latency_count", latencyCount());
        putLatencies(line, "", all);
        if (options.mode() == LoadOptions.Mode.MIXED) {
            line.put("put_count", puts.getTotalCount());
            putLatencies(line, "put_", puts);
            line.put("get_count", gets.getTotalCount());
            putLatencies(line, "get_", gets);
        }
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
                .put("value_bytes", options.valueBytes())
                .put("keys", options.keys())
                .put("connections", options.connections())
                .put("servers", options.servers())
                .put("durability", durability)
                .put("force_p50_us", ForceProbe.medianUs(forcesBefore, forcesAfter))
                .put("force_before_p50_us", ForceProbe.medianUs(forcesBefore))
                .put("force_after_p50_us", ForceProbe.medianUs(forcesAfter))
                .put("version", version)
                .put("java", System.getProperty("java.version", "unknown"))
                .end();
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
