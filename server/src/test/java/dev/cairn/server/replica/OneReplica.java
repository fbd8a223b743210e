package dev.cairn.server.replica;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.engine.KvStore;
import dev.cairn.engine.KvStoreException;
import dev.cairn.engine.RocksStore;
import dev.cairn.engine.RocksStoreConfig;
import dev.cairn.engine.WriteBackStore;
import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.protocol.CommandReplyDescriptor;
import dev.cairn.protocol.FrameHeader;
import dev.cairn.protocol.GetDescriptor;
import dev.cairn.protocol.MessageType;
import dev.cairn.protocol.Status;
import dev.cairn.raft.RaftConfig;
import dev.cairn.raft.RaftCore;
import dev.cairn.raft.Role;
import dev.cairn.wal.WalConfig;
import dev.cairn.wal.simulated.SimulatedDirectory;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.agrona.DirectBuffer;
import org.agrona.ExpandableArrayBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;

/** A replica with one client, stepped in one thread under a clock of the test's, its log on a simulated disk. Alone, it is a cluster. */
final class OneReplica implements AutoCloseable {
    static final long TICK_NS = 10_000_000;

    final OneClient client = new OneClient();
    final MemberAddresses addresses = new MemberAddresses(Map.of(1, "127.0.0.1:1:2"));
    final Replica replica;
    final KvStore store;
    private final ReplicaLog log;
    private long nowNs;

    /** With the client; when this returns it leads. */
    OneReplica(final Path directory, final SimulatedDirectory disk, final WalConfig walConfig) {
        this(directory, new SimulatedDirectory(), disk, walConfig, new NoPeers(), null, new NoEvents());
        lead();
    }

    /** With the client, on a store of its own, which it closes; when this returns it leads. */
    OneReplica(final KvStore store) {
        this(
                store,
                RaftConfig.of(1, Set.of(1), 10, 50, 100),
                new SimulatedDirectory(),
                new SimulatedDirectory(),
                WalConfig.of(1, 1, 1).withSegmentBytes(1 << 20),
                new NoPeers(),
                null,
                new NoEvents(),
                () -> {});
        lead();
    }

    /** One of several, with the client; not stepped yet. */
    OneReplica(
            final KvStore store,
            final SimulatedDirectory segments,
            final RaftConfig raft,
            final PeerTransport peers,
            final Wakeable loopWake) {
        this(
                store,
                raft,
                new SimulatedDirectory(),
                segments,
                WalConfig.of(1, 1, raft.nodeId()).withSegmentBytes(1 << 20),
                peers,
                null,
                new NoEvents(),
                loopWake);
    }

    /**
     * Not stepped yet.
     *
     * @param root disk of the hard state
     * @param segments disk of the log
     * @param clients null = {@link #client}
     */
    OneReplica(
            final Path directory,
            final SimulatedDirectory root,
            final SimulatedDirectory segments,
            final WalConfig walConfig,
            final PeerTransport peers,
            final @Nullable ClientTransport clients,
            final EventLog events) {
        this(
                openStore(directory),
                RaftConfig.of(1, Set.of(1), 10, 50, 100),
                root,
                segments,
                walConfig,
                peers,
                clients,
                events,
                () -> {});
    }

    private OneReplica(
            final KvStore store,
            final RaftConfig raft,
            final SimulatedDirectory root,
            final SimulatedDirectory segments,
            final WalConfig walConfig,
            final PeerTransport peers,
            final @Nullable ClientTransport clients,
            final EventLog events,
            final Wakeable loopWake) {
        this.store = store;
        final Random random = new Random(1);
        log = ReplicaLog.open(walConfig, root, segments, store.flushedApplied(), null, false, random::nextLong);
        replica = new Replica(
                new Replica.Config(
                        raft, walConfig, addresses, TICK_NS, 1_800_000_000_000L, Long.MAX_VALUE, Capacities.NODE),
                new Replica.Surroundings(
                        log,
                        store,
                        peers,
                        clients == null ? client : clients,
                        events,
                        random::nextLong,
                        random::nextInt,
                        loopWake,
                        () -> {},
                        () -> {},
                        () -> {},
                        () -> {}),
                nowNs);
    }

    static KvStore openStore(final Path directory) {
        return new WriteBackStore(RocksStore.open(RocksStoreConfig.of(directory)), 1 << 20);
    }

    /** A store whose disk has no room while this says so. */
    static KvStore openStore(final Path directory, final BooleanSupplier full) {
        final KvStore below = openStore(directory);
        return (KvStore) Proxy.newProxyInstance(
                KvStore.class.getClassLoader(), new Class<?>[] {KvStore.class}, (self, method, arguments) -> {
                    if (full.getAsBoolean() && method.getName().equals("write")) {
                        throw new KvStoreException("planted", true, null);
                    }
                    try {
                        return method.invoke(below, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    void lead() {
        for (int i = 0; i < 1000 && core().role() != Role.LEADER; i++) {
            pass(TICK_NS);
        }
        assertThat(core().role()).isEqualTo(Role.LEADER);
    }

    long nowNs() {
        return nowNs;
    }

    RaftCore core() {
        return replica.consensus().core();
    }

    @Override
    public void close() {
        replica.close();
        log.close();
        store.close();
    }

    /** Time passes, and everything there is to do is done. */
    void pass(final long ns) {
        nowNs += ns;
        int work = 1;
        while (work > 0) {
            work = replica.consensus().doWork(nowNs)
                    + replica.logSync().doWork()
                    + replica.apply().doWork();
            log.spares().doWork(nowNs);
        }
    }

    Status command(final long sessionId, final long sequence, final int kind, final String key, final int valueBytes) {
        client.request(sessionId, sequence, kind, key, valueBytes);
        return answer();
    }

    /** Linearizable. */
    Status get(final String key) {
        client.requestGet(key, GetDescriptor.READ_LINEARIZABLE);
        return answer();
    }

    private Status answer() {
        pass(TICK_NS);
        assertThat(client.replies).as("replies").isEqualTo(1);
        client.replies = 0;
        return Status.of(client.status);
    }

    long openSession() {
        assertThat(command(0, 0, CommandDescriptor.KIND_OPEN_SESSION, "", 0)).isEqualTo(Status.OK);
        return client.revision;
    }

    /** A client on connection 1; status stands first in the block of every reply that it gets. */
    static final class OneClient implements ClientTransport {
        private final ArrayDeque<DirectBuffer> requests = new ArrayDeque<>();
        private final ExpandableArrayBuffer reply = new ExpandableArrayBuffer();
        private final Set<Long> open = new HashSet<>();
        private long lastRequestId;
        int replies;
        int status;
        private long revision;

        void request(
                final long sessionId, final long sequence, final int kind, final String key, final int valueBytes) {
            final int length = FrameHeader.HEADER_LENGTH + CommandDescriptor.BLOCK_LENGTH + key.length() + valueBytes;
            final UnsafeBuffer frame = new UnsafeBuffer(new byte[length]);
            FrameWriter.putHeader(frame, length, MessageType.COMMAND, 0, FrameHeader.CLIENT_VERSION, nextRequestId());
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
            frame.putInt(command + CommandDescriptor.VALUE_LENGTH_OFFSET, valueBytes, LITTLE_ENDIAN);
            frame.putStringWithoutLengthUtf8(command + CommandDescriptor.BLOCK_LENGTH, key);
            requests.add(frame);
        }

        private long nextRequestId() {
            open.add(++lastRequestId);
            return lastRequestId;
        }

        void requestGet(final String key, final int readMode) {
            requestGet(key, readMode, 0);
        }

        void requestStaleGet(final String key, final long minRevision) {
            requestGet(key, GetDescriptor.READ_STALE, minRevision);
        }

        private void requestGet(final String key, final int readMode, final long minRevision) {
            final int length = FrameHeader.HEADER_LENGTH + GetDescriptor.BLOCK_LENGTH + key.length();
            final UnsafeBuffer frame = new UnsafeBuffer(new byte[length]);
            FrameWriter.putHeader(
                    frame,
                    length,
                    MessageType.GET,
                    GetDescriptor.BLOCK_LENGTH,
                    FrameHeader.CLIENT_VERSION,
                    nextRequestId());
            final int block = FrameHeader.HEADER_LENGTH;
            frame.putByte(block + GetDescriptor.READ_MODE_OFFSET, (byte) readMode);
            frame.putLong(block + GetDescriptor.MIN_REVISION_OFFSET, minRevision, LITTLE_ENDIAN);
            frame.putInt(block + GetDescriptor.KEY_LENGTH_OFFSET, key.length(), LITTLE_ENDIAN);
            frame.putStringWithoutLengthUtf8(block + GetDescriptor.BLOCK_LENGTH, key);
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
            final long requestId = reply.getLong(FrameHeader.REQUEST_ID_OFFSET, LITTLE_ENDIAN);
            if (requestId == FrameHeader.CONNECTION_REQUEST_ID) {
                // Concerns the connection: who leads.
                return;
            }
            assertThat(open.remove(requestId)).as("answers a request, once").isTrue();
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
