package dev.cairn.engine;

import dev.cairn.protocol.Status;
import java.util.Arrays;
import org.agrona.concurrent.UnsafeBuffer;

/** Results of the open batch, kept until it is written. Owned by the apply thread; grows to the largest batch. */
final class PendingResults {
    /** The bytes of a result that has none. */
    static final byte[] NO_BYTES = new byte[0];

    private final UnsafeBuffer view = new UnsafeBuffer(NO_BYTES);
    private long[] slots = new long[256];
    private Status[] statuses = new Status[256];
    private long[] revisions = new long[256];
    private byte[][] bytes = new byte[256][];
    private int count;

    /** The bytes are not copied: nobody changes them. */
    void add(long slot, Status status, long revision, byte[] result) {
        if (count == slots.length) {
            slots = Arrays.copyOf(slots, count * 2);
            statuses = Arrays.copyOf(statuses, count * 2);
            revisions = Arrays.copyOf(revisions, count * 2);
            bytes = Arrays.copyOf(bytes, count * 2);
        }
        slots[count] = slot;
        statuses[count] = status;
        revisions[count] = revision;
        bytes[count] = result;
        count++;
    }

    void deliver(ResultSink sink) {
        for (int i = 0; i < count; i++) {
            byte[] result = bytes[i];
            bytes[i] = NO_BYTES;
            if (view.byteArray() != result) {
                view.wrap(result);
            }
            sink.onResult(slots[i], statuses[i], revisions[i], view, 0, result.length);
        }
        if (view.byteArray() != NO_BYTES) {
            view.wrap(NO_BYTES);
        }
        count = 0;
    }
}
