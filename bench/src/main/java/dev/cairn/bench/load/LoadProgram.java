package dev.cairn.bench.load;

import dev.cairn.bench.machine.ForceProbe;
import dev.cairn.bench.machine.ProcessorTime;
import dev.cairn.bench.results.BenchVersion;
import dev.cairn.bench.results.HistogramFiles;
import dev.cairn.bench.targets.Durability;
import dev.cairn.bench.targets.LoadTarget;
import dev.cairn.bench.targets.TargetKind;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One load from its header to its result line, the same for whatever it is put on. Used once, by one thread.
 *
 * @param name of the command, for the header and for problems
 * @param forceDirectory the disk whose force time is measured
 * @param outDirectory of the files; null = none are written
 * @param keysAreThere reads need not be prepared
 * @param serverPids processes whose processor time is reported; empty = it is not
 * @param processes that put the load instead of this one; null = none
 */
public record LoadProgram(
        String name,
        LoadOptions options,
        Path forceDirectory,
        @Nullable Path outDirectory,
        boolean keysAreThere,
        List<Long> serverPids,
        @Nullable LoadProcesses processes,
        PrintWriter out,
        PrintWriter err) {
    static final int EXIT_FAILED = 1;

    /** Of a load that this process puts. */
    public LoadProgram(
            String name,
            LoadOptions options,
            Path forceDirectory,
            @Nullable Path outDirectory,
            boolean keysAreThere,
            List<Long> serverPids,
            PrintWriter out,
            PrintWriter err) {
        this(name, options, forceDirectory, outDirectory, keysAreThere, serverPids, null, out, err);
    }

    /** Returns the exit code; closes the targets before the second look at the disk. */
    public int run(TargetKind.Connected connected) throws IOException, InterruptedException {
        long[] forcesBefore = ForceProbe.run(forceDirectory);
        String header = header(connected, forcesBefore);
        out.println(header);
        out.flush();
        if (connected.durability().equals(Durability.UNKNOWN)) {
            return failed("no server answered");
        }
        SplittableRandom random = new SplittableRandom();
        KeySpace keySpace = new KeySpace(options.keys(), options.keyBytes());
        RandomValues values = new RandomValues(random.split(), options.valueBytes());
        if (options.needsKeys() && !keysAreThere && !fill(keySpace, values, connected.targets(), random.split())) {
            return EXIT_FAILED;
        }
        KeyNumbers numbers = new KeyNumbers(options.distribution(), options.keys(), 0, 1);
        Supplier<Operation> operations = () -> new Operation(keySpace, numbers, values, options, random.split());
        try (HistogramFiles files =
                outDirectory == null ? null : HistogramFiles.open(outDirectory, fileName(), Instant.now(), header)) {
            LoadResult result;
            ProcessorTime processors = new ProcessorTime(serverPids);
            if (processes == null) {
                result = LoadRun.of(
                                options, connected.targets(), operations, options.capacity(), out, files, processors)
                        .run();
            } else {
                try {
                    result = processes.run(new SecondsOutput(out, files), processors);
                } catch (LoadProcesses.FailedException e) {
                    return failed(String.valueOf(e.getMessage()));
                }
            }
            connected.close();
            long[] forcesAfter = ForceProbe.run(forceDirectory);
            String json = result.json(
                    options, processCount(), connected.durability(), BenchVersion.version(), forcesBefore, forcesAfter);
            boolean written = finish(files, result, json);
            warn(result);
            out.println(json);
            out.flush();
            boolean somethingSucceeded = result.latencyCount() > 0 || result.endedInWindow() > 0;
            return written && somethingSucceeded ? 0 : EXIT_FAILED;
        }
    }

    private int processCount() {
        return processes == null ? 1 : processes.count();
    }

    private String fileName() {
        String load = options.openLoop() ? "r" + options.rate() : "o" + options.outstanding();
        return name.substring(name.lastIndexOf(' ') + 1) + '-' + options.mode().word() + '-' + load;
    }

    private String header(TargetKind.Connected connected, long[] forces) {
        StringBuilder text = new StringBuilder();
        text.append(String.format(
                Locale.ROOT,
                "# %s %s, java %s, %s %s %s, %d processors%n",
                name,
                BenchVersion.version(),
                System.getProperty("java.version"),
                System.getProperty("os.name"),
                System.getProperty("os.version"),
                System.getProperty("os.arch"),
                Runtime.getRuntime().availableProcessors()));
        text.append(String.format(Locale.ROOT, "# durability %s (%s)%n", connected.durability(), connected.answered()));
        for (String server : connected.servers()) {
            text.append("# server ").append(server).append(System.lineSeparator());
        }
        text.append(String.format(
                Locale.ROOT,
                "# mode %s, read-percent %d, %s, seconds %d, warmup %s, keys %d, key-bytes %d, value-bytes %s,"
                        + " connections %d, processes %d, key-distribution %s%s%n",
                options.mode().word(),
                options.mix().percent(OperationKind.GET),
                options.openLoop() ? "rate " + options.rate() : "outstanding " + options.outstanding(),
                options.seconds(),
                options.warmsUpUntilSettled() ? "auto" : options.warmupSeconds(),
                options.keys(),
                options.keyBytes(),
                options.values(),
                options.connections(),
                processCount(),
                options.distribution().word(),
                options.mix().has(OperationKind.SCAN) ? ", scan-entries " + options.scanEntries() : ""));
        text.append(String.format(
                Locale.ROOT,
                "# force p50 %.1f us (%d forces of %d B in %s)",
                ForceProbe.medianUs(forces),
                ForceProbe.FORCES,
                ForceProbe.RECORD_BYTES,
                forceDirectory));
        return text.toString();
    }

    private boolean fill(KeySpace keySpace, RandomValues values, List<LoadTarget> targets, SplittableRandom random)
            throws InterruptedException {
        KeyFiller filler = new KeyFiller(keySpace, values, options.values());
        filler.start(targets, random);
        while (!filler.await(TimeUnit.SECONDS.toNanos(1))) {
            out.printf(
                    "     fill    %d of %d keys, %d written%n", filler.checked(), keySpace.count(), filler.written());
            out.flush();
        }
        Throwable failure = filler.failure();
        if (failure != null) {
            failed("the keys could not be filled: " + Operation.nameOf(failure) + ": " + failure.getMessage());
            return false;
        }
        out.printf("# filled: %d keys, %d of them written now%n", keySpace.count(), filler.written());
        out.flush();
        return true;
    }

    private boolean finish(@Nullable HistogramFiles files, LoadResult result, String json) {
        if (files == null) {
            return true;
        }
        try {
            files.percentiles(result.all(), "");
            files.finish(json);
            out.println("# files " + files.base() + ".{hlog,hgrm,json}");
            return true;
        } catch (IOException e) {
            failed("the files are not complete: " + e);
            return false;
        }
    }

    private void warn(LoadResult result) {
        if (result.waited() > 0) {
            out.printf(
                    "# WARNING: %d operations waited because %d were in flight; their wait is counted%n",
                    result.waited(), result.maxInFlight());
        }
        if (result.unstarted() > 0) {
            out.printf(
                    "# WARNING: %d operations were due and never started: the cluster does not keep up with %d/s, and"
                            + " the percentiles are too good%n",
                    result.unstarted(), options.rate());
        }
        if (result.warmUp() != null && !result.warmUp().settled()) {
            out.printf("# WARNING: the rate had not settled after %d s of warm-up%n", WarmUp.MAX_SECONDS);
        }
        if (result.unfinished() > 0) {
            out.printf("# WARNING: %d operations have not ended%n", result.unfinished());
        }
        if (result.errorCount() > 0) {
            out.println("# errors " + result.errors());
        }
    }

    private int failed(String problem) {
        err.println(name + ": " + problem);
        err.flush();
        return EXIT_FAILED;
    }
}
