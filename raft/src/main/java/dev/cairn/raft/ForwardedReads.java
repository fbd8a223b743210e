package dev.cairn.raft;

/**
 * A follower's reads that wait for a read index of its leader (thesis 6.4). One request is under way at a time and covers
 * all reads that came before it; repeated it keeps its id, for whatever answer comes speaks of a moment behind all of
 * them. Ids rise, and those of an earlier life of this node are others: a late answer answers nothing.
 */
final class ForwardedReads {
    private long waitingReadId;
    private long doneReadId;
    private long lastRequestId;
    private long requestId;
    private long askedReadId;
    private boolean due;

    /** @param salt differs from life to life */
    ForwardedReads(final int salt) {
        lastRequestId = (long) salt << 32;
    }

    void request(final long readId) {
        if (readId <= waitingReadId) {
            throw new IllegalStateException("read id " + readId + " is not above " + waitingReadId);
        }
        waitingReadId = readId;
    }

    boolean isWaiting() {
        return waitingReadId > doneReadId;
    }

    /** The answer may be lost. */
    void askAgain() {
        due = requestId != 0;
    }

    /** Id of the request that must leave now, 0 = none. */
    long takeRequest() {
        if (requestId == 0 && isWaiting()) {
            requestId = ++lastRequestId;
            askedReadId = waitingReadId;
            due = true;
        }
        if (!due) {
            return 0;
        }
        due = false;
        return requestId;
    }

    /** The last read that the answer covers, 0 when it answers nothing that is under way. */
    long onReply(final long answeredRequestId) {
        if (requestId == 0 || answeredRequestId != requestId) {
            return 0;
        }
        requestId = 0;
        doneReadId = askedReadId;
        return askedReadId;
    }

    /** Forgets all reads and the request. */
    void clear() {
        doneReadId = waitingReadId;
        requestId = 0;
        due = false;
    }
}
