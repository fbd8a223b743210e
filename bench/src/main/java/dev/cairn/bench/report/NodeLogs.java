package dev.cairn.bench.report;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What nodes have logged that a plot of latencies should show, from files {@code node.log}, {@code node<i>.log} and
 * {@code <anything>-node<i>.log}. Those of a run's own directory and of the directories above it belong to the run.
 */
record NodeLogs(List<Event> events) {
    /**
     * Something that a node has logged.
     *
     * @param home of the log
     * @param text such as {@code leader 2}
     */
    record Event(Path home, double epochSeconds, String text) {}

    private static final Pattern NAME = Pattern.compile("(.*-)?node\\d*\\.log");

    /** Time, level, node, thread and class, then the event and its numbers; docs/events.md has them all. */
    private static final Pattern LINE =
            Pattern.compile("(\\d{4}-\\d\\d-\\d\\dT\\S+Z) +[A-Z]+ +node=(\\S+) .*?: event=(\\S+)(.*)");

    private static final Pattern MILLISECONDS = Pattern.compile(" ms=(\\d+)");

    /**
     * Looks through the results and, for clusters that keep their logs elsewhere, through other directories or files, whose events
     * belong to all runs. In the order of their times.
     */
    static NodeLogs find(Path results, List<Path> others) throws IOException {
        List<Event> events = new ArrayList<>();
        for (Path file : files(results)) {
            read(file, file.toAbsolutePath().resolveSibling(""), events);
        }
        for (Path other : others) {
            for (Path file : files(other)) {
                read(file, results, events);
            }
        }
        events.sort((a, b) -> Double.compare(a.epochSeconds, b.epochSeconds));
        return new NodeLogs(events);
    }

    private static List<Path> files(Path directory) throws IOException {
        try (Stream<Path> walked = Files.walk(directory)) {
            return walked.filter(
                            file -> NAME.matcher(file.getFileName().toString()).matches() && Files.isRegularFile(file))
                    .sorted()
                    .toList();
        }
    }

    private static void read(Path file, Path home, List<Event> events) throws IOException {
        try (Stream<String> lines = Files.lines(file, StandardCharsets.ISO_8859_1)) {
            lines.forEach(line -> event(home, line).ifPresent(events::add));
        }
    }

    private static Optional<Event> event(Path home, String line) {
        Matcher matcher = LINE.matcher(line);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        double seconds;
        try {
            seconds = Instant.parse(matcher.group(1)).toEpochMilli() / 1000.0;
        } catch (DateTimeParseException notATime) {
            return Optional.empty();
        }
        return text(matcher.group(3), matcher.group(4), matcher.group(2))
                .map(text -> new Event(home, seconds - lasted(matcher.group(3), matcher.group(4)), text));
    }

    /** A line about a checkpoint comes at its end; the mark belongs to its begin. */
    private static double lasted(String event, String numbers) {
        Matcher milliseconds = MILLISECONDS.matcher(numbers);
        return event.equals("snapshot.taken") && milliseconds.find()
                ? Long.parseLong(milliseconds.group(1)) / 1000.0
                : 0;
    }

    /** Empty = nothing that is shown. */
    private static Optional<String> text(String event, String numbers, String node) {
        return Optional.ofNullable(
                        switch (event) {
                            case "role" -> numbers.contains(" role=LEADER") ? "leader" : null;
                            case "start.done" -> "start";
                            case "snapshot.taken" -> "checkpoint";
                            case "snapshot.transfer.start" -> "transfer";
                            case "snapshot.install.start" -> "install";
                            case "log.slow" -> "slow force";
                            case "apply.stalled" -> "apply stalled";
                            case "disk.low" -> "disk low";
                            case "repair.started" -> "repair";
                            default -> null;
                        })
                .map(word -> word + ' ' + node);
    }

    /** Those of logs that belong to a run, between two times, both in seconds since 1970. */
    List<Event> of(RunFiles run, double from, double to) {
        Path home = run.base().toAbsolutePath().resolveSibling("");
        return events.stream()
                .filter(event -> home.startsWith(event.home))
                .filter(event -> event.epochSeconds >= from && event.epochSeconds <= to)
                .toList();
    }
}
