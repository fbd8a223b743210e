package dev.cairn.testkit.sim;

import dev.cairn.testkit.LinearizabilityChecker;

/** One operation as its client sees it: the history that is checked at the end. */
final class SimOperation {
    enum Kind {
        OPEN_SESSION,
        PUT,
        DELETE,
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

    /** When it is sent again if nothing is heard; 0 = at the next occasion. */
    long resendNs;

    int transmissions;

    long returnedAt = LinearizabilityChecker.NEVER;
    /** What a get read, or whether a delete found something. */
    long result;

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

    /**
     * As the checker of histories takes it; meaningless for sessions and for reads without an answer.
     *
     * @param order revision of its effect, where there is one
     */
    LinearizabilityChecker.Operation toHistory(long order) {
        LinearizabilityChecker.Kind kindThere = switch (kind) {
            case PUT -> LinearizabilityChecker.Kind.PUT;
            case DELETE -> LinearizabilityChecker.Kind.DELETE;
            default -> LinearizabilityChecker.Kind.GET;
        };
        return new LinearizabilityChecker.Operation(
                kindThere, "k" + key, kind == Kind.PUT ? id : result, invokedAt, returnedAt, order, "op" + id);
    }
}
