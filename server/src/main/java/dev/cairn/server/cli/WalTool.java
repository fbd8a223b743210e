package dev.cairn.server.cli;

import dev.cairn.wal.LogPosition;
import dev.cairn.wal.SegmentItem;
import dev.cairn.wal.WalInspection;
import dev.cairn.wal.WalInspection.NothingToReadException;
import dev.cairn.wal.WalInspection.Place;
import dev.cairn.wal.WalInspection.Report;
import java.io.BufferedOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.function.Consumer;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code cairn wal dump | verify}: what stands in the log of a node, and whether it is whole. Reads only, also beside the
 * running node.
 *
 * <p>Exit codes: 0 done, or clean; 1 torn tail; 2 damage; 64 wrong usage, or nothing that can be read.
 */
@Command(
        name = "cairn wal",
        mixinStandardHelpOptions = true,
        description = "Looks at the log of a node. Changes nothing, and may run beside the node.",
        synopsisSubcommandLabel = "(dump DIR|FILE | verify DIR)",
        footer = {"", "Exit codes: 0 clean; 1 torn tail; 2 damage; 64 wrong usage, or nothing that can be read."})
public final class WalTool implements Runnable {
    static final int EXIT_CLEAN = 0;
    static final int EXIT_TORN = 1;
    static final int EXIT_DAMAGED = 2;
    static final int EXIT_USAGE = 64;

    private final PrintStream out;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    private WalTool(PrintStream out) {
        this.out = out;
    }

    public static void main(String[] args) {
        PrintStream out = new PrintStream(new BufferedOutputStream(System.out), false, StandardCharsets.UTF_8);
        int exitCode = run(args, out, System.err);
        out.flush();
        System.exit(exitCode);
    }

    /** One run; returns the exit code. */
    static int run(String[] args, PrintStream out, PrintStream err) {
        CommandLine line = new CommandLine(new WalTool(out));
        line.setParameterExceptionHandler((e, arguments) -> {
            String message = String.valueOf(e.getMessage());
            err.println("cairn wal: " + message.lines().findFirst().orElse("bad arguments"));
            err.println("Try 'cairn wal --help'.");
            return EXIT_USAGE;
        });
        line.setExecutionExceptionHandler((failure, at, parsed) -> {
            if (failure instanceof NothingToReadException nothing) {
                err.println("cairn wal: " + nothing.getMessage());
                return EXIT_USAGE;
            }
            throw failure;
        });
        line.setOut(new PrintWriter(out, true, StandardCharsets.UTF_8));
        line.setErr(new PrintWriter(err, true, StandardCharsets.UTF_8));
        return line.execute(args);
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "one of dump DIR|FILE, verify DIR is missing");
    }

    @Command(
            mixinStandardHelpOptions = true,
            description = "Prints every segment, activation block and record, also behind damaged ones; one line each.")
    int dump(
            @Parameters(
                            paramLabel = "DIR|FILE",
                            description = "A node's data.dir, the directory wal in it, or one segment file.")
                    Path path,
            @Option(names = "--json", description = "One JSON object per line.") boolean json) {
        try {
            WalInspection.dump(path, new Lines(out, json));
        } catch (OutputGoneException e) {
            // As a filter does: "head" has seen enough.
            return EXIT_CLEAN;
        }
        return EXIT_CLEAN;
    }

    @Command(
            mixinStandardHelpOptions = true,
            description = {
                "Judges the log as a start of the node would, and names each place that is not as it should be: file, offset,",
                "index, what was expected and what was found. The exit code is 0 for a clean log, 1 for a torn tail, which the next",
                "start cuts off, 2 for damage, on which the node refuses to start."
            })
    int verify(
            @Parameters(paramLabel = "DIR", description = "A node's data.dir, or the directory wal in it.")
                    Path directory) {
        Report report = WalInspection.verify(directory);
        report.superseded().forEach(place -> out.println(line("superseded", place)));
        String kind = switch (report.verdict()) {
            case CLEAN -> "";
            case TORN -> "torn";
            case DAMAGED -> "damage";
        };
        report.places().forEach(place -> out.println(line(kind, place)));
        String durable = " durable=" + LogPosition.toString(report.durablePosition());
        String without = report.hardState() ? "" : " hardState=none";
        return switch (report.verdict()) {
            case CLEAN -> {
                out.println("clean: " + contents(report) + durable + without);
                yield EXIT_CLEAN;
            }
            case TORN -> {
                out.println("torn tail: " + contents(report) + durable + without
                        + "; a crash left it, the next start cuts it off and keeps a copy");
                yield EXIT_TORN;
            }
            case DAMAGED -> {
                out.println("damaged: places=" + report.places().size() + durable + without
                        + "; keep the directory as it is: a start refuses it and changes nothing");
                yield EXIT_DAMAGED;
            }
        };
    }

    private static String contents(Report report) {
        return "segments=" + report.segments() + " first=" + report.firstIndex() + " last=" + report.lastIndex()
                + " unproven=" + report.unproven();
    }

    private static String line(String kind, Place place) {
        return kind + ": file=" + place.file() + " offset=" + place.offset() + " index=" + place.index() + " expected="
                + place.expected() + " found=" + place.found();
    }

    private static final class OutputGoneException extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    /** One line per piece, until nobody reads them any more. */
    private static final class Lines implements Consumer<SegmentItem> {
        private static final int LINES_PER_CHECK = 1000;

        private final PrintStream out;
        private final boolean json;
        private int lines;

        Lines(PrintStream out, boolean json) {
            this.out = out;
            this.json = json;
        }

        @Override
        public void accept(SegmentItem item) {
            out.println(json ? WalToolOutput.json(item) : WalToolOutput.text(item));
            if (++lines % LINES_PER_CHECK == 0 && out.checkError()) {
                throw new OutputGoneException();
            }
        }
    }
}
