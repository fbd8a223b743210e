package dev.cairn.bench.report;

import dev.cairn.bench.machine.Disturbance;
import dev.cairn.bench.machine.NodeEvent;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What nodes have logged that a plot of latencies should show, from files {@code node.log}, {@code node<i>.log} and
 * {@code <anything>-node<i>.log}. Those of a run's own directory and of the directories above it belong to the run.
 */
record NodeLogs(List<Event> events, List<Work> work) {
    /**
     * Something that a node has logged.
     *
     * @param home of the log
     * @param text such as {@code leader 2}
     */
    record Event(Path home, double epochSeconds, String text) {}

    /**
     * Something that a node has done for a while, often, beside requests.
     *
     * @param home of the log
     */
    record Work(Path home, Disturbance of) {
        double beginSeconds() {
            return of.beginUs() / 1e6;
        }

        double endSeconds() {
            return of.endUs() / 1e6;
        }
    }

    private static final Pattern NAME = Pattern.compile("(.*-)?node\\d*\\.log");

    /**
     * Looks through the results and, for clusters that keep their logs elsewhere, through other directories or files, whose events
     * belong to all runs. In the order of their times.
     */
    static NodeLogs find(Path results, List<Path> others) throws IOException {
        NodeLogs found = new NodeLogs(new ArrayList<>(), new ArrayList<>());
        for (Path file : files(results)) {
            found.read(file, file.toAbsolutePath().resolveSibling(""));
        }
        for (Path other : others) {
            for (Path file : files(other)) {
                found.read(file, results);
            }
        }
        found.events.sort(Comparator.comparingDouble(Event::epochSeconds));
        return found;
    }

    private static List<Path> files(Path directory) throws IOException {
        try (Stream<Path> walked = Files.walk(directory)) {
            return walked.filter(
                            file -> NAME.matcher(file.getFileName().toString()).matches() && Files.isRegularFile(file))
                    .sorted()
                    .toList();
        }
    }

    private void read(Path file, Path home) throws IOException {
        List<NodeEvent> lines = NodeEvent.read(file);
        for (NodeEvent line : lines) {
            text(line).ifPresent(text -> events.add(new Event(home, begin(line), text)));
        }
        for (Disturbance each : Disturbance.in(lines)) {
            // A checkpoint is rare enough for a mark of its own.
            if (each.kind() != Disturbance.Kind.CHECKPOINT) {
                work.add(new Work(home, each));
            }
        }
    }

    /** A line about a checkpoint comes at its end; the mark belongs to its begin. */
    private static double begin(NodeEvent event) {
        long lastedMs =
                event.name().equals("snapshot.taken") ? event.number("ms").orElse(0) : 0;
        return (event.time().toEpochMilli() - lastedMs) / 1000.0;
    }

    /** Empty = nothing that is shown. */
    private static Optional<String> text(NodeEvent event) {
        return Optional.ofNullable(
                        switch (event.name()) {
                            case "role" -> event.numbers().contains(" role=LEADER") ? "leader" : null;
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
                .map(word -> word + ' ' + event.node());
    }

    /** Those of logs that belong to a run, between two times, both in seconds since 1970. */
    List<Event> of(RunFiles run, double from, double to) {
        return events.stream()
                .filter(event -> home(run).startsWith(event.home))
                .filter(event -> event.epochSeconds >= from && event.epochSeconds <= to)
                .toList();
    }

    /** As {@link #of}, what was under way at some time between the two. */
    List<Work> workOf(RunFiles run, double from, double to) {
        return work.stream()
                .filter(each -> home(run).startsWith(each.home))
                .filter(each -> each.endSeconds() >= from && each.beginSeconds() <= to)
                .toList();
    }

    private static Path home(RunFiles run) {
        return run.base().toAbsolutePath().resolveSibling("");
    }
}
