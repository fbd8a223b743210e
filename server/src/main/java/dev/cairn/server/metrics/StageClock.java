package dev.cairn.server.metrics;

/**
 * How long groups of a rising number take through stages, with one reading of the clock per cycle: {@link #began} notes when
 * everything up to a number had begun, {@link #reached} records for each group that a stage has passed since. Loop thread.
 *
 * <p>Holds a bounded number of groups. When more are under way the newest two are one group, timed from the earlier beginning.
 */
public final class StageClock {
    private static final int CAPACITY = 4096;
    private static final int MASK = CAPACITY - 1;

    private final Histogram[] stages;
    private final long[] lastNumbers = new long[CAPACITY];
    private final long[] counts = new long[CAPACITY];
    private final long[] beginningsNs = new long[CAPACITY];
    /** Per stage the group that it reaches next; groups below the slowest stage's are free again. */
    private final long[] nextGroups;

    private long groups;
    private long lastNumber;

    /** @param stages histogram of each stage, in the order in which a group passes them or not */
    public StageClock(final Histogram... stages) {
        this.stages = stages.clone();
        nextGroups = new long[stages.length];
    }

    /** Numbers behind the last call's up to this one began now. */
    public void began(final long number, final long nowNs) {
        if (number <= lastNumber) {
            return;
        }
        final long count = number - lastNumber;
        lastNumber = number;
        if (groups - slowest() == CAPACITY) {
            final int newest = (int) (groups - 1) & MASK;
            lastNumbers[newest] = number;
            counts[newest] += count;
            return;
        }
        final int slot = (int) groups & MASK;
        lastNumbers[slot] = number;
        counts[slot] = count;
        beginningsNs[slot] = nowNs;
        groups++;
    }

    /** The stage has passed everything up to {@code number}. */
    public void reached(final int stage, final long number, final long nowNs) {
        long group = nextGroups[stage];
        while (group < groups && lastNumbers[(int) group & MASK] <= number) {
            final int slot = (int) group & MASK;
            stages[stage].record(nowNs - beginningsNs[slot], counts[slot]);
            group++;
        }
        nextGroups[stage] = group;
    }

    private long slowest() {
        long slowest = Long.MAX_VALUE;
        for (final long next : nextGroups) {
            slowest = Math.min(slowest, next);
        }
        return slowest;
    }

    /** What is under way is not recorded: nobody here learns its end. The next group begins behind {@code number}. */
    public void restartAt(final long number) {
        for (int stage = 0; stage < nextGroups.length; stage++) {
            nextGroups[stage] = groups;
        }
        lastNumber = number;
    }
}
