package dev.cairn.server.replica;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.covers.Covers;
import dev.cairn.wal.FileSegmentDirectory;
import dev.cairn.wal.Floor;
import dev.cairn.wal.HardStateFile;
import dev.cairn.wal.Wal;
import dev.cairn.wal.WalConfig;
import dev.cairn.wal.WriterChoice;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * One golden file per message of peer protocol version 1, CRC of the frame left 0 (the transport seals it). They change
 * only together with the version: {@code -Dgolden.update=true} writes them anew, for a review as a diff.
 */
class PeerPublisherGoldenTest {
    private static final Path GOLDEN = Path.of("src/test/resources/golden/peer-v1");

    @TempDir
    Path directory;

    private final RecordingTransport transport = new RecordingTransport();
    private FileSegmentDirectory files;
    private Wal wal;
    private PeerPublisher publisher;

    @BeforeEach
    void openLog() {
        final WalConfig config = WalConfig.of(1, 1, 1).withSegmentBytes(WalConfig.MIN_SEGMENT_BYTES);
        files = FileSegmentDirectory.open(directory, WriterChoice.CHANNEL);
        wal = Wal.open(config, files, HardStateFile.open(config, files, "hard-state"), Floor.UNKNOWN, () -> 42);
        publisher = new PeerPublisher(transport, wal.newLoopCursor());
    }

    @AfterEach
    void closeLog() {
        wal.close();
        files.close();
    }

    @Test
    @Covers("C07")
    void requestVote() throws IOException {
        publisher.sendRequestVote(2, 7, true, false, 100, 6);
        assertGolden("request-vote");
    }

    @Test
    void requestVoteThatTheLeaderAskedFor() throws IOException {
        publisher.sendRequestVote(2, 7, false, true, 100, 6);
        assertGolden("request-vote-by-transfer");
    }

    @Test
    void readIndexRequest() throws IOException {
        publisher.sendReadIndexRequest(2, 7, 0x0123456789abcdefL);
        assertGolden("read-index-request");
    }

    @Test
    void readIndexReply() throws IOException {
        publisher.sendReadIndexReply(2, 7, 0x0123456789abcdefL, 100);
        assertGolden("read-index-reply");
    }

    @Test
    void timeoutNow() throws IOException {
        publisher.sendTimeoutNow(2, 7);
        assertGolden("timeout-now");
    }

    @Test
    void vote() throws IOException {
        publisher.sendVote(2, 7, false, 6, true);
        assertGolden("vote");
    }

    @Test
    void appendAccepted() throws IOException {
        publisher.sendAppendEntriesAccepted(2, 7, 100, 101, 9, true);
        assertGolden("append-accepted");
    }

    @Test
    void appendAcceptedWithLittleRoomLeft() throws IOException {
        publisher.hasRoom(false);
        publisher.sendAppendEntriesAccepted(2, 7, 100, 101, 9, false);
        assertGolden("append-accepted-low");
    }

    @Test
    void appendRejected() throws IOException {
        publisher.sendAppendEntriesRejected(2, 7, 100, 90, 5, 9);
        assertGolden("append-rejected");
    }

    @Test
    void answersOfALogUnderRepair() throws IOException {
        publisher.storage(5, true);
        publisher.sendAppendEntriesAccepted(2, 7, 100, 101, 9, false);
        assertGolden("append-accepted-repairing");
        publisher.sendAppendEntriesRejected(2, 7, 100, 90, 5, 9);
        assertGolden("append-rejected-repairing");
    }

    @Test
    void repairTarget() throws IOException {
        publisher.sendRepairTarget(2, 7, 5, 100);
        assertGolden("repair-target");
    }

    @Test
    void installSnapshot() throws IOException {
        publisher.sendInstallSnapshot(2, 7, new Snapshots.Offer(0x0123456789abcdefL, 100, 6));
        assertGolden("install-snapshot");
    }

    @Test
    @Covers({"C07", "R08"})
    void appendEntriesAndPeersWithTheSameEntriesShareOneFrame() throws IOException {
        appendTwo();
        publisher.sendAppendEntries(2, 7, 0, 0, 2, 1, 9);
        publisher.sendAppendEntries(3, 7, 0, 0, 2, 1, 9);
        assertThat(transport.requestsTo).containsExactly(2, 3);
        assertThat(transport.claims).isEqualTo(1);
        assertGolden("append-entries");
    }

    @Test
    void peersWithOtherEntriesGetAFrameOfTheirOwn() {
        appendTwo();
        publisher.sendAppendEntries(2, 7, 0, 0, 2, 1, 9);
        publisher.sendAppendEntries(3, 7, 1, 7, 2, 1, 9);
        publisher.flush();
        publisher.sendAppendEntries(3, 7, 1, 7, 2, 1, 9);
        assertThat(transport.claims).isEqualTo(3);
    }

    private void appendTwo() {
        final UnsafeBuffer payload = new UnsafeBuffer("payload".getBytes(StandardCharsets.US_ASCII));
        wal.append(1, 7, 1_000, 1, payload, 0, 0);
        wal.append(2, 7, 1_001, 2, payload, 0, payload.capacity());
    }

    private void assertGolden(final String name) throws IOException {
        final Path file = GOLDEN.resolve(name + ".hex");
        final byte[] frame = new byte[transport.length];
        transport.frame.getBytes(0, frame);
        final String hex = HexFormat.of().formatHex(frame) + "\n";
        if (Boolean.getBoolean("golden.update")) {
            Files.createDirectories(GOLDEN);
            Files.writeString(file, hex);
        }
        assertThat(hex).isEqualTo(Files.readString(file));
    }

    /** Keeps what was claimed and where it went. */
    private static final class RecordingTransport implements PeerTransport {
        final UnsafeBuffer frame = new UnsafeBuffer(new byte[4096]);
        final List<Integer> requestsTo = new ArrayList<>();
        int length;
        int claims;

        @Override
        public int poll(final Handler handler) {
            return 0;
        }

        @Override
        public MutableDirectBuffer claim(final int frameLength) {
            claims++;
            length = frameLength;
            return frame;
        }

        @Override
        public void sendRequest(final int peerId) {
            requestsTo.add(peerId);
        }

        @Override
        public void sendReply(final int peerId) {}

        @Override
        public void flush() {}
    }
}
