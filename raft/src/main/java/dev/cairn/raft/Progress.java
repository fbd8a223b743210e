package dev.cairn.raft;

/** What a leader knows about one peer, in the leader's current term. */
final class Progress {
    enum State {
        /** The match is unknown: one empty AppendEntries at a time looks for it. */
        PROBE,
        /** The match is known: entries are streamed ahead of their acknowledgements, within the window. */
        REPLICATE,
        /** The peer lacks what this log has dropped: it gets heartbeats and the offer of a snapshot until it has it. */
        SNAPSHOT
    }

    final int nodeId;
    final Inflights inflights = new Inflights();
    final PeerStorage storage = new PeerStorage();
    State state = State.PROBE;
    /** Next index to send; in REPLICATE it runs ahead of what the peer has acknowledged. */
    long nextIndex;
    /** Highest index that the peer holds durably and has verified against this leader. */
    long matchIndex;
    /** Highest read position that the peer has echoed. */
    long readPosition;
    /** A probe is out and neither answered nor given up by a heartbeat. */
    boolean probeOutstanding;
    /** Ticks since the peer was heard last. */
    int silentTicks;
    /** A message must leave at the next flush, even without entries. */
    boolean messageDue;
    /** The peer's disk is full: it gets heartbeats, and entries again when its answer says that it has room. */
    boolean full;
    /** In SNAPSHOT: the offer must be made at the next flush. */
    boolean offerDue;

    /** The peer's own request for a read index that is not answered yet, 0 = none. */
    long readRequestId;
    /** The round that answers it, 0 = it waits for one. */
    long readRequestPosition;
    /** What that round will answer. */
    long readRequestIndex;
    /** The peer was heard in this term. */
    boolean heard;
    // Rounds of a learner that catches up (thesis 4.2.1): each brings it to where the log ended when the round began.
    long roundTarget;
    int roundTicks;
    boolean caughtUp;

    Progress(final int nodeId) {
        this.nodeId = nodeId;
    }

    /** Raft 5.3: a new leader starts with nextIndex just behind its own log. */
    void becomeLeaderOf(final long lastIndex) {
        matchIndex = 0;
        readPosition = 0;
        readRequestId = 0;
        silentTicks = 0;
        messageDue = true;
        full = false;
        heard = false;
        startRound(lastIndex);
        caughtUp = false;
        storage.becomeLeaderOf();
        probeFrom(lastIndex + 1);
    }

    /** The peer has lost something that it had acknowledged: nothing is known of its log any more. */
    void forget(final long lastIndex) {
        matchIndex = 0;
        readPosition = 0;
        caughtUp = false;
        probeFrom(lastIndex + 1);
        messageDue = true;
    }

    /** What counts for a commit: nothing of a peer that repairs its log. */
    long countedMatchIndex() {
        return storage.isRepairing() ? 0 : matchIndex;
    }

    /** What counts for a round of reads. */
    long countedReadPosition() {
        return storage.isRepairing() ? 0 : readPosition;
    }

    private void startRound(final long lastIndex) {
        roundTarget = lastIndex;
        roundTicks = 0;
    }

    /** A tick of the leader: the learner has caught up while a round takes no longer than {@code maxTicks}. */
    void measureRound(final long lastIndex, final int maxTicks) {
        if (matchIndex >= roundTarget) {
            caughtUp = roundTicks <= maxTicks;
            startRound(lastIndex);
        } else if (++roundTicks > maxTicks) {
            caughtUp = false;
        }
    }

    boolean wasHeardWithin(final int ticks) {
        return heard && silentTicks < ticks;
    }

    void probeFrom(final long index) {
        state = State.PROBE;
        nextIndex = Math.max(index, matchIndex + 1);
        probeOutstanding = false;
        inflights.clear();
    }

    /** The peer has refused the very entry before this log's first: only a snapshot brings it further. */
    void awaitSnapshot() {
        state = State.SNAPSHOT;
        probeOutstanding = false;
        offerDue = true;
        inflights.clear();
    }

    void replicateFrom(final long index) {
        state = State.REPLICATE;
        nextIndex = Math.max(index, matchIndex + 1);
        probeOutstanding = false;
    }
}
