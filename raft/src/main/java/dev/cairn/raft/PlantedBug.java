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
    READ_BEFORE_OWN_TERM_COMMIT
}
