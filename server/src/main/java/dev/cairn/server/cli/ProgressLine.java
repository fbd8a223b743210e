package dev.cairn.server.cli;

import java.io.PrintStream;
import java.util.concurrent.TimeUnit;

/** How far long work is, on a line of its own that is written over; nothing where nobody looks. */
final class ProgressLine {
    private static final long PAUSE_NS = TimeUnit.MILLISECONDS.toNanos(200);

    private final PrintStream to;
    private final String what;
    private final boolean shown;
    private final long startNs = System.nanoTime();
    private long nextNs = startNs + PAUSE_NS;
    private boolean written;

    ProgressLine(PrintStream to, String what) {
        this(to, what, SnapshotCommand.isTerminal(System.console()));
    }

    ProgressLine(PrintStream to, String what, boolean shown) {
        this.to = to;
        this.what = what;
        this.shown = shown;
    }

    void at(long count) {
        long nowNs = System.nanoTime();
        if (shown && nowNs - nextNs >= 0) {
            nextNs = nowNs + PAUSE_NS;
            written = true;
            long perSecond = count * TimeUnit.SECONDS.toNanos(1) / Math.max(1, nowNs - startNs);
            to.printf("\r%,d %s, %,d per second ", count, what, perSecond);
            to.flush();
        }
    }

    void end() {
        if (written) {
            to.println();
        }
    }
}
