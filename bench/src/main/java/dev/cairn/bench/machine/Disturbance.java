package dev.cairn.bench.machine;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Something that a node has done beside requests, from {@code beginUs} to before {@code endUs}, both in microseconds since 1970.
 *
 * @param node the node's id
 */
public record Disturbance(Kind kind, String node, long beginUs, long endUs) {
    /** What it was. */
    public enum Kind {
        /** Of the store's state, its own flush included. */
        CHECKPOINT,
        /** Of the log, to its next segment. */
        ROLL,
        FLUSH,
        COMPACTION;

        /** As in files and plots. */
        public String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Behind a roll: the first forces of the new segment, and what housekeeping does about its successor. */
    public static final long BEHIND_ROLL_US = TimeUnit.MILLISECONDS.toMicros(50);

    /** A line's time is cut to milliseconds, so what it tells may have been this much later. */
    private static final long STAMP_US = TimeUnit.MILLISECONDS.toMicros(1);

    /**
     * What the logs of all nodes tell of, by its begin. What has begun and not ended lasts for ever: it was under way when the logs were
     * read; if the node's process or its store has ended before, until then. An end without a begin is left out.
     *
     * @param events of each node in the order of its log
     */
    public static List<Disturbance> in(List<NodeEvent> events) {
        List<Disturbance> found = new ArrayList<>();
        Map<String, NodeEvent> open = new HashMap<>();
        for (NodeEvent event : events) {
            switch (event.name()) {
                case "snapshot.taken" ->
                    found.add(lasted(
                            Kind.CHECKPOINT,
                            event,
                            TimeUnit.MILLISECONDS.toMicros(event.number("ms").orElse(0)) + STAMP_US,
                            STAMP_US));
                case "log.rolled" ->
                    found.add(lasted(Kind.ROLL, event, event.number("us").orElse(0), STAMP_US + BEHIND_ROLL_US));
                case "store.flush.start", "store.compaction.start" -> open.put(job(event), event);
                case "store.flush.done", "store.compaction.done" -> {
                    NodeEvent begin = open.remove(job(event));
                    if (begin != null) {
                        found.add(job(begin, microseconds(event.time()) + STAMP_US));
                    }
                }
                // The first line of a process that logs these, and the end of a store that another one replaces.
                case "log.verbose", "snapshot.install.start" -> {
                    open.values().stream()
                            .filter(begin -> begin.node().equals(event.node()))
                            .forEach(begin -> found.add(job(begin, microseconds(event.time()))));
                    open.values().removeIf(begin -> begin.node().equals(event.node()));
                }
                default -> {}
            }
        }
        open.values().forEach(begin -> found.add(job(begin, Long.MAX_VALUE)));
        found.sort(Comparator.comparingLong(Disturbance::beginUs));
        return found;
    }

    private static Disturbance lasted(Kind kind, NodeEvent end, long beforeUs, long behindUs) {
        long endUs = microseconds(end.time());
        return new Disturbance(kind, end.node(), endUs - beforeUs, endUs + behindUs);
    }

    private static Disturbance job(NodeEvent begin, long endUs) {
        Kind kind = begin.name().startsWith("store.flush") ? Kind.FLUSH : Kind.COMPACTION;
        return new Disturbance(kind, begin.node(), microseconds(begin.time()), endUs);
    }

    private static String job(NodeEvent event) {
        return event.node() + '/' + event.number("job").orElse(0);
    }

    private static long microseconds(Instant time) {
        return ChronoUnit.MICROS.between(Instant.EPOCH, time);
    }
}
