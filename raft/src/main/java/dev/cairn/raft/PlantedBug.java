package dev.cairn.raft;

/**
 * Mistakes that can be switched on so that the simulator proves it would find them. Never set in production: the only
 * way in is {@link RaftConfig#withPlantedBug}, which nothing but test code calls.
 */
public enum PlantedBug {
    /** An index that was once durable stays so although its entry was truncated and written again. */
    DURABILITY_AS_INDEX,
    /** A follower acknowledges all that is durable, verified against this leader or not. */
    REPLY_NOT_CAPPED_BY_MATCH,
    /** Any hard-state completion of the same term releases a vote, not only the one that holds it. */
    HARD_STATE_COMPLETION_BY_TERM,
    /** Entries of older terms commit by counting replicas (figure 8 of the paper). */
    COMMIT_OLD_TERM_BY_COUNTING,
    /** A leader answers reads before an entry of its own term has committed. */
    READ_BEFORE_OWN_TERM_COMMIT,

    // Votes and terms.
    /** A vote leaves before it is on disk. */
    VOTE_BEFORE_HARD_STATE,
    /** A vote is given to whoever asks, also the second time in a term. */
    TWO_VOTES_IN_A_TERM,
    /** A vote is given whatever the candidate's log holds. */
    VOTE_FOR_OLDER_LOG,
    /** A candidate counts its own vote, and asks for others, before its hard state is on disk. */
    CAMPAIGN_BEFORE_HARD_STATE,
    /** A follower answers in a term that is not on disk. */
    REPLY_BEFORE_HARD_STATE,
    /** A candidate counts votes that were given in earlier terms. */
    VOTES_OF_OLDER_TERMS,

    // Replication.
    /** An AppendEntries ends the log, although what follows matches. */
    SHORT_APPEND_TRUNCATES,
    /** A follower keeps its own entry where the leader's differs. */
    CONFLICT_KEPT,
    /** A follower does what a leader of an older term says. */
    OLD_LEADER_OBEYED,
    /** What an older leader has verified counts as verified by this one. */
    VERIFIED_KEPT_OVER_TERMS,
    /** A follower acknowledges what it has not forced. */
    ACK_BEFORE_FORCE,
    /** A leader counts acknowledgements of an older term. */
    STALE_REPLY_COUNTS,
    /** A leader takes for durable what a peer has only stored. */
    MATCH_FROM_VERIFIED,
    /** Any acknowledgement acknowledges all that was sent. */
    MATCH_FROM_NEXT,
    /** A leader counts itself before its own force. */
    LEADER_COUNTS_UNFORCED,
    /** A follower's commit index is not bounded by what it has verified. */
    FOLLOWER_COMMIT_NOT_CAPPED,
    /** Apply takes what a crash of this host could take away. */
    APPLY_BEYOND_DURABLE,

    // Reads.
    /** A leader does not ask whether it still leads. */
    READ_WITHOUT_ROUND,
    /** A read sees what is applied when it arrives, not what is committed. */
    READ_INDEX_OF_APPLIED,

    // Membership.
    /** A configuration is acted by when it is applied, not when it is appended. */
    CONFIGURATION_WHEN_APPLIED,
    /** A leader changes the membership before an entry of its own term has committed (the bug of 2015 in the thesis). */
    CHANGE_BEFORE_OWN_TERM_COMMIT,

    // Self-repair.
    /** A node votes although its log may lack what it had acknowledged. */
    VOTE_WHILE_REPAIRING,
    /** What a peer acknowledged before it lost some of it counts afterwards. */
    MATCH_KEPT_OVER_EPOCH,
    /** The target of a repair is what the leader happens to know as committed. */
    REPAIR_TARGET_PLAIN_COMMIT,
    /** A repair ends with entries that a crash could take away. */
    REPAIR_ENDS_BEFORE_DURABLE,

    // Leases.
    /** A lease ends after so many ticks of its leader: a leader that was stopped had none. */
    LEASE_ACROSS_PAUSE,
    /** A leader answers by lease before an entry of its own term has committed. */
    LEASE_BEFORE_OWN_TERM_COMMIT,
    /** A lease begins when its round is confirmed, not when it was sent. */
    LEASE_FROM_CONFIRMATION,
    /** A leader that asked another one to campaign goes on answering by lease. */
    LEASE_KEPT_IN_TRANSFER
}
