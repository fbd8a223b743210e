package dev.cairn.testkit.sim;

import java.util.PriorityQueue;

/**
 * Virtual time: events in the order of their time, those of the same time in the order in which they were scheduled.
 * Nothing else moves the clock.
 */
final class Scheduler {
    private static final class Event implements Comparable<Event> {
        final long atNs;
        final long order;
        final Runnable action;

        Event(long atNs, long order, Runnable action) {
            this.atNs = atNs;
            this.order = order;
            this.action = action;
        }

        @Override
        public int compareTo(Event other) {
            int byTime = Long.compare(atNs, other.atNs);
            return byTime != 0 ? byTime : Long.compare(order, other.order);
        }
    }

    private final PriorityQueue<Event> events = new PriorityQueue<>(1024);
    private long nowNs;
    private long order;
    private long executed;

    long nowNs() {
        return nowNs;
    }

    /** Events executed so far. */
    long executed() {
        return executed;
    }

    /** Schedules for a moment; one that is past means now, behind what is already scheduled for now. */
    void at(long atNs, Runnable action) {
        events.add(new Event(Math.max(atNs, nowNs), order++, action));
    }

    void after(long delayNs, Runnable action) {
        at(nowNs + delayNs, action);
    }

    /** Executes the next event unless it lies behind {@code untilNs}; then the clock stands at {@code untilNs}. */
    boolean step(long untilNs) {
        Event next = events.peek();
        if (next == null || next.atNs > untilNs) {
            nowNs = Math.max(nowNs, untilNs);
            return false;
        }
        events.remove();
        nowNs = next.atNs;
        executed++;
        next.action.run();
        return true;
    }
}
