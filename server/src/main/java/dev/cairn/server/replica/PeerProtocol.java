package dev.cairn.server.replica;

/**
 * Messages between nodes, version 1. Each is a frame with the header of the client protocol, type numbers from 100 and a
 * version of its own, then a fixed block, then (AppendEntries only) entries verbatim as they lie in the log.
 */
public final class PeerProtocol {
    public static final int VERSION = 1;

    public static final int HELLO = 100;
    public static final int HELLO_REPLY = 101;
    public static final int REQUEST_VOTE = 102;
    public static final int VOTE = 103;
    public static final int APPEND_ENTRIES = 104;
    public static final int APPEND_ACCEPTED = 105;
    public static final int APPEND_REJECTED = 106;
    public static final int INSTALL_SNAPSHOT = 107;
    public static final int TIMEOUT_NOW = 108;
    public static final int READ_INDEX_REQUEST = 109;
    public static final int READ_INDEX_REPLY = 110;
    public static final int REPAIR_TARGET = 111;

    private PeerProtocol() {}

    /**
     * First frame of a connection, from the node that dials; the other end answers with the same block and a status.
     *
     * <pre>
     *   0 u32 magic "CARP"        4 u16 version        6 u16 status (reply: a protocol Status, 0 = welcome)
     *   8 i64 cluster id hash    16 i32 node id       20 i32 the node id that is dialled
     *  24 i64 storage id of the sender's data directory
     *  32 i32 purpose: 0 consensus, 1 reading of checkpoints; absent = 0    36 i32 length of the address
     *  40 i64 index of a configuration: of the last one in the log of the node that dials, in a reply of the last one
     *         that is committed there; absent = 0
     *  48 address of the node that dials, host:peerPort:clientPort[:httpPort] in UTF-8
     * </pre>
     *
     * <p>A node that is no member where it dials is welcome when it knows a later configuration than what is committed
     * there: that may name it. Else it is answered {@link dev.cairn.protocol.Status#REFUSED} with that index.
     */
    public static final class Hello {
        public static final int MAGIC = 0x50524143;
        public static final int MAGIC_OFFSET = 0;
        public static final int VERSION_OFFSET = 4;
        public static final int STATUS_OFFSET = 6;
        public static final int CLUSTER_ID_HASH_OFFSET = 8;
        public static final int NODE_ID_OFFSET = 16;
        public static final int TO_NODE_ID_OFFSET = 20;
        public static final int STORAGE_ID_OFFSET = 24;
        public static final int BLOCK_LENGTH = 32;
        public static final int PURPOSE_OFFSET = 32;
        public static final int ADDRESS_LENGTH_OFFSET = 36;
        public static final int BLOCK_LENGTH_WITH_PURPOSE = 40;
        public static final int MEMBERSHIP_INDEX_OFFSET = 40;
        public static final int BLOCK_LENGTH_WITH_MEMBERSHIP = 48;
        public static final int PURPOSE_CHECKPOINTS = 1;

        private Hello() {}
    }

    /**
     * Asks for a vote.
     *
     * <pre>
     *   0 i64 term    8 i64 last log index    16 i64 last log term    24 u8 pre-vote
     *  25 u8 1 = the leader itself asked for this election    26 6 x 0
     * </pre>
     */
    public static final class RequestVote {
        public static final int TERM_OFFSET = 0;
        public static final int LAST_LOG_INDEX_OFFSET = 8;
        public static final int LAST_LOG_TERM_OFFSET = 16;
        public static final int PRE_VOTE_OFFSET = 24;
        public static final int BY_TRANSFER_OFFSET = 25;
        public static final int BLOCK_LENGTH = 32;

        private RequestVote() {}
    }

    /**
     * Answers a vote request.
     *
     * <pre>
     *   0 i64 term    8 i64 term of the request    16 u8 pre-vote    17 u8 granted    18 6 x 0
     * </pre>
     */
    public static final class Vote {
        public static final int TERM_OFFSET = 0;
        public static final int REQUEST_TERM_OFFSET = 8;
        public static final int PRE_VOTE_OFFSET = 16;
        public static final int GRANTED_OFFSET = 17;
        public static final int BLOCK_LENGTH = 24;

        private Vote() {}
    }

    /**
     * Entries, heartbeat, probe and carrier of read positions in one.
     *
     * <pre>
     *   0 i64 term           8 i64 previous index    16 i64 previous term
     *  24 i64 commit index  32 i64 read position     40 i32 number of entries    44 i32 bytes of entries
     *  48 entries, one behind the other without padding, each beginning with its CRC and its length
     * </pre>
     */
    public static final class AppendEntries {
        public static final int TERM_OFFSET = 0;
        public static final int PREV_LOG_INDEX_OFFSET = 8;
        public static final int PREV_LOG_TERM_OFFSET = 16;
        public static final int COMMIT_INDEX_OFFSET = 24;
        public static final int READ_POSITION_OFFSET = 32;
        public static final int ENTRY_COUNT_OFFSET = 40;
        public static final int ENTRIES_LENGTH_OFFSET = 44;
        public static final int BLOCK_LENGTH = 48;

        private AppendEntries() {}
    }

    /**
     * The entries are in the follower's log.
     *
     * <pre>
     *   0 i64 term    8 i64 match index    16 i64 verified index    24 i64 read position
     *  32 u8 room on the disk: 1 = full, nothing finds room behind the verified index, 2 = low, a leader here would
     *        take no writes of clients, 3 = both
     *  33 u8 1 = the log here is under repair    34 6 x 0    40 i64 storage epoch; absent = 0
     * </pre>
     */
    public static final class AppendAccepted {
        public static final int TERM_OFFSET = 0;
        public static final int MATCH_INDEX_OFFSET = 8;
        public static final int VERIFIED_INDEX_OFFSET = 16;
        public static final int READ_POSITION_OFFSET = 24;
        public static final int ROOM_OFFSET = 32;
        public static final int ROOM_FULL = 1;
        public static final int ROOM_LOW = 2;
        public static final int REPAIRING_OFFSET = 33;
        public static final int STORAGE_EPOCH_OFFSET = 40;
        public static final int BLOCK_LENGTH_WITHOUT_EPOCH = 40;
        public static final int BLOCK_LENGTH = 48;

        private AppendAccepted() {}
    }

    /**
     * The follower's log does not hold what precedes the entries.
     *
     * <pre>
     *   0 i64 term    8 i64 previous index    16 i64 conflict index    24 i64 conflict term    32 i64 read position
     *  40 i64 storage epoch    48 u8 1 = the log here is under repair    49 7 x 0; both absent = 0
     * </pre>
     */
    public static final class AppendRejected {
        public static final int TERM_OFFSET = 0;
        public static final int PREV_LOG_INDEX_OFFSET = 8;
        public static final int CONFLICT_INDEX_OFFSET = 16;
        public static final int CONFLICT_TERM_OFFSET = 24;
        public static final int READ_POSITION_OFFSET = 32;
        public static final int STORAGE_EPOCH_OFFSET = 40;
        public static final int REPAIRING_OFFSET = 48;
        public static final int BLOCK_LENGTH_WITHOUT_EPOCH = 40;
        public static final int BLOCK_LENGTH = 56;

        private AppendRejected() {}
    }

    /**
     * To a follower whose log is under repair: it is whole again when it holds everything up to this index.
     *
     * <pre>
     *   0 i64 term    8 i64 storage epoch of the follower's log    16 i64 index
     * </pre>
     */
    public static final class RepairTarget {
        public static final int TERM_OFFSET = 0;
        public static final int STORAGE_EPOCH_OFFSET = 8;
        public static final int INDEX_OFFSET = 16;
        public static final int BLOCK_LENGTH = 24;

        private RepairTarget() {}
    }

    /**
     * The leader's log no longer holds what the follower needs: it shall fetch this snapshot over a connection of its own.
     *
     * <pre>
     *   0 i64 term    8 i64 index    16 i64 term of that index    24 i64 checkpoint id
     * </pre>
     */
    public static final class InstallSnapshot {
        public static final int TERM_OFFSET = 0;
        public static final int INDEX_OFFSET = 8;
        public static final int INDEX_TERM_OFFSET = 16;
        public static final int CHECKPOINT_ID_OFFSET = 24;
        public static final int BLOCK_LENGTH = 32;

        private InstallSnapshot() {}
    }

    /**
     * The leader hands over: the follower shall campaign at once.
     *
     * <pre>
     *   0 i64 term
     * </pre>
     */
    public static final class TimeoutNow {
        public static final int TERM_OFFSET = 0;
        public static final int BLOCK_LENGTH = 8;

        private TimeoutNow() {}
    }

    /**
     * A follower has linearizable reads and asks for an index that its leader knows committed.
     *
     * <pre>
     *   0 i64 term    8 i64 request id
     * </pre>
     */
    public static final class ReadIndexRequest {
        public static final int TERM_OFFSET = 0;
        public static final int REQUEST_ID_OFFSET = 8;
        public static final int BLOCK_LENGTH = 16;

        private ReadIndexRequest() {}
    }

    /**
     * Answers it, behind a round that began after its arrival.
     *
     * <pre>
     *   0 i64 term    8 i64 request id    16 i64 read index
     * </pre>
     */
    public static final class ReadIndexReply {
        public static final int TERM_OFFSET = 0;
        public static final int REQUEST_ID_OFFSET = 8;
        public static final int READ_INDEX_OFFSET = 16;
        public static final int BLOCK_LENGTH = 24;

        private ReadIndexReply() {}
    }
}
