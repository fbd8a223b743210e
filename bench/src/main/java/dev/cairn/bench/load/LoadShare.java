package dev.cairn.bench.load;

import dev.cairn.bench.machine.ProcessorTime;
import dev.cairn.bench.results.JsonLine;
import dev.cairn.bench.targets.Durability;
import dev.cairn.bench.targets.TargetKind;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.List;
import java.util.SplittableRandom;

/**
 * One of several processes that share a load: connects, says that it is ready, begins when it is told to, and tells each second and
 * its result, in lines. It ends when the process that has started it does, whose end of standard input it sees.
 *
 * @param number of this process, from 0
 * @param of processes
 */
record LoadShare(LoadOptions options, int number, int of) {
    static final String READY = "@ready";
    static final String GO = "@go";
    static final String SECOND = "@second ";
    static final String RESULT = "@result ";
    static final String AMOUNT = "amount_";
    static final String ERROR = "error_";

    private static final int EXIT_FAILED = 1;

    /** Returns the exit code. */
    int run(TargetKind.Connected connected, InputStream in, PrintStream out) throws IOException, InterruptedException {
        if (connected.durability().equals(Durability.UNKNOWN)) {
            out.println("no server answered");
            return EXIT_FAILED;
        }
        SplittableRandom random = new SplittableRandom();
        KeySpace keySpace = new KeySpace(options.keys(), options.keyBytes());
        RandomValues values = new RandomValues(random.split(), options.valueBytes());
        KeyNumbers numbers = new KeyNumbers(options.distribution(), options.keys(), number, of);
        say(out, READY);
        for (int read = in.read(); read != '\n'; read = in.read()) {
            if (read < 0) {
                return EXIT_FAILED;
            }
        }
        endWith(in);
        LoadResult result = LoadRun.of(
                        options,
                        connected.targets(),
                        () -> new Operation(keySpace, numbers, values, options, random.split()),
                        options.capacity(),
                        second -> say(out, SECOND + second.line()),
                        new ProcessorTime(List.of()))
                .run();
        JsonLine line = new JsonLine()
                .put("ended", result.endedInWindow())
                .put("unfinished", (long) result.unfinished())
                .put("max_in_flight", (long) result.maxInFlight())
                .put("most_in_flight", (long) result.mostInFlight())
                .put("waited", result.waited())
                .put("unstarted", result.unstarted());
        result.amounts().forEach((kind, amount) -> line.put(AMOUNT + kind.name(), amount));
        result.errors().forEach((type, count) -> line.put(ERROR + type, count));
        say(out, RESULT + line.end());
        return 0;
    }

    private static void say(PrintStream out, String line) {
        out.println(line);
        out.flush();
    }

    /** Nothing comes behind the word to begin, so what ends the read is the other process. */
    private static void endWith(InputStream in) {
        Thread watch = new Thread(
                () -> {
                    try {
                        in.transferTo(OutputStream.nullOutputStream());
                    } catch (IOException e) {
                        // As its end: the other process cannot be heard any more.
                        Runtime.getRuntime().halt(EXIT_FAILED);
                    }
                    Runtime.getRuntime().halt(EXIT_FAILED);
                },
                "load-parent-watch");
        watch.setDaemon(true);
        watch.start();
    }
}
