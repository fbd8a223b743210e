package dev.cairn.server;

import dev.cairn.protocol.ClusterIdHash;
import dev.cairn.server.snapshot.SnapshotConfig;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Everything that a node is told, checked and typed; immutable. Made from a properties file, then the environment
 * ({@code CAIRN_...}), then {@code --set} flags; the keys stand in {@link ConfigKey}. Reading it creates nothing.
 */
public final class NodeConfig {
    /** The option that makes a node log at DEBUG. */
    static final String VERBOSE = "--verbose";

    private final String clusterId;
    private final long clusterIdHash;
    private final List<Member> members;
    private final boolean joining;
    private final Member self;
    private final Path dataDir;
    private final Address peerListen;
    private final Address clientListen;
    private final @Nullable Address httpListen;
    private final RaftPreset raftPreset;
    private final int raftTickMs;
    private final int raftHeartbeatMs;
    private final int raftElectionMinMs;
    private final int raftElectionMaxMs;
    private final int walSegmentBytes;
    private final WalWriter walWriter;
    private final WalRepair walRepair;
    private final int walSlowForceMs;
    private final SnapshotConfig snapshots;
    private final int storeTableBytes;
    private final long diskReserveBytes;
    private final int netClientLoops;
    private final List<String> warnings;

    /**
     * From a node's command line: {@code FILE.properties [--set key=value]... [--preset word] [--verbose]}. The file may be left out when
     * environment and flags say all that is needed.
     *
     * @throws ConfigException with every problem found
     */
    public static NodeConfig fromArguments(List<String> arguments, Map<String, String> environment) {
        Path file = null;
        List<String> flags = new ArrayList<>();
        List<String> problems = new ArrayList<>();
        for (int i = 0; i < arguments.size(); i++) {
            String argument = arguments.get(i);
            if (argument.startsWith("--set=")) {
                flags.add(argument.substring("--set=".length()));
            } else if (argument.equals("--set")) {
                if (i + 1 < arguments.size()) {
                    flags.add(arguments.get(++i));
                } else {
                    problems.add("--set needs key=value behind it");
                }
            } else if (argument.startsWith("--preset=")) {
                flags.add(ConfigKey.RAFT_PRESET.key() + "=" + argument.substring("--preset=".length()));
            } else if (argument.equals("--preset")) {
                if (i + 1 < arguments.size()) {
                    flags.add(ConfigKey.RAFT_PRESET.key() + "=" + arguments.get(++i));
                } else {
                    problems.add("--preset needs a word behind it: fast, default, debug or demo");
                }
            } else if (argument.startsWith("-")) {
                // Whoever writes the log reads that one, see NodeMain.
                if (!argument.equals(VERBOSE)) {
                    problems.add(
                            "unknown option " + argument + "; known are --set key=value, --preset word, --verbose");
                }
            } else if (file == null) {
                file = Path.of(argument);
            } else {
                problems.add("a second properties file was given: " + argument);
            }
        }
        if (!problems.isEmpty()) {
            throw new ConfigException(problems);
        }
        return read(file, environment, flags);
    }

    /**
     * From file, environment and flags, later ones win.
     *
     * @param file properties file in UTF-8, or null
     * @param environment of the process; only names that begin with {@code CAIRN_} matter
     * @param flags {@code key=value} each
     * @throws ConfigException with every problem found
     */
    public static NodeConfig read(@Nullable Path file, Map<String, String> environment, List<String> flags) {
        ConfigReader reader = new ConfigReader();
        if (file != null) {
            reader.readFile(file);
        }
        reader.readEnvironment(environment);
        for (String flag : flags) {
            reader.readFlag(flag);
        }
        return new NodeConfig(reader);
    }

    /**
     * From keys and values alone, as tests and embedded nodes need it.
     *
     * @throws ConfigException with every problem found
     */
    public static NodeConfig of(Map<String, String> values) {
        ConfigReader reader = new ConfigReader();
        values.forEach((key, value) -> reader.readFlag(key + "=" + value));
        return new NodeConfig(reader);
    }

    private NodeConfig(ConfigReader reader) {
        clusterId = reader.readText(ConfigKey.CLUSTER_ID);
        clusterIdHash = ClusterIdHash.of(clusterId);
        int nodeId = reader.readInt(ConfigKey.NODE_ID, 0);
        members = reader.readMembers(ConfigKey.CLUSTER_MEMBERS);
        joining = reader.readSwitch(ConfigKey.CLUSTER_JOIN);
        self = findSelf(reader, nodeId);
        dataDir = reader.readPath(ConfigKey.DATA_DIR);
        peerListen = orElse(reader.readAddress(ConfigKey.PEER_LISTEN), self.peerAddress());
        clientListen = orElse(reader.readAddress(ConfigKey.CLIENT_LISTEN), self.clientAddress());
        Address http = reader.readAddress(ConfigKey.HTTP_LISTEN);
        httpListen = http == null ? self.httpAddress() : http;
        requireOwnPorts(reader);
        raftPreset = reader.readPreset(ConfigKey.RAFT_PRESET);
        int readable = reader.problemCount();
        raftTickMs = reader.readInt(ConfigKey.RAFT_TICK_MS, 1);
        raftHeartbeatMs = readTiming(reader, ConfigKey.RAFT_HEARTBEAT_MS, raftPreset.heartbeatMs());
        raftElectionMinMs = readTiming(reader, ConfigKey.RAFT_ELECTION_MIN_MS, raftPreset.electionMinMs());
        raftElectionMaxMs = readTiming(reader, ConfigKey.RAFT_ELECTION_MAX_MS, raftPreset.electionMaxMs());
        if (reader.problemCount() == readable) {
            requireOrderOfTimings(reader);
        }
        walSegmentBytes = (int) reader.readBytes(ConfigKey.WAL_SEGMENT_BYTES);
        walWriter = reader.readWriter(ConfigKey.WAL_WRITER);
        walRepair = reader.readRepair(ConfigKey.WAL_REPAIR);
        walSlowForceMs = reader.readInt(ConfigKey.WAL_SLOW_FORCE_MS, 1);
        snapshots = new SnapshotConfig(
                reader.readBytes(ConfigKey.SNAPSHOT_LOG_BYTES),
                reader.readInt(ConfigKey.SNAPSHOT_ENTRIES, 0),
                TimeUnit.SECONDS.toNanos(reader.readInt(ConfigKey.SNAPSHOT_INTERVAL_S, 0)),
                reader.readBytes(ConfigKey.SNAPSHOT_KEEP_LOG_BYTES),
                reader.readBytes(ConfigKey.SNAPSHOT_TRANSFER_BYTES_PER_S),
                reader.readBytes(ConfigKey.SNAPSHOT_RETAIN_MAX_LOG_BYTES));
        storeTableBytes = Math.toIntExact(reader.readBytes(ConfigKey.STORE_TABLE_BYTES));
        diskReserveBytes = reader.readBytes(ConfigKey.DISK_RESERVE_BYTES);
        netClientLoops = reader.readInt(ConfigKey.NET_CLIENT_LOOPS, 0);
        reader.throwIfAnyProblem();
        warnings = findWarnings();
    }

    private Member findSelf(ConfigReader reader, int nodeId) {
        for (Member member : members) {
            if (member.id() == nodeId) {
                return member;
            }
        }
        // Each of the two may be a problem of its own already; then this rule would only repeat it.
        reader.require(
                nodeId == 0 || members.isEmpty(),
                "node.id=" + nodeId + " is not in cluster.members; allowed are the ids "
                        + members.stream().map(Member::id).toList());
        return new Member(1, "stand-in", 1, 2);
    }

    private void requireOwnPorts(ConfigReader reader) {
        Address http = httpListen;
        reader.require(
                !peerListen.equals(clientListen),
                "peer.listen and client.listen are the same address " + peerListen + "; each needs a port of its own");
        reader.require(
                http == null || !(http.equals(peerListen) || http.equals(clientListen)),
                "http.listen=" + http + " is the address of peer.listen or client.listen; it needs a port of its own");
    }

    private static int readTiming(ConfigReader reader, ConfigKey key, int ofPreset) {
        return reader.isGiven(key) ? reader.readInt(key, ofPreset) : ofPreset;
    }

    private void requireOrderOfTimings(ConfigReader reader) {
        reader.require(
                raftHeartbeatMs >= raftTickMs,
                "raft.heartbeat.ms=" + raftHeartbeatMs + " is below raft.tick.ms=" + raftTickMs
                        + "; at least one tick is needed");
        reader.require(
                raftElectionMinMs >= 2 * raftHeartbeatMs,
                "raft.election.min.ms=" + raftElectionMinMs + " is below twice raft.heartbeat.ms=" + raftHeartbeatMs
                        + "; at least " + 2 * raftHeartbeatMs + " is needed, else one late heartbeat is an election");
        reader.require(
                raftElectionMaxMs > raftElectionMinMs,
                "raft.election.max.ms=" + raftElectionMaxMs + " is not above raft.election.min.ms=" + raftElectionMinMs
                        + "; without a range to draw from, nodes campaign together");
    }

    private List<String> findWarnings() {
        List<String> found = new ArrayList<>();
        if (netClientLoops > 0) {
            found.add("net.client.loops=" + netClientLoops + " has no effect: this version knows only 0");
        }
        return List.copyOf(found);
    }

    private static Address orElse(@Nullable Address address, Address otherwise) {
        return address == null ? otherwise : address;
    }

    public String clusterId() {
        return clusterId;
    }

    /** What frames and files carry for the name: {@link ClusterIdHash}. */
    public long clusterIdHash() {
        return clusterIdHash;
    }

    public int nodeId() {
        return self.id();
    }

    /** All voters by rising id, this node included. */
    public List<Member> members() {
        return members;
    }

    /** Whether this node is to be added to a cluster that exists. */
    public boolean isJoining() {
        return joining;
    }

    /**
     * The voters as long as no configuration in the log says otherwise, {@code host:peerPort:clientPort[:httpPort]} by node
     * id; empty on a node that is to be added.
     */
    Map<Integer, String> bootstrapAddresses() {
        return joining ? Map.of() : members.stream().collect(Collectors.toUnmodifiableMap(Member::id, Member::address));
    }

    /** This node's entry in {@link #members()}. */
    public Member self() {
        return self;
    }

    public Path dataDir() {
        return dataDir;
    }

    public Address peerListen() {
        return peerListen;
    }

    public Address clientListen() {
        return clientListen;
    }

    /** Null = no gateway. */
    public @Nullable Address httpListen() {
        return httpListen;
    }

    public RaftPreset raftPreset() {
        return raftPreset;
    }

    public int raftTickMs() {
        return raftTickMs;
    }

    public int raftHeartbeatMs() {
        return raftHeartbeatMs;
    }

    public int raftElectionMinMs() {
        return raftElectionMinMs;
    }

    public int raftElectionMaxMs() {
        return raftElectionMaxMs;
    }

    /** A multiple of 4 KiB. */
    public int walSegmentBytes() {
        return walSegmentBytes;
    }

    public WalWriter walWriter() {
        return walWriter;
    }

    /** A force that takes longer is told. */
    public WalRepair walRepair() {
        return walRepair;
    }

    public int walSlowForceMs() {
        return walSlowForceMs;
    }

    /** When snapshots are taken and what they may use. */
    public SnapshotConfig snapshots() {
        return snapshots;
    }

    /** Rows in each of the two tables of the store. */
    public int storeTableBytes() {
        return storeTableBytes;
    }

    /** Free space below which no writes of clients are taken. */
    public long diskReserveBytes() {
        return diskReserveBytes;
    }

    public int netClientLoops() {
        return netClientLoops;
    }

    /** Settings that were given and have no effect in this version, one sentence each, to be logged at start. */
    public List<String> warnings() {
        return warnings;
    }
}
