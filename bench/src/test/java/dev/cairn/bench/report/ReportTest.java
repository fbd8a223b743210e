package dev.cairn.bench.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.bench.load.Measurement;
import dev.cairn.bench.results.HistogramFiles;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringReader;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.xml.sax.InputSource;
import picocli.CommandLine;

/** Plots and tables of results that are made here. */
final class ReportTest {
    @TempDir
    Path directory;

    private static final SvgChart.Axis PLAIN = new SvgChart.Axis("x", false, String::valueOf);
    private static final SvgChart.Axis LOGARITHMIC = new SvgChart.Axis("y", true, String::valueOf);

    private static Document parsed(String svg) throws Exception {
        return DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new InputSource(new StringReader(svg)));
    }

    private static String points(Document svg, int series) {
        return ((Element) svg.getElementsByTagName("polyline").item(series))
                .getAttribute("points")
                .strip();
    }

    @Test
    void aChartPutsPointsWhereTheirValuesAre() throws Exception {
        SvgChart chart = new SvgChart(
                "a < b & \"c\"",
                PLAIN,
                LOGARITHMIC,
                List.of(
                        new SvgChart.Series(
                                "one",
                                List.of(
                                        new SvgChart.Point(0, 1),
                                        new SvgChart.Point(5, 10),
                                        new SvgChart.Point(6, 0),
                                        new SvgChart.Point(10, 100))),
                        new SvgChart.Series("two", List.of(new SvgChart.Point(10, 1)))),
                List.of(new SvgChart.Mark(5, "here", false)));

        Document svg = parsed(chart.svg());
        // Left edge 80, right edge 880; bottom 360, top 40; zero is on no logarithmic axis.
        assertThat(points(svg, 0)).isEqualTo("80.0,360.0 480.0,200.0 880.0,40.0");
        assertThat(points(svg, 1)).isEqualTo("880.0,360.0");
        assertThat(svg.getDocumentElement().getTextContent()).contains("a < b & \"c\"", "one", "two", "here");
    }

    @Test
    void barsStandBelowThePlotWhereTheirTimesAreAndEmptyRowsDoNot() throws Exception {
        List<SvgChart.Series> series =
                List.of(new SvgChart.Series("one", List.of(new SvgChart.Point(0, 1), new SvgChart.Point(10, 100))));
        SvgChart chart = new SvgChart(
                "",
                PLAIN,
                LOGARITHMIC,
                series,
                List.of(),
                List.of(
                        new SvgChart.Lane("empty", List.of()),
                        new SvgChart.Lane(
                                "roll", List.of(new SvgChart.Bar(2, 3, "<1>"), new SvgChart.Bar(5, 5, "short"))),
                        new SvgChart.Lane("flush", List.of(new SvgChart.Bar(-7, Double.POSITIVE_INFINITY, "all")))));

        String svg = chart.svg();
        // 80 pixels for one of ten; the rows are 16 below each other.
        assertThat(svg)
                .contains("<rect class=\"bar\" x=\"240.0\" y=\"404\" width=\"80.0\"", "<title>&lt;1&gt;</title>")
                .contains("<rect class=\"bar\" x=\"480.0\" y=\"404\" width=\"1.5\"")
                .contains("<rect class=\"bar\" x=\"80.0\" y=\"420\" width=\"800.0\"")
                .contains(">roll</text>", ">flush</text>")
                .doesNotContain("empty");
        Document with = parsed(svg);
        Document without = parsed(new SvgChart("", PLAIN, LOGARITHMIC, series, List.of()).svg());
        assertThat(Integer.parseInt(with.getDocumentElement().getAttribute("height")))
                .isEqualTo(Integer.parseInt(without.getDocumentElement().getAttribute("height")) + 2 * 16);
    }

    @Test
    void aChartOfNothingOrOfOnePointIsStillOne() throws Exception {
        parsed(new SvgChart("", PLAIN, LOGARITHMIC, List.of(), List.of()).svg());
        SvgChart one = new SvgChart(
                "", PLAIN, LOGARITHMIC, List.of(new SvgChart.Series("", List.of(new SvgChart.Point(3, 7)))), List.of());
        assertThat(points(parsed(one.svg()), 0)).doesNotContain("NaN");
    }

    private void write(String where, String what, @Nullable String tag, long latencyUs, String json)
            throws IOException {
        Path home = Files.createDirectories(directory.resolve(where));
        Instant begin = Instant.ofEpochSecond(1_000_000_000);
        try (HistogramFiles files = HistogramFiles.open(home, what, begin, "# comment")) {
            Histogram interval = Measurement.newHistogram();
            interval.recordValueWithCount(latencyUs * 1000, 1000);
            interval.setStartTimeStamp(begin.toEpochMilli());
            interval.setEndTimeStamp(begin.toEpochMilli() + 1000);
            files.interval(interval, tag);
            files.percentiles(interval, "");
            files.finish(json);
        }
    }

    private record Ended(int exitCode, String out, String err) {}

    private Ended report(Path of) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine commandLine = ReportCommand.commandLine();
        commandLine.setOut(new PrintWriter(out));
        commandLine.setErr(new PrintWriter(err));
        int exitCode = commandLine.execute(of.toString());
        return new Ended(exitCode, out.toString(), err.toString());
    }

    @Test
    void resultsOfOneLoadStandInOnePlotAndAllInTheTable() throws IOException {
        write("cairn", "load-put-o8", null, 100, "{\"ops_s\":5.5,\"p50_us\":100.0,\"errors\":0}");
        write("etcd", "load-put-o8", null, 900, "{\"ops_s\":1.5,\"p50_us\":900.0,\"errors\":2}");
        write("", "measure-scan-r5", "quiet-1", 50, "{\"p50_us\":50.0}");

        Ended ended = report(directory);

        assertThat(ended.exitCode()).as(ended.err()).isZero();
        assertThat(ended.out()).contains("3 results");
        assertThat(Files.readString(directory.resolve("report.md")).lines())
                .contains("| load-put-o8 | cairn | 5.5 | 100.0 | - | - | - | 0.0 | - | - |")
                .contains("| load-put-o8 | etcd | 1.5 | 900.0 | - | - | - | 2.0 | - | - |")
                .contains("| measure-scan-r5 |  | - | 50.0 | - | - | - | - | - | - |");
        String page = Files.readString(directory.resolve("report.html"));
        assertThat(page)
                .contains("<td>load-put-o8</td><td>etcd</td><td>1.5</td>")
                .contains("load-put-o8: latency by percentile", "load-put-o8: p99 of each second", ">quiet-1</text>");
        // Percentiles and time of two loads: four plots, six lines; nothing is fetched from anywhere.
        assertThat(page.split("<svg ", -1)).hasSize(1 + 4);
        assertThat(page.split("<polyline ", -1)).hasSize(1 + 6);
        assertThat(page.replace("http://www.w3.org/2000/svg", "")).doesNotContain("http", "src=", "href=");
    }

    private static String logged(String time, String rest) {
        return "2001-09-09T01:46:" + time + "Z INFO  node=2 [loop] Node: event=" + rest + "\n";
    }

    /** The run goes from 01:46:40 on for one second; what was logged before, after, or for another run is not in its plot. */
    @Test
    void whatNodesLoggedDuringARunIsMarkedAtItsTime() throws IOException {
        write("cairn/repetition1", "load-put-o8", null, 100, "{\"ops_s\":5.5}");
        Files.writeString(
                directory.resolve("cairn/repetition1/node2.log"),
                logged("39.500", "log.rolled node=2 lastIndex=1 us=10")
                        + logged("39.900", "role node=2 role=LEADER term=1 leader=2 reason=\"x\"")
                        + logged("40.250", "role node=2 role=LEADER term=2 leader=2 reason=\"x\"")
                        + logged("40.300", "role node=2 role=FOLLOWER term=2 leader=1 reason=\"x\"")
                        + logged(
                                "40.900",
                                "snapshot.taken index=5 term=2 checkpoint=c files=3 bytes=9 reason=log ms=400")
                        + logged("40.400", "store.flush.start job=3")
                        + logged("40.600", "log.rolled node=2 lastIndex=5 us=50000")
                        + logged("40.799", "store.flush.done job=3 bytes=9")
                        + logged("41.050", "log.rolled node=2 lastIndex=9 us=10")
                        + logged("41.100", "log.slow ms=99 bytes=1")
                        + "no line of a node\n");
        Files.createDirectories(directory.resolve("other"));
        Files.writeString(directory.resolve("other/node1.log"), logged("40.600", "disk.low free=1"));

        assertThat(report(directory).exitCode()).isZero();

        String page = Files.readString(directory.resolve("report.html"));
        // The axis goes from 0.2 to 1 s, 800 wide from 80 on: 0.25 s, and 0.5 s, where the checkpoint began that took
        // 400 ms.
        assertThat(page)
                .contains("<line class=\"event\" x1=\"130.0\"", ">leader 2</text>")
                .contains("<line class=\"event\" x1=\"380.0\"", ">checkpoint 2</text>")
                .doesNotContain("slow force", "disk low");
        // 400 ms of flush; 50 ms in which the loop waited for a segment, and 51 behind it.
        assertThat(page)
                .contains("x=\"280.0\" y=\"420\" width=\"400.0\"", "<title>flush 2</title>", ">flush</text>")
                .contains("x=\"430.0\" y=\"404\" width=\"101.0\"", "<title>roll 2</title>");
        assertThat(page.split("class=\"bar\"", -1)).hasSize(1 + 2);
        assertThat(page.split("class=\"event\"", -1)).hasSize(1 + 2);

        CommandLine commandLine = ReportCommand.commandLine();
        assertThat(commandLine.execute(
                        directory.toString(),
                        "--logs",
                        directory.resolve("other").toString()))
                .isZero();
        assertThat(Files.readString(directory.resolve("report.html"))).contains(">disk low 2</text>");
    }

    @Test
    void anAxisHasATableAndPlotsAndShowsWhatFailed() throws IOException {
        Path home = Files.createDirectories(directory.resolve("scale"));
        Files.writeString(home.resolve("scale-connections.jsonl"), """
                {"axis":"connections","at":1,"proxied":false,"put_ops_s":1000.0,"put_p50_us":10.0,"problem":""}
                {"axis":"connections","at":1000,"proxied":false,"put_ops_s":500.0,"put_p50_us":20.0,"problem":""}
                {"axis":"connections","at":5000,"proxied":false,"problem":"connection 4097 <refused>"}
                """);
        Files.writeString(home.resolve("scale-delay.jsonl"), """
                {"axis":"delay","at":0,"proxied":false,"put_ops_s":900.0,"problem":""}
                {"axis":"delay","at":0,"proxied":true,"put_ops_s":800.0,"problem":""}
                {"axis":"delay","at":10,"proxied":true,"put_ops_s":700.0,"window_bound_ops_s":9000.0,"problem":""}
                """);

        Ended ended = report(directory);

        assertThat(ended.exitCode()).as(ended.err()).isZero();
        assertThat(ended.out()).contains("6 results");
        assertThat(Files.readString(directory.resolve("report.md")).lines())
                .contains("## scale connections, scale", "## scale delay, scale")
                .contains("| connections | puts/s | p50 us | problem |")
                .contains("| 1000 | 500 | 20 |  |", "| 5000 | - | - | connection 4097 <refused> |")
                .contains("| 0 (no proxy) | 900 | - |  |", "| 0 | 800 | - |  |", "| 10 | 700 | 9000 |  |");
        String page = Files.readString(directory.resolve("report.html"));
        assertThat(page).contains("connections: operations per second", "connection 4097 &lt;refused&gt;");
        // Rates and latencies, rates and the window; the run without a proxy is no point of the line.
        assertThat(page.split("<svg ", -1)).hasSize(1 + 3);
        assertThat(page.split("<polyline ", -1)).hasSize(1 + 4);
        String delays = page.substring(page.indexOf("delay: operations per second"));
        assertThat(delays.substring(delays.indexOf("points=\"") + 8)
                        .split("\"", -1)[0]
                        .strip()
                        .split(" ", -1))
                .hasSize(2);
    }

    @Test
    void nothingToReportIsAFailureAndNoDirectoryAWrongUse() {
        assertThat(report(directory)).extracting(Ended::exitCode).isEqualTo(1);
        assertThat(report(directory.resolve("none")))
                .extracting(Ended::exitCode)
                .isEqualTo(2);
    }
}
