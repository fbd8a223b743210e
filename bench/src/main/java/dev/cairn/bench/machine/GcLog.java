package dev.cairn.bench.machine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What a JVM wrote with {@code -Xlog:gc:file=...:tm} about a span of time.
 *
 * @param pauses count
 * @param pausedMs all pauses together
 * @param longestMs the longest pause
 * @param maxBeforeMb most heap in use before a collection, MiB
 * @param lastAfterMb heap in use after the last collection, MiB; -1 = there was none
 */
public record GcLog(int pauses, double pausedMs, double longestMs, long maxBeforeMb, long lastAfterMb) {
    private static final Pattern PAUSE =
            Pattern.compile("\\[(\\d+)ms\\].* Pause .* (\\d+)M->(\\d+)M\\(\\d+M\\) ([0-9.]+)ms");

    /** Of the pauses from {@code fromMs} to before {@code toMs}, both {@code System.currentTimeMillis()}. */
    public static GcLog between(Path file, long fromMs, long toMs) {
        if (!Files.exists(file)) {
            return new GcLog(0, 0, 0, 0, -1);
        }
        try (Stream<String> lines = Files.lines(file)) {
            return lines.map(PAUSE::matcher)
                    .filter(Matcher::find)
                    .filter(pause -> {
                        long atMs = Long.parseLong(pause.group(1));
                        return atMs >= fromMs && atMs < toMs;
                    })
                    .reduce(new GcLog(0, 0, 0, 0, -1), GcLog::with, (first, second) -> second);
        } catch (IOException e) {
            throw new UncheckedIOException("log of garbage collections " + file + ": " + e, e);
        }
    }

    private GcLog with(Matcher pause) {
        double ms = Double.parseDouble(pause.group(4));
        return new GcLog(
                pauses + 1,
                pausedMs + ms,
                Math.max(longestMs, ms),
                Math.max(maxBeforeMb, Long.parseLong(pause.group(2))),
                Long.parseLong(pause.group(3)));
    }
}
