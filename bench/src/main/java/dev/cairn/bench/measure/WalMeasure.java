package dev.cairn.bench.measure;

import com.sun.management.ThreadMXBean;
import dev.cairn.bench.jmh.BenchmarkLog;
import dev.cairn.bench.machine.ProcessProbe;
import dev.cairn.bench.results.JsonLine;
import dev.cairn.wal.EntryDescriptor;
import dev.cairn.wal.SparePreparer;
import dev.cairn.wal.Wal;
import dev.cairn.wal.WriterChoice;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.Histogram;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code cairn measure wal}: the log by itself, without a cluster: appending, bytes per force, what rolls cost, and both writers
 * side by side. One thread appends and forces; in the part about rolls another makes the spares, as in a node.
 * {@code docs/benchmarks.md} explains parts and figures.
 */
@Command(
        name = "wal",
        description =
                "The log without a cluster: appends, bytes per force, rolls, both writers. The last line is JSON.",
        sortOptions = false,
        mixinStandardHelpOptions = true)
final class WalMeasure implements Callable<Integer> {
    private static final int ROUNDS = 3;
    private static final int RECORD_BYTES = 300;
    private static final int HEADERS_BYTES = 96;
    /** A group may begin on a block of its own. */
    private static final int BLOCK_BYTES = 4096;

    private static final int APPENDS = 150_000;
    private static final int APPEND_WARMUPS = 8;
    private static final int APPEND_SHOTS = 12;
    private static final int APPEND_PAYLOAD = 256;
    private static final int APPEND_RECORD_BYTES = APPEND_PAYLOAD + HEADERS_BYTES;
    private static final int APPEND_SEGMENT_BYTES = 96 << 20;
    private static final int APPENDS_PER_GROUP = 64;

    private static final int SINGLE_FORCES = 500;

    private static final int ROLL_SEGMENT_BYTES = 8 << 20;
    private static final int ROLLS = 32;
    private static final int ROLL_GROUP = 16;

    private static final int[] GROUPS = {1, 16, 64, 256, 1024};
    private static final int WRITER_SEGMENT_BYTES = 64 << 20;
    private static final int MOST_FORCES = 1000;
    private static final int WARMUP_FORCES = 50;

    /** To ask the factory takes heap each time. */
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Option(
            names = "--dir",
            required = true,
            paramLabel = "DIR",
            description = "Where the logs are made and removed again: a directory on the disk that shall be measured.")
    private Path directory = Path.of(".");

    @Option(
            names = "--percent",
            defaultValue = "100",
            paramLabel = "P",
            description = "How much of the whole measurement is done; below 100 the figures mean nothing.")
    private int percent;

    @Option(
            names = "--parts",
            split = ",",
            defaultValue = "APPENDS,BYTES_PER_FORCE,ROLLS,WRITERS",
            paramLabel = "PART",
            description = "Only these parts, of ${COMPLETION-CANDIDATES}.")
    private Set<Part> parts = Set.of();

    private enum Part {
        APPENDS,
        BYTES_PER_FORCE,
        ROLLS,
        WRITERS
    }

    private final UnsafeBuffer payload = new UnsafeBuffer(new byte[RECORD_BYTES]);
    private final JsonLine figures = new JsonLine();

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (percent < 1 || percent > 100) {
            throw new IllegalStateException("--percent " + percent + " is not from 1 to 100");
        }
        byte[] bytes = new byte[RECORD_BYTES];
        new SplittableRandom(1).nextBytes(bytes);
        payload.putBytes(0, bytes);
        Files.createDirectories(directory);
        long startNs = System.nanoTime();
        if (parts.contains(Part.APPENDS)) {
            appends();
        }
        if (parts.contains(Part.BYTES_PER_FORCE)) {
            bytesPerForce();
        }
        if (parts.contains(Part.ROLLS)) {
            rolls();
        }
        if (parts.contains(Part.WRITERS)) {
            writers();
        }
        figures.put("percent", percent).put("seconds", (System.nanoTime() - startNs) / 1e9);
        out().println(figures.end());
        out().flush();
        return 0;
    }

    private PrintWriter out() {
        return spec.commandLine().getOut();
    }

    private void line(String text) {
        out().println(text);
        out().flush();
    }

    /** At least one. */
    private int some(int of) {
        return Math.max(1, of * percent / 100);
    }

    /** Segments as large as the whole measurement needs them, else as large as this one fills: making them is most of its time. */
    private int segmentBytes(int whole, long filled) {
        return percent == 100 ? whole : (int) Math.min(whole, (filled / (1 << 20) + 2) << 20);
    }

    private void append(Wal wal, int payloadBytes) {
        long index = wal.appendedIndex() + 1;
        wal.append(index, 1, index, EntryDescriptor.TYPE_COMMAND, payload, 0, payloadBytes);
    }

    private void appendGroup(Wal wal, int entries, int payloadBytes) {
        for (int i = 0; i < entries; i++) {
            append(wal, payloadBytes);
        }
        wal.publish();
    }

    // ---- appending without a force

    private void appends() throws IOException {
        appends(WriterChoice.MAPPED, true, "append_prefaulted");
        appends(WriterChoice.MAPPED, false, "append_cold");
        appends(WriterChoice.CHANNEL, false, "append_channel");
    }

    private void appends(WriterChoice writer, boolean prefaulted, String name) throws IOException {
        int count = some(APPENDS);
        int shots = some(APPEND_SHOTS);
        double[] nsPerRecord = new double[shots];
        long leastAllocated = Long.MAX_VALUE;
        for (int shot = -some(APPEND_WARMUPS); shot < shots; shot++) {
            // The entries, and as many empty ones.
            int segmentBytes =
                    segmentBytes(APPEND_SEGMENT_BYTES, 2L * (count + APPENDS_PER_GROUP) * APPEND_RECORD_BYTES);
            BenchmarkLog log = BenchmarkLog.open(directory, writer, segmentBytes, 0, prefaulted);
            try {
                log.ready(count + APPENDS_PER_GROUP);
                appendGroup(log.wal(), APPENDS_PER_GROUP, APPEND_PAYLOAD);
                long allocated = allocatedBytes();
                long startNs = System.nanoTime();
                for (int i = 0; i < count; i += APPENDS_PER_GROUP) {
                    appendGroup(log.wal(), Math.min(APPENDS_PER_GROUP, count - i), APPEND_PAYLOAD);
                }
                long ns = System.nanoTime() - startNs;
                allocated = allocatedBytes() - allocated;
                if (shot >= 0) {
                    nsPerRecord[shot] = (double) ns / count;
                    leastAllocated = Math.min(leastAllocated, allocated);
                }
            } finally {
                log.delete();
            }
        }
        Arrays.sort(nsPerRecord);
        double median = nsPerRecord[shots / 2];
        line(String.format(
                Locale.ROOT,
                "%-18s median %.1f ns, best %.1f ns per record of %d B payload; %.1f M records/s; %d B allocated in %d appends",
                name,
                median,
                nsPerRecord[0],
                APPEND_PAYLOAD,
                1000 / median,
                leastAllocated,
                count));
        figures.put(name + "_ns", median)
                .put(name + "_best_ns", nsPerRecord[0])
                .put(name + "_records_s", Math.round(1e9 / median))
                .put(name + "_allocated_bytes", leastAllocated);
    }

    private static long allocatedBytes() {
        return THREADS.getThreadAllocatedBytes(Thread.currentThread().getId());
    }

    // ---- bytes that one force writes

    private void bytesPerForce() throws IOException {
        for (WriterChoice writer : List.of(WriterChoice.MAPPED, WriterChoice.CHANNEL)) {
            BenchmarkLog log = BenchmarkLog.open(directory, writer, ROLL_SEGMENT_BYTES, 0, false);
            try {
                int forces = some(SINGLE_FORCES);
                long before = writtenBytes();
                for (int i = 0; i < forces; i++) {
                    appendGroup(log.wal(), 1, RECORD_BYTES - HEADERS_BYTES);
                    log.wal().force();
                }
                double perForce = (double) (writtenBytes() - before) / forces;
                String name = "bytes_per_force_" + name(writer);
                line(String.format(
                        Locale.ROOT,
                        "%-18s %.0f B written to the device per force of one record of %d B",
                        name,
                        perForce,
                        RECORD_BYTES));
                figures.put(name, perForce);
            } finally {
                log.delete();
            }
        }
    }

    private static String name(WriterChoice writer) {
        return writer.name().toLowerCase(Locale.ROOT);
    }

    /** 0 where the system does not tell. */
    private static long writtenBytes() {
        return ProcessProbe.usage(ProcessHandle.current().pid()).writtenBytes();
    }

    // ---- what rolls cost

    private void rolls() throws IOException, InterruptedException {
        int rollBytes = segmentBytes(ROLL_SEGMENT_BYTES, 0);
        int groupsPerSegment = rollBytes / (ROLL_GROUP * alignedRecord());
        int groups = some(ROLLS + 1) * groupsPerSegment;
        int oneSegment = (int) Math.min(1L << 30, (long) (groups / groupsPerSegment + 2) * rollBytes);
        double[] ratios = new double[ROUNDS];
        double[] dropRatios = new double[ROUNDS];
        for (int round = 0; round < ROUNDS; round++) {
            RollRun without = rollRun(groups, oneSegment, false, false);
            RollRun with = rollRun(groups, rollBytes, true, false);
            RollRun dropping = rollRun(groups, rollBytes, true, true);
            ratios[round] = with.p999() / without.p999();
            dropRatios[round] = dropping.p999() / without.p999();
            line(String.format(
                    Locale.ROOT,
                    "rolls %d            p99.9 without %.0f us; with %d rolls %.0f us, ratio %.2f; with %d rolls and drops %.0f us,"
                            + " ratio %.2f (%d recycled); longest roll %.2f ms",
                    round + 1,
                    without.p999(),
                    with.rolls(),
                    with.p999(),
                    ratios[round],
                    dropping.rolls(),
                    dropping.p999(),
                    dropRatios[round],
                    dropping.recycled(),
                    with.longestRollMs()));
            figures.put("rolls_" + (round + 1), (long) with.rolls())
                    .put("without_p999_us_" + (round + 1), without.p999())
                    .put("rolls_p999_us_" + (round + 1), with.p999())
                    .put("drops_p999_us_" + (round + 1), dropping.p999())
                    .put("without_p50_us_" + (round + 1), without.p50())
                    .put("rolls_p50_us_" + (round + 1), with.p50())
                    .put("longest_roll_ms_" + (round + 1), with.longestRollMs());
        }
        Arrays.sort(ratios);
        Arrays.sort(dropRatios);
        line(String.format(
                Locale.ROOT,
                "%-18s median ratio of p99.9 %.2f, with drops %.2f",
                "rolls",
                ratios[ROUNDS / 2],
                dropRatios[ROUNDS / 2]));
        figures.putRatio("rolls_ratio_p999", ratios[ROUNDS / 2]).putRatio("drops_ratio_p999", dropRatios[ROUNDS / 2]);
    }

    private static int alignedRecord() {
        return (RECORD_BYTES + 7) & -8;
    }

    /** Times of append and force of a group, us. */
    private record RollRun(int rolls, double p50, double p999, double longestRollMs, long recycled) {}

    private RollRun rollRun(int groups, int segmentBytes, boolean rolling, boolean dropping)
            throws IOException, InterruptedException {
        BenchmarkLog log = BenchmarkLog.open(directory, WriterChoice.CHANNEL, segmentBytes, rolling ? 2 : 0, false);
        Wal wal = log.wal();
        long[] longestRoll = new long[1];
        int[] rolls = new int[1];
        wal.observeRolls(System::nanoTime, ns -> {
            rolls[0]++;
            longestRoll[0] = Math.max(longestRoll[0], ns);
        });
        Housekeeping housekeeping = new Housekeeping(wal.sparePreparer());
        if (rolling) {
            housekeeping.start();
            housekeeping.awaitSpares();
        }
        Histogram times = new Histogram(TimeUnit.MINUTES.toNanos(1), 3);
        try {
            for (int group = -WARMUP_FORCES; group < groups; group++) {
                long startNs = System.nanoTime();
                appendGroup(wal, ROLL_GROUP, RECORD_BYTES - HEADERS_BYTES);
                wal.force();
                if (group >= 0) {
                    times.recordValue(System.nanoTime() - startNs);
                }
                if (dropping && (group & 0xFF) == 0) {
                    wal.truncatePrefix(Math.max(0, wal.prefixBehind(wal.appendedIndex(), 2L * segmentBytes)));
                }
            }
        } finally {
            housekeeping.end();
            log.delete();
        }
        housekeeping.rethrow();
        return new RollRun(
                rolls[0],
                times.getValueAtPercentile(50) / 1e3,
                times.getValueAtPercentile(99.9) / 1e3,
                longestRoll[0] / 1e6,
                wal.sparePreparer().recycledCount());
    }

    /** Makes spares at the pace of a node's housekeeping. */
    private static final class Housekeeping extends Thread {
        private static final long STEP_NS = TimeUnit.MILLISECONDS.toNanos(1);
        private static final long IDLE_NS = TimeUnit.MILLISECONDS.toNanos(20);
        private static final long SPARES_NS = TimeUnit.MINUTES.toNanos(1);

        private final SparePreparer spares;
        private volatile boolean stopping;
        private volatile @Nullable RuntimeException failure;

        Housekeeping(SparePreparer spares) {
            super("housekeeping");
            this.spares = spares;
            setDaemon(true);
        }

        @Override
        public void run() {
            try {
                while (!stopping) {
                    int work = spares.doWork(System.nanoTime());
                    LockSupport.parkNanos(
                            this, Math.min(work > 0 ? STEP_NS : IDLE_NS, spares.pauseLeftNs(System.nanoTime())));
                }
            } catch (RuntimeException e) {
                failure = e;
            }
        }

        void awaitSpares() {
            long deadlineNs = System.nanoTime() + SPARES_NS;
            while (spares.readyCount() < 2) {
                rethrow();
                if (System.nanoTime() - deadlineNs > 0) {
                    throw new IllegalStateException("no spares within a minute");
                }
                LockSupport.parkNanos(STEP_NS);
            }
        }

        /** Named apart from {@link Thread}'s own. */
        void end() throws InterruptedException {
            stopping = true;
            LockSupport.unpark(this);
            join();
        }

        void rethrow() {
            RuntimeException failed = failure;
            if (failed != null) {
                throw failed;
            }
        }
    }

    // ---- both writers

    private void writers() throws IOException {
        List<WriterChoice> both = List.of(WriterChoice.MAPPED, WriterChoice.CHANNEL);
        for (int entries : GROUPS) {
            double[][] p50 = new double[2][ROUNDS];
            double[][] p99 = new double[2][ROUNDS];
            double[] written = new double[2];
            for (int round = 0; round < ROUNDS; round++) {
                for (int turn = 0; turn < 2; turn++) {
                    // The order changes from round to round.
                    int which = (turn + round) % 2;
                    GroupRun run = groupRun(both.get(which), entries);
                    p50[which][round] = run.p50();
                    p99[which][round] = run.p99();
                    written[which] = run.bytesPerForce();
                }
            }
            for (int which = 0; which < 2; which++) {
                Arrays.sort(p50[which]);
                Arrays.sort(p99[which]);
                double median = p50[which][ROUNDS / 2];
                line(String.format(
                        Locale.ROOT,
                        "%-8s group %4d  p50 %7.0f us (%.0f to %.0f)  p99 %7.0f us  %9.0f records/s  %8.0f B per force",
                        name(both.get(which)),
                        entries,
                        median,
                        p50[which][0],
                        p50[which][ROUNDS - 1],
                        p99[which][ROUNDS / 2],
                        entries / median * 1e6,
                        written[which]));
                String name = name(both.get(which)) + "_" + entries;
                figures.put(name + "_p50_us", median)
                        .put(name + "_p99_us", p99[which][ROUNDS / 2])
                        .put(name + "_bytes_per_force", written[which]);
            }
        }
    }

    private record GroupRun(double p50, double p99, double bytesPerForce) {}

    private GroupRun groupRun(WriterChoice writer, int entries) throws IOException {
        int fitting = WRITER_SEGMENT_BYTES / 5 * 4 / (entries * alignedRecord());
        int warmups = Math.min(WARMUP_FORCES, fitting / 8);
        int forces = some(Math.min(MOST_FORCES, fitting - warmups));
        long filled = (long) (warmups + forces) * (entries * (long) alignedRecord() + BLOCK_BYTES);
        BenchmarkLog log = BenchmarkLog.open(directory, writer, segmentBytes(WRITER_SEGMENT_BYTES, filled), 0, false);
        try {
            Histogram times = new Histogram(TimeUnit.MINUTES.toNanos(1), 3);
            long before = 0;
            for (int group = -warmups; group < forces; group++) {
                if (group == 0) {
                    before = writtenBytes();
                }
                long startNs = System.nanoTime();
                appendGroup(log.wal(), entries, RECORD_BYTES - HEADERS_BYTES);
                log.wal().force();
                if (group >= 0) {
                    times.recordValue(System.nanoTime() - startNs);
                }
            }
            return new GroupRun(
                    times.getValueAtPercentile(50) / 1e3,
                    times.getValueAtPercentile(99) / 1e3,
                    (double) (writtenBytes() - before) / forces);
        } finally {
            log.delete();
        }
    }
}
