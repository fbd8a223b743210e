package dev.cairn.engine;

import dev.cairn.protocol.Status;
import org.agrona.DirectBuffer;

/** Takes the results of a committed batch, on the apply thread, in the order of the log. */
@FunctionalInterface
public interface ResultSink {
    /**
     * Must not throw and must not wait: the batch is already written.
     *
     * @param replySlot as given to {@link StateMachine#apply}; never {@link StateMachine#NOBODY_WAITS}
     * @param revision index of the entry that made the change; 0 where nothing changed. For a repeated command the first one's.
     * @param result result bytes, valid until this call returns; length 0 for commands that answer with status and revision only;
     *     at most {@link StateMachine#MAX_RESULT_BYTES}
     */
    void onResult(long replySlot, Status status, long revision, DirectBuffer result, int offset, int length);
}
