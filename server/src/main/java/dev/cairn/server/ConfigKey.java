package dev.cairn.server;

import java.util.Locale;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The table of all configuration keys: the parser, the error messages and {@code docs/configuration.md} are made from
 * it, so that they cannot disagree.
 */
public enum ConfigKey {
    CLUSTER_ID(
            "cluster.id",
            Kind.TEXT,
            "characters",
            null,
            1,
            63,
            "Name of the cluster. Nodes and clients of another cluster are refused by it."),
    NODE_ID("node.id", Kind.INTEGER, "", null, 1, Member.MAX_ID, "Id of this node; one of `cluster.members`."),
    CLUSTER_MEMBERS(
            "cluster.members",
            Kind.MEMBERS,
            "",
            null,
            1,
            Member.MAX_MEMBERS,
            "All voters of a new cluster, this node included, the same list on each node. The HTTP port may be left out; "
                    + "it is what a gateway tells its users when another node leads. Once members were added or removed "
                    + "the nodes' logs say who they are, and of this list a node heeds only its own entry."),
    CLUSTER_JOIN(
            "cluster.join",
            Kind.SWITCH,
            "",
            "false",
            0,
            0,
            "true = this node is to be added to a cluster that exists (`kvctl member add`): of `cluster.members` only its "
                    + "own entry counts, it begins with an empty log, and it neither votes nor campaigns before the "
                    + "cluster has made it a voter. May stay true afterwards."),
    DATA_DIR(
            "data.dir",
            Kind.PATH,
            "",
            null,
            1,
            4096,
            "Directory of this node's log and data, made at the first start. A relative path starts at the working "
                    + "directory."),
    PEER_LISTEN(
            "peer.listen",
            Kind.ADDRESS,
            "",
            "",
            0,
            0,
            "Where other nodes reach this one. Empty = host and peer port of this node in `cluster.members`."),
    CLIENT_LISTEN(
            "client.listen",
            Kind.ADDRESS,
            "",
            "",
            0,
            0,
            "Where clients reach this node. Empty = host and client port of this node in `cluster.members`."),
    HTTP_LISTEN(
            "http.listen",
            Kind.ADDRESS,
            "",
            "",
            0,
            0,
            "Where the HTTP gateway listens. Empty = host and HTTP port of this node in `cluster.members`, or off where "
                    + "that names none."),
    RAFT_PRESET(
            "raft.preset",
            Kind.PRESET,
            "",
            "default",
            0,
            0,
            "Timings as a set, see below; the `raft.*.ms` keys override single ones."),
    RAFT_TICK_MS(
            "raft.tick.ms",
            Kind.INTEGER,
            "ms",
            "10",
            1,
            1000,
            "Step of the consensus clock; the other timings are rounded up to whole ticks."),
    RAFT_HEARTBEAT_MS(
            "raft.heartbeat.ms",
            Kind.INTEGER,
            "ms",
            "by preset",
            1,
            60_000,
            "Longest silence of a leader towards a follower. At least `raft.tick.ms`."),
    RAFT_ELECTION_MIN_MS(
            "raft.election.min.ms",
            Kind.INTEGER,
            "ms",
            "by preset",
            2,
            600_000,
            "A follower that hears no leader for this long may campaign. At least twice `raft.heartbeat.ms`."),
    RAFT_ELECTION_MAX_MS(
            "raft.election.max.ms",
            Kind.INTEGER,
            "ms",
            "by preset",
            3,
            1_200_000,
            "Upper end of the random election timeout. Above `raft.election.min.ms`."),
    WAL_SEGMENT_BYTES(
            "wal.segment.bytes",
            Kind.BYTES,
            "bytes",
            "64MiB",
            1 << 20,
            1 << 30,
            "Size of one log segment, a multiple of 4 KiB. Two spares of this size are kept ready, and up to four segments that"
                    + " snapshots made superfluous wait to become spares; where the disk does not keep up with that, writes go"
                    + " on in short segments of 1 MiB."),
    WAL_WRITER(
            "wal.writer",
            Kind.WRITER,
            "",
            "auto",
            0,
            0,
            "How the log is written: by one write per group through a channel, or by stores through a mapping, which becomes "
                    + "channel where a self-test at start finds that the file system makes it slow. auto = channel, "
                    + "which measures faster. Reading is mapped with both."),
    WAL_REPAIR(
            "wal.repair",
            Kind.REPAIR,
            "",
            "auto",
            0,
            0,
            "What a node does at start whose log is damaged where it may have acknowledged something. auto = in a cluster of "
                    + "at least three it sets the damaged files aside, takes no part in votes and majorities, and lets "
                    + "the others bring back what is lost; in a smaller one it stops. off = it stops and changes "
                    + "nothing."),
    WAL_SLOW_FORCE_MS(
            "wal.slow.force.ms",
            Kind.INTEGER,
            "ms",
            "100",
            1,
            60_000,
            "A write forced to disk that takes longer than this counts as slow: in `cairn_log_slow_forces_total`, and in a "
                    + "line of the log, `log.slow`, at most one every ten seconds."),
    SNAPSHOT_LOG_BYTES(
            "snapshot.log.bytes",
            Kind.BYTES,
            "bytes",
            "256MiB",
            1 << 20,
            1L << 40,
            "Log written since the last snapshot that makes the node take the next one; 10 Mi entries do so, too, for the "
                    + "log's index takes 12 bytes of memory for each."),
    SNAPSHOT_ENTRIES(
            "snapshot.entries",
            Kind.INTEGER,
            "entries",
            "0",
            0,
            2_000_000_000,
            "Entries applied since the last snapshot that make the node take the next one; 0 = not for that reason."),
    SNAPSHOT_INTERVAL_S(
            "snapshot.interval.s",
            Kind.INTEGER,
            "s",
            "0",
            0,
            31_536_000,
            "Time since the last snapshot after which the node takes the next one if anything was written; 0 = not for "
                    + "that reason."),
    SNAPSHOT_KEEP_LOG_BYTES(
            "snapshot.keep.log.bytes",
            Kind.BYTES,
            "bytes",
            "64MiB",
            0,
            1L << 40,
            "Log that stays although a snapshot holds it, in whole segments, so that a node that was away for a moment "
                    + "catches up from the log; not of more than 10 Mi entries."),
    SNAPSHOT_TRANSFER_BYTES_PER_S(
            "snapshot.transfer.bytes.per.s",
            Kind.BYTES,
            "bytes per second",
            "32MiB",
            0,
            1L << 40,
            "Bound of what this node sends of its snapshots to other nodes and to `kvctl snapshot save`, all together; "
                    + "0 = none."),
    SNAPSHOT_RETAIN_MAX_LOG_BYTES(
            "snapshot.retain.max.log.bytes",
            Kind.BYTES,
            "bytes",
            "4GiB",
            1 << 20,
            1L << 40,
            "Log that is kept for a node that catches up by a snapshot. Beyond it, or beyond 20 Mi entries, writes are "
                    + "slowed down, a quarter beyond it that node has to begin again."),
    STORE_TABLE_BYTES(
            "store.table.bytes",
            Kind.BYTES,
            "bytes",
            "32MiB",
            1 << 20,
            64 << 20,
            "Rows that are gathered in memory, in each of two tables outside of the heap, before they go to RocksDB together: "
                    + "with more, writes cost less processor time; after a crash up to two tables more are applied again "
                    + "from the log, and `disk.reserve.bytes` has to be larger by five times what is added."),
    DISK_RESERVE_BYTES(
            "disk.reserve.bytes",
            Kind.BYTES,
            "bytes",
            "448MiB",
            0,
            1L << 40,
            "Free space on the disk of `data.dir` below which this node takes no writes of clients and makes no further "
                    + "segment of its log: room for what must be written all the same. The default holds all that the "
                    + "store gathers in memory, one step of its compaction, and one segment."),
    NET_CLIENT_LOOPS(
            "net.client.loops",
            Kind.INTEGER,
            "threads",
            "0",
            0,
            64,
            "Threads of their own for client sockets; 0 = clients are served on the consensus loop. This version knows "
                    + "only 0: another value is checked, a warning is logged, and 0 is used.");

    /** What a value looks like. */
    enum Kind {
        TEXT("text"),
        INTEGER("whole number"),
        BYTES("size"),
        ADDRESS("`host:port`"),
        MEMBERS("`id=host:peerPort:clientPort[:httpPort],...`"),
        PATH("path"),
        PRESET("word"),
        WRITER("word"),
        SWITCH("`true` or `false`"),
        REPAIR("word");

        private final String text;

        Kind(String text) {
            this.text = text;
        }

        String text() {
            return text;
        }
    }

    private final String key;
    private final Kind kind;
    private final String unit;
    private final @Nullable String defaultText;
    private final long min;
    private final long max;
    private final String doc;

    ConfigKey(String key, Kind kind, String unit, @Nullable String defaultText, long min, long max, String doc) {
        this.key = key;
        this.kind = kind;
        this.unit = unit;
        this.defaultText = defaultText;
        this.min = min;
        this.max = max;
        this.doc = doc;
    }

    /** As written in a properties file. */
    public String key() {
        return key;
    }

    Kind kind() {
        return kind;
    }

    String unit() {
        return unit;
    }

    /** Null for a key that must be given. */
    @Nullable
    String defaultText() {
        return defaultText;
    }

    /** Lower bound of a number, of a text's length, or of a list's size. */
    long min() {
        return min;
    }

    long max() {
        return max;
    }

    String doc() {
        return doc;
    }

    /** Name of the environment variable that overrides the file. */
    public String environmentName() {
        return "CAIRN_" + key.replace('.', '_').toUpperCase(Locale.ROOT);
    }

    /** For a key of text: whether this may stand there. */
    public boolean allowsText(String text) {
        int length = text.codePointCount(0, text.length());
        return length >= min
                && length <= max
                && text.codePoints().noneMatch(c -> Character.isISOControl(c) || !Character.isDefined(c));
    }

    /** What may stand there, for error messages and the reference. */
    public String allowed() {
        return switch (kind) {
            case TEXT -> min + " to " + max + " printable characters";
            case INTEGER -> "a whole number from " + min + " to " + max + (unit.isEmpty() ? "" : " (" + unit + ")");
            case BYTES ->
                "a size from " + bytesText(min) + " to " + bytesText(max)
                        + ", in bytes or with KiB, MiB or GiB, a multiple of 4KiB";
            case ADDRESS ->
                "host:port with a port from 1 to " + Address.MAX_PORT + ", an IPv6 host in brackets, or empty";
            case MEMBERS ->
                "1 to " + max + " of id=host:peerPort:clientPort, separated by commas, ids from 1 to " + Member.MAX_ID;
            case PATH -> "the path of a directory";
            case PRESET -> words(RaftPreset.values(), RaftPreset::text);
            case WRITER -> words(WalWriter.values(), WalWriter::text);
            case REPAIR -> words(WalRepair.values(), WalRepair::text);
            case SWITCH -> "true or false";
        };
    }

    private static <T> String words(T[] values, Function<T, String> text) {
        return Stream.of(values).map(text).collect(Collectors.joining(", ", "one of ", ""));
    }

    static String bytesText(long bytes) {
        if (bytes % (1L << 30) == 0) {
            return (bytes >> 30) + "GiB";
        }
        if (bytes % (1L << 20) == 0) {
            return (bytes >> 20) + "MiB";
        }
        return bytes % (1L << 10) == 0 ? (bytes >> 10) + "KiB" : Long.toString(bytes);
    }
}
