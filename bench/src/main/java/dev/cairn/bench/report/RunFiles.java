package dev.cairn.bench.report;

import dev.cairn.bench.results.HistogramFiles;
import dev.cairn.bench.results.JsonNumbers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.HdrHistogram.EncodableHistogram;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.HistogramLogReader;

/**
 * The files of one run below a directory, as {@link HistogramFiles} names them.
 *
 * @param where the directory below the one that was looked through, and which of several parts; empty = directly in it
 * @param what the run's name without its time, such as {@code load-put-o256}
 * @param base the files' path without their ending
 */
record RunFiles(String where, String what, Path base) {
    private static final String RESULT = ".json";
    private static final double NS_PER_US = 1000;

    /** All runs that have a result, in the order of their paths. */
    static List<RunFiles> find(Path directory) throws IOException {
        List<Path> results;
        try (Stream<Path> files = Files.walk(directory)) {
            results = files.filter(file -> file.toString().endsWith(RESULT))
                    .sorted()
                    .toList();
        }
        List<RunFiles> runs = new ArrayList<>();
        for (Path result : results) {
            String name = result.getFileName().toString();
            name = name.substring(0, name.length() - RESULT.length());
            runs.add(new RunFiles(
                    directory.relativize(result.toAbsolutePath().getParent()).toString(),
                    name.replaceFirst("-\\d{8}T\\d+Z$", ""),
                    result.resolveSibling(name)));
        }
        return runs;
    }

    Map<String, Double> numbers() throws IOException {
        return JsonNumbers.of(Files.readString(file(RESULT)));
    }

    /** Latency in us over 1 / (1 - percentile): 10 is the 90th, 100 the 99th. Empty when there is no such file. */
    List<SvgChart.Point> percentiles() throws IOException {
        List<SvgChart.Point> points = new ArrayList<>();
        for (String line : lines(".hgrm")) {
            String[] fields = line.strip().split("\\s+", -1);
            // Value, percentile, count, 1 / (1 - percentile); the last line has no fourth.
            if (fields.length == 4 && fields[0].matches("[0-9.]+") && fields[3].matches("[0-9.]+")) {
                points.add(new SvgChart.Point(Double.parseDouble(fields[3]), Double.parseDouble(fields[0])));
            }
        }
        return points;
    }

    private List<String> lines(String ending) throws IOException {
        try {
            return Files.readAllLines(file(ending));
        } catch (NoSuchFileException none) {
            return List.of();
        }
    }

    /** The intervals' latencies in us at a percentile over seconds since the log's begin, by tag; a log without tags has the tag "". */
    Map<String, List<SvgChart.Point>> series(double percentile) throws IOException {
        Map<String, List<SvgChart.Point>> series = new LinkedHashMap<>();
        if (!Files.exists(file(".hlog"))) {
            return series;
        }
        try (HistogramLogReader reader = new HistogramLogReader(file(".hlog").toFile())) {
            for (EncodableHistogram next = reader.nextIntervalHistogram();
                    next != null;
                    next = reader.nextIntervalHistogram()) {
                if (next instanceof Histogram interval) {
                    String tag = interval.getTag() == null ? "" : interval.getTag();
                    double seconds = interval.getEndTimeStamp() / 1000.0 - reader.getStartTimeSec();
                    series.computeIfAbsent(tag, unused -> new ArrayList<>())
                            .add(new SvgChart.Point(seconds, interval.getValueAtPercentile(percentile) / NS_PER_US));
                }
            }
        }
        return series;
    }

    /** When the log of the run begins, seconds since 1970; not a number when there is none. */
    double beginSeconds() throws IOException {
        if (!Files.exists(file(".hlog"))) {
            return Double.NaN;
        }
        try (HistogramLogReader reader = new HistogramLogReader(file(".hlog").toFile())) {
            EncodableHistogram unused = reader.nextIntervalHistogram();
            return reader.getStartTimeSec();
        }
    }

    private Path file(String ending) {
        return base.resolveSibling(base.getFileName() + ending);
    }
}
