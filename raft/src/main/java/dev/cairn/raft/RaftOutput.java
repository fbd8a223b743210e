package dev.cairn.raft;

/**
 * What the core wants done. Called on the core's thread, from inside an input method; implementations must not call
 * back into the core. Messages may be lost, delayed, duplicated and reordered; the core assumes nothing else of them.
 */
public interface RaftOutput {
    /**
     * Asks a peer for its vote.
     *
     * @param term the term of the election; with {@code preVote} the term that the sender would start, while its own
     *     stays as it is (thesis 9.6)
     * @param byTransfer the leader asked for this election (thesis 3.10)
     */
    void sendRequestVote(int to, long term, boolean preVote, boolean byTransfer, long lastLogIndex, long lastLogTerm);

    /**
     * Answers {@link #sendRequestVote}.
     *
     * @param term the sender's current term
     * @param requestTerm the term of the request that this answers
     */
    void sendVote(int to, long term, boolean preVote, long requestTerm, boolean granted);

    /**
     * Sends the entries {@code prevLogIndex + 1 .. lastIndex} (none when they are equal), the commit index, and the
     * highest read position. Bytes must be taken from the log before the core is called again.
     */
    void sendAppendEntries(
            int to,
            long term,
            long prevLogIndex,
            long prevLogTerm,
            long lastIndex,
            long commitIndex,
            long readPosition);

    /**
     * Accepts what the leader of {@code term} has sent.
     *
     * @param matchIndex highest index that is durable here and verified against the leader of this term
     * @param verifiedIndex highest index that is in this log, durable or not, and verified against that leader
     * @param readPosition the highest read position received from that leader
     * @param full this node's disk has no room for the entry behind {@code verifiedIndex}
     */
    void sendAppendEntriesAccepted(
            int to, long term, long matchIndex, long verifiedIndex, long readPosition, boolean full);

    /**
     * Rejects an AppendEntries: the log does not hold (prevLogIndex, prevLogTerm), or the sender's term is old.
     *
     * @param prevLogIndex that of the rejected message, 0 when its term is old
     * @param conflictIndex first index that the leader should try, when {@code conflictTerm} does not tell better
     * @param conflictTerm term of the entry at prevLogIndex here, 0 when the log is shorter
     */
    void sendAppendEntriesRejected(
            int to, long term, long prevLogIndex, long conflictIndex, long conflictTerm, long readPosition);

    /** Asks the leader for a read index: what was committed at some moment behind this request (thesis 6.4). */
    void sendReadIndexRequest(int to, long term, long requestId);

    /** Answers {@link #sendReadIndexRequest}; {@code requestId} is that of the request. */
    void sendReadIndexReply(int to, long term, long requestId, long readIndex);

    /** Asks a peer, which holds all of the sender's log, to campaign at once: the sender hands leadership over. */
    void sendTimeoutNow(int to, long term);

    /**
     * Tells a peer that repairs its log up to which index it must hold everything.
     *
     * @param storageEpoch of the peer's log, as it was told here
     */
    void sendRepairTarget(int to, long term, long storageEpoch, long index);

    /**
     * Makes term and vote durable, and whether this log is still under repair. The driver writes states in the order of their sequence (it may skip to the
     * newest) and reports with {@link RaftCore#onHardStateDurable} the sequence that is on disk.
     */
    void persistHardState(long sequence, long term, int votedFor, boolean repairing);

    /** The leader has named the index at which the repair of this log ends. */
    void onRepairTarget(long index);

    /** The repair of this log has ended, durably: answers say so from now on. */
    void onRepairDone();

    /** The commit index of this node rose: entries up to it may be applied here as far as they are durable here. */
    void onCommitAdvanced(long commitIndex);

    /**
     * A peer needs entries that this leader's log has dropped: it is to be offered a snapshot. Repeated at the pace of
     * heartbeats until the peer's log reaches this one's start.
     */
    void onPeerNeedsSnapshot(int peerId);

    /** All reads with an id of at most {@code lastReadId} may be served once {@code readIndex} has been applied. */
    void onReadsConfirmed(long lastReadId, long readIndex);

    /** All reads that are not yet confirmed will not be: the leader that was to confirm them leads no longer. */
    void onReadsFailed();

    /**
     * From now on this node acts by another configuration: that of the entry at {@code index}, which was appended, or which
     * is the last again after a truncation; 0 = that of the settings. Not called at start.
     */
    void onMembershipChanged(long index, Membership membership);

    /** Role, term or known leader changed; {@code leaderId} 0 = unknown. Reason is a fixed text for the log. */
    void onRoleChanged(Role role, long term, int leaderId, String reason);
}
