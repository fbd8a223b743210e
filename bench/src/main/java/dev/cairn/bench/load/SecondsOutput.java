package dev.cairn.bench.load;

import dev.cairn.bench.results.HistogramFiles;
import java.io.PrintWriter;
import java.util.Locale;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/** Prints a live line for each second of a load, and writes its histograms. One thread. */
final class SecondsOutput implements LoadSecond.Taker {
    private final PrintWriter out;
    private final @Nullable HistogramFiles files;

    SecondsOutput(PrintWriter out, @Nullable HistogramFiles files) {
        this.out = out;
        this.files = files;
    }

    @Override
    public void take(LoadSecond second) {
        if (files != null) {
            second.counted()
                    .forEach((kind, interval) ->
                            files.interval(interval, second.counted().size() > 1 ? kind.word() : null));
        }
        out.printf(
                Locale.ROOT,
                "%4d s %-7s %9.0f ops/s  %s  in flight %d  errors %d%n",
                Math.round(second.at()),
                second.phase(),
                second.rate(),
                latencies(second.all()),
                second.inFlight(),
                second.errors());
        out.flush();
    }

    private static String latencies(Histogram interval) {
        if (interval.getTotalCount() == 0) {
            return "nothing ended";
        }
        return String.format(
                Locale.ROOT,
                "p50 %.0f us  p99 %.0f us  max %.0f us",
                LoadResult.us(interval, 50),
                LoadResult.us(interval, 99),
                LoadResult.us(interval, 100));
    }
}
