package dev.cairn.bench.machine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What Linux tells about a process in {@code /proc}; on other systems, and of processes that have ended, it tells nothing. */
public final class ProcessProbe {
    private static final Path PROC = Path.of("/proc");
    /** Ticks of the CPU times per second; the same on every Linux that runs a JVM. */
    private static final int TICKS_PER_SECOND = 100;

    /**
     * Memory of a process, KiB; 0 = unknown.
     *
     * @param rssKb resident, mapped files included
     * @param anonymousKb the part of it that belongs to no file: heap, direct memory, native memory
     */
    public record Memory(long rssKb, long anonymousKb) {
        static final Memory UNKNOWN = new Memory(0, 0);
    }

    /**
     * What a process has used since its begin.
     *
     * @param threadTicks CPU time by thread name, threads of one name together
     */
    public record Usage(long readBytes, long writtenBytes, Map<String, Long> threadTicks) {
        public static final Usage NONE = new Usage(0, 0, Map.of());

        /** Percent of one processor by the busiest threads, and the disk's share, since an earlier look. */
        public String since(Usage before, double seconds) {
            Map<String, Long> spent = new HashMap<>();
            threadTicks.forEach((name, ticks) -> spent.put(name, ticks - before.threadTicks.getOrDefault(name, 0L)));
            double all = spent.values().stream().mapToLong(Long::longValue).sum() * 100.0 / TICKS_PER_SECOND / seconds;
            String threads = spent.entrySet().stream()
                    .sorted(Map.Entry.<String, Long>comparingByValue(Comparator.reverseOrder()))
                    .limit(8)
                    .filter(entry -> entry.getValue() > 0)
                    .map(entry -> String.format(
                            Locale.ROOT,
                            "%s %.0f",
                            entry.getKey(),
                            entry.getValue() * 100.0 / TICKS_PER_SECOND / seconds))
                    .collect(Collectors.joining(", "));
            return String.format(
                    Locale.ROOT,
                    "cpu %.0f %% (%s), disk MB/s read %.1f written %.1f",
                    all,
                    threads,
                    (readBytes - before.readBytes) / 1e6 / seconds,
                    (writtenBytes - before.writtenBytes) / 1e6 / seconds);
        }
    }

    public static Memory memory(long pid) {
        try {
            List<String> lines = Files.readAllLines(PROC.resolve(pid + "/status"));
            return new Memory(field(lines, "VmRSS:"), field(lines, "RssAnon:"));
        } catch (IOException gone) {
            return Memory.UNKNOWN;
        }
    }

    public static Usage usage(long pid) {
        try {
            List<String> io = Files.readAllLines(PROC.resolve(pid + "/io"));
            return new Usage(field(io, "read_bytes:"), field(io, "write_bytes:"), threadTicks(pid));
        } catch (IOException gone) {
            return Usage.NONE;
        }
    }

    /** Processor time of all threads of a process since its begin, also of those that have ended; -1 = unknown. */
    public static long processorMs(long pid) {
        try {
            return ticks(Files.readString(PROC.resolve(pid + "/stat"))) * 1000 / TICKS_PER_SECOND;
        } catch (IOException gone) {
            return -1;
        }
    }

    /** In user and kernel mode, of a line of {@code stat}. */
    private static long ticks(String stat) {
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
        return Long.parseLong(fields[11]) + Long.parseLong(fields[12]);
    }

    private static Map<String, Long> threadTicks(long pid) throws IOException {
        Map<String, Long> ticks = new HashMap<>();
        List<Path> threads;
        try (Stream<Path> found = Files.list(PROC.resolve(pid + "/task"))) {
            threads = found.toList();
        }
        for (Path thread : threads) {
            try {
                String stat = Files.readString(thread.resolve("stat"));
                int nameEnd = stat.lastIndexOf(')');
                // Numbered threads of one kind count together.
                String name = stat.substring(stat.indexOf('(') + 1, nameEnd).replaceFirst("[-#: ]*\\d+$", "");
                ticks.merge(name, ticks(stat), Long::sum);
            } catch (NoSuchFileException ended) {
                // A thread may end between the list and the look; what it used is then not in its process's list any
                // more.
                ticks.merge("ended", 0L, Long::sum);
            }
        }
        return ticks;
    }

    private static long field(List<String> lines, String name) {
        return lines.stream()
                .filter(line -> line.startsWith(name))
                .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
                .findFirst()
                .orElse(0);
    }

    private ProcessProbe() {}
}
