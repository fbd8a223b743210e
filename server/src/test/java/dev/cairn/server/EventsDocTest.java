package dev.cairn.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** {@code docs/events.md} has every event name of the server, and the server has every name of the table. */
@Tag("O02")
class EventsDocTest {
    private static final Pattern IN_CODE = Pattern.compile("\"event=([a-z.]+)");
    private static final Pattern IN_TABLE = Pattern.compile("(?m)^\\| `([a-z.]+)` \\| [A-Z, ]+ \\| .+[.?] \\|$");

    @Test
    void theTableHasExactlyTheEventsOfTheCode() throws IOException {
        Set<String> inCode = new TreeSet<>();
        try (Stream<Path> files = Files.walk(Path.of("src", "main", "java"))) {
            files.filter(file -> file.toString().endsWith(".java"))
                    .forEach(file -> inCode.addAll(names(IN_CODE, text(file))));
        }
        assertThat(inCode).hasSizeGreaterThan(20);
        Set<String> inTable = names(IN_TABLE, text(Path.of("..", "docs", "events.md")));
        assertThat(inTable).isEqualTo(inCode);
    }

    private static Set<String> names(Pattern pattern, String text) {
        return pattern.matcher(text)
                .results()
                .map(found -> found.group(1))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
