package dev.cairn.testkit.sim;

import java.io.PrintStream;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Runs simulated clusters, seed after seed, until it is told to stop or one fails:
 * {@code [--from SEED] [--seeds N] [--minutes N] [--threads N]}. Prints once a minute, and at the end, seeds per minute,
 * simulated time and faults by kind. Exit code 0 when no check broke, 1 when one did, 2 for options that make no sense.
 */
public final class SimulateCommand {
    private static final long PRINT_EVERY_MS = TimeUnit.MINUTES.toMillis(1);

    private final PrintStream out;
    private long from = System.nanoTime() & 0xFFFF_FFFF_FFFFL;
    private long seeds = Long.MAX_VALUE;
    private long minutes;
    private int threads = Runtime.getRuntime().availableProcessors();

    private SimulateCommand(PrintStream out) {
        this.out = out;
    }

    public static void main(String[] arguments) throws InterruptedException {
        System.exit(run(System.out, arguments));
    }

    /** As the command; returns the exit code. */
    public static int run(PrintStream out, String... arguments) throws InterruptedException {
        SimulateCommand command = new SimulateCommand(out);
        try {
            command.read(arguments);
        } catch (IllegalArgumentException wrong) {
            out.println("simulate: " + wrong.getMessage());
            return 2;
        }
        return command.run();
    }

    private void read(String... arguments) {
        for (int i = 0; i < arguments.length; i += 2) {
            String option = arguments[i];
            if (!List.of("--from", "--seeds", "--minutes", "--threads").contains(option)) {
                throw new IllegalArgumentException(
                        "unknown option " + option + "; known are --from SEED, --seeds N, --minutes N, --threads N");
            }
            if (i + 1 == arguments.length) {
                throw new IllegalArgumentException(option + " needs a value");
            }
            String value = arguments[i + 1];
            switch (option) {
                case "--from" -> from = number(option, value, 0, Long.MAX_VALUE / 2);
                case "--seeds" -> seeds = number(option, value, 1, Long.MAX_VALUE / 2);
                case "--minutes" -> minutes = number(option, value, 1, TimeUnit.DAYS.toMinutes(365));
                default -> threads = (int) number(option, value, 1, 256);
            }
        }
    }

    private static long number(String option, String value, long min, long max) {
        if (value.matches("\\d{1,18}")) {
            long number = Long.parseLong(value);
            if (number >= min && number <= max) {
                return number;
            }
        }
        throw new IllegalArgumentException(option + " " + value + ": allowed are " + min + " to " + max);
    }

    private int run() throws InterruptedException {
        out.println("from=" + from + " threads=" + threads);
        SeedRun run = new SeedRun(from, seeds, TimeUnit.MINUTES.toSeconds(minutes));
        Thread printer = new Thread(() -> printUntilInterrupted(run), "totals");
        printer.setDaemon(true);
        printer.start();
        // Told to stop by a signal: the totals are what one wants to see then.
        Thread atExit = new Thread(() -> out.println(run.totals().describe()), "last-totals");
        Runtime.getRuntime().addShutdownHook(atExit);
        run.run(threads);
        printer.interrupt();
        Runtime.getRuntime().removeShutdownHook(atExit);
        out.println(run.totals().describe());
        SimReport failed = run.failed();
        if (failed == null) {
            return 0;
        }
        out.println(FailedSeed.shrink(failed, SimOptions.NONE).describe());
        return 1;
    }

    private void printUntilInterrupted(SeedRun run) {
        try {
            while (true) {
                TimeUnit.MILLISECONDS.sleep(PRINT_EVERY_MS);
                out.println(run.totals().describe());
            }
        } catch (InterruptedException atTheEnd) {
            Thread.currentThread().interrupt();
        }
    }
}
