package dev.cairn.bench.machine;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A line of a node's log; {@code docs/events.md} has the names and numbers.
 *
 * @param time when it was logged, in whole milliseconds: up to one less than it was
 * @param node the node's id
 * @param name such as {@code snapshot.taken}
 * @param numbers what stands behind the name, as it stands there
 */
public record NodeEvent(Instant time, String node, String name, String numbers) {
    /** Time, level, node, thread and class, then the event and its numbers. */
    private static final Pattern LINE =
            Pattern.compile("(\\d{4}-\\d\\d-\\d\\dT\\S+Z) +[A-Z]+ +node=(\\S+) .*?: event=(\\S+)(.*)");

    /** Empty = another line, of a library or a stack trace. */
    public static Optional<NodeEvent> parse(String line) {
        Matcher matcher = LINE.matcher(line);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        try {
            return Optional.of(new NodeEvent(
                    Instant.parse(matcher.group(1)), matcher.group(2), matcher.group(3), matcher.group(4)));
        } catch (DateTimeParseException notATime) {
            return Optional.empty();
        }
    }

    /** All events of a log, in the order in which they stand there. */
    public static List<NodeEvent> read(Path log) throws IOException {
        try (Stream<String> lines = Files.lines(log, StandardCharsets.ISO_8859_1)) {
            return lines.map(NodeEvent::parse).flatMap(Optional::stream).toList();
        }
    }

    /** The number in {@code key=number}. */
    public OptionalLong number(String key) {
        return LogTail.number(numbers, key);
    }
}
