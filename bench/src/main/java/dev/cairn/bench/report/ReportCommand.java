package dev.cairn.bench.report;

import dev.cairn.bench.machine.Disturbance;
import dev.cairn.bench.results.BenchVersion;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code bin/cairn report}: one page and one table of all results below a directory.
 *
 * <p>Exit codes: 0; 1 there is no result, or a file cannot be read or written; 2 usage.
 */
@Command(
        name = "cairn report",
        description =
                "Makes report.html, with a plot of percentiles and one over time for each kind of load, and report.md of"
                        + " the .hgrm, .hlog and .json files below a directory.",
        mixinStandardHelpOptions = true)
final class ReportCommand implements Callable<Integer> {
    private static final double SERIES_PERCENTILE = 99;
    private static final int EXIT_FAILED = 1;

    /** Of one plot; more would hide its lines. */
    private static final int MAX_EVENTS = 60;

    private static final List<String> COLUMNS = List.of(
            "ops_s", "p50_us", "p99_us", "p999_us", "max_us", "errors", "server_cpu_ms_per_1000", "force_p50_us");

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Parameters(paramLabel = "DIR", description = "Where the results are, also in directories below it.")
    private Path directory = Path.of("");

    @Option(
            names = "--logs",
            paramLabel = "DIR|FILE",
            description = "Where nodes keep node.log, when not with the results, such as the directory of"
                    + " bin/cairn cluster; may be repeated. What they logged is marked in the plots over time.")
    private List<Path> logs = new ArrayList<>();

    private ReportCommand() {}

    /** Ends the JVM with the exit code. */
    public static void main(String[] arguments) {
        System.exit(commandLine().execute(arguments));
    }

    static CommandLine commandLine() {
        CommandLine commandLine = new CommandLine(new ReportCommand());
        commandLine.getCommandSpec().version(BenchVersion.version());
        return commandLine;
    }

    @Override
    public Integer call() throws IOException {
        if (!Files.isDirectory(directory)) {
            throw new ParameterException(spec.commandLine(), directory + " is no directory");
        }
        for (Path given : logs) {
            if (!Files.exists(given)) {
                throw new ParameterException(spec.commandLine(), "--logs: " + given + " does not exist");
            }
        }
        Path root = directory.toAbsolutePath().normalize();
        List<RunFiles> runs = RunFiles.find(root);
        List<ScaleFiles> axes = ScaleFiles.find(root);
        if (runs.isEmpty() && axes.isEmpty()) {
            PrintWriter err = spec.commandLine().getErr();
            err.println("cairn report: there is no result (.json, scale-*.jsonl) below " + directory);
            err.flush();
            return EXIT_FAILED;
        }
        Map<String, List<RunFiles>> byWhat = new LinkedHashMap<>();
        runs.forEach(run ->
                byWhat.computeIfAbsent(run.what(), unused -> new ArrayList<>()).add(run));
        Files.writeString(root.resolve("report.html"), page(byWhat, axes, NodeLogs.find(root, logs)));
        Files.writeString(root.resolve("report.md"), "# Results\n" + tables(byWhat, axes));
        PrintWriter out = spec.commandLine().getOut();
        out.printf(
                Locale.ROOT,
                "%d results in %s and report.md%n",
                runs.size()
                        + axes.stream().mapToInt(axis -> axis.points().size()).sum(),
                directory.resolve("report.html"));
        out.flush();
        return 0;
    }

    private static String page(Map<String, List<RunFiles>> byWhat, List<ScaleFiles> axes, NodeLogs logs)
            throws IOException {
        StringBuilder page = new StringBuilder("""
                <!DOCTYPE html>
                <html lang="en"><head><meta charset="utf-8"><title>Results</title>
                <style>body { font-family: sans-serif; margin: 2em } td, th { padding: 0 0.8em; text-align: right }
                td:first-child, td:nth-child(2) { text-align: left }</style></head><body>
                <h1>Results</h1>
                """);
        if (!byWhat.isEmpty()) {
            appendTable(page, rows(byWhat));
        }
        for (ScaleFiles axis : axes) {
            page.append("<h2>").append(SvgChart.escaped(axis.title())).append("</h2>\n");
            appendTable(page, axis.rows());
            axis.charts().forEach(chart -> page.append(chart.svg()));
        }
        for (Map.Entry<String, List<RunFiles>> group : byWhat.entrySet()) {
            page.append("<h2>").append(SvgChart.escaped(group.getKey())).append("</h2>\n");
            SvgChart percentiles = percentiles(group.getKey(), group.getValue());
            SvgChart overTime = overTime(group.getKey(), group.getValue(), logs);
            for (SvgChart chart : List.of(percentiles, overTime)) {
                if (!chart.series().isEmpty()) {
                    page.append(chart.svg());
                }
            }
        }
        return page.append("</body></html>\n").toString();
    }

    /** The first row is the header. */
    private static void appendTable(StringBuilder page, List<List<String>> rows) {
        page.append("<table>\n");
        String cell = "th";
        for (List<String> row : rows) {
            page.append("<tr>");
            for (String text : row) {
                page.append('<').append(cell).append('>').append(SvgChart.escaped(text));
                page.append("</").append(cell).append('>');
            }
            page.append("</tr>\n");
            cell = "td";
        }
        page.append("</table>\n");
    }

    private static String tables(Map<String, List<RunFiles>> byWhat, List<ScaleFiles> axes) throws IOException {
        StringBuilder tables = new StringBuilder();
        if (!byWhat.isEmpty()) {
            tables.append('\n').append(table(rows(byWhat)));
        }
        for (ScaleFiles axis : axes) {
            tables.append("\n## ").append(axis.title()).append("\n\n").append(table(axis.rows()));
        }
        return tables.toString();
    }

    /** The first row is the header. */
    private static String table(List<List<String>> rows) {
        StringBuilder table = new StringBuilder("| " + String.join(" | ", rows.get(0)) + " |\n");
        table.append("|---".repeat(rows.get(0).size())).append("|\n");
        for (List<String> row : rows.subList(1, rows.size())) {
            table.append("| ").append(String.join(" | ", row)).append(" |\n");
        }
        return table.toString();
    }

    private static List<String> header() {
        List<String> header = new ArrayList<>(List.of("load", "run"));
        header.addAll(COLUMNS);
        return header;
    }

    private static List<List<String>> rows(Map<String, List<RunFiles>> byWhat) throws IOException {
        List<List<String>> rows = new ArrayList<>(List.of(header()));
        for (List<RunFiles> group : byWhat.values()) {
            for (RunFiles run : group) {
                Map<String, Double> numbers = run.numbers();
                List<String> row = new ArrayList<>(List.of(run.what(), run.where()));
                for (String column : COLUMNS) {
                    Double value = numbers.get(column);
                    row.add(value == null ? "-" : String.format(Locale.ROOT, "%.1f", value));
                }
                rows.add(row);
            }
        }
        return rows;
    }

    // ---- Plots

    private static SvgChart percentiles(String what, List<RunFiles> runs) throws IOException {
        List<SvgChart.Series> series = new ArrayList<>();
        for (RunFiles run : runs) {
            List<SvgChart.Point> points = run.percentiles();
            if (!points.isEmpty()) {
                series.add(new SvgChart.Series(name(run), points));
            }
        }
        return new SvgChart(
                what + ": latency by percentile",
                new SvgChart.Axis("percentile", true, ReportCommand::percentile),
                new SvgChart.Axis("us", true, ReportCommand::plain),
                series,
                List.of());
    }

    /** Of a log with tags, a line per tag and a mark at its begin: phases, or puts and gets. */
    private static SvgChart overTime(String what, List<RunFiles> runs, NodeLogs logs) throws IOException {
        List<SvgChart.Series> series = new ArrayList<>();
        List<SvgChart.Mark> marks = new ArrayList<>();
        List<SvgChart.Mark> events = new ArrayList<>();
        Map<Disturbance.Kind, List<SvgChart.Bar>> bars = new EnumMap<>(Disturbance.Kind.class);
        for (RunFiles run : runs) {
            Map<String, List<SvgChart.Point>> lines = run.series(SERIES_PERCENTILE);
            double beginSeconds = run.beginSeconds();
            double lastSeconds = lines.values().stream()
                    .flatMap(List::stream)
                    .mapToDouble(SvgChart.Point::x)
                    .max()
                    .orElse(0);
            for (NodeLogs.Event event : logs.of(run, beginSeconds, beginSeconds + lastSeconds)) {
                String text = runs.size() == 1 ? event.text() : event.text() + " (" + name(run) + ')';
                events.add(new SvgChart.Mark(event.epochSeconds() - beginSeconds, text, true));
            }
            for (NodeLogs.Work work : logs.workOf(run, beginSeconds, beginSeconds + lastSeconds)) {
                String text = work.of().kind().word() + ' ' + work.of().node();
                bars.computeIfAbsent(work.of().kind(), unused -> new ArrayList<>())
                        .add(new SvgChart.Bar(
                                work.beginSeconds() - beginSeconds,
                                work.endSeconds() - beginSeconds,
                                runs.size() == 1 ? text : text + " (" + name(run) + ')'));
            }
            lines.forEach((tag, points) -> {
                series.add(new SvgChart.Series(tag.isEmpty() ? name(run) : name(run) + ' ' + tag, points));
                if (!tag.isEmpty() && runs.size() == 1) {
                    marks.add(new SvgChart.Mark(points.get(0).x(), tag, false));
                }
            });
        }
        int shown = Math.min(events.size(), MAX_EVENTS);
        marks.addAll(events.subList(0, shown));
        return new SvgChart(
                what + ": p99 of each second"
                        + (shown < events.size() ? ", first " + shown + " of " + events.size() + " events" : ""),
                new SvgChart.Axis("seconds", false, ReportCommand::plain),
                new SvgChart.Axis("us", true, ReportCommand::plain),
                series,
                marks,
                bars.entrySet().stream()
                        .map(lane -> new SvgChart.Lane(lane.getKey().word(), lane.getValue()))
                        .toList());
    }

    private static String name(RunFiles run) {
        return run.where().isEmpty() ? run.base().getFileName().toString() : run.where();
    }

    /** Of 1 / (1 - percentile), a power of ten. */
    private static String percentile(double inverse) {
        return plain(100 * (1 - 1 / inverse)) + '%';
    }

    private static String plain(double value) {
        String text = String.format(Locale.ROOT, "%.6f", value);
        return text.contains(".") ? text.replaceFirst("\\.?0+$", "") : text;
    }
}
