package dev.cairn.server.metrics;

import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.protocol.MessageType;

/**
 * What the loop counts. All methods that write are the loop's; a cycle reads the clock once for all of them, and a request costs
 * two increments.
 */
public final class LoopMetrics {
    /** Kinds of requests are message types, and behind them the kinds of commands. */
    static final int FIRST_COMMAND_KIND = 32;

    static final int KINDS = FIRST_COMMAND_KIND + 16;
    static final int STATUSES = 64;
    /** Roles as on the wire, 1 to 4. */
    static final int ROLES = 5;

    private static final int STAGE_DURABLE = 0;
    private static final int STAGE_COMMITTED = 1;

    private final Counters levels = new Counters(Level.COUNT);
    private final Counters requests = new Counters(KINDS);
    private final Counters replies = new Counters(STATUSES);
    private final Counters roleChanges = new Counters(ROLES);
    private volatile Peers peers;

    private final Histogram proposeToDurable = Histogram.ofTimes();
    private final Histogram proposeToCommit = Histogram.ofTimes();
    private final Histogram commitToApplied = Histogram.ofTimes();
    private final Histogram readRound = Histogram.ofTimes();
    private final Histogram groupEntries = Histogram.ofSizes(0, 14);
    private final Histogram roll = Histogram.ofTimes();

    private final StageClock proposals = new StageClock(proposeToDurable, proposeToCommit);
    private final StageClock commits = new StageClock(commitToApplied);
    private final StageClock reads = new StageClock(readRound);
    private long lastDurableIndex;
    private long confirmedReadId;

    /** @param peers node ids of the other members */
    public LoopMetrics(final int... peers) {
        this.peers = new Peers(peers);
    }

    /** The other members, and what a leader knows of them. The loop writes, any thread reads. */
    public static final class Peers {
        private final int[] ids;
        private final Counters matchIndexes;

        private Peers(final int... ids) {
            this.ids = ids.clone();
            matchIndexes = new Counters(Math.max(1, ids.length));
        }

        public int count() {
            return ids.length;
        }

        public int id(final int ordinal) {
            return ids[ordinal];
        }

        /** 0 on other nodes than the leader. */
        public void matchIndex(final int ordinal, final long index) {
            matchIndexes.set(ordinal, index);
        }

        public long matchIndex(final int ordinal) {
            return matchIndexes.get(ordinal);
        }
    }

    /** The loop begins a life at these indexes: nothing is under way. */
    public void onStart(final long durableIndex, final long appliedIndex) {
        lastDurableIndex = durableIndex;
        commits.restartAt(appliedIndex);
        reads.restartAt(0);
        confirmedReadId = 0;
    }

    /** A request, well-formed or not. {@code commandKind} matters for the type COMMAND only. */
    public void onRequest(final int type, final int commandKind) {
        requests.increment(
                type == MessageType.COMMAND
                        ? FIRST_COMMAND_KIND + commandKind
                        : Math.min(type & 0xFFFF, FIRST_COMMAND_KIND - 1));
    }

    public void onReply(final int status) {
        replies.increment(status);
    }

    public void onRole(final int role, final long lastIndex) {
        roleChanges.increment(role);
        proposals.restartAt(lastIndex);
    }

    /** Counts at the end of the cycle: a single node confirms a read in the cycle in which it came. */
    public void onReadsConfirmed(final long lastReadId) {
        confirmedReadId = lastReadId;
    }

    public void onReadsFailed(final long lastReadId) {
        reads.restartAt(lastReadId);
    }

    /** End of a cycle. */
    public void onCycle(
            final boolean leads,
            final long lastIndex,
            final long durableIndex,
            final long commitIndex,
            final long appliedIndex,
            final long lastReadId,
            final long nowNs) {
        if (leads) {
            proposals.began(lastIndex, nowNs);
            proposals.reached(STAGE_DURABLE, durableIndex, nowNs);
            proposals.reached(STAGE_COMMITTED, commitIndex, nowNs);
        }
        commits.began(commitIndex, nowNs);
        commits.reached(0, appliedIndex, nowNs);
        reads.began(lastReadId, nowNs);
        reads.reached(0, confirmedReadId, nowNs);
        if (durableIndex != lastDurableIndex) {
            if (durableIndex > lastDurableIndex) {
                groupEntries.record(durableIndex - lastDurableIndex, 1);
            }
            lastDurableIndex = durableIndex;
        }
    }

    /** The log began a new segment, which took the loop so long. */
    public void onRoll(final long ns) {
        roll.record(ns, 1);
    }

    /** Publishes a level: one of {@link Level}. */
    public void level(final int level, final long value) {
        levels.set(level, value);
    }

    /** The members are others from now on. */
    public void peers(final int... nodeIds) {
        peers = new Peers(nodeIds);
    }

    // ---- any thread ----------------------------------------------------------------------------------------------

    public long level(final int level) {
        return levels.get(level);
    }

    /** As they are now. */
    public Peers peers() {
        return peers;
    }

    /** How far behind a peer is in a leader's eyes, entries. */
    long lag(final Peers of, final int ordinal) {
        return Math.max(0, level(Level.LAST_INDEX) - of.matchIndex(ordinal));
    }

    long requests(final int kind) {
        return requests.get(kind);
    }

    long replies(final int status) {
        return replies.get(status);
    }

    long roleChanges(final int role) {
        return roleChanges.get(role);
    }

    Histogram proposeToDurable() {
        return proposeToDurable;
    }

    Histogram proposeToCommit() {
        return proposeToCommit;
    }

    Histogram commitToApplied() {
        return commitToApplied;
    }

    Histogram readRound() {
        return readRound;
    }

    Histogram roll() {
        return roll;
    }

    Histogram groupEntries() {
        return groupEntries;
    }

    /** Name of a kind of requests, empty when it is none. */
    static String kindName(final int kind) {
        return switch (kind) {
            case MessageType.GET -> "get";
            case MessageType.STATUS -> "status";
            case MessageType.MULTI_GET -> "multi_get";
            case MessageType.SCAN -> "scan";
            case MessageType.SCAN_NEXT -> "scan_next";
            case MessageType.SCAN_CLOSE -> "scan_close";
            case MessageType.WAIT_APPLIED -> "wait_applied";
            case MessageType.NODE_DETAILS -> "node_details";
            case MessageType.CHECKPOINT_OPEN -> "checkpoint_open";
            case MessageType.CHECKPOINT_READ -> "checkpoint_read";
            case MessageType.TRANSFER_LEADER -> "transfer_leader";
            case MessageType.CHANGE_MEMBERSHIP -> "change_membership";
            case FIRST_COMMAND_KIND - 1 -> "unknown";
            case FIRST_COMMAND_KIND + CommandDescriptor.KIND_OPEN_SESSION -> "open_session";
            case FIRST_COMMAND_KIND + CommandDescriptor.KIND_CLOSE_SESSION -> "close_session";
            case FIRST_COMMAND_KIND + CommandDescriptor.KIND_PUT -> "put";
            case FIRST_COMMAND_KIND + CommandDescriptor.KIND_DELETE -> "delete";
            case FIRST_COMMAND_KIND + CommandDescriptor.KIND_ADD -> "add";
            case FIRST_COMMAND_KIND + CommandDescriptor.KIND_PUT_BATCH -> "put_batch";
            case FIRST_COMMAND_KIND + CommandDescriptor.KIND_DELETE_RANGE -> "delete_range";
            case FIRST_COMMAND_KIND + CommandDescriptor.KIND_RESOLVE -> "resolve";
            default -> "";
        };
    }
}
