package dev.cairn.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import ch.qos.logback.classic.Level;
import dev.cairn.covers.Covers;
import dev.cairn.engine.WriteBackStore;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

class NodeConfigTest {
    private static final String THREE = "1=127.0.0.1:7501:7401,2=127.0.0.1:7502:7402,3=127.0.0.1:7503:7403";

    @TempDir
    Path dir;

    private static Map<String, String> minimal() {
        Map<String, String> values = new LinkedHashMap<>();
        values.put("cluster.id", "test");
        values.put("node.id", "2");
        values.put("cluster.members", THREE);
        values.put("data.dir", "data");
        return values;
    }

    private static Map<String, String> with(String key, String value) {
        Map<String, String> values = minimal();
        values.put(key, value);
        return values;
    }

    private static List<String> problemsOf(Map<String, String> values) {
        return catchThrowableOfType(ConfigException.class, () -> NodeConfig.of(values))
                .problems();
    }

    private Path file(String... lines) throws IOException {
        return Files.writeString(dir.resolve("node.properties"), String.join("\n", lines) + "\n");
    }

    private Path minimalFile(String... more) throws IOException {
        return file(minimal().entrySet().stream()
                        .map(entry -> entry.getKey() + "=" + entry.getValue())
                        .collect(Collectors.joining("\n"))
                + "\n" + String.join("\n", more));
    }

    @Test
    @Tag("C13")
    @Tag("O07")
    void presetAndVerboseAreOptions() {
        List<String> arguments = new ArrayList<>(List.of("--verbose", "--preset", "demo", "--preset=fast"));
        Map.of("cluster.id", "c", "node.id", "2", "cluster.members", " 1=a:1:2 , 2=b:3:4,", "data.dir", "d")
                .forEach((key, value) -> arguments.addAll(List.of("--set", key + "=" + value)));
        NodeConfig config = NodeConfig.fromArguments(arguments, Map.of());
        assertThat(config.raftPreset()).isEqualTo(RaftPreset.FAST);
        assertThat(config.members()).hasSize(2);
        assertThatThrownBy(() -> NodeConfig.fromArguments(List.of("--preset"), Map.of()))
                .hasMessageContaining("--preset needs a word");

        ch.qos.logback.classic.Logger logger = (ch.qos.logback.classic.Logger) LoggerFactory.getLogger("dev.cairn");
        Level before = logger.getLevel();
        try {
            NodeMain.verbose();
            assertThat(logger.getLevel()).isEqualTo(Level.DEBUG);
            assertThat(LoggerFactory.getLogger("io.netty").isDebugEnabled()).isFalse();
        } finally {
            logger.setLevel(before);
        }
    }

    @Test
    @Tag("R28")
    void aNodeThatIsToBeAddedKnowsNoVoters() {
        Map<String, String> values = new HashMap<>(minimal());
        assertThat(NodeConfig.of(values).bootstrapAddresses())
                .containsEntry(2, "127.0.0.1:7502:7402")
                .hasSize(3);
        values.put("cluster.join", "true");
        NodeConfig joining = NodeConfig.of(values);
        assertThat(joining.isJoining()).isTrue();
        assertThat(joining.bootstrapAddresses()).isEmpty();
        assertThat(joining.self().id()).isEqualTo(2);
        values.put("cluster.join", "yes");
        assertThatThrownBy(() -> NodeConfig.of(values))
                .hasMessageContaining("cluster.join=yes")
                .hasMessageContaining("true or false");
    }

    @Test
    void whatIsNotGivenHasTheDocumentedDefault() {
        NodeConfig config = NodeConfig.of(minimal());

        assertThat(config.clusterId()).isEqualTo("test");
        assertThat(config.nodeId()).isEqualTo(2);
        assertThat(config.self()).isEqualTo(new Member(2, "127.0.0.1", 7502, 7402));
        assertThat(config.members()).hasSize(3);
        assertThat(config.dataDir()).isEqualTo(Path.of("data"));
        assertThat(config.peerListen()).hasToString("127.0.0.1:7502");
        assertThat(config.clientListen()).hasToString("127.0.0.1:7402");
        assertThat(config.httpListen()).isNull();
        assertThat(config.raftPreset()).isEqualTo(RaftPreset.DEFAULT);
        assertThat(config.raftTickMs()).isEqualTo(10);
        assertThat(config.raftHeartbeatMs()).isEqualTo(100);
        assertThat(config.raftElectionMinMs()).isEqualTo(500);
        assertThat(config.raftElectionMaxMs()).isEqualTo(1000);
        assertThat(config.walSegmentBytes()).isEqualTo(64 << 20);
        assertThat(config.walWriter()).isEqualTo(WalWriter.AUTO);
        assertThat(config.snapshots().logBytes()).isEqualTo(256 << 20);
        assertThat(config.storeTableBytes()).isEqualTo(WriteBackStore.DEFAULT_TABLE_BYTES);
        assertThat(config.diskReserveBytes()).isEqualTo(448 << 20);
        assertThat(config.netClientLoops()).isZero();
        assertThat(config.warnings()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"fast,30,120,240", "default,100,500,1000", "debug,1000,5000,10000", "demo,500,2000,4000"})
    @Covers({"C13", "L01", "L02"})
    void presetGivesTheTimings(String preset, int heartbeat, int min, int max) {
        NodeConfig config = NodeConfig.of(with("raft.preset", preset));

        assertThat(config.raftHeartbeatMs()).isEqualTo(heartbeat);
        assertThat(config.raftElectionMinMs()).isEqualTo(min);
        assertThat(config.raftElectionMaxMs()).isEqualTo(max);
    }

    @Test
    @Covers("L01")
    void singleTimingOverridesThePreset() {
        Map<String, String> values = with("raft.preset", "debug");
        values.put("raft.heartbeat.ms", "200");

        NodeConfig config = NodeConfig.of(values);

        assertThat(config.raftHeartbeatMs()).isEqualTo(200);
        assertThat(config.raftElectionMinMs()).isEqualTo(5000);
    }

    @Test
    @Covers("C14")
    void environmentOverridesTheFileAndFlagsOverrideBoth() throws IOException {
        Path file = minimalFile("raft.tick.ms=1", "raft.heartbeat.ms=40", "raft.preset=debug");

        NodeConfig config = NodeConfig.fromArguments(
                List.of(file.toString(), "--set", "raft.tick.ms=3", "--set=wal.writer=channel"),
                Map.of("CAIRN_RAFT_TICK_MS", "2", "CAIRN_RAFT_HEARTBEAT_MS", "50", "PATH", "/bin"));

        assertThat(config.raftTickMs()).isEqualTo(3);
        assertThat(config.raftHeartbeatMs()).isEqualTo(50);
        assertThat(config.raftPreset()).isEqualTo(RaftPreset.DEBUG);
        assertThat(config.walWriter()).isEqualTo(WalWriter.CHANNEL);
    }

    @Test
    void environmentAloneIsEnough() {
        Map<String, String> environment = minimal().entrySet().stream()
                .collect(Collectors.toMap(
                        entry -> "CAIRN_" + entry.getKey().replace('.', '_').toUpperCase(java.util.Locale.ROOT),
                        Map.Entry::getValue));

        assertThat(NodeConfig.fromArguments(List.of(), environment).nodeId()).isEqualTo(2);
    }

    @Test
    @Covers("C14")
    void eachKeyCanBeSetByEachWayAndNoTwoShareAName() {
        assertThat(Arrays.stream(ConfigKey.values()).map(ConfigKey::key))
                .doesNotHaveDuplicates()
                .containsExactlyInAnyOrder(
                        "cluster.id",
                        "node.id",
                        "cluster.members",
                        "cluster.join",
                        "data.dir",
                        "peer.listen",
                        "client.listen",
                        "http.listen",
                        "raft.preset",
                        "raft.tick.ms",
                        "raft.heartbeat.ms",
                        "raft.election.min.ms",
                        "raft.election.max.ms",
                        "wal.segment.bytes",
                        "wal.writer",
                        "wal.repair",
                        "wal.slow.force.ms",
                        "snapshot.log.bytes",
                        "snapshot.entries",
                        "snapshot.interval.s",
                        "snapshot.keep.log.bytes",
                        "snapshot.transfer.bytes.per.s",
                        "snapshot.retain.max.log.bytes",
                        "store.table.bytes",
                        "disk.reserve.bytes",
                        "net.client.loops");
        assertThat(Arrays.stream(ConfigKey.values()).map(ConfigKey::environmentName))
                .doesNotHaveDuplicates()
                .allMatch(name -> name.matches("CAIRN_[A-Z_]+"))
                .contains("CAIRN_RAFT_ELECTION_MIN_MS");
    }

    @Test
    void unknownKeyNamesKeyValuePlaceKnownKeysAndTheNearest() throws IOException {
        Path file = minimalFile("raft.ticks.ms=5");

        ConfigException thrown = catchThrowableOfType(
                ConfigException.class, () -> NodeConfig.read(file, Map.of(), List.of("wal.segmentbytes=3")));

        assertThat(thrown.problems()).hasSize(2);
        assertThat(thrown.problems().get(0))
                .contains("unknown key raft.ticks.ms=5", file.toString(), "did you mean raft.tick.ms?")
                .contains("Known are: client.listen, cluster.id, ", "net.client.loops");
        assertThat(thrown.problems().get(1))
                .contains("unknown key wal.segmentbytes=3 from --set", "did you mean wal.segment.bytes?");
    }

    @Test
    void unknownVariableOfOursIsRefusedAndThoseOfScriptsAndPlatformsAreNot() throws IOException {
        Path file = minimalFile();
        Map<String, String> foreign = Map.of(
                "CAIRN_JAVA_OPTS", "-Xmx1g",
                "CAIRN_HOME", "/opt/cairn",
                "CAIRN_SERVICE_HOST", "10.0.0.1",
                "CAIRN_PORT_7401_TCP", "tcp://10.0.0.1:7401",
                "CAIRN_CLIENT_SERVICE_PORT", "7401",
                "cairn_node_id", "9");
        assertThat(NodeConfig.read(file, foreign, List.of()).nodeId()).isEqualTo(2);

        ConfigException thrown = catchThrowableOfType(
                ConfigException.class, () -> NodeConfig.read(file, Map.of("CAIRN_NODEID", "3"), List.of()));
        assertThat(thrown)
                .hasMessageContaining("unknown environment variable CAIRN_NODEID=3")
                .hasMessageContaining("did you mean CAIRN_NODE_ID?");
    }

    @Test
    void allProblemsAreReportedAtOnce() throws IOException {
        Path file = file(
                "cluster.id=",
                "node.id=0",
                "cluster.members=1=localhost:1",
                "peer.listen=nowhere",
                "raft.preset=quick",
                "raft.tick.ms=ten",
                "wal.segment.bytes=1000",
                "wal.writer=pen",
                "store.table.bytes=512KiB",
                "snapshot.log.bytes=-1",
                "net.client.loops=65",
                "colour=red",
                "raft.tick.ms=9x");

        ConfigException thrown =
                catchThrowableOfType(ConfigException.class, () -> NodeConfig.read(file, Map.of(), List.of()));

        assertThat(thrown.problems())
                .anyMatch(text -> text.startsWith("raft.tick.ms stands twice in "))
                .anyMatch(text -> text.startsWith("unknown key colour=red"))
                .anyMatch(text -> text.startsWith("cluster.id="))
                .anyMatch(text -> text.startsWith("node.id=0 in ") && text.contains("from 1 to 65535"))
                .anyMatch(text -> text.startsWith("cluster.members=1=localhost:1 in "))
                .anyMatch(text -> text.startsWith("data.dir is missing") && text.contains("CAIRN_DATA_DIR"))
                .anyMatch(text -> text.startsWith("peer.listen=nowhere in "))
                .anyMatch(text -> text.startsWith("raft.preset=quick in ") && text.contains("fast, default, debug"))
                .anyMatch(text -> text.startsWith("raft.tick.ms=9x in "))
                .anyMatch(text -> text.startsWith("wal.segment.bytes=1000 in ") && text.contains("1MiB to 1GiB"))
                .anyMatch(text -> text.startsWith("wal.writer=pen in ") && text.contains("auto, mapped, channel"))
                .anyMatch(text -> text.startsWith("store.table.bytes=512KiB in ") && text.contains("1MiB to 64MiB"))
                .anyMatch(text -> text.startsWith("snapshot.log.bytes=-1 in "))
                .anyMatch(text -> text.startsWith("net.client.loops=65 in ") && text.contains("0 to 64"))
                .hasSize(14);
        assertThat(thrown).hasMessageContaining("14 problems");
        try (var left = Files.list(dir)) {
            assertThat(left).containsExactly(file);
        }
    }

    @Test
    void missingFileAndFileThatIsNoTextAreNamed() throws IOException {
        Path missing = dir.resolve("none.properties");
        assertThat(catchThrowableOfType(ConfigException.class, () -> NodeConfig.read(missing, Map.of(), List.of())))
                .hasMessage("configuration: the file " + missing + " does not exist");

        Path latin = Files.write(dir.resolve("latin"), "data.dir=\u00e4".getBytes(StandardCharsets.ISO_8859_1));
        assertThat(catchThrowableOfType(ConfigException.class, () -> NodeConfig.read(latin, Map.of(), List.of())))
                .hasMessageContaining("is not UTF-8 text");

        Path escape = Files.writeString(dir.resolve("escape"), "data.dir=\\u00zz\n");
        assertThat(catchThrowableOfType(ConfigException.class, () -> NodeConfig.read(escape, Map.of(), List.of())))
                .hasMessageContaining("cannot be read");

        assertThat(catchThrowableOfType(ConfigException.class, () -> NodeConfig.read(dir, Map.of(), List.of())))
                .hasMessageContaining("the file " + dir + " cannot be read");
    }

    @Test
    void wrongArgumentsAreNamed() {
        ConfigException thrown = catchThrowableOfType(
                ConfigException.class, () -> NodeConfig.fromArguments(List.of("a", "b", "--port", "--set"), Map.of()));

        assertThat(thrown.problems())
                .containsExactly(
                        "a second properties file was given: b",
                        "unknown option --port; known are --set key=value, --preset word, --verbose",
                        "--set needs key=value behind it");
        assertThat(catchThrowableOfType(
                        ConfigException.class, () -> NodeConfig.fromArguments(List.of("--set", "data.dir"), Map.of())))
                .hasMessageContaining("'--set data.dir' is not --set key=value");
    }

    @ParameterizedTest
    @CsvSource({
        "raft.tick.ms,1,1000",
        "net.client.loops,0,64",
    })
    void numberIsTakenAtBothEdgesAndRefusedOnePast(String key, int min, int max) {
        Map<String, String> slow = with("raft.preset", "debug");
        slow.put(key, Integer.toString(min));
        NodeConfig.of(slow);
        slow.put(key, Integer.toString(max));
        NodeConfig.of(slow);

        for (int value : new int[] {min - 1, max + 1}) {
            assertThat(problemsOf(with(key, Integer.toString(value))))
                    .singleElement()
                    .asString()
                    .startsWith(key + "=" + value + " from --set is not allowed; needed is a whole number from " + min
                            + " to " + max);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "1.5", "+5", "0x10", "1e3", "99999999999999999999", "\u0661\u0662"})
    void whatIsNoWholeNumberIsRefused(String text) {
        assertThat(problemsOf(with("raft.tick.ms", text)))
                .singleElement()
                .asString()
                .startsWith("raft.tick.ms=" + text.strip() + " from --set is not allowed");
    }

    @ParameterizedTest
    @CsvSource({
        "1048576,1048576",
        "1MiB,1048576",
        "1024KiB,1048576",
        "1GiB,1073741824",
        "1073741824,1073741824",
        "1052672,1052672"
    })
    void sizeIsTakenInBytesOrWithUnit(String text, int bytes) {
        assertThat(NodeConfig.of(with("wal.segment.bytes", text)).walSegmentBytes())
                .isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "1048575",
                "1048577",
                "1049600",
                "1020KiB",
                "1073745920",
                "2GiB",
                "64MB",
                "64 MiB",
                "64mib",
                "-1MiB",
                "9999999999999999GiB",
                "17179869185GiB",
                "99999999999999999999"
            })
    void sizeOutOfRangeOrOddIsRefused(String text) {
        assertThat(problemsOf(with("wal.segment.bytes", text)))
                .singleElement()
                .asString()
                .startsWith(
                        "wal.segment.bytes=" + text + " from --set is not allowed; needed is a size from 1MiB to 1GiB");
    }

    @Test
    void clusterIdHasOneTo63PrintableCharacters() {
        assertThat(NodeConfig.of(with("cluster.id", "x")).clusterId()).isEqualTo("x");
        assertThat(NodeConfig.of(with("cluster.id", "\u00e4".repeat(63))).clusterId())
                .hasSize(63);
        for (String bad : List.of("", "x".repeat(64), "a\tb", "a\u0000b")) {
            assertThat(problemsOf(with("cluster.id", bad)))
                    .singleElement()
                    .asString()
                    .contains("1 to 63 printable characters");
        }
    }

    @Test
    void clusterIdHashIsTheFirstEightBytesOfSha256LittleEndian() {
        // printf %s abc | sha256sum = ba7816bf 8f01cfea 414140de ...
        assertThat(NodeConfig.of(with("cluster.id", "abc")).clusterIdHash()).isEqualTo(0xeacf018fbf1678baL);
    }

    @Test
    @Covers({"C10", "C15", "X16"})
    void membersAreReadInAnyOrderWithNamesAndIpv6() {
        Map<String, String> values = with("cluster.members", "7=[fe80::1%eth0]:1:2 , 2=node-2.example.org:65535:1");

        NodeConfig config = NodeConfig.of(values);

        assertThat(config.members())
                .containsExactly(new Member(2, "node-2.example.org", 65535, 1), new Member(7, "fe80::1%eth0", 1, 2));
        assertThat(config.members().get(1)).hasToString("7=[fe80::1%eth0]:1:2");
        assertThat(config.members().get(1).clientAddress()).hasToString("[fe80::1%eth0]:2");
        assertThat(config.peerListen()).isEqualTo(new Address("node-2.example.org", 65535));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "''                        | '' is not id=host:peerPort:clientPort",
                ",                         | '' is not id=host:peerPort:clientPort",
                "h:1:2                     | is not id=host:peerPort:clientPort",
                "2=h:1                     | is not id=host:peerPort:clientPort",
                "2=h:1:2:3:4               | is not id=host:peerPort:clientPort",
                "2=h:1:2:x                 | port 'x' is not a number",
                "2=h:1:2:1                 | same port for HTTP and another use",
                "2=h:1:2:3,3=h:3:4         | members 2 and 3 share the address h:3",
                "2=::1:1:2                 | is not id=host:peerPort:clientPort",
                "2=[::1:1:2                | is not id=host:peerPort:clientPort",
                "2=[host]:1:2              | not an IPv6 address: 'host'",
                "2=:1:2                    | not a host name or address: ''",
                "2=a b:1:2                 | not a host name or address: 'a b'",
                "2=h:0:2                   | port 0 is not within 1-65535",
                "2=h:1:65536               | port 65536 is not within 1-65535",
                "2=h:1:x                   | port 'x' is not a number",
                "2=h:1:1                   | same port for peers and clients",
                "0=h:1:2                   | member id 0 is not within 1-65535",
                "65536=h:1:2               | member id 65536 is not within 1-65535",
                "two=h:1:2                 | member id 'two' is not a number",
                "2=h:1:2,2=i:1:2           | member id 2 stands twice",
                "2=h:1:2,3=h:3:1           | members 2 and 3 share the address h:1",
            })
    void malformedMembersAreRefusedWithTheReason(String members, String reason) {
        assertThat(problemsOf(with("cluster.members", members)))
                .singleElement()
                .asString()
                .startsWith("cluster.members=" + members)
                .contains(reason, "needed is 1 to 15 of id=host:peerPort:clientPort");
    }

    @Test
    void fifteenMembersAreTakenAndSixteenAreNot() {
        NodeConfig.of(with("cluster.members", members(Member.MAX_MEMBERS)));

        assertThat(problemsOf(with("cluster.members", members(Member.MAX_MEMBERS + 1))))
                .singleElement()
                .asString()
                .contains("16 members are more than 15");
    }

    private static String members(int count) {
        return IntStream.rangeClosed(1, count)
                .mapToObj(i -> i + "=h" + i + ":1:2")
                .collect(Collectors.joining(","));
    }

    @Test
    @Covers({"C10", "R32"})
    void nodeMustBeAMember() {
        assertThat(problemsOf(with("node.id", "4")))
                .containsExactly("node.id=4 is not in cluster.members; allowed are the ids [1, 2, 3]");
    }

    @ParameterizedTest
    @CsvSource({
        "9,10,20,40,raft.heartbeat.ms=9 is below raft.tick.ms=10",
        "10,10,19,40,raft.election.min.ms=19 is below twice raft.heartbeat.ms=10; at least 20 is needed",
        "10,10,40,40,raft.election.max.ms=40 is not above raft.election.min.ms=40",
    })
    void timingsOutOfOrderAreRefused(String heartbeat, String tick, String min, String max, String problem) {
        assertThat(problemsOf(timings(heartbeat, tick, min, max)))
                .singleElement()
                .asString()
                .startsWith(problem);
    }

    @Test
    @Covers("L01")
    void timingsAtTheEdgeAreTaken() {
        assertThat(NodeConfig.of(timings("10", "10", "20", "21")).raftElectionMaxMs())
                .isEqualTo(21);
    }

    private static Map<String, String> timings(String heartbeat, String tick, String min, String max) {
        Map<String, String> values = with("raft.heartbeat.ms", heartbeat);
        values.put("raft.tick.ms", tick);
        values.put("raft.election.min.ms", min);
        values.put("raft.election.max.ms", max);
        return values;
    }

    @Test
    @Covers({"C12", "C16"})
    void listenAddressesMayDifferFromTheMembersOnes() {
        Map<String, String> values = with("peer.listen", "0.0.0.0:9000");
        values.put("client.listen", "[::]:9001");

        NodeConfig config = NodeConfig.of(values);

        assertThat(config.peerListen()).isEqualTo(new Address("0.0.0.0", 9000));
        assertThat(config.clientListen()).isEqualTo(new Address("::", 9001));
        assertThat(config.self().clientPort()).isEqualTo(7402);
    }

    @Test
    void listenAddressesMustDifferFromEachOther() {
        Map<String, String> values = with("peer.listen", "0.0.0.0:9000");
        values.put("client.listen", "0.0.0.0:9000");
        values.put("http.listen", "0.0.0.0:9000");

        assertThat(problemsOf(values)).hasSize(2).allMatch(problem -> problem.contains("a port of its own"));
    }

    @Test
    void settingsWithoutEffectAreToldAtStart() {
        Map<String, String> values = with("net.client.loops", "2");

        assertThat(NodeConfig.of(values).warnings()).hasSize(1).allMatch(text -> text.contains("has no effect"));
    }

    @Test
    void editDistanceCountsInsertionsDeletionsAndReplacements() {
        assertThat(ConfigReader.editDistance("", "abc")).isEqualTo(3);
        assertThat(ConfigReader.editDistance("abc", "")).isEqualTo(3);
        assertThat(ConfigReader.editDistance("kitten", "sitting")).isEqualTo(3);
        assertThat(ConfigReader.editDistance("same", "same")).isZero();
    }
}
