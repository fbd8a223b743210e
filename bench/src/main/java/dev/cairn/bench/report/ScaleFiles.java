package dev.cairn.bench.report;

import dev.cairn.bench.results.JsonNumbers;
import dev.cairn.bench.results.JsonTexts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What {@code bin/cairn scale} has measured along one axis: a table, and plots over the axis' values.
 *
 * @param where the directory below the one that was looked through
 * @param axis its word
 * @param points in the order of the file
 */
record ScaleFiles(String where, String axis, List<Point> points) {
    private static final String PREFIX = "scale-";
    private static final String ENDING = ".jsonl";

    /** A line of the file. */
    record Point(Map<String, Double> numbers, Map<String, String> texts, boolean proxied) {
        double number(String name) {
            return numbers.getOrDefault(name, Double.NaN);
        }

        double at() {
            return number("at");
        }
    }

    /** A column of the table or a line of a plot. */
    private record Column(String heading, String field, int decimals) {}

    private static final List<Column> TABLE = List.of(
            new Column("puts/s", "put_ops_s", 0),
            new Column("p50 us", "put_p50_us", 0),
            new Column("p99 us", "put_p99_us", 0),
            new Column("window allows", "window_bound_ops_s", 0),
            new Column("gets/s", "get_ops_s", 0),
            new Column("p50 us", "get_p50_us", 0),
            new Column("p99 us", "get_p99_us", 0),
            new Column("CPU ms/1000 puts: nodes", "put_nodes_cpu_ms_per_1000", 1),
            new Column("load", "put_load_cpu_ms_per_1000", 1),
            new Column("proxy", "put_proxy_cpu_ms_per_1000", 1),
            new Column("CPU ms/1000 gets: nodes", "get_nodes_cpu_ms_per_1000", 1),
            new Column("load", "get_load_cpu_ms_per_1000", 1),
            new Column("proxy", "get_proxy_cpu_ms_per_1000", 1),
            new Column("entries per force", "put_leader_group_entries", 1),
            new Column("force us", "put_leader_force_us", 0),
            new Column("leader MiB", "get_leader_rss_mb", 0),
            new Column("follower MiB", "get_follower_rss_mb", 0));

    private static final List<Column> RATES = List.of(
            new Column("puts/s", "put_ops_s", 0),
            new Column("gets/s", "get_ops_s", 0),
            new Column("puts/s that the window allows", "window_bound_ops_s", 0));

    private static final List<Column> LATENCIES = List.of(
            new Column("puts p50", "put_p50_us", 0),
            new Column("puts p99", "put_p99_us", 0),
            new Column("gets p50", "get_p50_us", 0),
            new Column("gets p99", "get_p99_us", 0));

    private static final List<Column> COSTS = List.of(
            new Column("puts: all nodes", "put_nodes_cpu_ms_per_1000", 1),
            new Column("puts: load", "put_load_cpu_ms_per_1000", 1),
            new Column("puts: proxy", "put_proxy_cpu_ms_per_1000", 1),
            new Column("gets: all nodes", "get_nodes_cpu_ms_per_1000", 1),
            new Column("gets: load", "get_load_cpu_ms_per_1000", 1),
            new Column("gets: proxy", "get_proxy_cpu_ms_per_1000", 1));

    private static final List<Column> MEMORY = List.of(
            new Column("leader, resident", "get_leader_rss_mb", 0),
            new Column("leader, without files", "get_leader_anonymous_mb", 0),
            new Column("follower, resident", "get_follower_rss_mb", 0),
            new Column("follower, without files", "get_follower_anonymous_mb", 0));

    /** All axes that were measured below a directory. */
    static List<ScaleFiles> find(Path directory) throws IOException {
        List<Path> files;
        try (Stream<Path> found = Files.walk(directory)) {
            files = found.filter(file -> file.getFileName().toString().startsWith(PREFIX)
                            && file.toString().endsWith(ENDING))
                    .sorted()
                    .toList();
        }
        List<ScaleFiles> axes = new ArrayList<>();
        for (Path file : files) {
            String name = file.getFileName().toString();
            List<Point> points = new ArrayList<>();
            for (String line : Files.readAllLines(file)) {
                points.add(new Point(JsonNumbers.of(line), JsonTexts.of(line), line.contains("\"proxied\":true")));
            }
            axes.add(new ScaleFiles(
                    directory.relativize(file.toAbsolutePath().getParent()).toString(),
                    name.substring(PREFIX.length(), name.length() - ENDING.length()),
                    points));
        }
        return axes;
    }

    String title() {
        return "scale " + axis + (where.isEmpty() ? "" : ", " + where);
    }

    // ---- Table

    /** Columns that no point has a number in are left out. */
    List<List<String>> rows() {
        List<Column> columns = shown(TABLE);
        List<List<String>> rows = new ArrayList<>();
        List<String> header = new ArrayList<>(List.of(axis));
        columns.forEach(column -> header.add(column.heading));
        header.add("problem");
        rows.add(header);
        for (Point point : points) {
            List<String> row = new ArrayList<>(List.of(plain(point.at()) + (direct(point) ? " (no proxy)" : "")));
            for (Column column : columns) {
                double value = point.number(column.field);
                row.add(Double.isNaN(value) ? "-" : String.format(Locale.ROOT, "%." + column.decimals + "f", value));
            }
            row.add(point.texts.getOrDefault("problem", ""));
            rows.add(row);
        }
        return rows;
    }

    /** Of an axis whose other points have a proxy. */
    private boolean direct(Point point) {
        return !point.proxied && points.stream().anyMatch(Point::proxied);
    }

    private List<Column> shown(List<Column> columns) {
        return columns.stream()
                .filter(column -> points.stream().anyMatch(point -> point.number(column.field) > 0))
                .toList();
    }

    // ---- Plots

    List<SvgChart> charts() {
        return Stream.of(
                        chart("operations per second", "per second", RATES),
                        chart("latency", "us", LATENCIES),
                        chart("processor time of 1 000 operations", "ms", COSTS),
                        chart("memory of a node", "MiB", MEMORY))
                .filter(chart -> !chart.series().isEmpty())
                .toList();
    }

    private SvgChart chart(String what, String unit, List<Column> lines) {
        List<SvgChart.Series> series = new ArrayList<>();
        for (Column line : shown(lines)) {
            List<SvgChart.Point> drawn = points.stream()
                    .filter(point -> !direct(point))
                    .map(point -> new SvgChart.Point(point.at(), point.number(line.field)))
                    .toList();
            series.add(new SvgChart.Series(line.heading, drawn));
        }
        boolean wide = points.stream().mapToDouble(Point::at).max().orElse(0) > 100;
        return new SvgChart(
                axis + ": " + what,
                new SvgChart.Axis(axis, wide, ScaleFiles::plain),
                new SvgChart.Axis(unit, true, ScaleFiles::plain),
                series,
                List.of());
    }

    private static String plain(double value) {
        return value == Math.rint(value)
                ? String.format(Locale.ROOT, "%.0f", value)
                : String.format(Locale.ROOT, "%s", value);
    }
}
