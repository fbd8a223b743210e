package dev.cairn.bench;

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

/**
 * The files of one run: {@code .hlog} (a histogram of each second, written as the run goes on, tagged put or get in mixed mode, in
 * ns), {@code .hgrm} (percentiles of the whole, in us), {@code .json} (the result line). One thread.
 */
final class HistogramFiles implements AutoCloseable {
    private static final DateTimeFormatter STAMP =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmssSSS'Z'").withZone(ZoneOffset.UTC);
    private static final double NS_PER_US = 1000.0;
    private static final double NS_PER_MS = 1_000_000.0;

    private final Path directory;
    private final String name;
    private final PrintStream logStream;
    private final HistogramLogWriter log;
    private final boolean tagged;

    private HistogramFiles(Path directory, String name, PrintStream logStream, boolean tagged) {
        this.directory = directory;
        this.name = name;
        this.logStream = logStream;
        this.log = new HistogramLogWriter(logStream);
        this.tagged = tagged;
    }

    /** Creates the log file; the directory is there. */
    static HistogramFiles open(Path directory, LoadOptions options, Instant now, String comment) throws IOException {
        String load = options.openLoop() ? "r" + options.rate() : "o" + options.outstanding();
        String name = "load-" + options.mode().word() + "-" + load + "-" + STAMP.format(now);
        OutputStream file = Files.newOutputStream(directory.resolve(name + ".hlog"));
        PrintStream stream = new PrintStream(file, false, StandardCharsets.UTF_8);
        HistogramFiles files = new HistogramFiles(directory, name, stream, options.mode() == LoadOptions.Mode.MIXED);
        files.log.outputComment(comment);
        files.log.outputLogFormatVersion();
        files.log.outputStartTime(now.toEpochMilli());
        files.log.setBaseTime(now.toEpochMilli());
        files.log.outputLegend();
        return files;
    }

    void interval(Histogram puts, Histogram gets) {
        write(puts, "put");
        write(gets, "get");
        logStream.flush();
    }

    private void write(Histogram interval, String tag) {
        if (interval.getTotalCount() > 0) {
            interval.setTag(tagged ? tag : null);
            log.outputIntervalHistogram(
                    (interval.getStartTimeStamp() - log.getBaseTime()) / 1000.0,
                    (interval.getEndTimeStamp() - log.getBaseTime()) / 1000.0,
                    interval,
                    NS_PER_MS);
        }
    }

    /** Writes the other files. An {@link IOException} also tells that the log could not be written. */
    void finish(Histogram total, String json) throws IOException {
        Path percentiles = directory.resolve(name + ".hgrm");
        try (PrintStream out = new PrintStream(Files.newOutputStream(percentiles), false, StandardCharsets.UTF_8)) {
            total.outputPercentileDistribution(out, NS_PER_US);
            checkWritten(out, percentiles);
        }
        Files.writeString(directory.resolve(name + ".json"), json + "\n");
        checkWritten(logStream, directory.resolve(name + ".hlog"));
    }

    /** Path of the files without their extension. */
    String base() {
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
