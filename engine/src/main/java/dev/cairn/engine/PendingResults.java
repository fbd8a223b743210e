package dev.cairn.engine;

import dev.cairn.protocol.Status;
import java.util.Arrays;
import org.agrona.concurrent.UnsafeBuffer;

/** Results of the open batch, kept until it is written. Owned by the apply thread; grows to the largest batch. */
final class PendingResults {
    private static final UnsafeBuffer NO_RESULT = new UnsafeBuffer(0, 0);

    private long[] slots = new long[256];
    private Status[] statuses = new Status[256];
    private long[] revisions = new long[256];
    private int count;

    void add(long slot, Status status, long revision) {
        if (count == slots.length) {
            slots = Arrays.copyOf(slots, count * 2);
            statuses = Arrays.copyOf(statuses, count * 2);
            revisions = Arrays.copyOf(revisions, count * 2);
        }
        slots[count] = slot;
        statuses[count] = status;
        revisions[count] = revision;
        count++;
    }

    void deliver(ResultSink sink) {
        for (int i = 0; i < count; i++) {
            sink.onResult(slots[i], statuses[i], revisions[i], NO_RESULT, 0, 0);
        }
        count = 0;
    }
}
