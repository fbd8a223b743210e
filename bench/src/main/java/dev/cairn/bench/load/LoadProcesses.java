package dev.cairn.bench.load;

import dev.cairn.bench.machine.ProcessorTime;
import dev.cairn.bench.results.JsonNumbers;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * Divides a load among processes of this program, begins them together, and puts what they tell together: histograms are added, second by
 * second, so percentiles are those of all operations. Used once, by one thread.
 */
final class LoadProcesses {
    /** Processes at most. */
    static final int MAX_PROCESSES = 64;

    /** For a process to start and to connect, and from one of its seconds to the next. */
    private static final long SILENCE_SECONDS = 120;

    /** Lines of a process that has failed that are shown: what went wrong comes first, then usage or stack. */
    private static final int FIRST_LINES = 10;

    /** A process ended before its result, or said nothing; its own words are in the message. */
    static final class FailedException extends RuntimeException {
        private static final long serialVersionUID = 1;

        FailedException(String message) {
            super(message);
        }
    }

    /** What a process has said; null = it has ended. */
    private record Said(int process, @Nullable String line) {}

    /** One of the processes, as it is known here. */
    private static final class Share {
        private final Process process;
        private final List<String> words = new ArrayList<>();
        private boolean ready;

        /** The second that it has told last; all of them once its result is there. */
        private long second = -1;

        private @Nullable Map<String, Double> result;

        Share(Process process) {
            this.process = process;
        }
    }

    private final LoadOptions options;
    private final List<LoadOptions> parts = new ArrayList<>();
    private final String target;
    private final BlockingQueue<Said> said = new ArrayBlockingQueue<>(1024);
    private final List<Share> shares = new ArrayList<>();

    /** Seconds that not all have told yet. */
    private final TreeMap<Long, LoadSecond> open = new TreeMap<>();

    private final Map<OperationKind, Histogram> latencies = new EnumMap<>(OperationKind.class);

    /**
     * Checks each part; an {@link IllegalArgumentException} says what cannot be divided.
     *
     * @param options of the load as a whole
     * @param target as the load generator's option
     */
    LoadProcesses(LoadOptions options, int processes, String target) {
        this.options = options;
        this.target = target;
        if (processes < 1 || processes > MAX_PROCESSES) {
            throw new IllegalArgumentException(
                    "--processes: " + processes + ", allowed are 1 to " + MAX_PROCESSES + " processes");
        }
        requireEnough(processes, "--connections", options.connections());
        requireEnough(
                processes,
                options.openLoop() ? "--rate" : "--outstanding",
                options.openLoop() ? options.rate() : options.outstanding());
        if (options.warmsUpUntilSettled()) {
            throw new IllegalArgumentException(
                    "--processes: only with a --warmup of so many seconds, which is the same for all, given is auto");
        }
        for (int i = 0; i < processes; i++) {
            parts.add(options.share(i, processes));
        }
        options.mix().kinds().forEach(kind -> latencies.put(kind, Measurement.newHistogram()));
    }

    private static void requireEnough(int processes, String option, int given) {
        if (processes > given) {
            throw new IllegalArgumentException(
                    "--processes: " + processes + ", each needs its share of " + option + ", given is " + given);
        }
    }

    int count() {
        return parts.size();
    }

    /**
     * Starts the processes and runs the load to its end.
     *
     * @param processors is opened and closed with the window, as its seconds come
     * @throws FailedException when one of them fails; all have ended then
     */
    LoadResult run(LoadSecond.Taker seconds, ProcessorTime processors) throws IOException, InterruptedException {
        try {
            for (int i = 0; i < parts.size(); i++) {
                start(i);
            }
            while (!shares.stream().allMatch(share -> share.ready)) {
                hear();
            }
            for (Share share : shares) {
                begin(share);
            }
            if (options.warmupSeconds() == 0) {
                processors.open();
            }
            while (!shares.stream().allMatch(share -> share.result != null)) {
                hear();
                takeWhole(seconds, processors);
            }
            return result(processors.usedMs());
        } finally {
            for (Share share : shares) {
                share.process.destroyForcibly().waitFor();
            }
        }
    }

    /** A JVM like this one. */
    private void start(int number) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                // Two cannot listen on one port.
                .filter(argument -> !argument.startsWith("-agentlib:jdwp"))
                .forEach(command::add);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), LoadGenerator.class.getName()));
        command.addAll(parts.get(number).arguments());
        command.addAll(List.of("--target", target, "--share", number + "/" + parts.size()));
        Share share =
                new Share(new ProcessBuilder(command).redirectErrorStream(true).start());
        shares.add(share);
        Thread reader = new Thread(() -> read(number, share.process), "load-process-" + (number + 1));
        reader.setDaemon(true);
        reader.start();
    }

    private void begin(Share share) {
        try {
            OutputStream orders = share.process.getOutputStream();
            orders.write((LoadShare.GO + '\n').getBytes(StandardCharsets.US_ASCII));
            orders.flush();
        } catch (IOException e) {
            throw new FailedException(name(shares.indexOf(share)) + " has ended before the load: " + e);
        }
    }

    private String name(int number) {
        return "process " + (number + 1) + " of " + parts.size();
    }

    /** Of those that were started. */
    List<Long> pids() {
        return shares.stream().map(share -> share.process.pid()).toList();
    }

    private void read(int number, Process process) {
        try {
            try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    said.put(new Said(number, line));
                }
            } catch (IOException e) {
                said.put(new Said(number, "what it says cannot be read: " + e));
            }
            said.put(new Said(number, null));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The next line of any of them. */
    private void hear() throws IOException, InterruptedException {
        Said next = said.poll(SILENCE_SECONDS, TimeUnit.SECONDS);
        if (next == null) {
            throw new FailedException("no process of the load has said anything for " + SILENCE_SECONDS + " s");
        }
        Share share = shares.get(next.process);
        String line = next.line;
        if (line == null) {
            if (share.result == null) {
                throw new FailedException(name(next.process) + " has ended with exit code " + share.process.waitFor()
                        + ": " + String.join(System.lineSeparator(), share.words));
            }
        } else if (line.equals(LoadShare.READY)) {
            share.ready = true;
        } else if (line.startsWith(LoadShare.SECOND)) {
            LoadSecond second = LoadSecond.parse(line.substring(LoadShare.SECOND.length()));
            share.second = Math.round(second.at());
            open.merge(share.second, second, LoadSecond::plus);
        } else if (line.startsWith(LoadShare.RESULT)) {
            share.result = JsonNumbers.of(line.substring(LoadShare.RESULT.length()));
            share.second = Long.MAX_VALUE;
        } else if (share.words.size() < FIRST_LINES) {
            share.words.add(line);
        }
    }

    /** Hands on the seconds that all have told. */
    private void takeWhole(LoadSecond.Taker seconds, ProcessorTime processors) {
        long whole = shares.stream().mapToLong(share -> share.second).min().orElse(-1);
        while (!open.isEmpty() && open.firstKey() <= whole) {
            Map.Entry<Long, LoadSecond> first = Objects.requireNonNull(open.pollFirstEntry());
            first.getValue().counted().forEach((kind, histogram) -> of(kind).add(histogram));
            seconds.take(first.getValue());
            if (first.getKey() == options.warmupSeconds()) {
                processors.open();
            }
            if (first.getKey() == (long) options.warmupSeconds() + options.seconds()) {
                processors.close();
            }
        }
    }

    private Histogram of(OperationKind kind) {
        return Objects.requireNonNull(latencies.get(kind));
    }

    private LoadResult result(long serverProcessorMs) {
        Map<OperationKind, Long> amounts = new EnumMap<>(OperationKind.class);
        latencies.keySet().forEach(kind -> amounts.put(kind, sum(LoadShare.AMOUNT + kind.name())));
        Map<String, Long> errors = new TreeMap<>();
        for (Share share : shares) {
            Objects.requireNonNull(share.result).forEach((name, count) -> {
                if (name.startsWith(LoadShare.ERROR)) {
                    errors.merge(name.substring(LoadShare.ERROR.length()), count.longValue(), Long::sum);
                }
            });
        }
        return new LoadResult(
                sum("ended"),
                latencies,
                amounts,
                errors,
                (int) sum("unfinished"),
                (int) sum("max_in_flight"),
                (int) sum("most_in_flight"),
                sum("waited"),
                sum("unstarted"),
                serverProcessorMs,
                null);
    }

    private long sum(String name) {
        return shares.stream()
                .mapToLong(share -> Objects.requireNonNull(share.result)
                        .getOrDefault(name, 0.0)
                        .longValue())
                .sum();
    }
}
