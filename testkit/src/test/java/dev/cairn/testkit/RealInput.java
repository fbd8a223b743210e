package dev.cairn.testkit;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Keys and values as people have them: the words of the system's dictionary, or the lines of this project's sources. */
final class RealInput {
    private static final Path DICTIONARY = Path.of("/usr/share/dict/words");

    private RealInput() {}

    /** The dictionary where it is there, else the checkout that the tests run in. */
    static Path source() {
        return Files.isReadable(DICTIONARY)
                ? DICTIONARY
                : Path.of("..").toAbsolutePath().normalize();
    }

    /** Key: the line's place ({@code path:number}); value: the line. */
    static List<Map.Entry<byte[], byte[]>> pairs(final Path source) throws IOException {
        final List<Map.Entry<byte[], byte[]>> pairs = new ArrayList<>();
        if (Files.isRegularFile(source)) {
            addLines(source, source.getFileName().toString(), pairs);
            return pairs;
        }
        try (Stream<Path> files = Files.walk(source)) {
            for (final Path file : files.filter(path -> path.toString().endsWith(".java"))
                    .filter(path -> path.toString().contains("/src/main/"))
                    .sorted()
                    .toList()) {
                addLines(file, source.relativize(file).toString(), pairs);
            }
        }
        return pairs;
    }

    private static void addLines(final Path file, final String name, final List<Map.Entry<byte[], byte[]>> pairs)
            throws IOException {
        int number = 0;
        for (final String line : Files.readAllLines(file)) {
            pairs.add(Map.entry(
                    (name + ":" + ++number).getBytes(StandardCharsets.UTF_8), line.getBytes(StandardCharsets.UTF_8)));
        }
    }
}
