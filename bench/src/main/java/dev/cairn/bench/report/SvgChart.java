package dev.cairn.bench.report;

import java.util.List;
import java.util.Locale;
import java.util.function.DoubleFunction;

/**
 * Lines over two axes, as SVG text without anything from outside. Points that an axis cannot show, such as 0 on a logarithmic one, are
 * left out.
 *
 * @param marks upright lines with a word each, such as the begin of a phase or, dashed, what a node has logged
 * @param lanes rows of bars below the plot, for what comes too often to be marked
 */
record SvgChart(String title, Axis horizontal, Axis vertical, List<Series> series, List<Mark> marks, List<Lane> lanes) {
    record Point(double x, double y) {}

    record Series(String name, List<Point> points) {}

    /**
     * An upright line.
     *
     * @param event of a node; the words of several stand below each other
     */
    record Mark(double x, String text, boolean event) {}

    /** A row of bars; one without bars is left out. */
    record Lane(String name, List<Bar> bars) {}

    /**
     * From one place of the horizontal axis to another, cut where the axis ends.
     *
     * @param text shown when the pointer rests on it
     */
    record Bar(double from, double to, String text) {}

    /**
     * An axis.
     *
     * @param label how a value is written at it
     */
    record Axis(String name, boolean logarithmic, DoubleFunction<String> label) {
        boolean shows(double value) {
            return Double.isFinite(value) && (!logarithmic || value > 0);
        }

        double place(double value) {
            return logarithmic ? Math.log10(value) : value;
        }
    }

    SvgChart(String title, Axis horizontal, Axis vertical, List<Series> series, List<Mark> marks) {
        this(title, horizontal, vertical, series, marks, List.of());
    }

    /** Told apart also by those who confuse red and green. */
    private static final List<String> COLOURS =
            List.of("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8c6bb1");

    private static final int WIDTH = 900;
    private static final int PLOT_HEIGHT = 320;
    private static final int LEFT = 80;
    private static final int RIGHT = 20;
    private static final int TOP = 40;
    private static final int LEGEND_LINE = 18;
    private static final int MAX_TICKS = 10;
    private static final int MARK_ROWS = 16;
    private static final int MARK_LINE = 14;
    private static final int LANE_LINE = 16;
    private static final int BAR_HEIGHT = 10;

    /** So that what was short is seen too. */
    private static final double LEAST_BAR = 1.5;

    /** From the least to the largest place of an axis, in whole powers of ten on a logarithmic one. */
    private record Range(double from, double to, double step) {
        double share(double place) {
            return (place - from) / (to - from);
        }
    }

    String svg() {
        List<Lane> shown = lanes.stream().filter(lane -> !lane.bars.isEmpty()).toList();
        int belowLanes = TOP + PLOT_HEIGHT + LANE_LINE * shown.size();
        int height = belowLanes + 60 + LEGEND_LINE * series.size();
        Range x = range(horizontal, true);
        Range y = range(vertical, false);
        StringBuilder svg = new StringBuilder(String.format(
                Locale.ROOT,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\""
                        + " font-size=\"12\">%n<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>%n",
                WIDTH,
                height,
                WIDTH,
                height));
        text(svg, LEFT, 20, "start", title);
        grid(svg, x, y);
        for (int i = 0; i < marks.size(); i++) {
            mark(svg, x, marks.get(i), i % MARK_ROWS);
        }
        for (int i = 0; i < shown.size(); i++) {
            lane(svg, x, shown.get(i), TOP + PLOT_HEIGHT + 44 + LANE_LINE * i);
        }
        for (int i = 0; i < series.size(); i++) {
            curve(svg, series.get(i), x, y, COLOURS.get(i % COLOURS.size()));
            double at = belowLanes + 56 + LEGEND_LINE * i;
            line(svg, LEFT, at - 4, LEFT + 24, at - 4, COLOURS.get(i % COLOURS.size()));
            text(svg, LEFT + 30, at, "start", series.get(i).name);
        }
        return svg.append("</svg>\n").toString();
    }

    private void mark(StringBuilder svg, Range x, Mark mark, int row) {
        if (!horizontal.shows(mark.x)) {
            return;
        }
        double at = left(x, mark.x);
        if (mark.event) {
            svg.append(String.format(
                    Locale.ROOT,
                    "<line class=\"event\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#d55e00\" stroke-dasharray=\"4 3\"/>%n",
                    at,
                    TOP,
                    at,
                    TOP + PLOT_HEIGHT));
            text(svg, at + 3, TOP + 26 + MARK_LINE * row, "start", mark.text);
        } else {
            line(svg, at, TOP, at, TOP + PLOT_HEIGHT, "#888888");
            text(svg, at + 3, TOP + 12, "start", mark.text);
        }
    }

    /** Only on an axis that is not logarithmic: a bar may begin before its first place. */
    private void lane(StringBuilder svg, Range x, Lane lane, int top) {
        text(svg, LEFT - 6, top + BAR_HEIGHT - 1, "end", lane.name);
        for (Bar bar : lane.bars) {
            double from = left(x, Math.max(bar.from, x.from));
            double to = left(x, Math.min(bar.to, x.to));
            svg.append(String.format(
                    Locale.ROOT,
                    "<rect class=\"bar\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"#0072b2\""
                            + " fill-opacity=\"0.5\"><title>%s</title></rect>%n",
                    from,
                    top,
                    Math.max(LEAST_BAR, to - from),
                    BAR_HEIGHT,
                    escaped(bar.text)));
        }
    }

    private Range range(Axis axis, boolean isHorizontal) {
        double least = Double.POSITIVE_INFINITY;
        double largest = Double.NEGATIVE_INFINITY;
        for (Series one : series) {
            for (Point point : one.points) {
                double value = isHorizontal ? point.x : point.y;
                if (axis.shows(value)) {
                    least = Math.min(least, axis.place(value));
                    largest = Math.max(largest, axis.place(value));
                }
            }
        }
        if (isHorizontal && least <= largest) {
            for (Mark mark : marks) {
                if (axis.shows(mark.x)) {
                    least = Math.min(least, axis.place(mark.x));
                    largest = Math.max(largest, axis.place(mark.x));
                }
            }
        }
        if (least > largest) {
            return new Range(0, 1, 1);
        }
        double step = axis.logarithmic ? 1 : niceStep(largest - least);
        double from = Math.floor(least / step) * step;
        double to = Math.ceil(largest / step) * step;
        return new Range(from, to > from ? to : from + step, step);
    }

    /** 1, 2 or 5 times a power of ten. */
    private static double niceStep(double length) {
        double step = Math.pow(10, Math.floor(Math.log10(Math.max(length, 1e-9) / MAX_TICKS)));
        for (double factor : new double[] {1, 2, 5}) {
            if (length / (step * factor) <= MAX_TICKS) {
                return step * factor;
            }
        }
        return step * 10;
    }

    private void grid(StringBuilder svg, Range x, Range y) {
        for (double place = x.from; place <= x.to + x.step / 2; place += x.step) {
            double at = LEFT + x.share(place) * (WIDTH - LEFT - RIGHT);
            line(svg, at, TOP, at, TOP + PLOT_HEIGHT, "#dddddd");
            text(svg, at, TOP + PLOT_HEIGHT + 16, "middle", label(horizontal, place));
        }
        for (double place = y.from; place <= y.to + y.step / 2; place += y.step) {
            double at = TOP + (1 - y.share(place)) * PLOT_HEIGHT;
            line(svg, LEFT, at, WIDTH - RIGHT, at, "#dddddd");
            text(svg, LEFT - 6, at + 4, "end", label(vertical, place));
        }
        text(svg, WIDTH - RIGHT, TOP + PLOT_HEIGHT + 34, "end", horizontal.name);
        text(svg, LEFT - 6, TOP - 8, "end", vertical.name);
    }

    private static String label(Axis axis, double place) {
        return axis.label.apply(axis.logarithmic ? Math.pow(10, place) : place);
    }

    private double left(Range x, double value) {
        return LEFT + x.share(horizontal.place(value)) * (WIDTH - LEFT - RIGHT);
    }

    private void curve(StringBuilder svg, Series one, Range x, Range y, String colour) {
        svg.append("<polyline fill=\"none\" stroke-width=\"1.5\" stroke=\"")
                .append(colour)
                .append("\" points=\"");
        for (Point point : one.points) {
            if (horizontal.shows(point.x) && vertical.shows(point.y)) {
                svg.append(String.format(
                        Locale.ROOT,
                        "%.1f,%.1f ",
                        left(x, point.x),
                        TOP + (1 - y.share(vertical.place(point.y))) * PLOT_HEIGHT));
            }
        }
        svg.append("\"/>\n");
    }

    private static void line(StringBuilder svg, double x1, double y1, double x2, double y2, String colour) {
        svg.append(String.format(
                Locale.ROOT,
                "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>%n",
                x1,
                y1,
                x2,
                y2,
                colour));
    }

    private static void text(StringBuilder svg, double x, double y, String anchor, String text) {
        svg.append(String.format(
                Locale.ROOT,
                "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>%n",
                x,
                y,
                anchor,
                escaped(text)));
    }

    /** For XML and HTML. */
    static String escaped(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }
}
