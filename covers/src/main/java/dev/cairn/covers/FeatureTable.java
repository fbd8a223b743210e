package dev.cairn.covers;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The table of {@code docs/features.md} against the tests that ran in this build. A row is
 * {@code | id | what | where | tests |}; {@code open} in the last column says that the feature is not there, and how many
 * may be open is in the text of the table alone, so that every one shows in a change.
 */
public final class FeatureTable {
    /** What stands in the last column of a feature that does not exist yet. */
    static final String OPEN = "open";
    /** How many tests the table names per id, of those that show it. */
    private static final int NAMED_TESTS = 3;

    private static final Pattern ROW = Pattern.compile("\\| ([A-Z]\\d\\d) \\| ([^|]+) \\| ([^|]+) \\|([^|]*)\\|");

    /** Rows by id, in the order of the file. */
    private record Row(int line, String id, String what, String where, String tests) {
        boolean isOpen() {
            return tests.equals(OPEN) || tests.startsWith(OPEN + ":");
        }

        Row withTests(final String names) {
            return new Row(line, id, what, where, names);
        }

        @Override
        public String toString() {
            return "| " + id + " | " + what + " | " + where + " | " + tests + " |";
        }
    }

    private final Path file;
    private final List<String> lines;
    private final Map<String, Row> rows = new TreeMap<>();
    private final List<String> problems = new ArrayList<>();

    private FeatureTable(final Path file) throws IOException {
        this.file = file;
        lines = new ArrayList<>(Files.readAllLines(file));
        for (int i = 0; i < lines.size(); i++) {
            final Matcher row = ROW.matcher(lines.get(i));
            if (!row.matches()) {
                continue;
            }
            final String id = row.group(1);
            if (rows.put(
                            id,
                            new Row(
                                    i,
                                    id,
                                    row.group(2),
                                    row.group(3),
                                    row.group(4).strip()))
                    != null) {
                problems.add(id + " stands twice in " + file);
            }
        }
    }

    /**
     * What is wrong, one line each; empty when all is well.
     *
     * @param file the table
     * @param expected how many rows it must have
     * @param modules directories of the modules; the records of their tests are {@code target/covered-tests*.txt}, one per
     *     JVM that ran tests
     * @param build only records of this build count
     */
    public static List<String> problems(
            final Path file, final int expected, final List<Path> modules, final String build) throws IOException {
        final FeatureTable table = new FeatureTable(file);
        final Map<String, Set<String>> ran = table.read(modules, build);
        if (table.rows.size() != expected) {
            table.problems.add(file + " has " + table.rows.size() + " rows instead of " + expected);
        }
        table.check(ran);
        return table.problems;
    }

    /** Writes the names of the tests that ran into the last column, of rows that are not open. */
    public static void update(final Path file, final List<Path> modules, final String build) throws IOException {
        final FeatureTable table = new FeatureTable(file);
        final Map<String, Set<String>> ran = table.read(modules, build);
        for (final Row row : table.rows.values()) {
            if (!row.isOpen()) {
                final String names = ran.getOrDefault(row.id, Set.of()).stream()
                        .map(FeatureTable::shortName)
                        .distinct()
                        .sorted(Comparator.comparing(name -> !name.contains(".")))
                        .limit(NAMED_TESTS)
                        .map(name -> '`' + name + '`')
                        .collect(Collectors.joining(", "));
                table.lines.set(row.line, row.withTests(names).toString());
            }
        }
        Files.write(file, table.lines);
    }

    /** The directories below {@code root} that hold a module of the build. */
    public static List<Path> modulesOf(final Path root) throws IOException {
        final List<Path> modules = new ArrayList<>();
        try (DirectoryStream<Path> directories = Files.newDirectoryStream(root, Files::isDirectory)) {
            directories.forEach(directory -> {
                if (Files.exists(directory.resolve("pom.xml"))) {
                    modules.add(directory);
                }
            });
        }
        return modules;
    }

    /** Names of the tests that passed in this build, by id. */
    private Map<String, Set<String>> read(final List<Path> modules, final String build) throws IOException {
        final Map<String, Set<String>> ran = new TreeMap<>();
        for (final Path module : modules) {
            boolean ranNow = false;
            for (final Path record : recordsOf(module)) {
                final List<String> found = Files.readAllLines(record);
                if (found.isEmpty() || !found.get(0).equals(build)) {
                    continue;
                }
                ranNow = true;
                for (final String line : found.subList(1, found.size())) {
                    final int blank = line.indexOf(' ');
                    ran.computeIfAbsent(line.substring(0, blank), id -> new TreeSet<>())
                            .add(line.substring(blank + 1));
                }
            }
            if (!ranNow) {
                problems.add("the tests of " + module.getFileName() + " did not run in this build");
            }
        }
        return ran;
    }

    private static List<Path> recordsOf(final Path module) throws IOException {
        final List<Path> records = new ArrayList<>();
        final Path target = module.resolve("target");
        if (Files.isDirectory(target)) {
            try (DirectoryStream<Path> files = Files.newDirectoryStream(target, "covered-tests*.txt")) {
                files.forEach(records::add);
            }
        }
        return records;
    }

    private void check(final Map<String, Set<String>> ran) {
        for (final Row row : rows.values()) {
            final Set<String> tests = ran.getOrDefault(row.id, Set.of());
            if (row.isOpen()) {
                continue;
            }
            if (tests.isEmpty()) {
                problems.add(row.id + " (" + row.what + ") has no test that ran and passed");
                continue;
            }
            final Set<String> names =
                    tests.stream().map(FeatureTable::shortName).collect(Collectors.toSet());
            for (final String named : row.tests.replace("`", "").split(", ", -1)) {
                if (!names.contains(named)) {
                    problems.add(row.id + " names " + named + ", but no test of that name with this id passed");
                }
            }
        }
        for (final Map.Entry<String, Set<String>> entry : ran.entrySet()) {
            if (!rows.containsKey(entry.getKey())) {
                problems.add(entry.getKey() + " is on " + entry.getValue() + " and not in " + file);
            }
        }
    }

    /** {@code Class.method} or {@code Class} of {@code package.Class#method}. */
    private static String shortName(final String test) {
        final int method = test.indexOf('#');
        final int type = test.lastIndexOf('.', method) + 1;
        final String name = test.substring(type, method).replace('$', '.');
        return method == test.length() - 1 ? name : name + '.' + test.substring(method + 1);
    }
}
