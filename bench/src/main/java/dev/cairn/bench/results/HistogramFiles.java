package dev.cairn.bench.results;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.HistogramLogWriter;
import org.jspecify.annotations.Nullable;

/**
 * The files of one run: {@code .hlog} (a histogram of each second, written as the run goes on, tagged put or get in mixed mode and with
 * the phase in a run of phases, in ns), {@code .hgrm} (percentiles of the whole, in us), {@code .json} (the result line). One thread.
 */
public final class HistogramFiles implements AutoCloseable {
    private static final DateTimeFormatter STAMP =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmssSSS'Z'").withZone(ZoneOffset.UTC);
    private static final double NS_PER_US = 1000.0;
    private static final double NS_PER_MS = 1_000_000.0;

    private final Path directory;
    private final String name;
    private final PrintStream logStream;
    private final HistogramLogWriter log;

    private HistogramFiles(Path directory, String name, PrintStream logStream) {
        this.directory = directory;
        this.name = name;
        this.logStream = logStream;
        this.log = new HistogramLogWriter(logStream);
    }

    /**
     * Creates the log file; the directory is there.
     *
     * @param what the files' name begins so, the time follows
     */
    public static HistogramFiles open(Path directory, String what, Instant now, String comment) throws IOException {
        String name = what + "-" + STAMP.format(now);
        OutputStream file = Files.newOutputStream(directory.resolve(name + ".hlog"));
        HistogramFiles files =
                new HistogramFiles(directory, name, new PrintStream(file, false, StandardCharsets.UTF_8));
        files.log.outputComment(comment);
        files.log.outputLogFormatVersion();
        files.log.outputStartTime(now.toEpochMilli());
        files.log.setBaseTime(now.toEpochMilli());
        files.log.outputLegend();
        return files;
    }

    /** Appends one interval, if anything was recorded in it. */
    public void interval(Histogram interval, @Nullable String tag) {
        if (interval.getTotalCount() > 0) {
            interval.setTag(tag);
            log.outputIntervalHistogram(
                    (interval.getStartTimeStamp() - log.getBaseTime()) / 1000.0,
                    (interval.getEndTimeStamp() - log.getBaseTime()) / 1000.0,
                    interval,
                    NS_PER_MS);
            logStream.flush();
        }
    }

    /** Writes the percentiles of a whole; {@code part} is empty or becomes part of the file's name. */
    public void percentiles(Histogram total, String part) throws IOException {
        Path percentiles = directory.resolve(part.isEmpty() ? name + ".hgrm" : name + "-" + part + ".hgrm");
        try (PrintStream out = new PrintStream(Files.newOutputStream(percentiles), false, StandardCharsets.UTF_8)) {
            total.outputPercentileDistribution(out, NS_PER_US);
            checkWritten(out, percentiles);
        }
    }

    /** Writes the result line, last. An {@link IOException} also tells that the log could not be written. */
    public void finish(String json) throws IOException {
        Files.writeString(directory.resolve(name + ".json"), json + "\n");
        checkWritten(logStream, directory.resolve(name + ".hlog"));
    }

    /** Path of the files without their extension. */
    public String base() {
        return directory.resolve(name).toString();
    }

    private static void checkWritten(PrintStream stream, Path file) throws IOException {
        if (stream.checkError()) {
            throw new IOException("could not write all of " + file);
        }
    }

    @Override
    public void close() {
        log.close();
    }
}
