package dev.cairn.testkit.sim;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.testkit.LinearizabilityChecker;
import dev.cairn.testkit.LinearizabilityChecker.Condition;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One operation as its client sees it: the history that is checked at the end. */
final class SimOperation {
    enum Kind {
        OPEN_SESSION,
        PUT,
        DELETE,
        /** A put on a condition. */
        SWAP,
        ADD,
        BATCH,
        RANGE,
        /** Asks for, or cancels, an operation that was given up. */
        RESOLVE,
        GET,
        STALE_GET
    }

    final long id;
    final int clientId;
    final Kind kind;
    final int key;
    final int valueBytes;
    /** Moment of the invocation: from the number of the trace line, odd; returns are even, so that no two are equal. */
    final long invokedAt;

    /** What was committed then. */
    final long committedBefore;

    final long deadlineNs;

    // Of commands; the same at each transmission.
    final long sessionId;
    final long sequence;
    final long lowestOpen;

    /** Flags of the command. */
    int flags;

    /** Of a SWAP: on one of the two, by its flags. The value's bytes, and the number that they begin with. */
    long expectedRevision;

    byte[] expected = {};
    long expectedValue;

    /** Of an ADD. */
    int difference;

    /** Of a BATCH: its keys, by bits; those not written are deleted. Of a RANGE: the key behind its last. */
    int keySet;

    int writtenSet;
    int toKey;

    /** Of a RESOLVE: the operation whose fate it asks for. */
    @Nullable
    SimOperation asksFor;

    /** It was cancelled before it was executed: no part of the history. */
    boolean cancelled;

    /** Of a GET or STALE_GET, as on the wire. */
    int readMode;

    /** When it is sent again if nothing is heard; 0 = at the next occasion. */
    long resendNs;

    int transmissions;

    long returnedAt = LinearizabilityChecker.NEVER;
    /** What a get read, whether a delete found something, the sum of an ADD. */
    long result;

    /** The condition did not hold. */
    boolean failed;

    SimOperation(
            long id,
            int clientId,
            Kind kind,
            int key,
            int valueBytes,
            long invokedAt,
            long committedBefore,
            long deadlineNs,
            long sessionId,
            long sequence,
            long lowestOpen) {
        this.id = id;
        this.clientId = clientId;
        this.kind = kind;
        this.key = key;
        this.valueBytes = valueBytes;
        this.invokedAt = invokedAt;
        this.committedBefore = committedBefore;
        this.deadlineNs = deadlineNs;
        this.sessionId = sessionId;
        this.sequence = sequence;
        this.lowestOpen = lowestOpen;
    }

    boolean isCommand() {
        return kind != Kind.GET && kind != Kind.STALE_GET;
    }

    boolean isDone() {
        return returnedAt != LinearizabilityChecker.NEVER;
    }

    /** What stands under a key of the history when this operation has written it. */
    String valueText() {
        byte[] bytes = new byte[valueBytes];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(id);
        return new String(bytes, ISO_8859_1);
    }

    /**
     * As the checker of histories takes it, key by key: nothing for sessions, for stale reads and those without an answer, and for what was
     * cancelled.
     *
     * @param order revision of its effect, where there is one
     */
    List<LinearizabilityChecker.Operation> toHistory(long order) {
        List<LinearizabilityChecker.Operation> operations = new ArrayList<>();
        if (cancelled) {
            return operations;
        }
        switch (kind) {
            case PUT -> operations.add(onKey(LinearizabilityChecker.Kind.PUT, key, id, order, Condition.NONE));
            case DELETE ->
                operations.add(onKey(LinearizabilityChecker.Kind.DELETE, key, result, order, Condition.NONE));
            case SWAP -> operations.add(onKey(LinearizabilityChecker.Kind.PUT, key, id, order, condition()));
            case ADD ->
                operations.add(new LinearizabilityChecker.Operation(
                        LinearizabilityChecker.Kind.ADD,
                        "c" + key,
                        difference,
                        invokedAt,
                        returnedAt,
                        order,
                        "op" + id,
                        Condition.NONE,
                        result));
            case BATCH -> {
                for (int item = 0; keySet >> item != 0; item++) {
                    if ((keySet >> item & 1) != 0) {
                        boolean writes = (writtenSet >> item & 1) != 0;
                        operations.add(onKey(
                                writes ? LinearizabilityChecker.Kind.PUT : LinearizabilityChecker.Kind.CLEAR,
                                item,
                                id,
                                order,
                                Condition.NONE));
                    }
                }
            }
            case RANGE -> {
                for (int item = key; item < toKey; item++) {
                    operations.add(onKey(LinearizabilityChecker.Kind.CLEAR, item, 0, order, Condition.NONE));
                }
            }
            case GET -> {
                if (isDone()) {
                    operations.add(onKey(LinearizabilityChecker.Kind.GET, key, result, order, Condition.NONE));
                }
            }
            case OPEN_SESSION, RESOLVE, STALE_GET -> {}
        }
        return operations;
    }

    private Condition condition() {
        return (flags & CommandDescriptor.FLAG_IF_REVISION) != 0
                ? Condition.ifRevision(expectedRevision, !failed)
                : Condition.ifValue(expectedValue, !failed);
    }

    private LinearizabilityChecker.Operation onKey(
            LinearizabilityChecker.Kind kindThere, int onKey, long value, long order, Condition condition) {
        return new LinearizabilityChecker.Operation(
                kindThere, "k" + onKey, value, invokedAt, returnedAt, order, "op" + id, condition, 0);
    }
}
