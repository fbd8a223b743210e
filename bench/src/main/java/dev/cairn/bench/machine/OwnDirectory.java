package dev.cairn.bench.machine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** A directory that was not there before and is removed with all that is in it. */
public record OwnDirectory(Path path) implements AutoCloseable {
    /** Makes it. An {@link IllegalArgumentException} says that it is there already. */
    public static OwnDirectory make(Path path) throws IOException {
        if (Files.exists(path)) {
            throw new IllegalArgumentException("--dir: " + path + " exists; name another or remove it");
        }
        return new OwnDirectory(Files.createDirectories(path.toAbsolutePath().normalize()));
    }

    /** Removes a directory with all that is in it. */
    public static void remove(Path directory) throws IOException {
        List<Path> deepestFirst;
        try (Stream<Path> found = Files.walk(directory)) {
            deepestFirst = new ArrayList<>(found.toList());
        }
        deepestFirst.sort(Comparator.reverseOrder());
        for (Path path : deepestFirst) {
            Files.delete(path);
        }
    }

    @Override
    public void close() {
        try {
            remove(path);
        } catch (IOException e) {
            throw new UncheckedIOException(path + " could not be removed", e);
        }
    }
}
