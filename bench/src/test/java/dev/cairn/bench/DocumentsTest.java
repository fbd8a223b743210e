package dev.cairn.bench;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.covers.Covers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What documents and scripts say of the repository is so. */
@Timeout(value = 1, unit = TimeUnit.MINUTES)
final class DocumentsTest {
    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
    private static final Pattern LINK = Pattern.compile("]\\(([^)#:]+)(#[^)]*)?\\)");
    private static final Pattern TESTS = Pattern.compile("-Dtest='?([A-Za-z,]+)");

    private static List<Path> documents() throws IOException {
        final List<Path> all = new ArrayList<>(List.of(ROOT.resolve("README.md"), ROOT.resolve("CONTRIBUTING.md")));
        try (Stream<Path> docs = Files.walk(ROOT.resolve("docs"))) {
            docs.filter(file -> file.toString().endsWith(".md")).forEach(all::add);
        }
        return all;
    }

    @Test
    @Covers({"O08", "O12"})
    void everyLinkLeadsToAFile() throws IOException {
        for (final Path document : documents()) {
            final Matcher link = LINK.matcher(Files.readString(document));
            while (link.find()) {
                assertThat(document.resolveSibling(link.group(1)))
                        .as("link in " + document.getFileName())
                        .exists();
            }
        }
    }

    @Test
    @Covers("O08")
    void everyTestThatACommandNamesIsThere() throws IOException {
        final Set<String> sources;
        try (Stream<Path> files = Files.walk(ROOT, 12)) {
            sources = files.filter(file -> file.toString().contains("/src/test/java/"))
                    .map(file -> file.getFileName().toString())
                    .collect(Collectors.toSet());
        }
        for (final Path document : documents()) {
            final Matcher command = TESTS.matcher(Files.readString(document));
            while (command.find()) {
                for (final String test : command.group(1).split(",", -1)) {
                    assertThat(sources).as(document.getFileName().toString()).contains(test + ".java");
                }
            }
        }
    }

    @Test
    @Covers("O08")
    void readmeHasWhatANewUserLooksFor() throws IOException {
        assertThat(Files.readString(ROOT.resolve("README.md")))
                .contains("## What works", "## What does not exist yet", "## Roadmap", "## See for yourself")
                .contains("bin/cairn cluster", "mvn verify", "CairnClient", "docs/architecture.md");
    }

    @Test
    @Covers("O11")
    void dataLogsAndBuildOutputAreIgnoredAndTheFormatIsChecked() throws IOException {
        assertThat(Files.readAllLines(ROOT.resolve(".gitignore"))).contains("target/", "cairn-data/");
        assertThat(Files.readString(ROOT.resolve("pom.xml"))).contains("<id>format-check</id>");
    }

    @Test
    @Covers({"C18", "C19", "X17"})
    void scriptsAreForAnyBashAndSayWhatTheyDo() throws Exception {
        for (final String script : List.of("bin/cairn", "bin/kvctl", ".ci/run")) {
            assertThat(ROOT.resolve(script)).isExecutable();
            assertThat(run("bash", "-n", script)).as(script).isEmpty();
        }
        assertThat(Files.readString(ROOT.resolve(".ci/run"))).contains("clean verify");
        assertThat(run("bash", "bin/cairn", "help"))
                .contains("cairn COMMAND", "cluster", "server", "load", "scenarios", "bench");
    }

    private static String run(final String... command) throws IOException, InterruptedException {
        final Process process = new ProcessBuilder(command)
                .directory(ROOT.toFile())
                .redirectErrorStream(true)
                .start();
        final String output = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor())
                .as(String.join(" ", command) + ": " + output)
                .isZero();
        return output;
    }
}
