package dev.cairn.testkit;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.client.CairnClient;
import dev.cairn.covers.Covers;
import dev.cairn.protocol.FrameHeader;
import dev.cairn.protocol.Limits;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a node must survive or refuse: strangers on its ports, wrong directories, damaged files. Real processes. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class NodeBadInputTest {
    private static final int READ_TIMEOUT_MS = 30_000;

    @TempDir
    Path directory;

    @Test
    @Covers("O04")
    void strangersOnBothPortsAreClosedAndTheNodeLives() throws Exception {
        try (ProcessCluster cluster = new ProcessCluster(directory, 1).startAll()) {
            cluster.awaitLeader();
            for (final int port : new int[] {cluster.clientPort(1), cluster.peerPort(1)}) {
                for (final byte[] bytes : strangeBytes()) {
                    assertThat(sendAndReadToEnd(port, bytes))
                            .as("reply of port %d to %d bytes", port, bytes.length)
                            .isLessThan(4_096);
                }
                // Half a frame and then silence: the connection ends with the client, nothing waits for it.
                try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
                    socket.getOutputStream().write(new byte[] {100, 0, 0, 0, 1});
                }
            }
            try (CairnClient client = cluster.connect()) {
                client.put("alive".getBytes(US_ASCII), new byte[0]);
                assertThat(client.get("alive".getBytes(US_ASCII))).isPresent();
            }
            assertThat(cluster.isAlive(1)).isTrue();
        }
    }

    /** HTTP, a TLS greeting, an oversized length, a negative one, one below the header, a bad CRC, noise. */
    private static List<byte[]> strangeBytes() {
        final byte[] noise = new byte[10_000];
        new Random(42).nextBytes(noise);
        return List.of(
                "GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes(US_ASCII),
                new byte[] {0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, (byte) 0xfc, 0x03},
                frame(Limits.MAX_FRAME_BYTES + 1, 1),
                frame(-5, 1),
                frame(FrameHeader.HEADER_LENGTH - 1, 1),
                frame(FrameHeader.HEADER_LENGTH, 1),
                noise);
    }

    private static byte[] frame(final int statedLength, final int type) {
        return ByteBuffer.allocate(FrameHeader.HEADER_LENGTH)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(FrameHeader.LENGTH_OFFSET, statedLength)
                .putInt(FrameHeader.CRC_OFFSET, 12345)
                .putShort(FrameHeader.TYPE_OFFSET, (short) type)
                .array();
    }

    /** Bytes that came back before the node closed the connection; fails when it keeps it open. */
    private static int sendAndReadToEnd(final int port, final byte[] bytes) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(READ_TIMEOUT_MS);
            socket.getOutputStream().write(bytes);
            socket.getOutputStream().flush();
            final InputStream in = socket.getInputStream();
            try {
                return in.readAllBytes().length;
            } catch (java.net.SocketException resetWithUnreadBytes) {
                return 0;
            }
        }
    }

    @Test
    void damagedSegmentStopsTheNodeWithFileOffsetAndIndexAndKeepsTheFiles() throws Exception {
        try (ProcessCluster cluster = new ProcessCluster(directory, 1).startAll()) {
            cluster.awaitLeader();
            try (CairnClient client = cluster.connect()) {
                for (int i = 0; i < 200; i++) {
                    client.put(("key-" + i).getBytes(US_ASCII), new byte[100]);
                }
            }
            cluster.kill(1);
            final Path segment = firstSegment(cluster.data(1).resolve("wal"));
            final long offset = offsetOf(segment, "key-100");
            flip(segment, offset);
            cluster.start(1);
            assertThat(cluster.awaitExit(1)).as("exit code of damage").isEqualTo(4);
            assertThat(cluster.logLines(1))
                    .anyMatch(line -> line.contains(segment.getFileName().toString())
                            && line.contains("offset=")
                            && line.contains("index="));
            flip(segment, offset);
            cluster.start(1);
            cluster.awaitLeader();
            try (CairnClient client = cluster.connect()) {
                assertThat(client.get("key-100".getBytes(US_ASCII))).isPresent();
                assertThat(client.get("key-199".getBytes(US_ASCII))).isPresent();
            }
        }
    }

    private static Path firstSegment(final Path wal) throws IOException {
        try (Stream<Path> files = Files.list(wal)) {
            return files.filter(path -> path.toString().endsWith(".wal"))
                    .sorted()
                    .findFirst()
                    .orElseThrow();
        }
    }

    private static long offsetOf(final Path file, final String text) throws IOException {
        final String content = Files.readString(file, java.nio.charset.StandardCharsets.ISO_8859_1);
        final int offset = content.indexOf(text);
        assertThat(offset).as("place of " + text + " in " + file).isPositive();
        return offset;
    }

    private static void flip(final Path file, final long offset) throws IOException {
        try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "rw")) {
            bytes.seek(offset);
            final int before = bytes.read();
            bytes.seek(offset);
            bytes.write(before ^ 0x40);
        }
    }

    @Test
    void dataDirectoryOfAnotherNodeAndPortsInUseAreRefusedInOneLine() throws Exception {
        try (ProcessCluster cluster = new ProcessCluster(directory, 1).startAll()) {
            cluster.awaitLeader();
            final String member = "127.0.0.1:" + cluster.peerPort(1) + ":" + cluster.clientPort(1);
            assertRefused(
                    2,
                    "peer.listen",
                    "node.id=1",
                    "cluster.members=1=" + member,
                    directory.resolve("another-directory"));
            assertRefused(3, "in use by another node", "node.id=1", "cluster.members=1=" + member, cluster.data(1));
            assertThat(cluster.isAlive(1)).isTrue();
            cluster.stop(1);
            assertRefused(3, "belongs to node 1", "node.id=2", "cluster.members=2=" + member, cluster.data(1));
        }
    }

    private void assertRefused(
            final int exitCode, final String message, final String nodeId, final String members, final Path data)
            throws Exception {
        final ProcessCluster.Run run =
                ProcessCluster.run(nodeId, members, "cluster.id=process-cluster", "data.dir=" + data);
        assertThat(run.exitCode()).as(String.join("\n", run.lines())).isEqualTo(exitCode);
        assertThat(run.lines().stream().filter(line -> line.contains(message))).hasSize(1);
    }

    @Test
    void wrongConfigurationNamesKeyValueAndWhatIsAllowedAndCreatesNothing() throws Exception {
        final Path data = directory.resolve("never");
        final ProcessCluster.Run run = ProcessCluster.run(
                "node.id=1",
                "cluster.id=process-cluster",
                "cluster.members=1=127.0.0.1:7:8",
                "data.dir=" + data,
                "raft.tik.ms=5",
                "wal.segment.bytes=lots");
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.lines()).anyMatch(line -> line.contains("raft.tik.ms") && line.contains("raft.tick.ms"));
        assertThat(run.lines()).anyMatch(line -> line.contains("wal.segment.bytes") && line.contains("lots"));
        assertThat(data).doesNotExist();
    }
}
