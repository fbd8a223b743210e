package dev.cairn.server.replica;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.engine.RocksStore;
import dev.cairn.engine.RocksStoreConfig;
import dev.cairn.engine.SessionLimits;
import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.protocol.CommandReplyDescriptor;
import dev.cairn.protocol.FrameHeader;
import dev.cairn.protocol.MessageType;
import dev.cairn.protocol.Status;
import dev.cairn.raft.EntryType;
import dev.cairn.raft.RaftConfig;
import dev.cairn.raft.Role;
import dev.cairn.wal.WalConfig;
import dev.cairn.wal.simulated.SimulatedDirectory;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.agrona.DirectBuffer;
import org.agrona.ExpandableArrayBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One replica stepped in one thread under a clock of the test's: sessions expire although nobody writes. */
@Tag("K06")
class ClockEntryTest {
    private static final long TICK_NS = 10_000_000;
    private static final long EXPIRY_NS = SessionLimits.REPLICATED.expiryMs() * 1_000_000;

    @TempDir
    Path directory;

    private final OneClient client = new OneClient();
    private RocksStore store;
    private ReplicaLog log;
    private Replica replica;
    private long nowNs;

    @BeforeEach
    void start() {
        store = RocksStore.open(RocksStoreConfig.of(directory));
        final Random random = new Random(1);
        final WalConfig walConfig = WalConfig.of(1, 1, 1).withSegmentBytes(1 << 20);
        log = ReplicaLog.open(
                walConfig,
                new SimulatedDirectory(),
                new SimulatedDirectory(),
                store.flushedApplied(),
                null,
                random::nextLong);
        replica = new Replica(
                new Replica.Config(
                        RaftConfig.of(1, Set.of(1), 10, 50, 100),
                        walConfig,
                        Map.of(1, "127.0.0.1:1"),
                        TICK_NS,
                        1_800_000_000_000L,
                        Long.MAX_VALUE,
                        Capacities.NODE),
                new Replica.Surroundings(
                        log,
                        store,
                        new NoPeers(),
                        client,
                        new NoEvents(),
                        random::nextLong,
                        random::nextInt,
                        () -> {},
                        () -> {},
                        () -> {},
                        () -> {},
                        () -> {}),
                nowNs);
        for (int i = 0; i < 1000 && replica.consensus().core().role() != Role.LEADER; i++) {
            pass(TICK_NS);
        }
        assertThat(replica.consensus().core().role()).isEqualTo(Role.LEADER);
    }

    @AfterEach
    void stop() {
        replica.close();
        log.close();
        store.close();
    }

    /** Time passes, and everything there is to do is done. */
    private void pass(final long ns) {
        nowNs += ns;
        int work = 1;
        while (work > 0) {
            work = replica.consensus().doWork(nowNs)
                    + replica.logSync().doWork()
                    + replica.apply().doWork();
            log.spares().doWork(nowNs);
        }
    }

    private Status command(final long sessionId, final long sequence, final int kind, final String key) {
        client.request(sessionId, sequence, kind, key);
        pass(TICK_NS);
        assertThat(client.replies).as("replies").isEqualTo(1);
        client.replies = 0;
        return Status.of(client.status);
    }

    private long openSession() {
        assertThat(command(0, 0, CommandDescriptor.KIND_OPEN_SESSION, "")).isEqualTo(Status.OK);
        return client.revision;
    }

    @Test
    void idleSessionExpiresByOneEntryWithoutContent() {
        final long session = openSession();
        final long lastIndex = replica.consensus().core().lastIndex();

        pass(EXPIRY_NS / 2);
        pass(EXPIRY_NS / 4);
        assertThat(replica.consensus().core().lastIndex()).as("not due").isEqualTo(lastIndex);

        pass(EXPIRY_NS / 4 + TICK_NS);
        for (int i = 0; i < 100; i++) {
            pass(TICK_NS);
        }

        assertThat(replica.consensus().core().lastIndex()).isEqualTo(lastIndex + 1);
        assertThat(replica.wal().entryType(lastIndex + 1)).isEqualTo(EntryType.CLOCK);
        assertThat(replica.apply().nextExpiryLogTimeMs()).isEqualTo(Long.MAX_VALUE);
        assertThat(command(session, 1, CommandDescriptor.KIND_DELETE, "k")).isEqualTo(Status.SESSION_EXPIRED);
    }

    @Test
    void sessionInUseLivesOn() {
        final long session = openSession();
        for (int sequence = 1; sequence <= 4; sequence++) {
            pass(EXPIRY_NS / 2);
            assertThat(command(session, sequence, CommandDescriptor.KIND_DELETE, "k"))
                    .isEqualTo(Status.NOT_FOUND);
        }
    }

    /** A client on connection 1. */
    private static final class OneClient implements ClientTransport {
        private final ArrayDeque<DirectBuffer> requests = new ArrayDeque<>();
        private final ExpandableArrayBuffer reply = new ExpandableArrayBuffer();
        private long lastRequestId;
        int replies;
        int status;
        long revision;

        void request(final long sessionId, final long sequence, final int kind, final String key) {
            final int length = FrameHeader.HEADER_LENGTH + CommandDescriptor.BLOCK_LENGTH + key.length();
            final UnsafeBuffer frame = new UnsafeBuffer(new byte[length]);
            FrameWriter.putHeader(frame, length, MessageType.COMMAND, 0, FrameHeader.CLIENT_VERSION, ++lastRequestId);
            final int command = FrameHeader.HEADER_LENGTH;
            frame.putLong(command + CommandDescriptor.SESSION_ID_OFFSET, sessionId, LITTLE_ENDIAN);
            frame.putLong(command + CommandDescriptor.SEQUENCE_OFFSET, sequence, LITTLE_ENDIAN);
            frame.putLong(command + CommandDescriptor.LOWEST_OPEN_SEQUENCE_OFFSET, sequence, LITTLE_ENDIAN);
            frame.putByte(command + CommandDescriptor.KIND_OFFSET, (byte) kind);
            frame.putShort(
                    command + CommandDescriptor.BLOCK_LENGTH_OFFSET,
                    (short) CommandDescriptor.BLOCK_LENGTH,
                    LITTLE_ENDIAN);
            frame.putInt(command + CommandDescriptor.KEY_LENGTH_OFFSET, key.length(), LITTLE_ENDIAN);
            frame.putStringWithoutLengthUtf8(command + CommandDescriptor.BLOCK_LENGTH, key);
            requests.add(frame);
        }

        @Override
        public int poll(final ClientTransport.Handler handler, final int limit) {
            final DirectBuffer frame = requests.poll();
            if (frame == null) {
                return 0;
            }
            handler.onClientFrame(1, frame, 0, frame.capacity());
            return 1;
        }

        @Override
        public boolean hasFrames() {
            return !requests.isEmpty();
        }

        @Override
        public MutableDirectBuffer claim(final long connectionId, final int length) {
            return reply;
        }

        @Override
        public void send() {
            assertThat(reply.getShort(FrameHeader.TYPE_OFFSET, LITTLE_ENDIAN))
                    .isEqualTo((short) MessageType.COMMAND_REPLY);
            replies++;
            status = reply.getShort(FrameHeader.HEADER_LENGTH + CommandReplyDescriptor.STATUS_OFFSET, LITTLE_ENDIAN);
            revision = reply.getLong(FrameHeader.HEADER_LENGTH + CommandReplyDescriptor.REVISION_OFFSET, LITTLE_ENDIAN);
        }

        @Override
        public void flush() {}
    }

    private static final class NoPeers implements PeerTransport {
        @Override
        public int poll(final PeerTransport.Handler handler) {
            return 0;
        }

        @Override
        public MutableDirectBuffer claim(final int length) {
            throw new IllegalStateException("one node has nobody to send to");
        }

        @Override
        public void sendRequest(final int peerId) {
            throw new IllegalStateException("one node has nobody to send to");
        }

        @Override
        public void sendReply(final int peerId) {
            throw new IllegalStateException("one node has nobody to send to");
        }

        @Override
        public void flush() {}
    }

    private static final class NoEvents implements EventLog {
        @Override
        public void onRoleChanged(final Role role, final long term, final int leaderId, final String reason) {}

        @Override
        public void onBadPeerFrame(final int peerId, final String reason) {
            throw new IllegalStateException(reason);
        }
    }
}
