package dev.cairn.client;

/** What became of a write whose outcome was unknown: see {@link OutcomeUnknownException#resolve()}. */
public sealed interface Resolution {
    /**
     * The write was executed, once.
     *
     * @param revision its revision
     * @param result what the call would have returned: {@link PutResult}, {@link DeleteResult}, {@link WriteResult}, {@link
     *     CounterResult}, {@link BatchResult} or {@link DeleteRangeResult}
     */
    record Executed(long revision, Object result) implements Resolution {}

    /** The write was not executed and never will be: the cluster has cancelled it. It may be called again. */
    record NotExecuted() implements Resolution {}

    /**
     * The write was executed and changed nothing, as an addition to a text that is no number.
     *
     * @param reason what the call would have thrown
     */
    record Rejected(RequestRejectedException reason) implements Resolution {}

    /** Whether the write took effect. */
    default boolean executed() {
        return this instanceof Executed;
    }
}
