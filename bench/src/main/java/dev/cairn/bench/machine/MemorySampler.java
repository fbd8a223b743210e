package dev.cairn.bench.machine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/** Looks at the memory of processes several times a second, on a thread of its own, until it is closed. */
public final class MemorySampler implements AutoCloseable {
    private static final long PERIOD_MS = 250;

    /** @param atMs {@code System.currentTimeMillis()} */
    record Sample(long atMs, String process, ProcessProbe.Memory memory) {}

    private final Map<String, LongSupplier> processes;
    private final List<Sample> samples = new ArrayList<>();
    private final CountDownLatch closed = new CountDownLatch(1);
    private final Thread thread = new Thread(this::run, "memory-sampler");

    /** @param processes names, and their pids of the moment; 0 = not there now */
    public MemorySampler(Map<String, LongSupplier> processes) {
        this.processes = new TreeMap<>(processes);
        thread.setDaemon(true);
        thread.start();
    }

    private void run() {
        try {
            do {
                processes.forEach(this::sample);
            } while (!closed.await(PERIOD_MS, TimeUnit.MILLISECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void sample(String name, LongSupplier pid) {
        ProcessProbe.Memory memory = ProcessProbe.memory(pid.getAsLong());
        if (memory.rssKb() > 0) {
            synchronized (samples) {
                samples.add(new Sample(System.currentTimeMillis(), name, memory));
            }
        }
    }

    /** The largest values in a span of time, each by itself. */
    public ProcessProbe.Memory max(String process, long fromMs, long toMs) {
        long rss = 0;
        long anonymous = 0;
        for (Sample sample : samples()) {
            if (sample.process.equals(process) && sample.atMs >= fromMs && sample.atMs < toMs) {
                rss = Math.max(rss, sample.memory.rssKb());
                anonymous = Math.max(anonymous, sample.memory.anonymousKb());
            }
        }
        return new ProcessProbe.Memory(rss, anonymous);
    }

    /** One line per look: seconds since the first, process, MiB resident, MiB anonymous. */
    public void write(Path file) throws IOException {
        List<String> lines = new ArrayList<>(List.of("seconds,process,rss_mb,anonymous_mb"));
        List<Sample> all = samples();
        for (Sample sample : all) {
            lines.add((sample.atMs - all.get(0).atMs) / 1000.0 + "," + sample.process + ","
                    + sample.memory.rssKb() / 1024 + "," + sample.memory.anonymousKb() / 1024);
        }
        Files.write(file, lines);
    }

    private List<Sample> samples() {
        synchronized (samples) {
            return List.copyOf(samples);
        }
    }

    @Override
    public void close() {
        closed.countDown();
    }
}
