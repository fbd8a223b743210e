package dev.cairn.bench.machine;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The lines that a node has logged since this was made, read as they come. One thread. */
public final class LogTail {
    private final Path file;
    private final List<String> lines = new ArrayList<>();
    private long position;

    public LogTail(Path file) {
        this.file = file;
        try {
            position = Files.exists(file) ? Files.size(file) : 0;
        } catch (IOException e) {
            throw new UncheckedIOException("log " + file + ": " + e, e);
        }
    }

    /** Reads what has come; a line that is not whole yet stays for the next time. */
    public LogTail poll() {
        try (RandomAccessFile in = new RandomAccessFile(file.toFile(), "r")) {
            byte[] bytes = new byte[(int) Math.min(in.length() - position, 1 << 20)];
            in.seek(position);
            in.readFully(bytes);
            int whole = bytes.length;
            while (whole > 0 && bytes[whole - 1] != '\n') {
                whole--;
            }
            position += whole;
            new String(bytes, 0, whole, StandardCharsets.UTF_8).lines().forEach(lines::add);
            return this;
        } catch (IOException e) {
            throw new UncheckedIOException("log " + file + ": " + e, e);
        }
    }

    /** Lines that hold this text. */
    public List<String> with(String text) {
        return lines.stream().filter(line -> line.contains(text)).toList();
    }

    public boolean has(String text) {
        return lines.stream().anyMatch(line -> line.contains(text));
    }

    /** The number in {@code name=number} of the last line that holds the text. */
    public OptionalLong lastNumber(String text, String name) {
        List<String> found = with(text);
        return found.isEmpty() ? OptionalLong.empty() : number(found.get(found.size() - 1), name);
    }

    public static OptionalLong number(String line, String name) {
        Matcher matcher =
                Pattern.compile("(?:^| )" + Pattern.quote(name) + "=(\\d+)").matcher(line);
        return matcher.find() ? OptionalLong.of(Long.parseLong(matcher.group(1))) : OptionalLong.empty();
    }
}
