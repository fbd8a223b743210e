package dev.cairn.bench.load;

import org.jspecify.annotations.Nullable;

/** Where the operations of a load report their end, and how long the load goes on. Any thread. */
public interface Outcomes {
    /** Until when operations are due, {@code System.nanoTime()}; may be brought forward while the load runs. */
    long windowEndNs();

    /**
     * An operation has ended.
     *
     * @param amount what came of it, see {@link dev.cairn.bench.targets.LoadTarget#amount}; 0 where there is no such thing
     * @param startNs what the latency counts from
     * @param error its type, null = success
     */
    void record(OperationKind kind, int amount, long startNs, long endNs, @Nullable String error);
}
