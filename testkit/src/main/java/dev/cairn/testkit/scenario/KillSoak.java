package dev.cairn.testkit.scenario;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.protocol.NodeStatus;
import dev.cairn.testkit.ProcessCluster;
import java.io.IOException;
import java.io.PrintStream;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Kills nodes of a loaded cluster at random moments, without warning, and compares what the cluster holds with what it has
 * acknowledged: {@code [--kills 200] [--seconds 1500] [--nodes 3] [--rot 0] [--seed N] [--dir DIRECTORY]}. With {@code --rot}, of
 * so many of a hundred nodes that are killed alone a byte of the log changes while they are down; the peers mend it before the next kill. Prints seed, kills,
 * acknowledged writes and lost ones. Exit code 0 when nothing was lost, 1 when something was or the time was over, 2 for
 * options that make no sense.
 */
public final class KillSoak {
    private static final int MAX_KILLS = 100_000;
    private static final int MAX_SECONDS = 86_400;
    /** Kills between two comparisons. */
    private static final int KILLS_PER_CHECK = 10;
    /** Of so many kills one hits the leader, and one all nodes at once; the others any node. */
    private static final int KINDS = 6;
    /** Writes that must be answered between two kills: each hits a cluster under load. */
    private static final int ANSWERS_BETWEEN_KILLS = 100;

    private static final int MOST_WAITED_MS = 300;
    private static final int LEAST_NODES_THAT_REPAIR = 3;

    private static final String[] SETTINGS = {
        "wal.segment.bytes=1MiB", "snapshot.log.bytes=4MiB", "snapshot.keep.log.bytes=1MiB"
    };

    private final PrintStream out;
    private int kills = 200;
    private int seconds = 1500;
    private int nodes = 3;
    private int rotPercent;
    private long seed = System.nanoTime();
    private @Nullable Path directory;

    private long deadlineNs;
    private int killed;
    private int killedAll;
    private int rotten;

    private KillSoak(final PrintStream out) {
        this.out = out;
    }

    public static void main(final String[] arguments) {
        System.exit(run(System.out, arguments));
    }

    /** As the command; returns the exit code. */
    public static int run(final PrintStream out, final String... arguments) {
        final KillSoak soak = new KillSoak(out);
        try {
            soak.read(arguments);
        } catch (IllegalArgumentException wrong) {
            out.println("kill-soak: " + wrong.getMessage());
            return 2;
        }
        return soak.run();
    }

    private void read(final String... arguments) {
        for (int i = 0; i < arguments.length; i += 2) {
            final String option = arguments[i];
            if (!List.of("--kills", "--seconds", "--nodes", "--rot", "--seed", "--dir")
                    .contains(option)) {
                throw new IllegalArgumentException("unknown option " + option
                        + "; known are --kills N, --seconds N, --nodes N, --rot PERCENT, --seed N, --dir DIRECTORY");
            }
            if (i + 1 == arguments.length) {
                throw new IllegalArgumentException(option + " needs a value");
            }
            final String value = arguments[i + 1];
            switch (option) {
                case "--kills" -> kills = (int) number(option, value, 1, MAX_KILLS);
                case "--seconds" -> seconds = (int) number(option, value, 1, MAX_SECONDS);
                case "--nodes" -> nodes = (int) number(option, value, 1, 7);
                case "--rot" -> rotPercent = (int) number(option, value, 0, 100);
                case "--seed" -> seed = number(option, value, 0, Long.MAX_VALUE);
                default -> directory = Path.of(value);
            }
        }
        if (rotPercent > 0 && nodes < LEAST_NODES_THAT_REPAIR) {
            throw new IllegalArgumentException("--rot " + rotPercent + " needs --nodes " + LEAST_NODES_THAT_REPAIR
                    + " or more: nobody else has what a damaged log has lost");
        }
    }

    private static long number(final String option, final String value, final long min, final long max) {
        if (value.matches("\\d{1,18}")) {
            final long number = Long.parseLong(value);
            if (number >= min && number <= max) {
                return number;
            }
        }
        throw new IllegalArgumentException(option + " " + value + ": allowed are " + min + " to " + max);
    }

    private int run() {
        final long startNs = System.nanoTime();
        deadlineNs = startNs + TimeUnit.SECONDS.toNanos(seconds);
        out.println("seed=" + seed);
        try {
            final Path parent = directory == null ? Path.of(System.getProperty("java.io.tmpdir")) : directory;
            Files.createDirectories(parent);
            final Path own = Files.createTempDirectory(parent, "cairn-kills-");
            final CheckedLoad load;
            final long repaired;
            try (ProcessCluster cluster = new ProcessCluster(own, nodes, SETTINGS).startAll()) {
                cluster.awaitAllServe();
                load = new CheckedLoad(cluster, seed);
                try (load) {
                    killAll(cluster, load);
                }
                repaired = repairs(cluster);
            }
            final long s = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - startNs);
            out.println("seed=" + seed + " kills=" + killed + " ofThemAllNodes=" + killedAll + " rotten=" + rotten
                    + " repaired=" + repaired + " acknowledged="
                    + load.acknowledged() + " resolved=" + load.resolved() + " checks=" + load.checks() + " keys="
                    + load.keys() + " lost=" + load.lost() + " seconds=" + s);
            if (load.lost() == 0 && killed >= kills) {
                ScenarioCommand.delete(own);
                return 0;
            }
            out.println(killed < kills ? "the time was over: kept " + own : "LOST: kept " + own);
            load.problems().forEach(out::println);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            out.println("interrupted");
        } catch (IOException | RuntimeException | AssertionError problem) {
            problem.printStackTrace(out);
        }
        return 1;
    }

    private void killAll(final ProcessCluster cluster, final CheckedLoad load) throws InterruptedException {
        final Random random = new Random(seed);
        while (killed < kills && load.lost() == 0 && System.nanoTime() - deadlineNs < 0) {
            load.awaitAnswers(ANSWERS_BETWEEN_KILLS);
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(random.nextInt(MOST_WAITED_MS)));
            final int kind = random.nextInt(KINDS);
            if (kind == 0) {
                final int[] all = new int[nodes];
                for (int id = 1; id <= nodes; id++) {
                    all[id - 1] = id;
                }
                cluster.kill(all);
                killedAll++;
                killed += nodes;
            } else {
                final int id = kind == 1 ? cluster.awaitLeader() : 1 + random.nextInt(nodes);
                cluster.kill(id);
                killed++;
                if (random.nextInt(100) < rotPercent) {
                    rot(cluster.data(id).resolve("wal"), random);
                    cluster.startMissing();
                    cluster.awaitStatus("all logs mended", this::allMended);
                }
            }
            cluster.startMissing();
            if (killed / KILLS_PER_CHECK > load.checks()) {
                load.check();
                out.println("kills=" + killed + " acknowledged=" + load.acknowledged() + " lost=" + load.lost());
            }
        }
        cluster.awaitAllServe();
        load.stop();
        load.check();
        cluster.awaitSameState(1);
    }

    /** One bit of a segment, of three in four cases one of a byte that is not zero: most of a young segment is. */
    private void rot(final Path log, final Random random) {
        try (Stream<Path> files = Files.list(log)) {
            final List<Path> segments = files.filter(
                            file -> file.getFileName().toString().matches("\\d+\\.wal"))
                    .sorted()
                    .toList();
            final Path file = segments.get(random.nextInt(segments.size()));
            final byte[] bytes = Files.readAllBytes(file);
            final int[] written =
                    IntStream.range(0, bytes.length).filter(i -> bytes[i] != 0).toArray();
            final int offset = written.length == 0 || random.nextInt(4) == 0
                    ? random.nextInt(bytes.length)
                    : written[random.nextInt(written.length)];
            bytes[offset] ^= (byte) (1 << random.nextInt(Byte.SIZE));
            try (RandomAccessFile segment = new RandomAccessFile(file.toFile(), "rw")) {
                segment.seek(offset);
                segment.write(bytes[offset]);
            }
            rotten++;
            out.println("rot file=" + file + " offset=" + offset);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private boolean allMended(final List<NodeStatus> all) {
        return all.size() == nodes
                && all.stream().noneMatch(node -> "REPAIRING".equals(node.roleName()) || node.leaderId() == 0);
    }

    private long repairs(final ProcessCluster cluster) {
        return IntStream.rangeClosed(1, nodes)
                .mapToLong(id -> cluster.logLines(id).stream()
                        .filter(line -> line.contains("event=repair.done"))
                        .count())
                .sum();
    }

    static byte[] bytes(final String text) {
        return text.getBytes(UTF_8);
    }
}
