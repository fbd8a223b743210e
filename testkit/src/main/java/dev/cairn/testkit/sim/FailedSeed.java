package dev.cairn.testkit.sim;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** A seed that broke a check, made as small as leaving out kinds of trouble makes it, and told so that it can be run again. */
final class FailedSeed {
    private final SimOptions options;
    private final SimReport first;
    private SimReport shortest;
    private final Set<String> without = new LinkedHashSet<>();

    private FailedSeed(SimReport first, SimOptions options) {
        this.first = first;
        this.shortest = first;
        this.options = options;
    }

    /** Leaves out one kind after the other for as long as the same check still breaks, without more events than before. */
    static FailedSeed shrink(SimReport failed, SimOptions options) {
        FailedSeed seed = new FailedSeed(failed, options);
        boolean smaller = true;
        while (smaller) {
            smaller = false;
            for (String kind : FaultKinds.names()) {
                smaller |= !seed.without.contains(kind) && seed.tryWithout(kind);
            }
        }
        return seed;
    }

    private boolean tryWithout(String kind) {
        List<String> kinds = new ArrayList<>(without);
        kinds.add(kind);
        SimReport report = SimCluster.run(first.seed(), FaultKinds.without(kinds, options), null);
        boolean same = report.check().equals(first.check()) && report.events() <= shortest.events();
        if (same) {
            shortest = report;
            without.add(kind);
        }
        return same;
    }

    Set<String> without() {
        return without;
    }

    SimReport shortest() {
        return shortest;
    }

    /** Seed, commit, what broke, the shortest trace's end, and the commands that run both again. */
    String describe() {
        String again = "  mvn -pl testkit -am -Dseed=" + first.seed()
                + " -Dsurefire.failIfNoSpecifiedTests=false -Dtest=SimulatorTest";
        StringBuilder text = new StringBuilder(8192);
        text.append("seed ").append(first.seed()).append(" at commit ").append(commit());
        text.append(" broke ").append(first.check()).append(" after ").append(first.events());
        text.append(" events\n").append(first.violation());
        text.append("\nagain, with the whole trace in testkit/target/sim-").append(first.seed());
        text.append(".trace:\n").append(again).append(" test\n");
        if (without.isEmpty()) {
            return text.append("last lines:\n").append(first.tail()).toString();
        }
        text.append("shortest found, ")
                .append(shortest.events())
                .append(" events:\n")
                .append(again);
        text.append(" -Dsim.without=").append(String.join(",", without)).append(" test\n");
        text.append(shortest.violation()).append("\nits last lines:\n").append(shortest.tail());
        return text.toString();
    }

    /** Of the checkout that this runs in, if it does. */
    private static String commit() {
        try {
            Process git = new ProcessBuilder("git", "rev-parse", "--short=12", "HEAD")
                    .redirectErrorStream(true)
                    .start();
            String answer = new String(git.getInputStream().readAllBytes(), UTF_8).strip();
            return git.waitFor() == 0 ? answer : "unknown";
        } catch (IOException noGit) {
            return "unknown";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "unknown";
        }
    }
}
