package dev.cairn.bench.compare;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.DoubleStream;
import org.jspecify.annotations.Nullable;

/**
 * The figures of all runs of a comparison, and its tables: medians with least and largest, and ratios between systems. A ratio is
 * taken within one repetition, because the machine changes from one to the next.
 */
final class Comparison {
    /** What a run came to: numbers by the names of the load generator's JSON line. */
    record Run(int repetition, Workload workload, ComparedSystem.Kind system, Map<String, Double> numbers) {
        /** Not a number where the run has none of that name. */
        double number(String field) {
            return numbers.getOrDefault(field, Double.NaN);
        }
    }

    /** A column: a heading, the field, and how many decimals. */
    private record Column(String heading, String field, int decimals) {}

    private static final List<Column> COLUMNS = List.of(
            new Column("per second", "ops_s", 0),
            new Column("p50 us", "p50_us", 0),
            new Column("p99 us", "p99_us", 0),
            new Column("p99.9 us", "p999_us", 0),
            new Column("servers' CPU ms per 1 000", "server_cpu_ms_per_1000", 1),
            new Column("force us", "force_p50_us", 0));

    /** Of a closed loop the rate tells, of an open one the latencies; the processor time of both. */
    private static final List<Column> RATIOS = List.of(COLUMNS.get(0), COLUMNS.get(1), COLUMNS.get(2), COLUMNS.get(4));

    private final List<Run> runs = new ArrayList<>();

    void add(Run run) {
        runs.add(run);
    }

    List<Run> runs() {
        return List.copyOf(runs);
    }

    /** In Markdown: a table of figures, a table of ratios of Cairn to the others, and what failed or was not kept up with. */
    String tables() {
        StringBuilder text = new StringBuilder();
        text.append("| workload | system | ")
                .append(String.join(" | ", COLUMNS.stream().map(Column::heading).toList()))
                .append(" |\n|---|---|")
                .append("---|".repeat(COLUMNS.size()))
                .append('\n');
        groups().forEach((group, members) -> {
            text.append("| ").append(group).append(" |");
            COLUMNS.forEach(
                    column -> text.append(' ').append(cell(members, column)).append(" |"));
            text.append('\n');
        });
        text.append(ratios(ComparedSystem.Kind.ETCD)).append(ratios(ComparedSystem.Kind.FLOOR));
        runs.forEach(run -> text.append(warning(run)));
        return text.toString();
    }

    private Map<String, List<Run>> groups() {
        Map<String, List<Run>> groups = new LinkedHashMap<>();
        for (Workload workload : runs.stream().map(Run::workload).distinct().toList()) {
            for (ComparedSystem.Kind system : ComparedSystem.Kind.values()) {
                List<Run> members = of(workload, system);
                if (!members.isEmpty()) {
                    groups.put(workload + " | " + system.word(), members);
                }
            }
        }
        return groups;
    }

    private List<Run> of(Workload workload, ComparedSystem.Kind system) {
        return runs.stream()
                .filter(run -> run.workload.equals(workload) && run.system == system)
                .toList();
    }

    private static String cell(List<Run> members, Column column) {
        return spread(members.stream().mapToDouble(run -> run.number(column.field)), column.decimals);
    }

    private String ratios(ComparedSystem.Kind other) {
        StringBuilder rows = new StringBuilder();
        for (Workload workload : runs.stream().map(Run::workload).distinct().toList()) {
            if (of(workload, ComparedSystem.Kind.CAIRN).isEmpty()
                    || of(workload, other).isEmpty()) {
                continue;
            }
            rows.append("| ").append(workload).append(" |");
            for (Column column : RATIOS) {
                rows.append(' ').append(ratio(workload, other, column)).append(" |");
            }
            rows.append('\n');
        }
        return rows.isEmpty()
                ? ""
                : "\n| cairn / " + other.word() + " | "
                        + String.join(
                                " | ", RATIOS.stream().map(Column::heading).toList())
                        + " |\n|---|" + "---|".repeat(RATIOS.size()) + '\n' + rows;
    }

    private String ratio(Workload workload, ComparedSystem.Kind other, Column column) {
        return spread(
                of(workload, ComparedSystem.Kind.CAIRN).stream().mapToDouble(own -> {
                    Run against = find(workload, other, own.repetition);
                    return against == null ? Double.NaN : own.number(column.field) / against.number(column.field);
                }),
                2);
    }

    private @Nullable Run find(Workload workload, ComparedSystem.Kind system, int repetition) {
        return of(workload, system).stream()
                .filter(run -> run.repetition == repetition)
                .findFirst()
                .orElse(null);
    }

    private static String warning(Run run) {
        StringBuilder text = new StringBuilder();
        for (String field : List.of("errors", "unfinished", "unstarted")) {
            double count = Objects.requireNonNullElse(run.numbers.get(field), 0.0);
            if (count > 0) {
                text.append(String.format(
                        Locale.ROOT,
                        "%nWARNING: %s %s, repetition %d: %s %.0f%n",
                        run.system.word(),
                        run.workload,
                        run.repetition,
                        field,
                        count));
            }
        }
        return text.toString();
    }

    /** Median (least..largest); one value alone; a dash where there is none. */
    static String spread(DoubleStream values, int decimals) {
        double[] sorted = values.filter(Double::isFinite).sorted().toArray();
        if (sorted.length == 0) {
            return "-";
        }
        String form = "%." + decimals + "f";
        String median = String.format(Locale.ROOT, form, median(sorted));
        return sorted.length == 1
                ? median
                : median
                        + String.format(
                                Locale.ROOT, " (" + form + ".." + form + ")", sorted[0], sorted[sorted.length - 1]);
    }

    static double median(double[] values) {
        double[] sorted = Arrays.stream(values).sorted().toArray();
        int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
