package dev.cairn.raft;

/**
 * The log as the core needs it. Called by the core's thread only.
 *
 * <p>Payload bytes never pass through here: before {@link RaftCore#propose} the driver stages the payload, before
 * {@link RaftCore#onAppendEntries} the message; {@link #append} then takes the bytes that belong to its index.
 * When {@link #append} returns, the entry can be read back, but nothing is durable: durability is reported by
 * {@link RaftCore#onLogDurable} as a log position.
 */
public interface RaftLog {
    /** First index that is present, or {@code lastIndex() + 1} when the log is empty. */
    long firstIndex();

    /** Index of the last entry, 0 when there has never been one. */
    long lastIndex();

    /** Term of an entry in {@code [firstIndex() - 1, lastIndex()]}; index 0 has term 0. */
    long term(long index);

    /** Bytes of an entry in {@code [firstIndex(), lastIndex()]} as it travels to a peer, in bytes. */
    int entryBytes(long index);

    /**
     * The log position behind an entry. Positions only ever grow, also over {@link #truncateSuffix}, and are never
     * used twice: an entry is durable once the durable position has reached its end position.
     */
    long endPosition(long index);

    /**
     * Whether {@link #append} of the staged entry would find room; may make some. A no-op may have room where others have
     * none. False only while the disk is full.
     */
    boolean hasRoom(long index, int type);

    /** Whether there is room by now for what {@link #hasRoom} refused last. */
    boolean hasRoomAgain();

    /** Appends the staged entry at {@code lastIndex() + 1}. */
    void append(long index, long term, int type);

    /**
     * Appends a configuration entry, whose payload the driver makes of the membership.
     *
     * @return false when there is no room for it: nothing was appended
     */
    boolean appendMembership(long index, long term, Membership membership);

    /** What the configuration entry at this index holds. Called when one was appended that came from a leader, and at start. */
    Membership membership(long index);

    /** Index of the first configuration entry in {@code [fromIndex, lastIndex()]}, 0 = none. Called at start. */
    long nextMembership(long fromIndex);

    /** Forgets all entries with an index of at least {@code fromIndex}; later entries supersede them. */
    void truncateSuffix(long fromIndex);

    /**
     * Drops entries up to {@code upToIndex}, or fewer where that is cheaper: {@link #firstIndex} then says how many. The
     * term of the last dropped one stays known.
     */
    void truncatePrefix(long upToIndex);
}
