package dev.cairn.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The examples of {@code docs/http-api.md} give what the page says they give; only revisions may differ. */
@Timeout(60)
@Tag("O10")
class HttpApiDocTest {
    private static final Path FILE = Path.of("../docs/http-api.md");
    private static final Pattern WORD = Pattern.compile("'(?<quoted>[^']*)'|(?<plain>\\S+)");
    private static final String HOST = "http://127.0.0.1:7601";

    @TempDir
    Path directory;

    @Test
    void examplesGiveWhatThePageSays() throws Exception {
        int examples = 0;
        try (HttpNodes node = new HttpNodes(directory, 1)) {
            String command = "";
            for (final String line : Files.readAllLines(FILE)) {
                if (line.startsWith("curl ")) {
                    command = line;
                } else if (line.startsWith("# ") && !command.isEmpty()) {
                    assertThat(withoutRevisions(run(node, command)))
                            .as(command)
                            .isEqualTo(withoutRevisions(line.substring(2)));
                    command = "";
                    examples++;
                }
            }
        }
        assertThat(examples).isGreaterThan(12);
    }

    private static String withoutRevisions(final String answer) {
        return answer.strip().replaceAll("(?i)(revision)\":[0-9]+", "$1\":N");
    }

    private static String run(final HttpNodes node, final String command) throws Exception {
        final List<String> words = words(command);
        String method = "GET";
        String body = "";
        String path = "";
        for (int i = 1; i < words.size(); i++) {
            switch (words.get(i)) {
                case "-X" -> method = words.get(++i);
                case "-d" -> body = words.get(++i);
                case "-H" -> assertThat(words.get(++i)).isEqualTo("Content-Type: application/json");
                default -> {
                    assertThat(words.get(i)).startsWith(HOST);
                    path = words.get(i).substring(HOST.length());
                }
            }
        }
        return node.send(method, path, body).body();
    }

    private static List<String> words(final String command) {
        final List<String> words = new ArrayList<>();
        final Matcher matcher = WORD.matcher(command);
        while (matcher.find()) {
            words.add(matcher.group("quoted") != null ? matcher.group("quoted") : matcher.group("plain"));
        }
        return words;
    }
}
